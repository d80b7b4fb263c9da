//! Real modules: all of the build list of `testdata/proxy_go/project`, a module proxy of them, and a log of their hashes.
//!
//! They are downloaded once, with the go command's ordinary settings, into a module cache below the target folder; its layout
//! is that of a module proxy. Later runs need no network.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use gosumcheck::sumdb::dirhash::h1_go_mod;
use gosumcheck::sumdb::module::{ModulePath, ModuleVersion, Version};
use tempfile::TempDir;

use crate::common::{files_below, go_command, skip};
use crate::fake::{FakeSumdb, Given, read_gosum};
use crate::kit::{Corpus, log_of};

/// Records of other modules around the real ones, so that the log has tiles on three levels.
const FILLERS: usize = 70_000;
/// The file that says for which go.sum the module cache is whole.
const WHOLE: &str = "whole-for.go.sum";

/// Real modules. What is below `tree` must not be changed: all tests have it in common.
pub struct Real {
    tree: PathBuf,
}

/// The modules, once a process; none (and a line that says so) where they cannot be had.
pub fn real() -> Option<&'static Real> {
    static REAL: OnceLock<Option<Real>> = OnceLock::new();
    REAL.get_or_init(|| {
        let go = go_command()?;
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("proxy_go/modules");
        match prepare(&go, &cache) {
            Ok(()) => Some(Real { tree: cache.join("cache/download") }),
            Err(why) => {
                skip(&why, "GOSUMCHECK_REQUIRE_GO");
                None
            }
        }
    })
    .as_ref()
}

/// Downloads what the project's build list has, and what `go mod tidy` looks at beyond it.
fn prepare(go: &Path, cache: &Path) -> Result<(), String> {
    let mark = cache.join(WHOLE);
    if fs::read_to_string(&mark).is_ok_and(|text| text == go_sum()) {
        return Ok(());
    }
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let folder = project(scratch.path());
    let ordinary = |arguments: &[&str]| {
        let mut command = Command::new(go);
        command.args(arguments).current_dir(&folder).env("GOMODCACHE", cache).env("GOWORK", "off");
        command.env("GOFLAGS", "-modcacherw -buildvcs=false");
        let ran = command.output().unwrap();
        let told = String::from_utf8_lossy(&ran.stderr);
        ran.status.success().then_some(()).ok_or_else(|| format!("go {arguments:?}: {told}"))
    };
    ordinary(&["mod", "download", "all"])?;
    fs::remove_file(folder.join("go.sum")).unwrap();
    ordinary(&["mod", "tidy"])?;
    let written = fs::read_to_string(folder.join("go.sum")).unwrap();
    if written != go_sum() {
        return Err("go mod tidy writes another go.sum than the one that is kept here".to_owned());
    }
    // Written last, and whole or not at all: another test program may be doing the same.
    let part = cache.join(format!("{WHOLE}.{}", std::process::id()));
    fs::write(&part, written).unwrap();
    fs::rename(part, mark).unwrap();
    Ok(())
}

impl Real {
    /// The module proxy as a folder.
    pub fn tree(&self) -> &Path {
        &self.tree
    }

    /// The same as a GOPROXY.
    pub fn url(&self) -> String {
        format!("file://{}", self.tree.display())
    }

    /// The files that end so, with what they are of, sorted by path.
    pub fn files(&self, end: &str) -> Vec<(ModuleVersion, PathBuf)> {
        let files = files_below(&self.tree).into_iter().filter_map(|file| Some((self.subject(&file, end)?, file)));
        files.collect()
    }

    /// The module version that a file is of.
    fn subject(&self, file: &Path, end: &str) -> Option<ModuleVersion> {
        let (module, name) = file.strip_prefix(&self.tree).unwrap().to_str()?.split_once("/@v/")?;
        let version = Version::unescape(name.strip_suffix(end)?).unwrap();
        Some(ModuleVersion::pair(ModulePath::unescape(module).unwrap(), version).unwrap())
    }

    /// The lines of all files as go.sum has them: zips by what the go command wrote of them, go.mod files by their bytes.
    pub fn lines(&self) -> String {
        let zips = self.files(".ziphash").into_iter().map(|(module, file)| {
            let hash = fs::read_to_string(file).unwrap();
            format!("{} {} {}\n", module.path(), module.version(), hash.trim())
        });
        let go_mods = self.files(".mod").into_iter().map(|(module, file)| {
            let hash = h1_go_mod(&fs::read(file).unwrap());
            format!("{} {}/go.mod h1:{hash}\n", module.path(), module.version())
        });
        zips.chain(go_mods).collect()
    }

    /// A record of each module version; where only its go.mod is here, the other hash is made up.
    pub fn records(&self) -> Vec<Given> {
        read_gosum(&self.lines())
    }

    /// A log of them among many others.
    pub fn log(&self) -> FakeSumdb {
        log_of(self.records(), FILLERS)
    }

    /// All of it in memory, to be served by a `FakeMirror`. Its own `log` is empty: take that of this.
    pub fn corpus(&self) -> Corpus {
        let corpus = Corpus::of(&[]);
        for file in files_below(&self.tree) {
            let path = file.strip_prefix(&self.tree).unwrap().to_str().unwrap();
            let ends = ["/@v/list", ".info", ".mod", ".zip"];
            if path.contains("/@v/") && ends.iter().any(|end| path.ends_with(end)) {
                corpus.publish(path, fs::read(&file).unwrap());
            }
        }
        corpus
    }

    /// A copy of its own, below `to`. Files are shared by hard links where that can be: put others in their place, and
    /// never write into one.
    pub fn copy(&self, to: &Path) -> PathBuf {
        let copy = to.join("tree");
        for file in files_below(&self.tree) {
            let to = copy.join(file.strip_prefix(&self.tree).unwrap());
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            if fs::hard_link(&file, &to).is_err() {
                fs::copy(&file, &to).unwrap();
            }
        }
        copy
    }
}

/// A copy of the project below `to`, with its go.sum.
pub fn project(to: &Path) -> PathBuf {
    let folder = to.join("hundred");
    fs::create_dir_all(&folder).unwrap();
    for entry in fs::read_dir(source()).unwrap().map(Result::unwrap) {
        fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
    }
    folder
}

/// The project's go.sum: what `go mod tidy` writes.
pub fn go_sum() -> String {
    fs::read_to_string(source().join("go.sum")).unwrap()
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/proxy_go/project")
}

/// A folder that goes away with the test.
pub fn scratch() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

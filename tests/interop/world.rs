//! How the go command and ours are run: with settings of their own, each test in a folder of its own.
//!
//! The real modules are downloaded once, with the go command's ordinary settings, into a module cache below the target
//! folder; that is itself a module proxy (its layout is that of one), and all tests take the modules from there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use tempfile::TempDir;

use super::common::go_command;
use super::fake::{FakeSumdb, Given, read_gosum};

/// Records of other modules before and after those that matter, so that the log has tiles on three levels.
const FILLERS: usize = 70_000;

/// The go command and where it gets modules and programs.
pub struct Go {
    command: PathBuf,
    modules: PathBuf,
    programs: PathBuf,
    /// compiled packages: the machine's own, so that the standard library is not compiled for every test
    compiled: String,
}

/// The go command with all modules and programs in place, once a process.
pub fn go() -> Option<&'static Go> {
    static GO: OnceLock<Option<Go>> = OnceLock::new();
    GO.get_or_init(|| {
        let command = go_command()?;
        let below = Path::new(env!("CARGO_TARGET_TMPDIR")).join("interop");
        let compiled =
            String::from_utf8(Command::new(&command).args(["env", "GOCACHE"]).output().unwrap().stdout).unwrap();
        let compiled = compiled.trim().to_owned();
        let go = Go { command, modules: below.join("modules"), programs: below.join("programs"), compiled };
        match go.prepare() {
            Ok(()) => Some(go),
            Err(why) => {
                let required = std::env::var("GOSUMCHECK_REQUIRE_GO").is_ok_and(|value| !["", "0"].contains(&&*value));
                assert!(!required, "GOSUMCHECK_REQUIRE_GO is set, but {why}");
                eprintln!("skipped: {why}");
                None
            }
        }
    })
    .as_ref()
}

impl Go {
    fn prepare(&self) -> Result<(), String> {
        for module in ["ten", "thirty"] {
            let scratch = copy_of(module);
            self.ordinary(scratch.path(), &["mod", "download", "all"])?;
        }
        fs::create_dir_all(&self.programs).unwrap();
        let to = format!("{}/", self.programs.display());
        self.ordinary(&source("xmod"), &["build", "-o", &to, "./..."])
    }

    /// Runs `go` with the machine's settings, but for where modules are kept.
    fn ordinary(&self, folder: &Path, arguments: &[&str]) -> Result<(), String> {
        let mut command = Command::new(&self.command);
        command.args(arguments).current_dir(folder).env("GOMODCACHE", &self.modules);
        command.env("GOFLAGS", "-modcacherw -buildvcs=false").env("GOWORK", "off");
        let ran = command.output().unwrap();
        let told = String::from_utf8_lossy(&ran.stderr);
        ran.status.success().then_some(()).ok_or(format!("go {arguments:?}: {told}"))
    }

    /// The program of the Go module in `folder`; what that depends on is downloaded with the machine's settings.
    pub fn build(&self, folder: &Path) -> Result<Command, String> {
        let program = self.programs.join(folder.file_name().unwrap()).with_extension(std::env::consts::EXE_EXTENSION);
        self.ordinary(folder, &["build", "-o", &program.display().to_string(), "."])?;
        Ok(Command::new(program))
    }

    /// The downloaded modules as a module proxy.
    pub fn proxy(&self) -> String {
        format!("file://{}", self.modules.join("cache/download").display())
    }

    /// A program of `xmod`.
    pub fn program(&self, name: &str) -> Command {
        Command::new(self.programs.join(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
    }
}

/// A machine of a test's own: nothing kept, no settings but these.
pub struct World {
    go: &'static Go,
    root: TempDir,
    pub proxy: String,
    pub sumdb: String,
}

impl World {
    /// `sumdb` is the GOSUMDB of both programs.
    pub fn new(go: &'static Go, sumdb: &str) -> World {
        World { go, root: scratch(), proxy: go.proxy(), sumdb: sumdb.to_owned() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// The go command's cache of what a checksum database said.
    pub fn sumdb_cache(&self, name: &str) -> PathBuf {
        self.path("modcache/cache/download/sumdb").join(name)
    }

    /// Runs `go` in `folder`.
    pub fn go(&self, folder: &Path, arguments: &[&str]) -> Output {
        self.run(Command::new(&self.go.command).args(arguments).current_dir(folder))
    }

    /// Runs our program; `data` is the data folder's name.
    pub fn gosumcheck(&self, data: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gosumcheck"));
        self.run(command.args(arguments).env("GOSUMCHECK_DATA", self.path(data)))
    }

    fn run(&self, command: &mut Command) -> Output {
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GO")) {
            if !["GOROOT", "GOSUMCHECK_DATA"].iter().any(|kept| name == **kept) {
                command.env_remove(name);
            }
        }
        let own = [("GOPATH", "gopath"), ("GOMODCACHE", "modcache"), ("HOME", "home")];
        command.envs(own.map(|(name, folder)| (name, self.path(folder))));
        command.env("GOCACHE", &self.go.compiled).env("GOENV", "off").env("GOTOOLCHAIN", "local").env("GOWORK", "off");
        command.env("GOFLAGS", "-mod=mod -modcacherw -buildvcs=false");
        command.env("GOPROXY", &self.proxy).env("GOSUMDB", &self.sumdb);
        command.output().unwrap()
    }
}

/// A folder that goes away with the test.
pub fn scratch() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// A folder of this one.
pub fn source(module: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop").join(module)
}

/// A copy of a module of this folder without its go.sum: the go command writes its own.
pub fn copy_of(module: &str) -> TempDir {
    let copy = scratch();
    for entry in fs::read_dir(source(module)).unwrap().map(Result::unwrap) {
        if entry.file_name() != "go.sum" {
            fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
    }
    copy
}

/// The go.sum that go wrote for a module of this folder.
pub fn gosum_of(module: &str) -> String {
    fs::read_to_string(source(module).join("go.sum")).unwrap()
}

/// A log with the hashes of a go.sum among those of many other modules.
pub fn log_of(gosum: &str) -> FakeSumdb {
    let filler = |n| Given::new(&format!("example.com/filler{n}"), "v1.0.0", "h1:x=", "h1:y=");
    let mut records: Vec<_> = (0..FILLERS).map(filler).collect();
    let middle = records.len() / 2;
    records.splice(middle..middle, read_gosum(gosum));
    FakeSumdb::of_records(&records)
}

/// Exit status, standard output and standard error.
pub fn told(ran: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (ran.status.code().unwrap_or(-1), text(&ran.stdout), text(&ran.stderr))
}

/// Fails unless the program ended with `code`; gives its standard output.
#[track_caller]
pub fn expect(code: i32, ran: &Output) -> String {
    let (found, out, err) = told(ran);
    assert_eq!(found, code, "stdout:\n{out}\nstderr:\n{err}");
    out
}

//! Vendor folders of real modules: what `go mod vendor` makes of twenty published ones is clean, and in each kind of file that it
//! copies whatever is done to it is named.
//!
//! The modules and what they depend on are downloaded once, with the go command's ordinary settings, into a module cache below the
//! target folder; later runs need no network. The log is made of the hashes in their own go.sum files.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::Machine;
use crate::common::{files_below, go_command, skip};
use crate::fake::{FakeSumdb, read_gosum};

/// Published modules that depend on others, small ones: libraries and programs, with sources in C and assembly, embedded files,
/// protocol buffers, and modules of every age of go.mod.
const MODULES: [&str; 20] = [
    "github.com/spf13/cobra@v1.10.2",
    "github.com/rs/zerolog@v1.34.0",
    "github.com/stretchr/testify@v1.11.1",
    "github.com/sirupsen/logrus@v1.9.3",
    "github.com/fatih/color@v1.18.0",
    "github.com/hashicorp/go-multierror@v1.1.1",
    "github.com/hashicorp/go-retryablehttp@v0.7.8",
    "github.com/urfave/cli/v2@v2.27.7",
    "github.com/gorilla/handlers@v1.5.2",
    "github.com/gorilla/sessions@v1.4.0",
    "go.uber.org/zap@v1.27.0",
    "github.com/prometheus/procfs@v0.17.0",
    "github.com/prometheus/client_model@v0.6.2",
    "github.com/alecthomas/kong@v1.12.1",
    "github.com/olekukonko/tablewriter@v0.0.5",
    "github.com/kr/pretty@v0.3.1",
    "github.com/go-logr/zapr@v1.3.0",
    "github.com/jmoiron/sqlx@v1.4.0",
    "github.com/yuin/goldmark-highlighting/v2@v2.0.0-20230729083705-37449abec8cc",
    "github.com/hashicorp/go-hclog@v1.6.3",
];

/// The vendored projects, each in a folder of its own, with their go.sum files.
struct Real {
    cache: PathBuf,
    work: tempfile::TempDir,
    projects: Vec<PathBuf>,
}

/// None (and a line that says so) where there is no go command or the modules cannot be had.
fn real() -> Option<Real> {
    let go = go_command()?;
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("artifacts/modules");
    let work = tempfile::tempdir().unwrap();
    let run = |folder: &Path, arguments: &[&str]| {
        let mut command = Command::new(&go);
        command.args(arguments).current_dir(folder).env("GOMODCACHE", &cache).env("GOWORK", "off");
        command.env("GOFLAGS", "-modcacherw -mod=mod -buildvcs=false").env("GOTOOLCHAIN", "local");
        let ran = command.output().unwrap();
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        if ran.status.success() { Ok(ran.stdout) } else { Err(format!("go {arguments:?}: {said}")) }
    };
    let mut projects = Vec::new();
    for module in MODULES {
        let project = work.path().join(projects.len().to_string());
        let vendored = run(work.path(), &["mod", "download", "-json", module]).and_then(|told| {
            let told: serde_json::Value = serde_json::from_slice(&told).unwrap();
            copy(Path::new(told["Dir"].as_str().unwrap()), &project);
            run(&project, &["mod", "vendor"])
        });
        if let Err(why) = vendored {
            skip(&why, "GOSUMCHECK_REQUIRE_GO");
            return None;
        }
        projects.push(project);
    }
    Some(Real { cache, work, projects })
}

fn copy(from: &Path, to: &Path) {
    for path in files_below(from) {
        let at = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::write(at, fs::read(path).unwrap()).unwrap();
    }
}

/// One file of each kind in a vendor folder, by what its name ends with, or by its name.
fn kinds(vendor: &Path) -> Vec<PathBuf> {
    let mut kinds = BTreeMap::new();
    for path in files_below(vendor) {
        if path.file_name().unwrap() == "modules.txt" || fs::metadata(&path).unwrap().len() == 0 {
            continue;
        }
        let kind = path.extension().or(path.file_name()).unwrap().to_owned();
        kinds.entry(kind).or_insert(path);
    }
    kinds.into_values().collect()
}

#[test]
fn vendor_folders_of_twenty_real_modules_are_clean_and_every_change_is_named() {
    let Some(Real { cache, work, projects }) = real() else { return };
    let gosums = projects.iter().map(|project| fs::read_to_string(project.join("go.sum")).unwrap());
    let log = FakeSumdb::of_records(&read_gosum(&gosums.collect::<String>()));
    let (served, mut machine) = (log.serve(), Machine::new());
    machine.set("GOSUMDB", format!("{} {}", log.vkey(), served.url())).set("GOPROXY", "off");
    machine.set("GOMODCACHE", cache.display().to_string());
    let mut seen = BTreeMap::new();
    for (module, project) in MODULES.iter().zip(&projects) {
        let vendor = project.join("vendor");
        let audit = || machine.run(&["audit", vendor.to_str().unwrap(), "--verbose"]);
        let clean = audit();
        assert!(clean.code == 0 && clean.out.contains(" verified"), "{module}: {}", clean.show());

        let files = kinds(&vendor);
        let originals: Vec<Vec<u8>> = files.iter().map(|path| fs::read(path).unwrap()).collect();
        let named = |change: &str, place: &dyn Fn(&Path) -> PathBuf, what: &str| {
            let ran = audit();
            assert_eq!(ran.code, 1, "{module}, {change}: {}", ran.show());
            for path in &files {
                let place = place(path).strip_prefix(work.path()).unwrap().display().to_string();
                let is_named = ran.out.lines().any(|line| line.contains(&format!("{place}:")) && line.contains(what));
                assert!(is_named, "{module}, {change}, {place}: {}", ran.show());
            }
            for (path, bytes) in files.iter().zip(&originals) {
                let at = place(path);
                let _ = fs::remove_file(&at);
                fs::write(path, bytes).unwrap();
                fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
            }
        };
        let here = |path: &Path| path.to_path_buf();
        // Beside it, with a name that nothing in any module has.
        let beside =
            |path: &Path| path.with_file_name(format!("added-{}", path.file_name().unwrap().to_str().unwrap()));
        for (path, bytes) in files.iter().zip(&originals) {
            let mut changed = bytes.clone();
            changed[bytes.len() / 2] ^= 1;
            fs::write(path, changed).unwrap();
        }
        named("one byte changed", &here, "was changed");
        files.iter().for_each(|path| fs::remove_file(path).unwrap());
        named("removed", &here, "is missing");
        for path in &files {
            fs::copy(path, beside(path)).unwrap();
        }
        named("added", &beside, "was added");
        files.iter().for_each(|path| fs::rename(path, beside(path)).unwrap());
        named("renamed, the new name", &beside, "was added");
        files.iter().for_each(|path| fs::rename(path, beside(path)).unwrap());
        named("renamed, the old name", &here, "is missing");
        files.iter().for_each(|path| fs::remove_file(beside(path)).unwrap());
        files.iter().for_each(|path| fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap());
        named("mode changed", &here, "was made executable");
        let again = audit();
        assert_eq!(again.code, 0, "{module}: {}", again.show());
        for path in files {
            let kind = path.extension().or(path.file_name()).unwrap().to_string_lossy().into_owned();
            *seen.entry(kind).or_insert(0) += 1;
        }
    }
    for kind in ["go", "s", "c", "h", "md", "LICENSE"] {
        assert!(seen.contains_key(kind), "no {kind} file in any of them: {seen:?}");
    }
}

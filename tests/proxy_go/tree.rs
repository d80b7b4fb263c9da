//! The real modules are whole, and the go command builds from them and their log alone.

use std::collections::HashSet;
use std::fs;

use gosumcheck::store::zipfile::ZipFile;
use gosumcheck::sumdb::dirhash::h1_zip;

use crate::kit::{FakeMirror, Machine, expect};
use crate::real::{go_sum, project, real};

/// What makes a project a large one here.
const MODULES: usize = 100;

#[test]
fn every_zip_has_the_hash_that_go_wrote() {
    let Some(real) = real() else { return };
    let zips = real.files(".zip");
    assert!(zips.len() >= MODULES, "{} zips", zips.len());
    let lines = real.lines();
    let lines: HashSet<&str> = lines.lines().collect();
    for (module, file) in &zips {
        let hash = h1_zip(&ZipFile::open(file).unwrap(), 2).unwrap();
        let line = format!("{} {} h1:{hash}", module.path(), module.version());
        assert!(lines.contains(line.as_str()), "{line}");
    }
    let wanting: Vec<_> = go_sum().lines().filter(|line| !lines.contains(line)).map(str::to_owned).collect();
    assert!(wanting.is_empty(), "{wanting:?}");
    let log = real.log();
    assert_eq!(log.find("github.com/pkg/errors", "v0.9.1").map(|id| log.record_text(id).lines().count()), Some(2));
}

/// Cold, without a go.sum: every line is proven by the log.
#[test]
fn go_builds_from_the_folder_and_the_log() {
    let Some(real) = real() else { return };
    let log = real.log();
    let served = log.serve();
    let sumdb = format!("{} {}", log.vkey(), served.url());
    let Some(machine) = Machine::new(&real.url(), &sumdb) else { return };
    let folder = project(&machine.path("."));
    fs::remove_file(folder.join("go.sum")).unwrap();
    expect(0, &machine.go(&folder, &["mod", "tidy"]));
    assert_eq!(fs::read_to_string(folder.join("go.sum")).unwrap(), go_sum());
    assert!(log.requests_for("lookup/").len() >= MODULES);
    let program = machine.path("program").display().to_string();
    expect(0, &machine.go(&folder, &["build", "-o", &program, "."]));
    expect(0, &machine.go(&folder, &["mod", "verify"]));
    let (list, _) = expect(0, &machine.go(&folder, &["list", "-m", "all"]));
    assert!(list.lines().count() > MODULES, "{list}");
}

#[test]
fn go_downloads_from_a_mirror_of_the_folder() {
    let Some(real) = real() else { return };
    let log = real.log();
    let (served, mirror) = (log.serve(), FakeMirror::serve(&real.corpus()));
    let sumdb = format!("{} {}", log.vkey(), served.url());
    let Some(machine) = Machine::new(&mirror.url(), &sumdb) else { return };
    let folder = project(&machine.path("."));
    expect(0, &machine.go(&folder, &["mod", "download", "all"]));
    assert!(mirror.count("*.zip") >= MODULES);
    assert!(mirror.requests().iter().all(|request| request.done && request.status == 200), "{:?}", mirror.requests());
}

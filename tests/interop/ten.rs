//! Ten real modules: the go command and `audit` over one log of their hashes.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;

use super::fake::FakeSumdb;
use super::world::{World, copy_of, expect, go, gosum_of, log_of, source, told};

fn sumdb(log: &FakeSumdb, url: &str) -> String {
    format!("{} {url}", log.vkey())
}

/// The paths of the lookups that `gosum` takes.
fn lookups(log: &FakeSumdb) -> usize {
    log.counts("lookup/").len()
}

#[test]
fn one_log_proves_the_same_go_sum_to_both() {
    let Some(go) = go() else { return };
    let gosum = gosum_of("ten");
    let log = log_of(&gosum);
    let served = log.serve();
    let world = World::new(go, &sumdb(&log, &served.url()));
    let module = copy_of("ten");
    expect(0, &world.go(module.path(), &["mod", "download", "all"]));
    assert_eq!(
        fs::read_to_string(module.path().join("go.sum")).unwrap(),
        gosum,
        "go writes the go.sum that is kept here"
    );
    assert_eq!(lookups(&log), gosum.lines().count() / 2, "the go command asked for every record");

    let kept = source("ten").join("go.sum").display().to_string();
    log.clear_requests();
    let out = expect(0, &world.gosumcheck("data", &["audit", &kept]));
    assert!(out.contains("one history"), "the go command's own head is compared:\n{out}");
    assert_eq!(lookups(&log), gosum.lines().count() / 2);

    // What the go command kept is a source like any other, with nobody to ask.
    drop(served);
    log.clear_requests();
    let cache = format!("file://{}", world.sumdb_cache(log.name()).display());
    let out = expect(0, &world.gosumcheck("other", &["audit", "--offline", "--sumdb-url", &cache, &kept]));
    assert!(out.contains("one history"), "{out}");
    assert!(out.contains(&gosum.lines().count().to_string()), "{out}");
    assert_eq!(log.requests().len(), 0);
}

#[test]
fn both_find_the_database_behind_a_proxy() {
    let Some(go) = go() else { return };
    let log = log_of(&gosum_of("ten"));
    let served = log.serve();
    let mut world = World::new(go, &log.vkey());
    world.proxy = format!("{},{}", served.url(), world.proxy);
    let module = copy_of("ten");
    expect(0, &world.go(module.path(), &["mod", "download", "all"]));
    let asked = lookups(&log);
    log.clear_requests();
    let written = module.path().join("go.sum").display().to_string();
    expect(0, &world.gosumcheck("data", &["audit", &written]));
    assert_eq!((lookups(&log), asked), (11, 11));
}

/// A pull request that changes a go.sum line along with the module behind it: the go command asks the database only about
/// what go.sum does not have, so it says nothing.
#[test]
fn a_poisoned_go_sum_is_found_where_go_says_nothing() {
    let Some(go) = go() else { return };
    let gosum = gosum_of("ten");
    let log = log_of(&gosum);
    let served = log.serve();
    let mut world = World::new(go, "off");
    poison(&world.proxy, &world.path("poisoned"));
    world.proxy = format!("file://{},{}", world.path("poisoned").display(), world.proxy);
    let module = copy_of("ten");
    expect(0, &world.go(module.path(), &["mod", "download", "all"]));
    let path = module.path().join("go.sum");
    let poisoned = fs::read_to_string(&path).unwrap();
    let differing: Vec<_> = gosum.lines().zip(poisoned.lines()).enumerate().filter(|(_, (a, b))| a != b).collect();
    let [(at, (true_line, line))] = differing[..] else { panic!("{differing:?}") };

    world.sumdb = sumdb(&log, &served.url());
    for arguments in [&["mod", "verify"][..], &["mod", "download", "all"], &["build", "./..."]] {
        let (code, _, err) = told(&world.go(module.path(), arguments));
        assert!(code == 0 && !err.contains("SECURITY"), "go {arguments:?}: {err}");
    }
    assert_eq!(log.requests().len(), 0, "the go command did not ask");

    let ran = world.gosumcheck("data", &["audit", &path.display().to_string()]);
    let out = expect(1, &ran);
    let hash = |line: &str| line.split(' ').nth(2).unwrap().to_owned();
    for needle in ["DIFFERS", "github.com/pkg/errors", &hash(line), &hash(true_line), &format!("{}", at + 1)] {
        assert!(out.contains(needle), "{needle} in\n{out}");
    }
}

/// A proxy with a changed github.com/pkg/errors.
fn poison(proxy: &str, to: &Path) {
    let below = "github.com/pkg/errors/@v";
    let from = Path::new(proxy.strip_prefix("file://").unwrap()).join(below);
    let to = to.join(below);
    fs::create_dir_all(&to).unwrap();
    for end in ["info", "mod"] {
        fs::copy(from.join(format!("v0.9.1.{end}")), to.join(format!("v0.9.1.{end}"))).unwrap();
    }
    let mut original = zip::ZipArchive::new(fs::File::open(from.join("v0.9.1.zip")).unwrap()).unwrap();
    let mut changed = zip::ZipWriter::new(fs::File::create(to.join("v0.9.1.zip")).unwrap());
    for at in 0..original.len() {
        let mut entry = original.by_index(at).unwrap();
        let name = entry.name().unwrap().into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        if name.ends_with("/errors.go") {
            bytes.extend_from_slice(b"\nfunc init() { println(\"a back door\") }\n");
        }
        changed.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        changed.write_all(&bytes).unwrap();
    }
    changed.finish().unwrap();
}

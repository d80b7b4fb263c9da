//! Folders as sources: what they do not hold says nothing about the log. And a log's tiles in other widths.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use gosumcheck::database::Answer;
use gosumcheck::sumdb::module::ModuleVersion;

use super::fake::FakeSumdb;
use super::world::{World, ask, assert_unavailable, is_not_held};

const IDS: [u64; 4] = [0, 700, 65_536, 69_999];

/// Lays the files out as the go command's cache has them.
pub fn write_tree(root: &Path, files: &BTreeMap<String, Vec<u8>>) {
    for (path, bytes) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

/// A log, and everything that proves `IDS` as files.
fn held() -> (FakeSumdb, BTreeMap<String, Vec<u8>>) {
    let log = FakeSumdb::synthetic(70_000, 3);
    let world = World::new(&log);
    world.prove(&[&log.serve().url()], &IDS);
    let files = world.cached();
    (log, files)
}

fn url(root: &Path) -> String {
    format!("file://{}", root.display())
}

#[test]
fn a_tree_proves_what_it_holds_and_denies_nothing() {
    let (log, files) = held();
    let tree = tempfile::tempdir().unwrap();
    write_tree(tree.path(), &files);
    let world = World::new(&log);
    let answers = world.ask(&[&url(tree.path())], &[0, 1, 700, 65_536, 69_999]);
    assert!(is_not_held(&answers[1]), "{:?}", answers[1]);
    world.assert_proven(700, &answers[2]);
    assert!(world.cached() == files);
}

#[test]
fn each_file_that_is_missing_is_not_held() {
    let (log, files) = held();
    for path in files.keys() {
        let mut fewer = files.clone();
        fewer.remove(path);
        let tree = tempfile::tempdir().unwrap();
        write_tree(tree.path(), &fewer);
        let world = World::new(&log);
        let answers = world.ask(&[&url(tree.path())], &IDS);
        let lost = answers.iter().filter(|answer| is_not_held(answer)).count();
        assert!(lost > 0, "{path}: {answers:?}");
        assert!(answers.iter().all(|answer| is_not_held(answer) || matches!(answer, Answer::Found(_))), "{answers:?}");
        world.assert_cache_is_honest();
    }
}

#[test]
fn not_in_the_log_is_said_by_a_database_only() {
    let (log, _) = held();
    let world = World::new(&log);
    let tree = tempfile::tempdir().unwrap();
    let nobody = [ModuleVersion::new("example.com/nobody", "v1.0.0").unwrap()];
    let served = log.serve();
    let by = |bases: &[&str]| ask(&world.database(bases), &nobody).unwrap().answers.remove(0);
    let Answer::NotInLog { by: who } = by(&[&served.url()]) else { panic!() };
    assert!(who[0].contains(&served.url()) && who[0].contains("404"), "{who:?}");
    assert!(is_not_held(&by(&[&url(tree.path())])));
    assert!(is_not_held(&by(&[])));
    let Answer::NotInLog { by: who } = by(&[&url(tree.path()), &served.url()]) else { panic!() };
    assert_eq!(who.len(), 2, "{who:?}");
    for status in [429, 500, 403, 204] {
        log.clear_faults();
        log.fault(&format!("status:{status}:lookup/*"));
        for bases in [vec![served.url()], vec![url(tree.path()), served.url()]] {
            let bases: Vec<&str> = bases.iter().map(String::as_str).collect();
            let answer = world.ask(&bases, &[0]).remove(0);
            assert_unavailable(&answer, &served.url());
            assert_unavailable(&answer, &status.to_string());
        }
    }
    // A server that fails may be the one that has it.
    log.clear_faults();
    let failing = log.serve();
    let dead = failing.url();
    drop(failing);
    assert_unavailable(&by(&[&served.url(), &dead]), &dead);
    assert_unavailable(&by(&[&dead, &served.url()]), &dead);
    assert_eq!(world.cached().len(), 0);
}

#[test]
fn a_folder_that_is_not_there_has_failed() {
    let (log, _) = held();
    let answers = World::new(&log).ask(&["file:///nonexistent/tree"], &[0]);
    assert_unavailable(&answers[0], "/nonexistent/tree");
}

/// A log may drop a partial tile once the full one exists (C2SP tlog-tiles); a cache may have met a wider one only.
#[test]
fn a_partial_tile_is_read_from_a_wider_one() {
    let (log, files) = held();
    let edge: Vec<String> = files.keys().filter(|path| path.contains(".p/")).cloned().collect();
    assert_eq!(edge.len(), 3);
    let big = FakeSumdb::synthetic(200_000, 3);
    for wider in [true, false] {
        let mut wide = files.clone();
        for path in &edge {
            wide.remove(path);
            let (full, width) = path.split_once(".p/").unwrap();
            let width: u64 = width.parse().unwrap();
            let other = if wider { format!("{full}.p/{}", width + 1) } else { full.to_owned() };
            // The highest tile of the larger log is not full either: there a wider one must do.
            let found = big.honest(&other).map(|bytes| (other, bytes));
            let (name, bytes) = found.unwrap_or_else(|| {
                (format!("{full}.p/{}", width + 1), big.honest(&format!("{full}.p/{}", width + 1)).unwrap())
            });
            wide.insert(name, bytes);
        }
        let tree = tempfile::tempdir().unwrap();
        write_tree(tree.path(), &wide);
        let world = World::new(&log);
        world.prove(&[&url(tree.path())], &IDS);
        assert!(world.cached() == files);
    }
}

#[test]
fn a_partial_tile_that_is_gone_is_cut_from_the_full_one() {
    let small = FakeSumdb::synthetic(70_000, 3);
    let log = FakeSumdb::synthetic(200_000, 3);
    let served = log.serve();
    log.fault("stale:70000:lookup/*");
    log.fault("status:404:tile/8/0/273.p/112");
    log.fault("status:410:tile/8/1/001.p/17");
    let world = World::new(&log);
    world.prove(&[&served.url()], &IDS);
    assert_eq!(world.head().unwrap(), small.head(70_000));
    world.assert_cache_is_honest();
    log.clear_requests();
    world.prove(&[&served.url()], &IDS);
    assert_eq!(log.requests(), []);
    // A false full tile proves nothing either.
    log.fault("flip:tile/8/0/273:0");
    let answers = World::new(&log).ask(&[&served.url()], &IDS);
    answers.iter().for_each(|answer| super::world::assert_refused(answer, &served.url()));
}

#[test]
fn what_one_folder_lacks_another_gives() {
    let (log, files) = held();
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write_tree(one.path(), &files.iter().step_by(2).map(|(path, bytes)| (path.clone(), bytes.clone())).collect());
    write_tree(two.path(), &files);
    let world = World::new(&log);
    world.prove(&[&url(one.path()), &url(two.path())], &IDS);
    assert!(world.cached() == files);
}

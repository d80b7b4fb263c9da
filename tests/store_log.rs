//! The full log on disk: what is appended is served again, tile by tile, of every tree up to the committed head.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions, reason = "a panic is a failed test")]

#[path = "../examples/fakelog/fake/mod.rs"]
mod fake;

use fake::FakeSumdb;
use gosumcheck::store::{Folder, Log};
use gosumcheck::sumdb::checkpoint::{Checkpoint, Policy, Tree};
use gosumcheck::sumdb::hash::leaf_hashes;
use gosumcheck::sumdb::note::VerifierKey;
use gosumcheck::sumdb::tile::TilePath;

fn policy(db: &FakeSumdb) -> Policy {
    Policy::log(VerifierKey::parse(&db.vkey()).unwrap())
}

/// Appends what the database has from `from` to `to`, in runs of `run` records, and commits.
fn grow(log: &Log, db: &FakeSumdb, committed: Tree, to: u64, run: usize) -> Checkpoint {
    let mut writer = log.writer(committed).unwrap();
    let texts: Vec<String> = (committed.size..to).map(|id| db.record_text(id)).collect();
    let records: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
    for records in records.chunks(run) {
        writer.append(records, &leaf_hashes(records)).unwrap();
    }
    let head = Checkpoint::open(db.head(to).as_bytes(), &policy(db)).unwrap();
    writer.commit(&head).unwrap();
    head
}

#[test]
fn every_tile_of_every_tree_is_a_slice() {
    let db = FakeSumdb::synthetic(1000, 7);
    let root = tempfile::tempdir().unwrap();
    let log = Folder::open(root.path()).unwrap().log(&db.name()).unwrap();
    let mut committed = Tree::EMPTY;
    for size in [1, 2, 255, 256, 257, 600, 768, 1000] {
        committed = grow(&log, &db, committed, size, 100).tree();
        assert_eq!(log.head().unwrap().unwrap(), db.head(size).as_bytes());
        let snapshot = log.snapshot(committed).unwrap();
        for id in 0..size {
            assert_eq!(snapshot.record(id).unwrap().unwrap(), db.record_text(id).as_bytes(), "record {id} of {size}");
        }
        for end in 1..=size {
            let (index, width) = ((end - 1) / 256, (end - 1) % 256 + 1);
            let part = if width == 256 { String::new() } else { format!(".p/{width}") };
            for (kind, level) in [("data", "data"), ("hashes", "0")] {
                let path = format!("tile/8/{level}/{index:03}{part}");
                let found = match TilePath::parse(&path).unwrap() {
                    TilePath::Data(tile) => snapshot.data_tile(&tile),
                    TilePath::Hashes(tile) => snapshot.hash_tile(&tile),
                };
                assert_eq!(found.unwrap().unwrap(), db.honest(&path).unwrap(), "{kind} {path} of {size}");
            }
        }
        assert_eq!(snapshot.record(size).unwrap(), None);
        assert_eq!(snapshot.leaf(size).unwrap(), None);
    }
}

#[test]
fn its_files_are_given_as_far_as_they_belong_to_the_tree() {
    let db = FakeSumdb::synthetic(700, 7);
    let root = tempfile::tempdir().unwrap();
    let log = Folder::open(root.path()).unwrap().log(&db.name()).unwrap();
    let old = grow(&log, &db, Tree::EMPTY, 300, 100).tree();
    let snapshot = log.snapshot(old).unwrap();
    grow(&log, &db, old, 700, 100);
    let len = |name: &str| snapshot.file(name).map(|(_, len)| len);
    assert_eq!(len("records"), Some(snapshot.records_len()));
    assert_eq!([len("offsets"), len("hashes.0"), len("hashes.1")], [Some(16), Some(300 * 32), Some(32)]);
    for name in ["hashes.2", "hashes.01", "hashes.", "hashes.-1", "heads", "head", "", "../records"] {
        assert_eq!(len(name), None, "{name}");
    }
    assert_eq!(log.index_path(), log.dir().join("index.sqlite"));
}

#[test]
fn every_committed_note_is_in_heads_and_a_torn_one_is_not() {
    let db = FakeSumdb::synthetic(700, 7);
    let root = tempfile::tempdir().unwrap();
    let log = Folder::open(root.path()).unwrap().log(&db.name()).unwrap();
    assert_eq!(log.heads().unwrap(), Vec::<Vec<u8>>::new());
    let mut committed = Tree::EMPTY;
    for size in [5, 300, 700] {
        committed = grow(&log, &db, committed, size, 100).tree();
    }
    let notes = [5, 300, 700].map(|size| db.head(size).into_bytes());
    assert_eq!(log.heads().unwrap(), notes);
    let whole = std::fs::read(log.dir().join("heads")).unwrap();
    for len in 0..whole.len() {
        std::fs::write(log.dir().join("heads"), &whole[..len]).unwrap();
        let found = log.heads().unwrap();
        assert!(found.len() < 3 && notes.starts_with(&found), "cut to {len} bytes");
    }
}

#[test]
fn forks_size_and_writability_are_told() {
    let root = tempfile::tempdir().unwrap();
    let folder = Folder::open(&root.path().join("data")).unwrap();
    let log = folder.log("localhost.localdev/sumdb").unwrap();
    assert_eq!((log.forks().unwrap(), log.disk_bytes().unwrap()), (Vec::new(), 0));
    log.check_writable().unwrap();
    assert!(!log.dir().exists(), "looking makes no log");
    let saved = folder.save_evidence("localhost.localdev/sumdb", "SECURITY ERROR\n").unwrap();
    std::fs::write(saved.parent().unwrap().join("refused-1.txt"), "x").unwrap();
    assert_eq!((log.forks().unwrap(), log.disk_bytes().unwrap()), (vec![saved], 16));
    log.check_writable().unwrap();
    assert_eq!(log.disk_bytes().unwrap(), 16);
    assert_eq!(folder.log("localhost.localdev").unwrap().disk_bytes().unwrap(), 0);
    std::fs::remove_dir_all(log.dir()).unwrap();
    std::fs::write(log.dir(), "in the way").unwrap();
    assert!(log.forks().is_err() && log.disk_bytes().is_err());
}

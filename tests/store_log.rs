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

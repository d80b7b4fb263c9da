//! Every tile of every tree is a slice of a file; what a log tells about itself.

use gosumcheck::store::{Folder, Log};
use gosumcheck::sumdb::checkpoint::Tree;
use gosumcheck::sumdb::tile::TilePath;

use crate::world::{WORLD, folder};

/// Appends what the database has after the committed head, in runs of `run` records, and commits.
fn grow(log: &Log, to: u64, run: usize) -> Tree {
    let mut writer = log.writer(WORLD.committed(log).unwrap()).unwrap();
    WORLD.append(&mut writer, to, run).unwrap();
    writer.commit(&WORLD.head(to)).unwrap();
    WORLD.committed(log).unwrap()
}

#[test]
fn every_tile_of_every_tree_is_a_slice() {
    let db = &WORLD.db;
    let root = folder();
    let log = WORLD.quick_log(root.path());
    for size in [1, 2, 255, 256, 257, 600, 768, 1000] {
        let committed = grow(&log, size, 100);
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
    let root = folder();
    let log = WORLD.quick_log(root.path());
    let old = grow(&log, 300, 100);
    let snapshot = log.snapshot(old).unwrap();
    grow(&log, 700, 100);
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
    let root = folder();
    let log = WORLD.quick_log(root.path());
    assert_eq!(log.heads().unwrap(), Vec::<Vec<u8>>::new());
    for size in [5, 300, 700] {
        grow(&log, size, 100);
    }
    let notes = [5, 300, 700].map(|size| WORLD.db.head(size).into_bytes());
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
    let root = folder();
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

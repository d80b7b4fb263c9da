//! What is wrong with the files of a log is recognised at start and named, and nothing is written over it.

use std::fs::{self, File};
use std::path::Path;

use gosumcheck::fault::Fault;
use gosumcheck::store::Log;

use crate::fake::FakeSumdb;
use crate::world::{WORLD, World, assert_same, content, folder};

/// A log of 700 records, in a folder that lives as long as the first of the two.
pub(crate) fn seven_hundred() -> (tempfile::TempDir, Log) {
    let root = folder();
    let log = WORLD.quick_log(root.path());
    WORLD.sync(&log, &[300, 700]).unwrap();
    (root, log)
}

/// What a start says: the reader's, and the writer's.
pub(crate) fn start(log: &Log) -> [Result<(), Fault>; 2] {
    let committed = || WORLD.committed(log);
    let read = committed().and_then(|tree| log.snapshot(tree)).map(drop);
    [read, committed().and_then(|tree| log.writer(tree)).map(drop)]
}

/// After `damage`, reader and writer refuse, with all of `words`, and leave everything as it is.
fn refused(what: &str, words: &[&str], damage: impl Fn(&Path)) {
    let (_root, log) = seven_hundred();
    damage(log.dir());
    let before = content(log.dir());
    for fault in start(&log).map(Result::unwrap_err) {
        let text = fault.to_string();
        assert!(words.iter().all(|word| text.contains(word)), "{what}: {text}");
        assert_eq!(fault.exit_code(), 2, "{what}");
    }
    assert_same(&content(log.dir()), &before, what);
}

/// Cuts a file to this many bytes, or makes it longer.
fn cut(path: &Path, len: u64) {
    File::options().write(true).open(path).unwrap().set_len(len).unwrap();
}

/// Flips a bit of the byte so far from the end.
fn flip(path: &Path, from_end: usize) {
    let mut bytes = fs::read(path).unwrap();
    let at = bytes.len() - from_end;
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_file_that_was_cut_off_is_named() {
    for (name, len) in [("records", 10), ("offsets", 23), ("hashes.0", 700 * 32 - 1), ("hashes.1", 63), ("hashes.0", 0)]
    {
        let words = [name, "it was cut off; restore it from a backup, or move the folder", "and sync again"];
        refused(&format!("{name} of {len} bytes"), &words, |dir| cut(&dir.join(name), len));
    }
    let last = ["records: data tile 2 is damaged or cut off", "gosumcheck verify"];
    refused("one byte of records", &last, |dir| {
        let len = dir.join("records").metadata().unwrap().len();
        cut(&dir.join("records"), len - 1);
    });
}

#[test]
fn a_file_that_is_missing_or_a_folder_is_named() {
    for name in ["records", "offsets", "hashes.0", "hashes.1"] {
        refused(&format!("no {name}"), &[name, "is missing", "restore it from a backup"], |dir| {
            fs::remove_file(dir.join(name)).unwrap();
        });
        refused(&format!("folder {name}"), &[name, "is not a file", "move it away"], |dir| {
            fs::remove_file(dir.join(name)).unwrap();
            fs::create_dir(dir.join(name)).unwrap();
        });
    }
}

#[test]
fn damage_at_the_end_is_found_at_start() {
    let edge = "the hashes at the right edge are not those of the committed head (700 records";
    refused("hashes.0", &[edge], |dir| flip(&dir.join("hashes.0"), 5));
    refused("hashes.1", &[edge], |dir| flip(&dir.join("hashes.1"), 40));
    refused("the last record", &["data tile 2 is damaged"], |dir| flip(&dir.join("records"), 5));
    refused("an earlier record of the last tile", &["data tile 2 is damaged"], |dir| {
        flip(&dir.join("records"), 20_000)
    });
    for (from_end, word) in [(1, "offsets"), (8, "data tile 2 is damaged")] {
        // Its most significant byte makes it larger than the file, its least one moves the tile.
        let words: &[&str] = if from_end == 1 { &["records", "it was cut off"] } else { &[word] };
        refused("the last offset", words, |dir| flip(&dir.join("offsets"), from_end));
    }
    refused("zeros", &["data tile 2 is damaged"], |dir| {
        let mut bytes = fs::read(dir.join("records")).unwrap();
        let from = bytes.len() - 4096;
        bytes[from..].fill(0);
        fs::write(dir.join("records"), bytes).unwrap();
    });
}

#[test]
fn damage_at_the_end_is_found_where_the_last_tile_is_full() {
    for (name, from_end, words) in [
        ("hashes.0", 5, "right edge"),
        ("records", 5, "data tile 1 is damaged"),
        ("offsets", 8, "records: has "),
        ("offsets", 1, "it was cut off"),
        ("offsets", 16, "data tile 1 is damaged"),
        ("offsets", 9, "offsets: the place of data tile 1 makes no sense"),
    ] {
        let root = folder();
        let log = WORLD.quick_log(root.path());
        WORLD.sync(&log, &[512]).unwrap();
        flip(&log.dir().join(name), from_end);
        for text in start(&log).map(|result| result.unwrap_err().to_string()) {
            assert!(text.contains(words), "{name}: {text}");
        }
    }
}

#[test]
fn a_lost_head_is_no_first_sync() {
    let words = ["head: is missing, though `heads` beside it has bytes", "put the last note of the file `heads` there"];
    refused("no head", &words, |dir| fs::remove_file(dir.join("head")).unwrap());
    refused("only records", &["head: is missing, though `records` beside it has bytes"], |dir| {
        for name in ["head", "heads"] {
            fs::remove_file(dir.join(name)).unwrap();
        }
    });
    refused("empty head", &["head: is empty or not a file", "`heads`"], |dir| fs::write(dir.join("head"), "").unwrap());
    refused("folder head", &["head: is empty or not a file"], |dir| {
        fs::remove_file(dir.join("head")).unwrap();
        fs::create_dir(dir.join("head")).unwrap();
    });
    refused("progress of a later sync", &["head: is missing"], |dir| {
        fs::remove_file(dir.join("head")).unwrap();
        fs::write(dir.join("progress"), "512 300\n").unwrap();
    });

    // What it says to do helps.
    let (_root, log) = seven_hundred();
    fs::remove_file(log.dir().join("head")).unwrap();
    fs::write(log.dir().join("head"), log.heads().unwrap().last().unwrap()).unwrap();
    WORLD.sync(&log, &[1100]).unwrap();
    assert_same(&content(log.dir()), &WORLD.undisturbed(&[300, 700, 1100]), "restored");
}

#[test]
fn a_head_that_is_not_of_these_files_is_named() {
    refused("a newer head", &["hashes.0", "has 22400 bytes where the committed head needs 35200"], |dir| {
        fs::write(dir.join("head"), WORLD.db.head(1100)).unwrap();
    });
    // The same key, and another history.
    let other = FakeSumdb::synthetic(1200, 7);
    other.fork(5);
    assert_eq!(other.vkey(), WORLD.db.vkey());
    assert_ne!(other.root(700), WORLD.db.root(700));
    refused("a forked head", &["the hashes at the right edge are not those of the committed head"], |dir| {
        fs::write(dir.join("head"), other.head(700)).unwrap();
    });

    let (_root, log) = seven_hundred();
    for committed in [WORLD.head(300).tree(), WORLD.head(0).tree(), World::new(700, 8).head(700).tree()] {
        let text = log.writer(committed).unwrap_err().to_string();
        assert!(text.contains("head: is not about the") && text.contains("another process has committed"), "{text}");
    }
}

#[test]
fn longer_files_are_fine_and_cut_off_by_the_next_commit() {
    let (_root, log) = seven_hundred();
    for name in ["records", "offsets", "hashes.0", "hashes.1"] {
        let path = log.dir().join(name);
        let longer = [fs::read(&path).unwrap(), vec![b'\n'; 100_000]].concat();
        fs::write(path, longer).unwrap();
    }
    assert!(start(&log).iter().all(Result::is_ok));
    WORLD.sync(&log, &[768]).unwrap();
    assert_same(&content(log.dir()), &WORLD.undisturbed(&[300, 700, 768]), "longer");
}

#[test]
fn heads_is_healed_and_its_damage_is_named() {
    let undisturbed = WORLD.undisturbed(&[300, 700, 768]);
    // Lost: the committed head is in it again.
    let (_root, log) = seven_hundred();
    fs::remove_file(log.dir().join("heads")).unwrap();
    WORLD.sync(&log, &[768]).unwrap();
    assert_eq!(log.heads().unwrap(), [700, 768].map(|size| WORLD.db.head(size).into_bytes()));
    // Torn at every byte of the last entry, or with zeros there.
    let (_root, log) = seven_hundred();
    let heads = fs::read(log.dir().join("heads")).unwrap();
    let last = WORLD.db.head(700).len() + 1;
    for cut in 0..=last {
        for zeros in [0, 10, 5000] {
            let (_root, log) = seven_hundred();
            let torn = [&heads[..heads.len() - cut], &vec![0; zeros]].concat();
            fs::write(log.dir().join("heads"), torn).unwrap();
            let found = log.heads().unwrap().len();
            assert_eq!(found, if cut == 0 { 2 } else { 1 }, "{cut} bytes torn off, {zeros} zeros");
            WORLD.sync(&log, &[768]).unwrap();
            assert_same(&content(log.dir()), &undisturbed, &format!("{cut} bytes torn off, {zeros} zeros"));
        }
    }
    // A crash does not damage anything before the last entry.
    flip(&log.dir().join("heads"), heads.len());
    let before = content(log.dir());
    let text = log.heads().unwrap_err().to_string();
    assert!(text.contains("heads: is damaged at byte 0") && text.contains("backup"), "{text}");
    let text = WORLD.sync(&log, &[768]).unwrap_err().to_string();
    assert!(text.contains("heads: is damaged at byte 0"), "{text}");
    assert_eq!((&content(log.dir())["heads"], &content(log.dir())["head"]), (&before["heads"], &before["head"]));
    // A note whose signature line is damaged does not take the one after it along.
    let heads = String::from_utf8(heads).unwrap().replacen("— ", "- ", 1);
    fs::write(log.dir().join("heads"), heads).unwrap();
    let text = log.heads().unwrap_err().to_string();
    assert!(text.contains("heads: is damaged at byte 0"), "{text}");
}

#[test]
fn progress_of_a_first_sync_does_not_outlive_it() {
    let (_root, log) = seven_hundred();
    // As when it could not be removed after the commit.
    fs::write(log.dir().join("progress"), "512 0\n").unwrap();
    log.writer(WORLD.head(700).tree()).unwrap();
    assert!(!log.dir().join("progress").exists());
    fs::remove_file(log.dir().join("head")).unwrap();
    assert!(log.head().unwrap_err().to_string().contains("is lost"));
}

#[test]
fn progress_that_makes_no_sense_is_ignored() {
    for text in ["", "x", "768\n", "768 0\n", "701 700\n", "99999999999999999999 0\n", "512 300\n"] {
        let (_root, log) = seven_hundred();
        fs::write(log.dir().join("progress"), text).unwrap();
        assert_eq!(log.writer(WORLD.head(700).tree()).unwrap().tree().size, 700, "{text:?}");
        WORLD.sync(&log, &[768]).unwrap();
        assert_same(&content(log.dir()), &WORLD.undisturbed(&[300, 700, 768]), text);
    }
}

//! What is wrong around a log: another writer, things in its way, a full disk, one that can only be read. All of it is named, and
//! the committed log can be read meanwhile.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;

use gosumcheck::store::Folder;
use gosumcheck::store::disk::Disk;
use gosumcheck::store::failing::{FailingDisk, Moment, Then};

use crate::damage::{seven_hundred, start};
use crate::world::{WORLD, assert_same, content, folder};

#[test]
fn a_second_writer_is_refused_and_a_reader_is_not() {
    let (root, log) = seven_hundred();
    let held = log.writer(WORLD.head(700).tree()).unwrap();
    let again = WORLD.quick_log(root.path());
    let [read, write] = start(&again);
    read.unwrap();
    let text = write.unwrap_err().to_string();
    assert!(text.contains("lock: another process is writing this log"), "{text}");
    drop(held);
    again.writer(WORLD.head(700).tree()).unwrap();
}

#[test]
fn things_in_the_way_are_named() {
    let root = folder();
    let log = WORLD.quick_log(root.path());
    fs::create_dir_all(log.dir().parent().unwrap()).unwrap();
    fs::write(log.dir(), "a file").unwrap();
    let text = log.writer(WORLD.head(0).tree()).unwrap_err().to_string();
    assert!(text.contains("move it away"), "{text}");

    for name in ["lock", "heads", "records", "hashes.0"] {
        let root = folder();
        let log = WORLD.quick_log(root.path());
        fs::create_dir_all(log.dir().join(name).join("below")).unwrap();
        let text = WORLD.sync(&log, &[700]).unwrap_err().to_string();
        assert!(text.contains(name), "{name}: {text}");
        assert_eq!(log.head().map_err(|fault| fault.to_string()), Ok(None), "{name}");
    }
}

#[test]
fn a_full_disk_leaves_the_head_and_goes_on_when_space_returns() {
    let (root, _) = seven_hundred();
    let disk = Arc::new(FailingDisk::new(0, Moment::Torn, Then::Dead));
    let log = WORLD.log(&Folder::open_on(root.path(), Box::new(disk)).unwrap());
    let text = WORLD.sync(&log, &[1100]).unwrap_err().to_string();
    assert!(text.contains("no storage space; free some space"), "{text}");
    let text = log.check_writable().unwrap_err().to_string();
    assert!(text.contains("free some space"), "{text}");
    assert_eq!(WORLD.committed(&log).unwrap().size, 700);
    start(&log)[0].as_ref().unwrap();
    let log = WORLD.quick_log(root.path());
    log.check_writable().unwrap();
    WORLD.sync(&log, &[1100]).unwrap();
    assert_same(&content(log.dir()), &WORLD.undisturbed(&[300, 700, 1100]), "space returned");
}

/// A disk that can only be read.
#[derive(Debug)]
struct ReadOnly;

fn denied<T>() -> io::Result<T> {
    Err(io::ErrorKind::ReadOnlyFilesystem.into())
}

impl Disk for ReadOnly {
    fn create_folder(&self, _: &Path) -> io::Result<()> {
        denied()
    }
    fn write_new(&self, _: &Path, _: &[u8], _: bool) -> io::Result<()> {
        denied()
    }
    fn open(&self, _: &Path) -> io::Result<File> {
        denied()
    }
    fn write_at(&self, _: &File, _: &[u8], _: u64) -> io::Result<()> {
        denied()
    }
    fn truncate(&self, _: &File, _: u64) -> io::Result<()> {
        denied()
    }
    fn sync(&self, _: &File) -> io::Result<()> {
        denied()
    }
    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        denied()
    }
    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        denied()
    }
    fn remove(&self, _: &Path) -> io::Result<()> {
        denied()
    }
    fn remove_folder(&self, _: &Path) -> io::Result<()> {
        denied()
    }
}

#[test]
fn a_disk_that_can_only_be_read_is_read() {
    let (root, log) = seven_hundred();
    let before = content(log.dir());
    let log = WORLD.log(&Folder::open_on(root.path(), Box::new(ReadOnly)).unwrap());
    let [read, write] = start(&log);
    read.unwrap();
    let told = [write.unwrap_err(), log.check_writable().unwrap_err()];
    for text in told.map(|fault| fault.to_string()) {
        assert!(text.contains("keep the data on a disk that can be written, with --data"), "{text}");
    }
    assert_same(&content(log.dir()), &before, "read only");
}

//! Bytes on their way: they are gone on with after a restart, and two who bring one file never share a place.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use gosumcheck::store::Folder;
use gosumcheck::store::disk::{Disk, RealDisk};
use gosumcheck::store::modules::Provenance;
use gosumcheck::sumdb::dirhash::ReadAt as _;
use gosumcheck::sumdb::gosum::Kind;

use crate::world::{BYTES, admit, arrived, hash, judge, mixed, module, modules, names, recorded};

#[test]
fn what_arrived_before_is_gone_on_with() {
    let root = tempfile::tempdir().unwrap();
    let (first, rest) = BYTES.split_at(30);
    drop(arrived(&modules(root.path()), &mixed(), Kind::Zip, first));

    let modules = modules(root.path());
    assert_eq!(modules.arrival(&mixed(), Kind::GoMod).unwrap().len(), 0);
    assert_eq!(modules.arrival(&module("example.com/Mixed/m@v1.0.0"), Kind::Zip).unwrap().len(), 0);
    let mut arrival = modules.arrival(&mixed(), Kind::Zip).unwrap();
    assert!(arrival.resumed());
    assert_eq!((arrival.len(), arrival.read().unwrap()), (30, first.to_vec()));
    arrival.append(rest).unwrap();
    let zip = arrival.zip().unwrap();
    assert_eq!(zip.size(), BYTES.len() as u64);
    assert_eq!(modules.admit(arrival, &hash(BYTES), &recorded()).unwrap().read().unwrap(), BYTES);
    let again = modules.arrival(&mixed(), Kind::Zip).unwrap();
    assert!(again.len() == 0 && !again.resumed());
}

#[test]
fn what_arrived_long_ago_was_thrown_away_or_came_to_nothing_is_not() {
    let root = tempfile::tempdir().unwrap();
    let modules = modules(root.path());
    let tmp = root.path().join("tmp");
    drop(arrived(&modules, &mixed(), Kind::Zip, BYTES));
    let left = tmp.join(&names(&tmp)[0]);
    let old = SystemTime::now() - Duration::from_secs(2 * 60 * 60);
    File::options().write(true).open(&left).unwrap().set_modified(old).unwrap();
    let arrival = modules.arrival(&mixed(), Kind::Zip).unwrap();
    assert!(arrival.len() == 0 && !arrival.resumed());
    drop(arrival);
    assert_eq!(names(&tmp), [""; 0]);

    arrived(&modules, &mixed(), Kind::Zip, BYTES).discard();
    assert_eq!(names(&tmp), [""; 0]);

    drop(arrived(&modules, &mixed(), Kind::Zip, BYTES));
    let mut arrival = modules.arrival(&mixed(), Kind::Zip).unwrap();
    arrival.restart().unwrap();
    assert!(arrival.len() == 0 && !arrival.resumed());
    arrival.append(b"other").unwrap();
    assert_eq!(modules.admit(arrival, &hash(b"other"), &recorded()).unwrap().read().unwrap(), b"other");
}

#[test]
fn two_arrivals_of_one_file_never_share_it() {
    let root = tempfile::tempdir().unwrap();
    let one = modules(root.path());
    let two = modules(root.path());
    let mut first = one.arrival(&mixed(), Kind::Zip).unwrap();
    first.append(b"first").unwrap();
    let mut second = two.arrival(&mixed(), Kind::Zip).unwrap();
    assert_eq!(second.len(), 0);
    second.append(b"second").unwrap();
    assert_eq!((first.read().unwrap(), second.read().unwrap()), (b"first".to_vec(), b"second".to_vec()));

    // Who comes second finds it there, if it is the same, and keeps it.
    second.restart().unwrap();
    second.append(b"first").unwrap();
    let admitted = one.admit(first, &hash(b"first"), &recorded()).unwrap();
    let kept = two.admit(second, &hash(b"first"), &recorded()).unwrap();
    assert_eq!(kept.modified(), admitted.modified());
    assert_eq!(names(&root.path().join("tmp")), [""; 0]);
    assert_eq!(judge(root.path(), ""), 1);
}

#[test]
fn something_else_in_the_place_of_an_arrival_is_left_alone() {
    let root = tempfile::tempdir().unwrap();
    let modules = modules(root.path());
    let tmp = root.path().join("tmp");
    drop(arrived(&modules, &mixed(), Kind::Zip, b"x"));
    let place = tmp.join(&names(&tmp)[0]);
    let other = root.path().join("precious");
    fs::write(&other, "precious").unwrap();
    for plant in [
        |_: &PathBuf, at: &PathBuf| fs::create_dir(at).unwrap(),
        |to: &PathBuf, at: &PathBuf| {
            fs::remove_dir(at).unwrap();
            symlink(to, at).unwrap();
        },
    ] {
        let _ = fs::remove_file(&place);
        plant(&other, &place);
        admit(&modules, &mixed(), Kind::Zip, BYTES);
        assert_eq!(fs::read(&other).unwrap(), b"precious");
    }
}

/// A disk on which each zip is removed as soon as it has its name.
#[derive(Debug)]
struct Crowded;

impl Disk for Crowded {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        RealDisk.create_folder(path)
    }
    fn write_new(&self, path: &Path, bytes: &[u8], durable: bool) -> io::Result<()> {
        RealDisk.write_new(path, bytes, durable)
    }
    fn open(&self, path: &Path) -> io::Result<File> {
        RealDisk.open(path)
    }
    fn write_at(&self, file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
        RealDisk.write_at(file, bytes, at)
    }
    fn truncate(&self, file: &File, len: u64) -> io::Result<()> {
        RealDisk.truncate(file, len)
    }
    fn sync(&self, file: &File) -> io::Result<()> {
        RealDisk.sync(file)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)?;
        if to.extension().is_some_and(|ending| ending == "zip") { RealDisk.remove(to) } else { Ok(()) }
    }
    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        RealDisk.sync_folder(path)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }
    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove_folder(path)
    }
}

/// Who brought a file has it, although room was needed at once.
#[test]
fn a_file_that_is_removed_as_it_is_admitted_is_given_all_the_same() {
    let root = tempfile::tempdir().unwrap();
    let modules = Folder::open_on(root.path(), Box::new(Crowded)).unwrap().modules();
    for by in [recorded(), Provenance::FirstUse] {
        let arrival = arrived(&modules, &mixed(), Kind::Zip, BYTES);
        let admitted = modules.admit(arrival, &hash(BYTES), &by).unwrap();
        assert_eq!((admitted.read().unwrap(), admitted.len()), (BYTES.to_vec(), BYTES.len() as u64));
    }
    assert_eq!(judge(root.path(), "removed"), 0);
}

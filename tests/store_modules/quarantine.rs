//! What was refused is kept with its report, and the oldest leaves when there is too much.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use gosumcheck::store::modules::{MAX_REFUSED, MAX_REFUSED_BYTES};
use gosumcheck::sumdb::gosum::Kind;

use crate::world::{BYTES, KINDS, arrived, judge, mixed, module, modules, names};

#[test]
fn a_refused_file_lies_beside_its_report() {
    let root = tempfile::tempdir().unwrap();
    let modules = modules(root.path());
    let folder = root.path().join("refused");
    let mut expected = Vec::new();
    for (kind, suffix) in KINDS.into_iter().zip(["zip", "mod"]) {
        for bytes in [BYTES, b"", b"<html>"] {
            let report = modules.refuse(arrived(&modules, &mixed(), kind, bytes), b"{}").unwrap();
            let digits = hex::encode(&gosumcheck::sumdb::hash::sha256(bytes).0[..4]);
            let name = format!("example.com!!!mixed!!m@v1.0.0-!r!c1.{suffix}.{digits}");
            assert_eq!(report, folder.join(format!("{name}.json")));
            assert_eq!(fs::read(folder.join(&name)).unwrap(), bytes);
            assert_eq!(fs::read(report).unwrap(), b"{}");
            expected.extend([name.clone(), name + ".json"]);
        }
    }
    // Met again, it is there once, with the newest report.
    let report = modules.refuse(arrived(&modules, &mixed(), Kind::Zip, BYTES), b"{\"again\": true}").unwrap();
    assert_eq!(fs::read(report).unwrap(), b"{\"again\": true}");
    expected.sort();
    assert_eq!(names(&folder), expected);
    assert_eq!(names(&root.path().join("tmp")), [""; 0]);
    assert_eq!(judge(root.path(), ""), 0);
}

/// A file of that many bytes that was refused `hours` ago, and its report.
fn plant(folder: &Path, name: &str, len: u64, hours: u64) {
    fs::create_dir_all(folder).unwrap();
    for (name, len) in [(name.to_owned(), len), (format!("{name}.json"), 2)] {
        let file = File::create(folder.join(name)).unwrap();
        file.set_len(len).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(hours * 3600)).unwrap();
    }
}

#[test]
fn the_oldest_of_too_many_leaves_with_its_report() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("refused");
    for n in 0..MAX_REFUSED {
        plant(&folder, &format!("{n:04}"), 1, 1 + (n as u64 + 500) % 1000);
    }
    let modules = modules(root.path());
    let refuse = |version: &str| {
        let module = module(&format!("example.com/m@{version}"));
        modules.refuse(arrived(&modules, &module, Kind::Zip, BYTES), b"{}").unwrap()
    };
    let report = refuse("v1.0.0");
    assert_eq!(names(&folder).len(), 2 * MAX_REFUSED);
    assert!(!folder.join("0499").exists() && !folder.join("0499.json").exists());
    assert!(folder.join("0498").exists() && folder.join("0500").exists());
    // What replaces itself costs nobody his place.
    assert_eq!(refuse("v1.0.0"), report);
    assert!(folder.join("0498").exists());
    refuse("v1.0.1");
    assert!(!folder.join("0498").exists() && report.exists());
    assert_eq!(names(&folder).len(), 2 * MAX_REFUSED);
}

#[test]
fn the_oldest_of_too_much_leaves() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("refused");
    // Files with holes: they take no room on the disk of the test.
    for (n, hours) in [(0, 4), (1, 5), (2, 3)] {
        plant(&folder, &n.to_string(), MAX_REFUSED_BYTES / 3, hours);
    }
    let modules = modules(root.path());
    modules.refuse(arrived(&modules, &mixed(), Kind::Zip, BYTES), b"{}").unwrap();
    let kept = names(&folder);
    assert_eq!(kept.len(), 6, "{kept:?}");
    assert_eq!(kept[..4], ["0", "0.json", "2", "2.json"]);
}

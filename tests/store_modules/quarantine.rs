//! What was refused is kept with its report, the first of each source before all others.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gosumcheck::store::Folder;
use gosumcheck::store::failing::FailingDisk;
use gosumcheck::store::modules::{
    MAX_FILE_REFUSED, MAX_REFUSED, MAX_SOURCE_REFUSED, MAX_SOURCE_REFUSED_BYTES, Modules,
};
use gosumcheck::store::space::{Floor, Space};
use gosumcheck::sumdb::gosum::Kind;

use crate::world::{BYTES, KINDS, arrived, judge, mixed, module, modules, names};

const LIAR: &str = "https://liar.example";
const OTHER: &str = "https://other.example";

#[test]
fn a_refused_file_lies_beside_its_report() {
    let root = tempfile::tempdir().unwrap();
    let modules = modules(root.path());
    let folder = root.path().join("refused");
    let mut expected = Vec::new();
    for (kind, suffix) in KINDS.into_iter().zip(["zip", "mod"]) {
        for bytes in [BYTES, b"", b"<html>"] {
            let report = modules.refuse(arrived(&modules, &mixed(), kind, bytes), LIAR, b"{}").unwrap().unwrap();
            let digits = hex::encode(&gosumcheck::sumdb::hash::sha256(bytes).0[..4]);
            let name = format!("example.com!!!mixed!!m@v1.0.0-!r!c1.{suffix}.{digits}");
            assert_eq!(report, folder.join(format!("{name}.json")));
            assert_eq!(fs::read(folder.join(&name)).unwrap(), bytes);
            assert_eq!(fs::read(report).unwrap(), b"{}");
            expected.extend([name.clone(), name + ".json"]);
        }
    }
    // Met again, it is there once, with the first report.
    let again = arrived(&modules, &mixed(), Kind::Zip, BYTES);
    let report = modules.refuse(again, "https://other.example", b"{\"again\": true}").unwrap().unwrap();
    assert_eq!(fs::read(report).unwrap(), b"{}");
    expected.sort();
    assert_eq!(names(&folder), expected);
    assert_eq!(names(&root.path().join("tmp")), [""; 0]);
    assert_eq!(judge(root.path(), ""), 0);
}

/// The report of a lie of that source, as the proxy writes it.
fn report(source: &str) -> Vec<u8> {
    format!("{{\"refused\": {{\"upstream\": \"{source}\"}}}}").into_bytes()
}

/// Lie number `n` of a source, about a module version of its own; gives the report's path, if it was kept.
fn lie(modules: &Modules, source: &str, n: usize) -> Option<PathBuf> {
    let module = module(&format!("example.com/m@v1.{n}.0"));
    modules
        .refuse(arrived(modules, &module, Kind::Zip, format!("{source} {n}").as_bytes()), source, &report(source))
        .unwrap()
}

fn kept(folder: &Path, source: &str) -> usize {
    let report = report(source);
    names(folder)
        .iter()
        .filter(|name| name.ends_with(".json") && fs::read(folder.join(name)).unwrap() == report)
        .count()
}

/// Finding 15b: the bytes of the first lies are there after thousands of them, and those of another mirror too.
#[test]
fn a_liar_pushes_no_evidence_out() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("refused");
    let modules = modules(root.path());
    let other = lie(&modules, OTHER, 0).unwrap();
    let first: Vec<PathBuf> = (0..MAX_SOURCE_REFUSED).map(|n| lie(&modules, LIAR, n).unwrap()).collect();
    for n in MAX_SOURCE_REFUSED..2_000 {
        assert_eq!(lie(&modules, LIAR, n), None, "{n}");
    }
    for report in first.iter().chain([&other]) {
        assert!(report.is_file() && report.with_extension("").is_file(), "{}", report.display());
    }
    assert_eq!((names(&folder).len(), kept(&folder, LIAR)), (2 * (MAX_SOURCE_REFUSED + 1), MAX_SOURCE_REFUSED));
    assert_eq!(names(&root.path().join("tmp")), [""; 0]);
    // A process that begins anew knows what is there, and a person who takes some away makes room.
    let modules = Folder::open(root.path()).unwrap().modules();
    assert_eq!(lie(&modules, LIAR, 1), Some(first[1].clone()), "it is there already");
    assert_eq!(lie(&modules, LIAR, 20_000), None);
    for report in &first[..10] {
        fs::remove_file(report.with_extension("")).unwrap();
        fs::remove_file(report).unwrap();
    }
    assert!((20_000..20_010).all(|n| lie(&modules, LIAR, n).is_some()));
    assert_eq!(lie(&modules, LIAR, 20_010), None);
    assert!((1..MAX_SOURCE_REFUSED).all(|n| lie(&modules, OTHER, n).is_some()));
    assert_eq!(kept(&folder, OTHER), MAX_SOURCE_REFUSED);
}

/// Of five mirrors each has its fair part of what there may be in all, and the first lies of each are there.
#[test]
fn parts_are_fair() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("refused");
    let modules = modules(root.path());
    let sources: Vec<String> = (0..5).map(|n| format!("https://{n}.example")).collect();
    for source in &sources {
        (0..MAX_SOURCE_REFUSED).for_each(|n| drop(lie(&modules, source, n)));
        assert!(names(&folder).len() <= 2 * MAX_REFUSED);
    }
    let fair = MAX_REFUSED / sources.len();
    for source in &sources {
        assert!((fair - 1..=fair + 1).contains(&kept(&folder, source)), "{source} {}", kept(&folder, source));
        // Asked again, what is there is told to be there.
        assert!((0..fair - 1).all(|n| lie(&modules, source, n).is_some_and(|report| report.is_file())), "{source}");
    }
}

#[test]
fn a_file_that_is_made_anew_for_every_question_fills_no_part() {
    let root = tempfile::tempdir().unwrap();
    let modules = modules(root.path());
    let lie = |n: u32| {
        let bytes = format!("lie {n}");
        modules.refuse(arrived(&modules, &mixed(), Kind::Zip, bytes.as_bytes()), LIAR, &report(LIAR)).unwrap()
    };
    assert!((0..4).all(|n| lie(n).is_some()) && MAX_FILE_REFUSED == 4);
    assert!((4..100).all(|n| lie(n).is_none()) && (0..4).all(|n| lie(n).is_some()));
    assert_eq!(names(&root.path().join("refused")).len(), 8);
}

#[test]
fn what_is_too_much_leaves_its_report() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("refused");
    fs::create_dir_all(&folder).unwrap();
    // A file with holes: it takes no room on the disk of the test.
    File::create(folder.join("0")).unwrap().set_len(MAX_SOURCE_REFUSED_BYTES - 100).unwrap();
    fs::write(folder.join("0.json"), report(LIAR)).unwrap();
    let modules = modules(root.path());
    let told = modules.refuse(arrived(&modules, &mixed(), Kind::Zip, &[7; 100]), LIAR, &report(LIAR)).unwrap().unwrap();
    assert!(told.is_file() && !told.with_extension("").exists());
    assert_eq!(lie(&modules, LIAR, 1), None, "not even its report has room");
    assert!(lie(&modules, OTHER, 1).is_some_and(|report| report.with_extension("").is_file()));
}

/// Down to its floor the disk gets the report alone.
#[test]
fn below_the_floor_the_report_is_kept_and_the_bytes_are_not() {
    let root = tempfile::tempdir().unwrap();
    let disk = Arc::new(FailingDisk::never());
    let space = |free| Space { free, size: 1 << 30, free_files: 1000, files: 2000 };
    disk.set_space(space(1 << 20));
    let folder = Folder::open_on(root.path(), Box::new(disk.clone())).unwrap();
    folder.set_floor(Floor::Bytes(1000));
    let modules = folder.modules();
    let arrival = arrived(&modules, &mixed(), Kind::Zip, BYTES);
    disk.set_space(space(1000));
    folder.set_floor(Floor::Bytes(1000));
    let report = modules.refuse(arrival, LIAR, &report(LIAR)).unwrap().unwrap();
    assert!(report.is_file() && !report.with_extension("").exists());
    assert_eq!(names(&root.path().join("tmp")), [""; 0]);
}

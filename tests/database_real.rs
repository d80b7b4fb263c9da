//! Real lookups of sum.golang.org, proven through the ordinary path, each from an empty timeline.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::fs;

use gosumcheck::database::{Answer, Database};
use gosumcheck::store::Folder;
use gosumcheck::sumdb::checkpoint::Policy;
use gosumcheck::sumdb::module::ModuleVersion;
use gosumcheck::sumdb::note::VerifierKey;
use gosumcheck::upstream::{Base, Http, Settings, Upstreams};

const NAME: &str = "sum.golang.org";
const KEY: &str = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";

fn database(folder: &Folder, tree: &std::path::Path) -> Database {
    let upstreams = Upstreams::new(Http::new(Settings::default()), vec![Base::tree(tree)]);
    let database = Database::open(folder, NAME, Policy::log(VerifierKey::parse(KEY).unwrap()), upstreams, 8).unwrap();
    // No more is held than proves each answer in its own tree.
    database.pinned(Vec::new())
}

/// A folder in memory where the system has one: 1,505 timelines are 1,505 heads that a disk has to sync.
fn in_memory() -> tempfile::TempDir {
    let memory = std::path::Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// The manifest's rows about lookups: escaped module version, and whether its tiles are held.
fn rows(realdata: &std::path::Path) -> Vec<(String, bool)> {
    let manifest = fs::read_to_string(realdata.join("manifest.csv")).unwrap();
    let rows = manifest.lines().filter(|row| row.starts_with("sumdb/lookup/"));
    rows.map(|row| {
        (row.split(',').next().unwrap()["sumdb/".len()..].to_owned(), row.contains("inclusion in its own tree"))
    })
    .collect()
}

#[test]
fn every_provable_lookup_is_proven_from_an_empty_timeline() {
    let Some(realdata) = common::realdata() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let rows = rows(&realdata);
    assert_eq!(rows.len(), 1505);
    let mut proven = 0;
    for (path, provable) in &rows {
        let data = in_memory();
        let folder = Folder::open(data.path()).unwrap();
        let database = database(&folder, &realdata.join("sumdb"));
        let module = ModuleVersion::parse_lookup_path(path).unwrap();
        let batch = runtime.block_on(database.records(&[module], &|_, _, _| {})).unwrap();
        match (&batch.answers[0], provable) {
            (Answer::Found(record), true) => {
                assert_eq!(record.module().lookup_path(), *path);
                proven += 1;
            }
            (Answer::Unknown(_), false) => assert!(!data.path().join("cache").join(NAME).join(path).exists()),
            (answer, provable) => panic!("{path}: {answer:?} where provable is {provable}"),
        }
    }
    assert_eq!(proven, rows.iter().filter(|(_, provable)| *provable).count());
    assert!(proven > 1000, "{proven}");
}

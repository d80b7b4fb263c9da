//! A data folder, and the full copy of a synthetic log that is synced into it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use gosumcheck::database::Database;
use gosumcheck::fault::Fault;
use gosumcheck::store::disk::Disk;
use gosumcheck::store::{Folder, Log};
use gosumcheck::sumdb::checkpoint::Policy;
use gosumcheck::sumdb::note::VerifierKey;
use gosumcheck::sync::{self, SyncOptions, Synced};
use gosumcheck::upstream::{Base, Http, Settings, Upstreams};

use super::fake::FakeSumdb;

pub const PLAIN: SyncOptions = SyncOptions { to: None, jobs: 16, limit_rate: None };

/// One log, and one copy of it.
pub struct World {
    pub log: FakeSumdb,
    pub data: tempfile::TempDir,
    pub settings: Settings,
}

impl World {
    pub fn new(log: &FakeSumdb) -> World {
        // Nothing on loopback is worth waiting for.
        let settings = Settings { tries: 2, first_delay: Duration::from_millis(1), ..Settings::default() };
        World { log: log.clone(), data: tempfile::tempdir().unwrap(), settings }
    }

    /// As a new process finds it.
    pub fn database(&self, bases: &[&str]) -> Database {
        self.open(&Folder::open(self.data.path()).unwrap(), bases)
    }

    fn open(&self, folder: &Folder, bases: &[&str]) -> Database {
        let bases = bases.iter().map(|base| Base::parse(base).unwrap()).collect();
        let policy = Policy::log(VerifierKey::parse(&self.log.vkey()).unwrap());
        let upstreams = Upstreams::new(Http::new(self.settings.clone()), bases);
        Database::open(folder, self.log.name(), policy, upstreams, PLAIN.jobs).unwrap()
    }

    pub fn held(&self) -> Log {
        Folder::open(self.data.path()).unwrap().log(self.log.name()).unwrap()
    }

    /// Syncs as a new process.
    pub fn sync(&self, bases: &[&str]) -> Result<Synced, Fault> {
        self.sync_as(bases, &PLAIN)
    }

    pub fn sync_as(&self, bases: &[&str], options: &SyncOptions) -> Result<Synced, Fault> {
        run(&self.database(bases), &self.held(), options)
    }

    /// Over a disk that may fail.
    pub fn sync_on(&self, disk: impl Disk + 'static, bases: &[&str]) -> Result<Synced, Fault> {
        let folder = Folder::open_on(self.data.path(), Box::new(disk)).unwrap();
        run(&self.open(&folder, bases), &folder.log(self.log.name()).unwrap(), &PLAIN)
    }

    pub fn dir(&self) -> PathBuf {
        self.data.path().join("log").join(self.log.name())
    }

    /// The files of the copy, without what says how far an interrupted sync was.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let entries = fs::read_dir(self.dir()).into_iter().flatten().flatten();
        let name = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        let mut files: BTreeMap<_, _> = entries
            .filter(|entry| entry.path().is_file())
            .map(|entry| (name(entry.path()), fs::read(entry.path()).unwrap()))
            .collect();
        files.retain(|name, _| !matches!(name.as_str(), "progress" | "lock") && !name.starts_with("index"));
        files
    }

    pub fn evidence(&self) -> usize {
        fs::read_dir(self.dir().join("evidence")).map_or(0, Iterator::count)
    }
}

pub fn run(database: &Database, log: &Log, options: &SyncOptions) -> Result<Synced, Fault> {
    runtime().block_on(sync::sync(database, log, options, &|_| {}))
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// The files that a sync of the first `size` records of `log` leaves, made without any sync.
pub fn expected(log: &FakeSumdb, size: u64) -> BTreeMap<String, Vec<u8>> {
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let (mut records, mut offsets) = (Vec::new(), Vec::new());
    for id in 0..size {
        if id % 256 == 0 {
            offsets.extend_from_slice(&(records.len() as u64).to_le_bytes());
        } else {
            records.push(b'\n');
        }
        records.extend_from_slice(log.record_text(id).as_bytes());
    }
    if size.is_multiple_of(256) {
        offsets.extend_from_slice(&(records.len() as u64).to_le_bytes());
    }
    for level in (0..4).take_while(|level| size >> (8 * level) > 0) {
        let hashes = size >> (8 * level);
        let tile = |index: u64| {
            let width = (hashes - index * 256).min(256);
            let part = if width < 256 { format!(".p/{width}") } else { String::new() };
            log.honest(&format!("tile/8/{level}/{index:03}{part}")).unwrap()
        };
        files.insert(format!("hashes.{level}"), (0..hashes.div_ceil(256)).flat_map(tile).collect());
    }
    files.insert("records".to_owned(), records);
    files.insert("offsets".to_owned(), offsets);
    files.insert("head".to_owned(), log.head(size).into_bytes());
    files.insert("heads".to_owned(), format!("{}\n", log.head(size)).into_bytes());
    files
}

/// The same files, or which differ.
pub fn assert_same(found: &BTreeMap<String, Vec<u8>>, expected: &BTreeMap<String, Vec<u8>>, what: &str) {
    let names: Vec<_> = found.keys().collect();
    assert_eq!(names, expected.keys().collect::<Vec<_>>(), "{what}");
    for (name, bytes) in found {
        let other = &expected[name];
        let at = bytes.iter().zip(other).position(|(one, other)| one != other);
        assert!(bytes == other, "{what}: {name} differs at {at:?}; {} bytes, not {}", bytes.len(), other.len());
    }
}

//! A data folder, and the relay that lives in it.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use gosumcheck::database::Database;
use gosumcheck::fault::Fault;
use gosumcheck::relay::{LookupAnswer, Relay, RelayOptions};
use gosumcheck::store::Folder;
use gosumcheck::store::disk::Disk;
use gosumcheck::sumdb::checkpoint::{Checkpoint, Policy, Tree};
use gosumcheck::sumdb::hash::leaf_hash;
use gosumcheck::sumdb::module::ModuleVersion;
use gosumcheck::sumdb::note::VerifierKey;
use gosumcheck::sumdb::record::split_records;
use gosumcheck::sumdb::tile::{DataTile, TilePath};
use gosumcheck::upstream::{Base, Http, Settings, Upstreams};

use super::fake::FakeSumdb;

/// One log, and one server's memory of it.
pub struct World {
    pub log: FakeSumdb,
    pub data: tempfile::TempDir,
}

impl World {
    pub fn new(log: &FakeSumdb) -> World {
        World { log: log.clone(), data: tempfile::tempdir().unwrap() }
    }

    pub fn folder(&self) -> Folder {
        Folder::open(self.data.path()).unwrap()
    }

    pub fn folder_on(&self, disk: impl Disk + 'static) -> Folder {
        Folder::open_on(self.data.path(), Box::new(disk)).unwrap()
    }

    pub fn policy(&self) -> Policy {
        Policy::log(VerifierKey::parse(&self.log.vkey()).unwrap())
    }

    /// Over a folder that is open already, with nobody to ask.
    pub fn database_on(&self, folder: &Folder) -> Database {
        self.database_in(folder, &[])
    }

    pub fn database(&self, bases: &[&str]) -> Database {
        self.database_in(&self.folder(), bases)
    }

    fn database_in(&self, folder: &Folder, bases: &[&str]) -> Database {
        let bases = bases.iter().map(|base| Base::parse(base).unwrap()).collect();
        // A client that gives up quickly: nothing on loopback is worth waiting for.
        let http = Http::new(Settings { tries: 2, first_delay: Duration::from_millis(1), ..Settings::default() });
        Database::open(folder, self.log.name(), self.policy(), Upstreams::new(http, bases), 64).unwrap()
    }

    /// As a new process makes it.
    pub fn relay(&self, bases: &[&str]) -> Relay {
        self.relay_with(bases, RelayOptions::default())
    }

    pub fn relay_with(&self, bases: &[&str], options: RelayOptions) -> Relay {
        let log = self.folder().log(self.log.name()).unwrap();
        Relay::new(self.database(bases), log, options).unwrap()
    }

    /// Over a disk that may fail.
    pub fn relay_on(&self, disk: impl Disk + 'static, bases: &[&str]) -> Relay {
        self.relay_in(&self.folder_on(disk), bases)
    }

    pub fn relay_in(&self, folder: &Folder, bases: &[&str]) -> Relay {
        let log = folder.log(self.log.name()).unwrap();
        Relay::new(self.database_in(folder, bases), log, RelayOptions::default()).unwrap()
    }

    pub fn module(&self, id: u64) -> ModuleVersion {
        let (path, version) = self.log.module(id);
        ModuleVersion::new(&path, &version).unwrap()
    }

    pub async fn lookup(&self, relay: &Relay, id: u64) -> Result<LookupAnswer, Fault> {
        relay.lookup(&self.module(id)).await
    }

    /// Appends to the full log what it takes to hold the log up to `size`, and commits that, as another process does.
    pub fn mirror(&self, size: u64) {
        self.mirror_in(&self.folder(), size);
    }

    /// The same, as the process does that has the data folder open.
    pub fn mirror_in(&self, folder: &Folder, size: u64) {
        let log = folder.log(self.log.name()).unwrap();
        let open = |note: &[u8]| Checkpoint::open(note, &self.policy()).unwrap();
        let committed = log.head().unwrap().map_or(Tree::EMPTY, |note| open(&note).tree());
        let mut writer = log.writer(committed).unwrap();
        let tiles: Vec<(Vec<u8>, u16)> = (committed.size / 256..size.div_ceil(256))
            .map(|index| {
                let width = (size - index * 256).min(256);
                let path = DataTile::new(index, width as u32).unwrap().to_string();
                (self.log.honest(&path).unwrap(), width as u16)
            })
            .collect();
        let records = tiles.iter().flat_map(|(bytes, width)| split_records(bytes, *width).unwrap());
        let records: Vec<&[u8]> = records.skip(committed.size as usize % 256).collect();
        let leaves: Vec<_> = records.iter().map(|record| leaf_hash(record)).collect();
        writer.append(&records, &leaves).unwrap();
        writer.commit(&open(self.log.head(size).as_bytes())).unwrap();
    }

    pub fn cache(&self) -> PathBuf {
        self.data.path().join("cache").join(self.log.name())
    }

    /// Where the remembered head is.
    pub fn head_file(&self) -> PathBuf {
        self.data.path().join("heads").join(self.log.name()).join("latest")
    }

    pub fn evidence(&self) -> usize {
        self.folder().log(self.log.name()).unwrap().forks().unwrap().len()
    }

    /// Looks record `id` up; the answer must be the log's own under a head that it signed. Gives that head's size.
    #[track_caller]
    pub fn assert_found(&self, id: u64, answer: &Result<LookupAnswer, Fault>) -> u64 {
        self.size_of(self.assert_record(id, answer).as_bytes())
    }

    /// The answer must be record `id` of the log, whatever the note; gives that.
    #[track_caller]
    pub fn assert_record<'a>(&self, id: u64, answer: &'a Result<LookupAnswer, Fault>) -> &'a str {
        let Ok(LookupAnswer::Found(bytes)) = answer else { panic!("record {id}: {answer:?}") };
        let text = std::str::from_utf8(bytes).unwrap();
        let (record, note) = text.split_once("\n\n").unwrap();
        assert_eq!(format!("{record}\n"), format!("{id}\n{}", self.log.record_text(id)));
        note
    }

    /// The size of a head that the log signed.
    #[track_caller]
    pub fn size_of(&self, note: &[u8]) -> u64 {
        let size = Checkpoint::open(note, &self.policy()).unwrap().tree().size;
        assert_eq!(note, self.log.head(size).as_bytes(), "the log's own head, byte for byte");
        size
    }
}

pub fn tile_path(path: &str) -> TilePath {
    TilePath::parse(path).unwrap()
}

pub async fn tile(relay: &Relay, path: &str) -> Result<Option<Bytes>, Fault> {
    relay.tile(&tile_path(path)).await
}

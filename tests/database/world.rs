//! A data folder, and the database that lives in it, asked for records of a synthetic log.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gosumcheck::database::{Answer, Batch, Comparison, Database, Unavailable};
use gosumcheck::fault::Fault;
use gosumcheck::store::Folder;
use gosumcheck::store::disk::Disk;
use gosumcheck::sumdb::checkpoint::Policy;
use gosumcheck::sumdb::module::ModuleVersion;
use gosumcheck::sumdb::note::VerifierKey;
use gosumcheck::upstream::{Base, Http, Settings, Upstreams};

use super::fake::FakeSumdb;

/// One log, and one user's memory of it.
pub struct World {
    pub log: FakeSumdb,
    pub data: tempfile::TempDir,
}

impl World {
    pub fn new(log: &FakeSumdb) -> World {
        World { log: log.clone(), data: tempfile::tempdir().unwrap() }
    }

    /// As a new process finds it.
    pub fn database(&self, bases: &[&str]) -> Database {
        self.open(&Folder::open(self.data.path()).unwrap(), bases)
    }

    /// Over a disk that may fail.
    pub fn database_on(&self, disk: impl Disk + 'static, bases: &[&str]) -> Database {
        self.open(&Folder::open_on(self.data.path(), Box::new(disk)).unwrap(), bases)
    }

    /// In a folder that is open already.
    pub fn open(&self, folder: &Folder, bases: &[&str]) -> Database {
        let bases = bases.iter().map(|base| Base::parse(base).unwrap()).collect();
        Database::open(folder, self.log.name(), self.policy(), Upstreams::new(http(), bases), 64).unwrap()
    }

    /// Clears the forks of which evidence is kept, as a person does.
    pub fn clear_forks(&self) {
        let folder = Folder::open(self.data.path()).unwrap();
        for path in folder.log(self.log.name()).unwrap().forks().unwrap() {
            folder.clear_evidence(&path).unwrap();
        }
    }

    pub fn policy(&self) -> Policy {
        Policy::log(VerifierKey::parse(&self.log.vkey()).unwrap())
    }

    pub fn module(&self, id: u64) -> ModuleVersion {
        let (path, version) = self.log.module(id);
        ModuleVersion::new(&path, &version).unwrap()
    }

    pub fn try_ask(&self, bases: &[&str], ids: &[u64]) -> Result<Batch, Fault> {
        let asked: Vec<_> = ids.iter().map(|id| self.module(*id)).collect();
        ask(&self.database(bases), &asked)
    }

    /// The answers of a new process about the records `ids`.
    pub fn ask(&self, bases: &[&str], ids: &[u64]) -> Vec<Answer> {
        self.try_ask(bases, ids).unwrap().answers
    }

    /// Asks, and every record must be proven.
    pub fn prove(&self, bases: &[&str], ids: &[u64]) {
        for (id, answer) in ids.iter().zip(self.ask(bases, ids)) {
            self.assert_proven(*id, &answer);
        }
    }

    pub fn assert_proven(&self, id: u64, answer: &Answer) {
        let Answer::Found(record) = answer else { panic!("record {id}: {answer:?}") };
        assert_eq!((record.id(), record.text()), (id, self.log.record_text(id).as_str()));
    }

    pub fn compare(&self, bases: &[&str], note: &str) -> Result<Comparison, Fault> {
        runtime().block_on(self.database(bases).compare(note.as_bytes(), "the go command", &|_, _, _| {}))
    }

    pub fn cache(&self) -> PathBuf {
        self.data.path().join("cache").join(self.log.name())
    }

    /// Where the remembered head is.
    pub fn head_file(&self) -> PathBuf {
        self.data.path().join("heads").join(self.log.name()).join("latest")
    }

    /// Where earlier versions kept it.
    pub fn earlier_head_file(&self) -> PathBuf {
        self.cache().join("latest")
    }

    /// The remembered head; none where there is no file.
    pub fn head(&self) -> Option<String> {
        fs::read_to_string(self.head_file()).ok()
    }

    /// Every entry of the cache by its path, those in the pack too; without the head and its lock, and without the memos.
    pub fn cached(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = files_below(&self.cache());
        let packed = files.remove("pack").unwrap_or_default();
        files.retain(|path, _| path != "latest" && path != "lock" && !path.starts_with("batch/"));
        files.extend(unpack(&packed));
        files
    }

    /// The file with many entries.
    pub fn pack(&self) -> PathBuf {
        self.cache().join("pack")
    }

    /// What batches were answered last time.
    pub fn memos(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = files_below(&self.cache());
        files.retain(|path, _| path.starts_with("batch/"));
        files
    }

    /// Whatever is cached is what the log says, byte for byte; a response may be of an older tree.
    pub fn assert_cache_is_honest(&self) {
        for (path, bytes) in self.cached() {
            let honest = match path.starts_with("lookup/") {
                true => {
                    let text = String::from_utf8(bytes.clone()).unwrap();
                    let (_, note) = text.split_once("\n\n").unwrap();
                    let size = note.lines().nth(1).unwrap().parse().unwrap();
                    let now = self.log.honest(&path).map(|now| String::from_utf8(now).unwrap());
                    now.map(|now| format!("{}\n\n{}", now.split_once("\n\n").unwrap().0, self.log.head(size)).into())
                }
                false => self.log.honest(&path),
            };
            assert!(honest.as_ref() == Some(&bytes), "{path} in the cache is not what the log says");
        }
        assert!(fs::read_dir(self.data.path().join("tmp")).map_or(true, |mut tmp| tmp.next().is_none()));
    }

    /// Nothing was kept, and nothing is remembered.
    pub fn assert_untouched(&self) {
        assert_eq!(self.cached().into_keys().collect::<Vec<_>>(), Vec::<String>::new());
        assert_eq!(self.head(), None);
    }

    pub fn evidence(&self) -> Vec<Vec<u8>> {
        files_below(&self.data.path().join("log").join(self.log.name()).join("evidence")).into_values().collect()
    }
}

/// A client that gives up quickly: nothing on loopback is worth waiting for.
pub fn http() -> Http {
    Http::new(Settings { tries: 2, first_delay: Duration::from_millis(1), ..Settings::default() })
}

pub fn ask(database: &Database, asked: &[ModuleVersion]) -> Result<Batch, Fault> {
    runtime().block_on(database.records(asked, &|_, _, _| {}))
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// The files below a folder, by their path in it.
pub fn files_below(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = walkdir::WalkDir::new(folder).into_iter().flatten().filter(|entry| entry.file_type().is_file());
    let name = |path: &Path| path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
    entries.map(|entry| (name(entry.path()), fs::read(entry.path()).unwrap())).collect()
}

/// The entries of a whole pack; the last of a name counts.
pub fn unpack(mut pack: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut entries = BTreeMap::new();
    while !pack.is_empty() {
        let end = pack.windows(2).position(|two| two == b"\n\n").unwrap();
        let table = std::str::from_utf8(&pack[..end]).unwrap();
        pack = &pack[end + 2..];
        for (len, name) in table.lines().map(|line| line.split_once(' ').unwrap()) {
            let (bytes, rest) = pack.split_at(len.parse().unwrap());
            entries.insert(name.to_owned(), bytes.to_vec());
            pack = rest;
        }
    }
    entries
}

/// The fault that `answer` is, which must be one.
pub fn fault(answer: &Answer) -> &Fault {
    let Answer::Unknown(Unavailable::Fault(fault)) = answer else { panic!("{answer:?}") };
    fault
}

/// `answer` is that bytes were refused, and by whom: somebody whose name contains `by`.
pub fn assert_refused(answer: &Answer, by: &str) {
    let fault = fault(answer);
    assert!(matches!(fault, Fault::Refused { .. }) && fault.to_string().contains(by), "{fault}");
}

pub fn assert_unavailable(answer: &Answer, by: &str) {
    let fault = fault(answer);
    assert!(matches!(fault, Fault::Unavailable { .. }) && fault.to_string().contains(by), "{fault}");
}

pub fn is_not_held(answer: &Answer) -> bool {
    matches!(answer, Answer::Unknown(Unavailable::NotHeld(_)))
}

//! A log on disk of records that a test chooses, and what an index of it has to answer.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use gosumcheck::fault::Fault;
use gosumcheck::store::failing::FailingDisk;
use gosumcheck::store::index::{Anomaly, Grown, Tuning, grow_tuned};
use gosumcheck::store::log::Snapshot;
use gosumcheck::store::{Folder, Index, Log};
use gosumcheck::sumdb::checkpoint::{Checkpoint, Policy, Tree};
use gosumcheck::sumdb::hash::leaf_hashes;
use gosumcheck::sumdb::module::ModuleVersion;
use gosumcheck::sumdb::note::VerifierKey;
use gosumcheck::sumdb::record::subject;
use tempfile::TempDir;

use crate::fake::{FakeSumdb, Given};

/// Few bits make every key collide with others.
pub(crate) const WIDTHS: [(u32, u32); 4] = [(36, 27), (4, 4), (1, 1), (8, 2)];

pub(crate) struct World {
    pub(crate) db: FakeSumdb,
    pub(crate) root: TempDir,
    pub(crate) log: Log,
}

/// Small batches, and no bulk build where something is there.
pub(crate) fn small(width: (u32, u32)) -> Tuning {
    Tuning {
        path_bits: width.0,
        version_bits: width.1,
        threads: 2,
        part: 60,
        batch: 37,
        append_most: u64::MAX,
        append_share: 32,
    }
}

impl World {
    pub(crate) fn new(db: FakeSumdb) -> World {
        let root = tempfile::tempdir().unwrap();
        let log = Folder::open(root.path()).unwrap().log(db.name()).unwrap();
        let world = World { db, root, log };
        world.write(world.db.size());
        world
    }

    pub(crate) fn of(records: &[Given]) -> World {
        World::new(FakeSumdb::of_records(records))
    }

    fn write(&self, size: u64) {
        let mut writer = self.log.writer(Tree::EMPTY).unwrap();
        let texts: Vec<String> = (0..size).map(|id| self.db.record_text(id)).collect();
        let records: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
        writer.append(&records, &leaf_hashes(&records)).unwrap();
        writer.commit(&self.head(size)).unwrap();
    }

    fn head(&self, size: u64) -> Checkpoint {
        let policy = Policy::log(VerifierKey::parse(&self.db.vkey()).unwrap());
        Checkpoint::open(self.db.head(size).as_bytes(), &policy).unwrap()
    }

    /// The log as it was at this size.
    pub(crate) fn at(&self, size: u64) -> Snapshot {
        self.log.snapshot(self.head(size).tree()).unwrap()
    }

    pub(crate) fn all(&self) -> Snapshot {
        self.at(self.db.size())
    }

    /// The same files seen through a disk that fails.
    pub(crate) fn on(&self, disk: Arc<FailingDisk>) -> Log {
        Folder::open_on(self.root.path(), Box::new(disk)).unwrap().log(self.db.name()).unwrap()
    }

    pub(crate) fn grow(&self, size: u64, tuning: Tuning) -> Result<Grown, Fault> {
        grow_tuned(&self.log, &self.at(size), tuning, false, &|_, _| {})
    }

    pub(crate) fn rebuild(&self, size: u64, tuning: Tuning) -> Result<Grown, Fault> {
        grow_tuned(&self.log, &self.at(size), tuning, true, &|_, _| {})
    }

    pub(crate) fn open(&self) -> Index {
        Index::open(&self.log).unwrap().unwrap()
    }

    pub(crate) fn index_path(&self) -> std::path::PathBuf {
        self.log.index_path()
    }

    /// That the index finds every record below `size`, and every version of every module.
    pub(crate) fn assert_complete(&self, index: &Index, size: u64) {
        let mut versions: HashMap<String, Vec<u64>> = HashMap::new();
        for id in 0..size {
            let Ok(module) = subject(self.db.record_text(id).as_bytes()) else { continue };
            let found = index.candidates(&module).unwrap();
            assert!(found.contains(&id), "record {id} about {module} is not in {found:?}");
            assert!(found.is_sorted() && found.iter().all(|id| *id < size));
            versions.entry(module.path().to_string().to_ascii_lowercase()).or_default().push(id);
        }
        for id in 0..size {
            let Ok(module) = subject(self.db.record_text(id).as_bytes()) else { continue };
            let found = index.versions(module.path()).unwrap();
            assert!(found.is_sorted());
            for other in &versions[&module.path().to_string().to_ascii_lowercase()] {
                assert!(found.contains(other), "record {other} about {} is missing", module.path());
            }
        }
    }
}

/// What a caller does: the candidates, confirmed by the text of the record.
pub(crate) fn lookup(index: &Index, snapshot: &Snapshot, module: &ModuleVersion) -> Result<Vec<u64>, Fault> {
    let candidates = index.candidates(module)?;
    let confirmed =
        |id: &u64| snapshot.record(*id).unwrap().is_some_and(|text| subject(&text).ok().as_ref() == Some(module));
    Ok(candidates.into_iter().filter(confirmed).collect())
}

/// A record with hashes made of `salt`.
pub(crate) fn given(module: &str, version: &str, salt: u64) -> Given {
    let hash = |n: u64| format!("h1:{}", gosumcheck::sumdb::hash::sha256(&(salt * 2 + n).to_le_bytes()));
    Given::new(module, version, &hash(0), &hash(1))
}

/// Findings in one order, however they were come by.
pub(crate) fn sorted(mut anomalies: Vec<Anomaly>) -> Vec<Anomaly> {
    anomalies.sort_by_key(|oddity| (oddity.kind(), oddity.newest()));
    anomalies
}

pub(crate) fn exists(path: &Path, suffix: &str) -> bool {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    Path::new(&name).exists()
}

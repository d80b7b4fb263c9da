//! A small database, and what a sync does with a log.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use gosumcheck::fault::Fault;
use gosumcheck::store::failing::FailingDisk;
use gosumcheck::store::log::Writer;
use gosumcheck::store::{Folder, Log};
use gosumcheck::sumdb::checkpoint::{Checkpoint, Policy, Tree};
use gosumcheck::sumdb::hash::{Hash, leaf_hashes};
use gosumcheck::sumdb::note::VerifierKey;

use tempfile::TempDir;

use crate::fake::FakeSumdb;

/// The sizes that the syncs of these tests bring a log to: in the middle of a data tile, and at its end.
pub(crate) const GOALS: [u64; 3] = [700, 768, 1100];

pub(crate) struct World {
    pub(crate) db: FakeSumdb,
    pub(crate) texts: Vec<String>,
    pub(crate) leaves: Vec<Hash>,
    policy: Policy,
}

/// One of 1,200 records.
pub(crate) static WORLD: LazyLock<World> = LazyLock::new(|| World::new(1200, 7));

impl World {
    pub(crate) fn new(records: u64, seed: u64) -> World {
        let db = FakeSumdb::synthetic(records, seed);
        let texts: Vec<String> = (0..records).map(|id| db.record_text(id)).collect();
        let leaves = leaf_hashes(&texts.iter().map(String::as_bytes).collect::<Vec<_>>());
        let policy = Policy::log(VerifierKey::parse(&db.vkey()).unwrap());
        World { db, texts, leaves, policy }
    }

    pub(crate) fn head(&self, size: u64) -> Checkpoint {
        self.open(self.db.head(size).as_bytes())
    }

    pub(crate) fn open(&self, note: &[u8]) -> Checkpoint {
        Checkpoint::open(note, &self.policy).unwrap()
    }

    pub(crate) fn log(&self, folder: &Folder) -> Log {
        folder.log(self.db.name()).unwrap()
    }

    /// The log at `root` on a disk that does not sync, since no test could see it.
    pub(crate) fn quick_log(&self, root: &Path) -> Log {
        self.log(&Folder::open_on(root, Box::new(Arc::new(FailingDisk::never()))).unwrap())
    }

    /// The tree of the committed head.
    pub(crate) fn committed(&self, log: &Log) -> Result<Tree, Fault> {
        Ok(log.head()?.map_or(Tree::EMPTY, |note| self.open(&note).tree()))
    }

    /// Appends the records up to `to`, `run` at a time.
    pub(crate) fn append(&self, writer: &mut Writer, to: u64, run: usize) -> Result<(), Fault> {
        let place = writer.tree().size as usize..to as usize;
        let records: Vec<&[u8]> = self.texts[place.clone()].iter().map(String::as_bytes).collect();
        for (records, leaves) in records.chunks(run).zip(self.leaves[place].chunks(run)) {
            writer.append(records, leaves)?;
        }
        Ok(())
    }

    /// Brings the log to each goal in turn and commits it there, with a mark at each full data tile on the way.
    pub(crate) fn sync(&self, log: &Log, goals: &[u64]) -> Result<(), Fault> {
        for goal in goals {
            let committed = self.committed(log)?;
            if committed.size >= *goal {
                continue;
            }
            let mut writer = log.writer(committed)?;
            while writer.tree().size < *goal {
                let next = (writer.tree().size / 256 + 1) * 256;
                self.append(&mut writer, next.min(*goal), 100)?;
                writer.mark()?;
            }
            writer.commit(&self.head(*goal))?;
        }
        Ok(())
    }

    /// What a log holds after undisturbed syncs to these goals.
    pub(crate) fn undisturbed(&self, goals: &[u64]) -> BTreeMap<String, Vec<u8>> {
        let root = folder();
        let log = self.quick_log(root.path());
        self.sync(&log, goals).unwrap();
        content(log.dir())
    }

    /// The log can be read up to its head, which is one of `goals` that is at least `told`, and has the right notes in `heads`.
    pub(crate) fn check(&self, log: &Log, told: u64, context: &str) {
        let tree = self.committed(log).unwrap_or_else(|fault| panic!("{context}: {fault}"));
        assert!(tree.size >= told && (tree.size == 0 || GOALS.contains(&tree.size)), "{context}: {tree:?}");
        let heads = log.heads().unwrap_or_else(|fault| panic!("{context}: {fault}"));
        let sizes: Vec<u64> = heads.iter().map(|note| self.open(note).tree().size).collect();
        assert!(GOALS.starts_with(&sizes), "{context}: {sizes:?}");
        assert!(tree.size == 0 || sizes.contains(&tree.size), "{context}: {sizes:?} without {}", tree.size);
        if tree.size > 0 {
            let snapshot = log.snapshot(tree).unwrap_or_else(|fault| panic!("{context}: {fault}"));
            for id in [0, 255, 256, tree.size - 1] {
                let text = snapshot.record(id).unwrap_or_else(|fault| panic!("{context}: {fault}")).unwrap();
                assert_eq!(text, self.texts[id as usize].as_bytes(), "{context}: record {id}");
            }
        }
    }
}

/// A folder that is gone after the test: in memory where that is possible, since file systems write back what a rename replaces,
/// and these tests rename thousands of times.
pub(crate) fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

/// The files of a log by name. The lock says nothing.
pub(crate) fn content(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(dir).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file());
    let files = entries.map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()));
    files.filter(|(name, _)| name != "lock").collect()
}

/// Fails with the name of the file that differs, and not with megabytes.
pub(crate) fn assert_same(found: &BTreeMap<String, Vec<u8>>, wanted: &BTreeMap<String, Vec<u8>>, context: &str) {
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(found), names(wanted), "{context}");
    for (name, bytes) in wanted {
        assert!(found[name] == *bytes, "{context}: {name} differs");
    }
}

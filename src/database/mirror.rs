//! The full log as a source of answers: what it holds is asked of nobody else.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::notes::Notes;
use crate::fault::Fault;
use crate::store::Log;
use crate::store::log::Snapshot;
use crate::sumdb::checkpoint::Checkpoint;
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::record::VerifiedRecord;

/// The full log up to one committed head.
#[derive(Debug, Clone)]
pub struct Mirror {
    /// its tiles and records
    pub snapshot: Snapshot,
    /// the signed head that is committed
    pub head: Checkpoint,
}

impl Mirror {
    /// How many of its records the index knows.
    pub(super) fn indexed(&self) -> u64 {
        0
    }
}

/// What tells one committed head from another without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    len: u64,
    modified: (i64, i64),
}

impl Stamp {
    fn of(found: &Metadata) -> Stamp {
        Stamp { inode: found.ino(), len: found.len(), modified: (found.mtime(), found.mtime_nsec()) }
    }
}

/// The full log as it was last looked at.
pub(super) struct Held {
    log: Log,
    mirror: RwLock<Option<Arc<Mirror>>>,
    stamp: Mutex<Option<Stamp>>,
}

impl Held {
    /// Nothing is opened yet.
    pub(super) fn nothing_of(log: Log) -> Held {
        Held { log, mirror: RwLock::default(), stamp: Mutex::default() }
    }

    /// The full log as it was last looked at, if there is one.
    pub(super) fn held(&self) -> Option<Arc<Mirror>> {
        self.mirror.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Opens the committed head, if it is another than before. An older one is not: somebody copied an old file there.
    pub(super) fn refresh(&self, notes: &Notes) -> Result<(), Fault> {
        let mut stamp = self.stamp.lock().unwrap_or_else(PoisonError::into_inner);
        let found = std::fs::metadata(self.log.dir().join("head")).ok().map(|found| Stamp::of(&found));
        if found == *stamp {
            return Ok(());
        }
        let Some(note) = self.log.head()? else { return Ok(()) };
        let path = || self.log.dir().join("head").display().to_string();
        let head = notes.open(&note).map_err(|error| Fault::refused(path(), error))?;
        let is_news = |mirror: Arc<Mirror>| mirror.head.tree().size < head.tree().size;
        if self.held().is_none_or(is_news) {
            let mirror = Mirror { snapshot: self.log.snapshot(head.tree())?, head };
            *self.mirror.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(mirror));
        }
        *stamp = found;
        Ok(())
    }

    /// The record of a module version, if it is in the full log.
    pub(super) fn find(&self, _module: &ModuleVersion) -> Result<Option<VerifiedRecord>, Fault> {
        Ok(None)
    }
}

//! The full log as a source of answers: no other source is asked for what it holds.
//!
//! The index only says where to look. Each record is compared with the requested module version and with the leaf hash
//! that the log has at its number. Records that the index does not know yet are found by a small one in memory (`lag`).

mod heal;
mod lag;

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
pub use heal::Unread;
use lag::Lag;
use parking_lot::{Mutex, RwLock};

use super::Database;
use super::committed::CommittedLog;
use super::notes::Notes;
use crate::fault::Fault;
use crate::store::index::Index;
use crate::store::log::Snapshot;
use crate::store::{Log, StoredHead};
use crate::sumdb::checkpoint::Checkpoint;
use crate::sumdb::module::{ModulePath, ModuleVersion, Version};
use crate::sumdb::record::{VerifiedRecord, subject};

/// The full log up to one committed head. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Mirror {
    /// its tiles and records
    pub snapshot: Snapshot,
    /// the signed note that is committed
    pub head: Bytes,
    checkpoint: Checkpoint,
    index: Option<Arc<Index>>,
    /// it could not be read, which was said
    is_index_broken: Arc<AtomicBool>,
    lag: Arc<Lag>,
}

impl Mirror {
    /// The committed head.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// How many of its records the index on the disk knows.
    pub fn indexed(&self) -> u64 {
        self.lag.from()
    }

    /// Whether the index knows all of its records, and is still the one on the disk.
    pub(super) fn is_indexed(&self) -> bool {
        let is_whole = |index: &Arc<Index>| index.is_current() && index.size().is_ok_and(|size| size >= self.size());
        self.indexed() == self.size() && self.index.as_ref().is_some_and(is_whole)
    }

    /// How many records it holds.
    pub fn size(&self) -> u64 {
        self.checkpoint.tree().size
    }

    /// Shows that `older` is the beginning of the committed tree, from the files alone.
    ///
    /// # Errors
    /// `Forked` where it is not, with the evidence saved. `Unavailable`, `Refused`: the files cannot be read, or are damaged.
    pub fn require_contains(&self, database: &Database, older: &Checkpoint) -> Result<(), Fault> {
        let mut committed =
            CommittedLog::over(self.snapshot.clone(), self.checkpoint.clone(), "the full log".to_owned())?;
        committed.require_contains(database, older)
    }

    /// The record of a module version; `None` where it is not here.
    pub(super) fn find(&self, module: &ModuleVersion) -> Result<Option<VerifiedRecord>, Unread> {
        let heading = format!("{} {} ", module.path(), module.version());
        let mut ids = self.candidates(module);
        ids.extend(self.lag.candidate(heading.trim_end()));
        for id in ids {
            let (Some(text), Some(leaf)) = (self.snapshot.record(id)?, self.snapshot.leaf(id)?) else { continue };
            if text.starts_with(heading.as_bytes()) {
                let record = VerifiedRecord::check(module, id, &text, &leaf);
                return record.map(Some).map_err(|error| {
                    let why = format!("{error}; run `gosumcheck verify` to find what is damaged");
                    Fault::machine("the full log", why).into()
                });
            }
        }
        Ok(None)
    }

    /// Where the index says that the record may be; nowhere where it cannot be read. It decides nothing: another source is asked then.
    fn candidates(&self, module: &ModuleVersion) -> Vec<u64> {
        let Some(index) = &self.index else { return Vec::new() };
        index.candidates(module).unwrap_or_else(|fault| {
            if !self.is_index_broken.swap(true, Ordering::Relaxed) {
                tracing::error!("{fault}; until then records that it does not lead to are asked for elsewhere");
            }
            Vec::new()
        })
    }

    /// The versions of a module that the log has records of, in the order of the records; one whose record is rotten is left out
    /// where that is asked for.
    fn versions(&self, path: &ModulePath, without_rotten: bool) -> Result<Vec<Version>, Unread> {
        let mut ids = self.index.as_ref().map_or(Ok(Vec::new()), |index| index.versions(path))?;
        ids.extend(self.lag.versions(path.as_str()));
        let mut versions = Vec::new();
        for id in ids {
            let text = match self.snapshot.record(id) {
                Err(_) if without_rotten => continue,
                text => text?,
            };
            let Some(text) = text else { continue };
            match subject(&text) {
                Ok(module) if module.path() == path => versions.push(module.version().clone()),
                _ => {}
            }
        }
        Ok(versions)
    }
}

/// What distinguishes one committed head from another without reading it.
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
pub(super) struct CurrentMirror {
    log: Log,
    /// what was opened last; locked for one clone or one replacement
    mirror: RwLock<Option<Arc<Mirror>>>,
    /// of the head file that `mirror` was opened from; held while the file is looked at, so that one caller at a time does it
    stamp: Mutex<Option<Stamp>>,
}

impl CurrentMirror {
    /// Nothing is opened yet.
    pub(super) fn unopened(log: Log) -> CurrentMirror {
        CurrentMirror { log, mirror: RwLock::default(), stamp: Mutex::default() }
    }

    /// The full log as it was last looked at, if there is one.
    pub(super) fn current(&self) -> Option<Arc<Mirror>> {
        self.mirror.read().clone()
    }

    /// Opens the committed head if it is another than before, and looks how far the index is. An older head is left alone:
    /// somebody copied an old file there.
    pub(super) fn refresh(&self, notes: &Notes) -> Result<(), Fault> {
        let mut stamp = self.stamp.lock();
        let path = self.log.dir().join("head");
        let found = std::fs::metadata(&path).ok().map(|found| Stamp::of(&found));
        let before = self.current();
        if found == *stamp && before.as_ref().is_none_or(|mirror| mirror.is_indexed()) {
            return Ok(());
        }
        let Some(note) = self.log.head()? else { return Ok(()) };
        let checkpoint = notes.open_stored(&StoredHead { path, note: note.clone() })?;
        let newest = match before.clone().filter(|mirror| mirror.size() >= checkpoint.tree().size) {
            Some(mirror) => Mirror::clone(&mirror),
            None => Mirror {
                snapshot: match &before {
                    Some(before) => self.log.snapshot_after(checkpoint.tree(), &before.snapshot)?,
                    None => self.log.snapshot(checkpoint.tree())?,
                },
                head: Bytes::from(note),
                checkpoint,
                index: None,
                is_index_broken: Arc::default(),
                lag: before.as_ref().map(|mirror| Arc::clone(&mirror.lag)).unwrap_or_default(),
            },
        };
        let (index, indexed) = self.index(before.and_then(|mirror| mirror.index.clone()));
        let lag = Arc::new(Lag::of(&newest.snapshot, indexed.min(newest.size()), &newest.lag)?);
        *self.mirror.write() = Some(Arc::new(Mirror { index, lag, ..newest }));
        *stamp = found;
        Ok(())
    }

    /// The index and how far it is. One that cannot be used is as good as none: the log itself is not damaged by that.
    fn index(&self, before: Option<Arc<Index>>) -> (Option<Arc<Index>>, u64) {
        let current = before.filter(|index| index.is_current());
        let opened = current.map_or_else(|| Ok(Index::open(&self.log)?.map(Arc::new)), |index| Ok(Some(index)));
        let sized = opened.and_then(|index| {
            let size = index.as_ref().map_or(Ok(0), |index| index.size())?;
            Ok((index, size))
        });
        sized.unwrap_or_else(|fault: Fault| {
            tracing::warn!("{fault}");
            (None, 0)
        })
    }

    /// The record of a module version, if the full log holds it.
    pub(super) fn find(&self, module: &ModuleVersion) -> Result<Option<VerifiedRecord>, Unread> {
        self.current().map_or(Ok(None), |mirror| mirror.find(module))
    }

    /// The versions of a module that the full log has records of; none where it is not held.
    pub(super) fn versions(&self, path: &ModulePath, without_rotten: bool) -> Result<Vec<Version>, Unread> {
        self.current().map_or(Ok(Vec::new()), |mirror| mirror.versions(path, without_rotten))
    }
}

impl Database {
    /// Looks whether another head of the full log was committed, here or by another process. Cheap where not.
    ///
    /// # Errors
    /// `Unavailable`: the full log cannot be read, or is damaged; what was held before is still answered from.
    pub fn refresh(&self) -> Result<(), Fault> {
        self.mirror.refresh(&self.notes)
    }

    /// The full log as it was last looked at, if there is one.
    pub fn mirror(&self) -> Option<Arc<Mirror>> {
        self.mirror.current()
    }

    /// The record of a module version, if the full log holds it. Asks nobody.
    ///
    /// # Errors
    /// The full log or its index cannot be read, or is damaged; [`Database::heal`] may put it in order.
    pub fn mirrored_record(&self, module: &ModuleVersion) -> Result<Option<VerifiedRecord>, Unread> {
        self.mirror.find(module)
    }

    /// The versions of a module that the full log has records of; none where it is not held. One whose record is rotten is left out
    /// where that is asked for. Reads the disk.
    ///
    /// # Errors
    /// As [`Database::mirrored_record`].
    pub fn versions(&self, path: &ModulePath, without_rotten: bool) -> Result<Vec<Version>, Unread> {
        self.mirror.versions(path, without_rotten)
    }
}

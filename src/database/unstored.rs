//! The newest proven head, in memory, while the disk does not take it.
//!
//! An answer is proven under a head whether or not the head can be stored, so it is given. Within the process the timeline goes on
//! from there: every later head must contain this one too, and each move tries to store the head again. After a restart the
//! timeline goes on from the head that is stored, which this one contains: still no tree is accepted that does not contain what was
//! stored. What is lost until then is the memory of the records in between: a log that signed two histories which part after the
//! stored head could show the other one to the new process. That is a smaller harm than an outage of everything that can be proven
//! (the go command, with a cache that it cannot write, does not answer at all), and `/readyz`, `/metrics` and the commands report it.

use parking_lot::{Mutex, MutexGuard};

use super::Database;
use crate::store::failures::FailedWrites;
use crate::sumdb::checkpoint::Checkpoint;

/// The head that is not stored; none where the newest one is.
#[derive(Default)]
pub(super) struct Unstored(Mutex<Option<Checkpoint>>);

impl Unstored {
    pub(super) fn head(&self) -> Option<Checkpoint> {
        self.lock().clone()
    }

    /// That head is the newest, and not on the disk. An older one does not take its place.
    pub(super) fn hold(&self, head: &Checkpoint) {
        let mut held = self.lock();
        if held.as_ref().is_none_or(|held| held.tree().size < head.tree().size) {
            *held = Some(head.clone());
        }
    }

    /// That head is on the disk, and contains the one that is held, if it is not smaller.
    pub(super) fn stored(&self, head: &Checkpoint) {
        self.lock().take_if(|held| held.tree().size <= head.tree().size);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Checkpoint>> {
        self.0.lock()
    }
}

impl Database {
    /// What was proven and could not be stored in the data folder, so far.
    pub fn store_failures(&self) -> Vec<FailedWrites> {
        self.folder.failures()
    }

    /// The newest proven head, where it could not be stored and is only in memory.
    pub fn unstored(&self) -> Option<Checkpoint> {
        self.unstored.head()
    }
}

//! The newest proven head, in memory, while the disk does not take it.
//!
//! An answer is proven under a head whether or not the head can be stored, so it is given. Within the process the timeline goes on
//! from there: every later head must contain this one too, and each move tries to store the head again. After a restart the
//! timeline goes on from the head that is stored, which this one contains: still no tree is accepted that does not contain what was
//! stored. What is lost until then is the memory of the records in between: a log that signed two histories which part after the
//! stored head could show the other one to the new process. That is a smaller harm than an outage of everything that can be proven
//! (the go command, with a cache that it cannot write, does not answer at all), and `/readyz`, `/metrics` and the commands report it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Database;
use crate::fault::Fault;
use crate::store::Swap;
use crate::store::failures::WriteKind;
use crate::sumdb::checkpoint::Checkpoint;

/// The head that is not stored; none where the newest one is.
#[derive(Default)]
pub(super) struct Unstored(Mutex<Option<Checkpoint>>);

impl Unstored {
    pub(super) fn head(&self) -> Option<Checkpoint> {
        self.lock().clone()
    }

    /// That head is the newest, and not on the disk. An older one does not take its place.
    fn hold(&self, head: &Checkpoint) {
        let mut held = self.lock();
        if held.as_ref().is_none_or(|held| held.tree().size < head.tree().size) {
            *held = Some(head.clone());
        }
    }

    /// That head is on the disk, and contains the one that is held, if it is not smaller.
    fn stored(&self, head: &Checkpoint) {
        self.lock().take_if(|held| held.tree().size <= head.tree().size);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Checkpoint>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Database {
    /// The newest head that was accepted here: the remembered one, or one that the disk did not take.
    ///
    /// # Errors
    /// As [`Database::remembered`].
    pub(super) fn newest_known(&self) -> Result<Option<Checkpoint>, Fault> {
        let known = self.remembered()?.into_iter().chain(self.unstored.head());
        Ok(known.max_by_key(|head| head.tree().size))
    }

    /// Puts `head`, which has been shown to contain `stored` and the unstored head, in the place of `stored`. Where the disk
    /// refuses that, the head is held in memory.
    ///
    /// # Errors
    /// `Unavailable`: another process keeps the lock.
    pub(super) fn store_head(&self, stored: Option<&Checkpoint>, head: &Checkpoint) -> Result<Swap, Fault> {
        match self.head.swap(stored.map(Checkpoint::bytes), head.bytes()) {
            Err(fault) if fault.is_disk() => {
                self.folder.note_failure(WriteKind::Head, &fault);
                self.unstored.hold(head);
                Ok(Swap::Done)
            }
            swapped => {
                if matches!(swapped, Ok(Swap::Done)) {
                    self.unstored.stored(head);
                }
                swapped
            }
        }
    }
}

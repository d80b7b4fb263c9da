//! Signed notes that have been opened already. A log repeats one note in thousands of answers, and verifying the same
//! signature again tells nothing new: Go's client spends most of its time on that.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::sumdb;
use crate::sumdb::checkpoint::{Checkpoint, Policy};

/// Notes remembered at most; a log that signs more heads than this during one run only costs time.
const MAX_NOTES: usize = 4096;

/// The policy that heads must satisfy, and the heads that have.
pub(super) struct Notes {
    policy: Policy,
    opened: Mutex<HashMap<Vec<u8>, Checkpoint>>,
}

impl Notes {
    pub(super) fn new(policy: Policy) -> Notes {
        Notes { policy, opened: Mutex::default() }
    }

    /// The policy that heads must satisfy.
    pub(super) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// [`Checkpoint::open`], done once for the same bytes.
    pub(super) fn open(&self, note: &[u8]) -> sumdb::Result<Checkpoint> {
        if let Some(head) = self.lock().get(note) {
            return Ok(head.clone());
        }
        let head = Checkpoint::open(note, &self.policy)?;
        let mut opened = self.lock();
        if opened.len() < MAX_NOTES {
            opened.insert(note.to_vec(), head.clone());
        }
        Ok(head)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Vec<u8>, Checkpoint>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

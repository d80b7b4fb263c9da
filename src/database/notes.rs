//! Signed notes that have been opened already. A log repeats one note in thousands of answers, and verifying the same
//! signature again shows nothing new: Go's client spends most of its time on that.

use std::collections::HashMap;

use parking_lot::{Mutex, MutexGuard};

use crate::fault::Fault;
use crate::store::StoredHead;
use crate::sumdb;
use crate::sumdb::checkpoint::{Checkpoint, Policy};

/// Bytes of notes that are remembered. A log signs a few heads an hour, of some 200 bytes each; but a relay can add
/// signatures of unknown keys, and so make many long notes of one head.
const MAX_BYTES: usize = 2 << 20;
/// What a note takes besides its bytes, of which there are two copies.
const OVERHEAD_BYTES: usize = 200;

/// The policy that heads must satisfy, and the heads that have.
pub(super) struct Notes {
    policy: Policy,
    /// the cache of verified notes; locked for one look or one insertion
    opened: Mutex<Opened>,
}

#[derive(Default)]
struct Opened {
    heads: HashMap<Vec<u8>, Checkpoint>,
    bytes: usize,
}

impl Notes {
    pub(super) fn new(policy: Policy) -> Notes {
        Notes { policy, opened: Mutex::default() }
    }

    /// The shortest note with the same text that satisfies the policy: that with one signature of its own, if one is enough. Anybody
    /// can add signatures of unknown keys.
    pub(super) fn shortest(&self, note: &[u8]) -> Vec<u8> {
        let alone = || {
            let text = str::from_utf8(note).ok()?;
            let at = text.rfind("\n\n")? + 2;
            let (text, signatures) = text.split_at_checked(at)?;
            let with = |line: &str| format!("{text}{line}").into_bytes();
            signatures.split_inclusive('\n').map(with).find(|note| self.open(note).is_ok_and(|head| head.has_quorum()))
        };
        alone().unwrap_or_else(|| note.to_vec())
    }

    /// A head of the data folder.
    ///
    /// # Errors
    /// `Unavailable`: it is not signed by the log's key, with what to do about it.
    pub(super) fn open_stored(&self, head: &StoredHead) -> Result<Checkpoint, Fault> {
        self.open(&head.note).map_err(|error| {
            let name = self.policy.log_key().map_or("the log", |key| key.name());
            let why = if self.policy.is_of_another_key(&head.note) {
                format!(
                    "is a tree head of {name} under another key than the one that is set ({error}): this folder was made \
                     for another log of that name. Set its key with --sumdb, name another folder with --data, or restore \
                     it from a backup"
                )
            } else {
                format!(
                    "is not a tree head that {name} signed ({error}); restore it from a backup, or delete it to trust the \
                     next head of {name} as at first contact"
                )
            };
            Fault::machine(head.path.display().to_string(), why)
        })
    }

    /// What heads must satisfy to count.
    pub(super) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// [`Checkpoint::signed`], done once for the same bytes: where the policy has witnesses, their quorum may be missing.
    pub(super) fn open(&self, note: &[u8]) -> sumdb::Result<Checkpoint> {
        if let Some(head) = self.lock().heads.get(note) {
            return Ok(head.clone());
        }
        let head = Checkpoint::signed(note, &self.policy)?;
        self.lock().add(note, &head);
        Ok(head)
    }

    fn lock(&self) -> MutexGuard<'_, Opened> {
        self.opened.lock()
    }
}

impl Opened {
    /// Where there is no more room, all others are forgotten: they only cost time.
    fn add(&mut self, note: &[u8], head: &Checkpoint) {
        let bytes = 2 * note.len() + OVERHEAD_BYTES;
        if self.bytes + bytes > MAX_BYTES {
            *self = Opened::default();
        }
        if bytes <= MAX_BYTES && self.heads.insert(note.to_vec(), head.clone()).is_none() {
            self.bytes += bytes;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::sumdb::checkpoint::Tree;
    use crate::sumdb::note::{SignerKey, message};

    #[test]
    fn remembered_notes_take_no_more_than_the_bound() {
        let signer = SignerKey::from_seed("log.example", [7; 32]).unwrap();
        let text = Tree::EMPTY.note_text();
        let note = message(&text, &[signer.sign(&text)]).unwrap();
        let head = Checkpoint::open(note.as_bytes(), &Policy::log(signer.verifier())).unwrap();
        let mut opened = Opened::default();
        let mut most = 0;
        // A note that is remembered already takes no more room.
        for number in [0].into_iter().chain(0..25) {
            opened.add(&[number; 100 << 10], &head);
            let held: usize = opened.heads.keys().map(|note| 2 * note.len() + OVERHEAD_BYTES).sum();
            assert_eq!(opened.bytes, held);
            assert!(held <= MAX_BYTES);
            most = most.max(opened.heads.len());
        }
        assert_eq!(most, 10, "notes of 200 KB in 2 MB");
        opened.add(&vec![0; MAX_BYTES], &head);
        assert_eq!((opened.heads.len(), opened.bytes), (0, 0), "one that is longer than all the room");
    }
}

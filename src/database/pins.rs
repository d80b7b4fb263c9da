//! Heads that are trusted before the first answer: the one that the program carries, or those that the user names. First contact
//! must be consistent with each, so nothing that they cover is trusted on first use.
//!
//! A new head is accepted only where it contains each pinned head, or where it is the pinned head itself: of a head that is older than
//! a pinned one, the pinned one takes the place, unless the policy wants cosignatures that it does not have. Once the timeline is known
//! to contain them, which the data folder notes, nothing is asked for on their account.

use std::sync::atomic::{AtomicBool, Ordering};

use super::Database;
use super::answer::Unavailable;
use super::carried::carried;
use crate::fault::{Cause, Fault};
use crate::store::HeadFile;
use crate::sumdb::checkpoint::{Checkpoint, Policy};

/// The pinned heads of one database.
pub(super) struct Pins {
    heads: Vec<Checkpoint>,
    /// whether the timeline is known to contain all of them
    are_contained: AtomicBool,
}

impl Pins {
    /// Those of the log with this key that come with the program.
    pub(super) fn carried(vkey: &str, policy: &Policy) -> Pins {
        Pins::new(carried(vkey).into_iter().map(|carried| carried.head), policy)
    }

    /// These, which bind the log also where nobody cosigned them, and count for more only as `policy` says.
    fn new(heads: impl IntoIterator<Item = Checkpoint>, policy: &Policy) -> Pins {
        let heads = heads.into_iter().map(|head| head.under(policy)).collect();
        Pins { heads, are_contained: AtomicBool::new(false) }
    }

    /// All of them.
    pub(super) fn all(&self) -> &[Checkpoint] {
        &self.heads
    }

    /// The largest.
    pub(super) fn largest(&self) -> Option<&Checkpoint> {
        self.heads.iter().max_by_key(|head| head.tree().size)
    }

    /// Those that the timeline, whose newest head is `known`, is not known to contain.
    pub(super) fn open(&self, known: Option<&Checkpoint>, file: &HeadFile) -> &[Checkpoint] {
        let known = known.map_or(0, |known| known.tree().size);
        // What was noted was true of a timeline that reached so far: where the folder lost it, it begins again.
        if self.largest().is_none_or(|largest| largest.tree().size <= known) {
            let trees = || self.heads.iter().map(Checkpoint::tree);
            if self.are_contained.load(Ordering::Relaxed) || file.has_pinned(trees()) {
                self.are_contained.store(true, Ordering::Relaxed);
                return &[];
            }
        }
        &self.heads
    }

    /// Notes that the timeline contains all of them.
    pub(super) fn contained(&self, file: &HeadFile, reads_only: bool) -> Result<(), Fault> {
        self.are_contained.store(true, Ordering::Relaxed);
        if reads_only { Ok(()) } else { file.note_pinned(self.heads.iter().map(Checkpoint::tree)) }
    }
}

impl Database {
    /// The same, held to `heads` at first contact, in place of the head that the program carries.
    #[must_use]
    pub fn pinned(mut self, heads: Vec<Checkpoint>) -> Database {
        self.pins = Pins::new(heads, self.notes.policy());
        self
    }

    /// The heads that first contact must be consistent with.
    pub fn pins(&self) -> &[Checkpoint] {
        self.pins.all()
    }
}

/// Why `head` cannot be accepted, which is older than the pinned head `pin`, whose tree could not be had.
pub(super) fn older(head: &Checkpoint, pin: &Checkpoint, why: Option<Unavailable>) -> Unavailable {
    let (size, pinned) = (head.tree().size, pin.tree().size);
    let (cause, why) = match why.map(|why| why.into_fault("the data folder")) {
        Some(Fault::Unavailable { source_name, why, cause }) => (cause, format!("{source_name}: {why}")),
        Some(fault) => (Cause::Upstream, fault.to_string()),
        None => (Cause::Nobody, "it was not asked for".to_owned()),
    };
    let text = format!(
        "the signed tree head of {size} records is older than the one of {pinned} that is pinned, and cannot be shown to be its \
         beginning ({why}): ask a source that is up to date, or pin a head that you trust with --pin-head"
    );
    Fault::unavailable(cause, "latest", text).into()
}

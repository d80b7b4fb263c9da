//! Heads that others send: each is compared with the one timeline from what is held here, so nobody is asked on a stranger's word. One
//! that contradicts it is a fork, with evidence. One that cannot be compared yet waits, on the disk, for a head that it can be compared
//! with: that may be evidence some day, so none is lost.
//!
//! A head has the log's signature, so there are only as many as the log signed; each tree is kept once, in its shortest note, and there
//! is a bound on all of them.

use std::collections::{HashMap, HashSet};

use parking_lot::Mutex;
use tokio::sync;

use super::{Inner, Relay};
use crate::database::Comparison;
use crate::fault::Fault;
use crate::store::HeadFile;
use crate::sumdb::checkpoint::{Checkpoint, Tree};
use crate::sumdb::hash::Hash;

/// Heads that wait, at most.
const MAX_PENDING: usize = 16_384;
/// Bytes of the note of one that waits, at most: a head of sum.golang.org has 200.
const MAX_PENDING_BYTES: usize = 2048;
/// Consistent heads that are remembered; past that they are compared again.
const MAX_CONSISTENT: usize = 65_536;

/// What became of a head that somebody sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gossip {
    /// it belongs to the one timeline
    Consistent,
    /// what is held does not reach to compare it: it is kept, and compared later
    Pending,
    /// the same, and it is not kept: too many wait already, or its note is too long
    Full,
}

/// The heads that others sent.
#[derive(Default)]
pub(super) struct Sent {
    /// trees that belong to the timeline; locked for one look or one insertion
    consistent: Mutex<HashSet<(u64, Hash)>>,
    /// held while one is compared or stored: one at a time
    turn: sync::Mutex<Waiting>,
}

/// The heads that wait.
#[derive(Default)]
struct Waiting {
    /// whether those of the disk have been read
    is_read: bool,
    heads: HashMap<(u64, Hash), Checkpoint>,
    /// records of the head that they were last compared with, all of them
    compared_with: u64,
}

fn key(tree: Tree) -> (u64, Hash) {
    (tree.size, tree.root)
}

impl Sent {
    fn is_consistent(&self, tree: Tree) -> bool {
        self.consistent.lock().contains(&key(tree))
    }

    fn set_consistent(&self, tree: Tree) {
        let mut consistent = self.consistent.lock();
        if consistent.len() >= MAX_CONSISTENT {
            consistent.clear();
        }
        consistent.insert(key(tree));
    }
}

impl Relay {
    /// Compares a head that somebody sent with the one timeline, from what is held here.
    ///
    /// # Errors
    /// `Refused`: it is not signed by the log. `Forked`: it contradicts the timeline, with the evidence. `Unavailable`: the disk.
    pub async fn gossip(&self, note: &[u8]) -> Result<Gossip, Fault> {
        self.inner.judge_sent(note).await
    }

    /// Compares the heads that others sent, and that could not be compared then, where the head has moved since.
    ///
    /// # Errors
    /// As [`Relay::gossip`].
    pub async fn compare_waiting(&self) -> Result<(), Fault> {
        self.inner.compare_waiting().await
    }

    /// How many heads that others sent wait to be compared.
    ///
    /// # Errors
    /// `Unavailable`: the disk.
    pub async fn waiting_heads(&self) -> Result<usize, Fault> {
        self.inner.waiting().await
    }
}

impl Inner {
    /// Judges a head that somebody sent.
    ///
    /// # Errors
    /// `Refused`: it is not signed by the log. `Forked`: it contradicts the timeline, with the evidence. `Unavailable`: the disk.
    pub(super) async fn judge_sent(&self, note: &[u8]) -> Result<Gossip, Fault> {
        let head = self.database.open_sent(note, "the note that was sent")?;
        if self.sent.is_consistent(head.tree()) {
            return Ok(Gossip::Consistent);
        }
        let mut waiting = self.sent.turn.lock().await;
        self.read_waiting(&mut waiting)?;
        // Those that wait are compared again when the head has moved.
        if waiting.heads.contains_key(&key(head.tree())) {
            return Ok(Gossip::Pending);
        }
        if let Comparison::OneHistory = self.database.compare_held(&head).await? {
            self.sent.set_consistent(head.tree());
            return Ok(Gossip::Consistent);
        }
        if self.head().is_some_and(|tree| tree.size < head.tree().size) {
            self.lags.notify_one();
        }
        if waiting.heads.len() >= MAX_PENDING || head.bytes().len() > MAX_PENDING_BYTES {
            return Ok(Gossip::Full);
        }
        self.file().add_pending(head.bytes())?;
        waiting.heads.insert(key(head.tree()), head);
        Ok(Gossip::Pending)
    }

    /// Compares the heads that wait with the head in force, if it has moved since the last time.
    ///
    /// # Errors
    /// `Forked`: one of them contradicts the timeline. `Unavailable`: the disk.
    pub(super) async fn compare_waiting(&self) -> Result<(), Fault> {
        let Some(now) = self.head() else { return Ok(()) };
        let mut waiting = self.sent.turn.lock().await;
        self.read_waiting(&mut waiting)?;
        if waiting.heads.is_empty() || waiting.compared_with == now.size {
            return Ok(());
        }
        let before = waiting.heads.len();
        let mut caught = Ok(());
        for head in waiting.heads.values().cloned().collect::<Vec<_>>() {
            match self.database.compare_held(&head).await {
                Ok(Comparison::OneHistory) => {
                    waiting.heads.remove(&key(head.tree()));
                    self.sent.set_consistent(head.tree());
                }
                Ok(Comparison::Unknown(_)) => {}
                // The evidence has it from now on.
                Err(fault @ Fault::Forked { .. }) => {
                    waiting.heads.remove(&key(head.tree()));
                    caught = Err(fault);
                }
                Err(fault) => return Err(fault),
            }
        }
        waiting.compared_with = now.size;
        if waiting.heads.len() < before {
            self.file().set_pending(waiting.heads.values().map(Checkpoint::bytes))?;
        }
        caught
    }

    /// How many heads wait.
    pub(super) async fn waiting(&self) -> Result<usize, Fault> {
        let mut waiting = self.sent.turn.lock().await;
        self.read_waiting(&mut waiting)?;
        Ok(waiting.heads.len())
    }

    fn file(&self) -> &HeadFile {
        self.database.head_file()
    }

    fn read_waiting(&self, waiting: &mut Waiting) -> Result<(), Fault> {
        if waiting.is_read {
            return Ok(());
        }
        let stored = self.file().pending()?;
        let heads = stored.iter().filter_map(|note| self.database.open_head(note).ok()).take(MAX_PENDING);
        waiting.heads = heads.map(|head| (key(head.tree()), head)).collect();
        waiting.is_read = true;
        Ok(())
    }
}

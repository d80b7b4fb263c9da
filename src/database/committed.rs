//! The committed part of the log: its head and its tree, read from the files, so that older heads can be compared with it
//! whether or not an upstream still has their tiles.

use super::Database;
use crate::fault::Fault;
use crate::store::Log;
use crate::store::log::{Rotten, Snapshot};
use crate::sumdb::checkpoint::Checkpoint;
use crate::sumdb::evidence::Evidence;
use crate::sumdb::tile::{Tile, VerifiedTree, Want};

/// The committed head and what it takes to compare others with it.
pub struct CommittedLog {
    head: Checkpoint,
    snapshot: Snapshot,
    tree: VerifiedTree,
    /// where it is, for messages
    place: String,
}

impl CommittedLog {
    /// What `log` holds up to `head`.
    ///
    /// # Errors
    /// `Unavailable`, `Refused`: the files cannot be read, or are damaged.
    pub fn open(log: &Log, head: Checkpoint) -> Result<CommittedLog, Fault> {
        CommittedLog::over(log.snapshot(head.tree())?, head, log.dir().display().to_string())
    }

    /// The same of a log that is open; `place` is where it is, for messages.
    pub(super) fn over(snapshot: Snapshot, head: Checkpoint, place: String) -> Result<CommittedLog, Fault> {
        let tree = VerifiedTree::new(head.tree());
        let mut committed = CommittedLog { head, snapshot, tree, place };
        let edge = committed.edge()?;
        let bodies: Vec<&Vec<u8>> = edge.iter().map(|(_, body)| body).collect();
        committed.tree.admit_edge(&bodies).map_err(|error| Fault::refused(&committed.place, error))?;
        Ok(committed)
    }

    /// The committed head.
    pub fn head(&self) -> &Checkpoint {
        &self.head
    }

    /// The tiles at the right edge, by path.
    fn edge(&self) -> Result<Vec<(String, Vec<u8>)>, Fault> {
        self.tree.edge().iter().map(|tile| Ok((tile.to_string(), self.read(tile)?))).collect()
    }

    fn read(&self, tile: &Tile) -> Result<Vec<u8>, Fault> {
        Ok(self.snapshot.hash_tile(tile).map_err(Rotten::into_fault)?.unwrap_or_default())
    }

    /// Compares the committed head with all that are remembered, and makes sure that it is: a data folder may have lost its memory,
    /// or be a copy.
    ///
    /// # Errors
    /// Those of [`CommittedLog::require_contains`]; `Unavailable`: the data folder.
    pub fn remember(&mut self, database: &Database) -> Result<(), Fault> {
        let size = self.head.tree().size;
        for known in database.remembered_heads()?.iter().filter(|known| known.tree().size <= size) {
            self.require_contains(database, known)?;
        }
        database.remember(&self.head, &self.edge()?)
    }

    /// Shows that `older` is the beginning of the committed tree, from the files alone.
    ///
    /// # Errors
    /// `Forked` where it is not, with the evidence saved. `Unavailable`, `Refused`: the files cannot be read, or are damaged.
    pub fn require_contains(&mut self, database: &Database, older: &Checkpoint) -> Result<(), Fault> {
        let refused = |error| Fault::refused(&self.place, error);
        let size = older.tree().size;
        if size == 0 || older.tree() == self.head.tree() {
            return Ok(());
        }
        if let Some(evidence) = Evidence::of_one_size(older, &self.head) {
            return Err(database.caught(evidence));
        }
        for tile in self.tree.plan(&[Want::Consistency(size)]).map_err(refused)?.tiles() {
            self.tree.admit(tile, &self.read(tile)?).map_err(refused)?;
        }
        if self.tree.root_at(size) == Some(older.tree().root) {
            return Ok(());
        }
        Err(database.caught_rewriting(older, &self.head, &self.tree))
    }
}

//! Which head to remember, where the file with the newest accepted one is damaged.
//!
//! Nothing can make a signature again. So it is a head that is still kept in another file, if that is not older than what was accepted;
//! else the newest head of a source, if that is shown to contain all that is kept, what is pinned, and the tree that was accepted last. Of
//! that the times of first sight have the size and the root: not signed, but written by this program when it had proven the tree. Where
//! they are lost too, nothing shows which head was accepted, and that is for a person to decide.

use std::cmp::Reverse;

use super::tiles::{Proven, Tiles};
use super::{Database, QUIETLY};
use crate::fault::Fault;
use crate::sumdb::checkpoint::{Checkpoint, Tree};
use crate::sumdb::tile::Want;

/// The longest signed head that is read, in bytes.
const MAX_HEAD_BYTES: usize = 64 << 10;

/// A head that may be remembered, and who had it.
#[derive(Debug)]
pub enum Restorable {
    /// a file of the data folder
    Kept(Checkpoint),
    /// a source, whose tree was shown to contain all that was accepted
    Sent(Checkpoint),
}

impl Restorable {
    /// The head.
    pub fn head(&self) -> &Checkpoint {
        match self {
            Restorable::Kept(head) | Restorable::Sent(head) => head,
        }
    }
}

impl Database {
    /// The head to remember, by those that are `kept` in other files and the largest tree that was `seen` to be accepted.
    ///
    /// # Errors
    /// `Forked`: the log is caught. `Refused`, `Unavailable`: there is none, and why.
    pub async fn restorable(&self, kept: &[Checkpoint], seen: Option<Tree>) -> Result<Restorable, Fault> {
        self.require_no_fork()?;
        self.require_one_tree_a_size(kept.iter())?;
        let largest = kept.iter().max_by_key(|head| head.tree().size);
        let reached = seen.map_or(0, |seen| seen.size);
        if let Some(largest) = largest.filter(|largest| largest.tree().size >= reached) {
            return Ok(Restorable::Kept(largest.clone()));
        }
        let Some(seen) = seen else {
            return Err(Fault::nobody(&self.name, "nothing else that is kept here shows which head had been accepted"));
        };
        // What the full log holds is taken from there, if that can be opened.
        let _ = self.mirror.refresh(&self.notes);
        let open = |note: Vec<u8>| self.notes.open(&note);
        let mut heads = self.upstreams.fetch_each("latest", MAX_HEAD_BYTES, open).await?;
        heads.sort_by_key(|head| Reverse(head.tree().size));
        let mut why = Fault::nobody(&self.name, "no source shows a signed head");
        for head in heads {
            match self.contains_all(&head, kept, seen).await {
                Ok(()) => return Ok(Restorable::Sent(head)),
                Err(fault @ Fault::Forked { .. }) => return Err(fault),
                Err(fault) => why = fault,
            }
        }
        Err(why)
    }

    /// Shows that the tree of `head` begins with all of these, and with those that are pinned.
    async fn contains_all(&self, head: &Checkpoint, kept: &[Checkpoint], seen: Tree) -> Result<(), Fault> {
        let size = head.tree().size;
        let needed = kept.iter().chain(self.pins()).map(Checkpoint::tree).chain([seen]).map(|tree| tree.size).max();
        if needed.is_some_and(|needed| needed > size) {
            let why = format!("shows a head of {size} records, and one of {} was accepted", needed.unwrap_or(0));
            return Err(Fault::upstream(&self.name, why));
        }
        if !head.has_quorum() {
            return Err(self.uncosigned(head, None));
        }
        let (tiles, mut proven) = (self.tiles(QUIETLY), Proven::nothing_of(head.tree()));
        tiles.fetch(&mut proven, &[]).await.map_err(|miss| miss.into_fault(&self.name))?;
        for old in kept.iter().chain(self.pins()) {
            self.require_one_tree_a_size([old, head].into_iter())?;
            let contained = self.require_contained(&tiles, &mut proven, old, head).await;
            contained.map_err(|stop| stop.into_fault(&self.name))?;
        }
        self.begins_with(&tiles, &mut proven, seen).await?;
        self.keep_tiles(&mut proven);
        Ok(())
    }

    /// Shows that a tree begins with one that was accepted, of which there is no signature any more.
    async fn begins_with(&self, tiles: &Tiles<'_>, proven: &mut Proven, seen: Tree) -> Result<(), Fault> {
        let tree = proven.tree.tree();
        let root = if seen.size == tree.size {
            Some(tree.root)
        } else {
            let want = Want::RootAt(seen.size);
            tiles.fetch(proven, &[want]).await.map_err(|miss| miss.into_fault(&self.name))?;
            proven.tree.root_at(seen.size)
        };
        match root {
            Some(root) if root == seen.root => Ok(()),
            Some(root) => {
                let why = format!(
                    "its tree had the root {root} at {} records, and the one that was accepted has {}: either that line of seen.jsonl is \
                     damaged, or the log has another history now; compare with `gosumcheck heads add` and heads of other machines",
                    seen.size, seen.root
                );
                Err(Fault::upstream(&self.name, why))
            }
            None => Err(Fault::upstream(&self.name, "the tiles for the comparison could not be had")),
        }
    }
}

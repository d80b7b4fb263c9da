//! One timeline: every signed head that is accepted contains all that were accepted before, or the log is caught.
//!
//! The head moves only forward, to a tree that has been shown to contain the remembered one. At first contact the first
//! signed head is trusted, as the go command does. Two heads that cannot both be true become evidence, and nothing is
//! accepted.

use super::tiles::Tiles;
use super::{Database, Miss};
use crate::fault::Fault;
use crate::store::Swap;
use crate::sumdb::checkpoint::Checkpoint;
use crate::sumdb::evidence::Evidence;
use crate::sumdb::tile::{VerifiedTree, Want};

/// Tries to move the head while other processes move it too.
const MAX_CONFLICTS: usize = 16;

/// The head in force, the part of its tree that is proven, and how many other heads could not be compared with it.
pub(super) struct Present {
    pub(super) head: Checkpoint,
    pub(super) tree: VerifiedTree,
    pub(super) uncompared: usize,
}

impl Database {
    /// The newest head that was accepted here.
    ///
    /// # Errors
    /// `Unavailable`: the disk. `Refused`: the file there is not signed by this database's key.
    pub fn remembered(&self) -> Result<Option<Checkpoint>, Fault> {
        let Some(note) = self.head.load()? else { return Ok(None) };
        let path = self.head.path().display().to_string();
        self.notes.open(&note).map(Some).map_err(|error| Fault::refused(path, error))
    }

    /// Moves on to the newest of `heads` if it is newer than the remembered one, having compared all of them.
    ///
    /// # Errors
    /// `Miss`: what the comparison needs cannot be had, so nothing moved. `Forked` is in it: the log is caught.
    pub(super) async fn advance(&self, tiles: &Tiles<'_>, heads: &[Checkpoint]) -> Result<Option<Present>, Miss> {
        let newest = heads.iter().max_by_key(|head| head.tree().size);
        for _ in 0..MAX_CONFLICTS {
            let known = self.remembered()?;
            let is_news = newest.is_some_and(|new| known.as_ref().is_none_or(|old| new.tree().size > old.tree().size));
            let Some(head) = (if is_news { newest.cloned() } else { known.clone() }) else { return Ok(None) };
            let mut tree = VerifiedTree::new(head.tree());
            tiles.bring(&mut tree, &[]).await?;
            if let Some(old) = known.as_ref().filter(|_| is_news) {
                self.require_contained(tiles, &mut tree, old, &head).await?;
            }
            let uncompared = self.compare_all(tiles, &mut tree, heads, &head).await?;
            if is_news {
                let swap = self.head.swap(known.as_ref().map(Checkpoint::bytes), head.bytes())?;
                if let Swap::Conflict(_) = swap {
                    continue; // another process moved it: look at what it moved to
                }
            }
            return Ok(Some(Present { head, tree, uncompared }));
        }
        let path = self.head.path().display().to_string();
        Err(Fault::unavailable(path, "other processes keep changing the remembered head; try again").into())
    }

    /// Shows that `old` is the beginning of `head`'s tree.
    pub(super) async fn require_contained(
        &self,
        tiles: &Tiles<'_>,
        tree: &mut VerifiedTree,
        old: &Checkpoint,
        head: &Checkpoint,
    ) -> Result<(), Miss> {
        let missed = tiles.bring(tree, &[Want::RootAt(old.tree().size)]).await?;
        match tree.root_at(old.tree().size) {
            Some(root) if root == old.tree().root || old.tree().size == 0 => Ok(()),
            Some(_) => Err(self.caught(tiles, tree, old, head).await),
            None => Err(Miss::worst(missed.into_values().collect())),
        }
    }

    /// Compares heads that came along with answers. They are not adopted, so one that cannot be compared is only counted.
    async fn compare_all(
        &self,
        tiles: &Tiles<'_>,
        tree: &mut VerifiedTree,
        heads: &[Checkpoint],
        head: &Checkpoint,
    ) -> Result<usize, Miss> {
        let others: Vec<_> =
            heads.iter().filter(|other| other.tree() != head.tree() && other.tree().size > 0).collect();
        let wants: Vec<_> = others.iter().map(|other| Want::RootAt(other.tree().size)).collect();
        tiles.bring(tree, &wants).await?;
        let mut uncompared = 0;
        for other in others {
            match tree.root_at(other.tree().size) {
                Some(root) if root == other.tree().root => {}
                Some(_) => return Err(self.caught(tiles, tree, other, head).await),
                None => uncompared += 1,
            }
        }
        Ok(uncompared)
    }

    /// The evidence against the log, saved.
    async fn caught(&self, tiles: &Tiles<'_>, tree: &mut VerifiedTree, old: &Checkpoint, head: &Checkpoint) -> Miss {
        let size = old.tree().size;
        // What is missing for the proof stays missing: both heads are signed, and the tree is proven to be another.
        let _ = tiles.bring(tree, &[Want::Consistency(size)]).await;
        let rewritten = tree.root_at(size).unwrap_or_default();
        let evidence = Evidence::new(old, head, rewritten, tree.consistency_proof(size).unwrap_or_default());
        let saved = self.folder.save_evidence(&self.name, &format!("{evidence}\n")).ok();
        Miss::Fault(Fault::Forked { evidence: Box::new(evidence), saved })
    }
}

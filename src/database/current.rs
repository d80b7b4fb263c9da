//! The head in force: a signed head that the timeline has accepted, and what is proven of its tree.

use bytes::Bytes;

use super::Unavailable;
use super::tiles::Proven;
use crate::sumdb::checkpoint::{Checkpoint, Tree};
use crate::sumdb::tile::{Edge, Tile, TilePath, VerifiedTree};

/// The head in force, with the right edge of its tree at least.
#[derive(Clone)]
pub struct CurrentHead {
    pub(super) head: Checkpoint,
    pub(super) proven: Proven,
    /// how many other heads could not be compared with it
    pub(super) uncompared: usize,
    /// why a larger head is not in force
    pub(super) beyond: Option<Unavailable>,
}

impl CurrentHead {
    /// The signed head.
    pub fn head(&self) -> &Checkpoint {
        &self.head
    }

    /// Its signed note, in a buffer that can be shared.
    pub fn note(&self) -> Bytes {
        Bytes::copy_from_slice(self.head.bytes())
    }

    /// The tree that it signs.
    pub fn tree(&self) -> Tree {
        self.head.tree()
    }

    /// Records of its tree.
    pub fn size(&self) -> u64 {
        self.head.tree().size
    }

    /// What is proven of its tree.
    pub fn proven(&self) -> &VerifiedTree {
        &self.proven.tree
    }

    /// Why a larger head that was offered is not in force; none where there was none.
    pub fn beyond(&self) -> Option<&Unavailable> {
        self.beyond.as_ref()
    }

    /// Whether its tree has all of a tile.
    pub fn has(&self, path: &TilePath) -> bool {
        // A data tile exists where its leaves do.
        let tile = match path {
            TilePath::Hashes(tile) => *tile,
            TilePath::Data(tile) => tile.hashes(),
        };
        (tile.index() << 8) + u64::from(tile.width()) <= Edge::hashes(self.size(), tile.level())
    }

    /// Whether its tree has the tile in full.
    pub fn has_full(&self, tile: &Tile) -> bool {
        self.has(&TilePath::Hashes(tile.full()))
    }

    /// Whether its tree is known to contain that of `head`.
    pub(super) fn contains(&self, head: &Checkpoint) -> bool {
        head.tree() == self.tree() || self.proven.tree.root_at(head.tree().size) == Some(head.tree().root)
    }

    /// The full tiles that must be admitted before `tile` can be checked, the uppermost first.
    pub fn missing_above(&self, tile: &Tile) -> Vec<Tile> {
        let next = |tile: &Tile| self.proven.tree.missing_parent(tile);
        let mut above: Vec<Tile> = std::iter::successors(next(tile), next).collect();
        above.reverse();
        above
    }

    /// The same head with the edge of its tree and nothing else, for keeping; none where the edge is not held.
    pub(super) fn with_edge_only(&self) -> Option<CurrentHead> {
        let mut proven = Proven::nothing_of(self.tree());
        let edge: Option<Vec<_>> = proven.tree.edge().iter().map(|tile| self.proven.tree.tile_bytes(tile)).collect();
        proven.tree.admit_edge(&edge?).ok()?;
        Some(CurrentHead { head: self.head.clone(), proven, uncompared: self.uncompared, beyond: self.beyond.clone() })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::sumdb::checkpoint::Policy;
    use crate::sumdb::hash::{leaf_hash, node_hash};
    use crate::sumdb::note::{SignerKey, message};

    #[test]
    fn a_head_contains_itself_and_the_beginnings_of_its_tree() {
        let signer = SignerKey::from_seed("log.example", [7; 32]).unwrap();
        let policy = Policy::log(signer.verifier());
        let head = |size, root| {
            let text = Tree { size, root }.note_text();
            Checkpoint::open(message(&text, &[signer.sign(&text)]).unwrap().as_bytes(), &policy).unwrap()
        };
        let [a, b] = [leaf_hash(b"a"), leaf_hash(b"b")];
        let two = head(2, node_hash(&a, &b));
        let mut proven = Proven::nothing_of(two.tree());
        let current =
            |proven: &Proven| CurrentHead { head: two.clone(), proven: proven.clone(), uncompared: 0, beyond: None };
        assert!(current(&proven).contains(&two));
        assert!(!current(&proven).contains(&head(1, a)), "not known yet");
        proven.tree.admit_edge(&[[a.0, b.0].concat()]).unwrap();
        assert!(current(&proven).contains(&two) && current(&proven).contains(&head(1, a)));
        for other in [head(1, b), head(2, a), head(3, a)] {
            assert!(!current(&proven).contains(&other));
        }
    }
}

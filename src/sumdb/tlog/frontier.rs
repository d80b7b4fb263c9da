//! The right edge of a growing tree: enough to append leaves one by one and to know the root at every size.

use super::fold;
use crate::sumdb::checkpoint::Tree;
use crate::sumdb::hash::{Hash, node_hash};

/// The complete subtrees of a tree, the largest first: one for each bit that is set in its size.
#[derive(Debug, Clone, Default)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// The empty tree.
    pub fn new() -> Frontier {
        Frontier::default()
    }

    /// Adds a leaf on the right.
    pub fn append(&mut self, leaf: Hash) {
        let mut hash = leaf;
        // Each one bit at the low end of the size is a subtree as large as the one that has just been completed.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = node_hash(&left, &hash);
            }
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// Adds a complete subtree of 2^`level` leaves; only where the size is a multiple of that. Says whether it was.
    pub fn append_subtree(&mut self, level: u32, subtree: Hash) -> bool {
        let width = 1u64.checked_shl(level).unwrap_or(0);
        if width == 0 || !self.size.is_multiple_of(width) {
            return false;
        }
        let mut hash = subtree;
        for _ in 0..(self.size >> level).trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = node_hash(&left, &hash);
            }
        }
        self.peaks.push(hash);
        self.size += width;
        true
    }

    /// Leaves so far, and the root over them.
    pub fn tree(&self) -> Tree {
        Tree { size: self.size, root: fold(&self.peaks) }
    }
}

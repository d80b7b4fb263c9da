//! The Merkle tree of the log (RFC 6962 section 2.1): its root from its leaves, and proofs that a leaf is in it and that
//! an older tree is the beginning of a newer one.
//!
//! A complete subtree is named by `(level, index)`: 2^level leaves from `index << level` on. A holder of such hashes
//! is a [`Subtrees`]; ranges of leaves and proofs are put together from them, and a hash that is not held makes the answer
//! `None`, never a guess.

mod frontier;
mod proof;

pub use frontier::Frontier;
pub use proof::{check_consistency, check_inclusion, check_subtree_consistency, check_subtree_inclusion};

use std::ops::Range;

use super::hash::{EMPTY_ROOT, Hash, node_hash};

/// A holder of hashes of complete subtrees.
pub trait Subtrees {
    /// The hash over the 2^`level` leaves from `index << level` on, where it is held.
    fn subtree(&self, level: u32, index: u64) -> Option<Hash>;

    /// MTH over a range of leaves whose start is a multiple of the largest power of two in its length, as all ranges of
    /// the RFC's recursions are: its complete subtrees, the largest first, folded from the right.
    fn range(&self, leaves: Range<u64>) -> Option<Hash> {
        let mut start = leaves.start;
        let mut peaks = Vec::new();
        for level in (0..u64::BITS).rev() {
            if (leaves.end - leaves.start) >> level & 1 == 1 {
                peaks.push(self.subtree(level, start >> level)?);
                start += 1 << level;
            }
        }
        Some(fold(&peaks))
    }

    /// The proof that leaf `index` is in the tree of the first `size` leaves, the hash next to the leaf first
    /// (RFC 6962 section 2.1.1).
    fn inclusion(&self, size: u64, index: u64) -> Option<Vec<Hash>> {
        let mut siblings = Vec::new();
        let mut leaves = 0..size;
        if !leaves.contains(&index) {
            return None;
        }
        while leaves.end - leaves.start > 1 {
            let middle = leaves.start + split(leaves.end - leaves.start);
            let (into, beside) = halves(&leaves, middle, index < middle);
            siblings.push(self.range(beside)?);
            leaves = into;
        }
        siblings.reverse();
        Some(siblings)
    }

    /// The proof that the tree of the first `older` leaves is the beginning of that of the first `newer`
    /// (RFC 6962 section 2.1.2); `None` for `older` 0, of which there is nothing to prove.
    fn consistency(&self, newer: u64, older: u64) -> Option<Vec<Hash>> {
        let mut hashes = Vec::new();
        let mut leaves = 0..newer;
        if older == 0 || older > newer {
            return None;
        }
        while leaves.end != older {
            let middle = leaves.start + split(leaves.end - leaves.start);
            let (into, beside) = halves(&leaves, middle, older <= middle);
            hashes.push(self.range(beside)?);
            leaves = into;
        }
        if leaves.start != 0 {
            hashes.push(self.range(leaves)?); // its hash is not the older root itself, so the verifier needs it
        }
        hashes.reverse();
        Some(hashes)
    }
}

/// Where the RFC splits a tree of `size` > 1 leaves: the largest power of two that is smaller than `size`.
pub(crate) fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

/// The half to go into and the half beside it.
fn halves(leaves: &Range<u64>, middle: u64, left: bool) -> (Range<u64>, Range<u64>) {
    let (low, high) = (leaves.start..middle, middle..leaves.end);
    if left { (low, high) } else { (high, low) }
}

/// The root over complete subtrees of falling size, left to right: folded from the right.
pub(crate) fn fold(peaks: &[Hash]) -> Hash {
    peaks.iter().rev().copied().reduce(|right, left| node_hash(&left, &right)).unwrap_or(EMPTY_ROOT)
}

#[cfg(test)]
mod tests;

//! Checking proofs, by the recursions that define them (RFC 6962 sections 2.1.1 and 2.1.2; the subtree forms are those of
//! draft-ietf-plants-merkle-tree-certs). A proof must be used up exactly: a hash too many is as wrong as one too few.

use std::ops::Range;

use super::split;
use crate::sumdb::checkpoint::{MAX_SIZE, Tree};
use crate::sumdb::error::{Error, Result};
use crate::sumdb::hash::{EMPTY_ROOT, Hash, node_hash};

/// Checks that `leaf` is the leaf hash at `index` in `tree`. `proof` has the hash next to the leaf first.
///
/// # Errors
/// `Unproven`: it does not show that.
pub fn check_inclusion(proof: &[Hash], tree: &Tree, index: u64, leaf: &Hash) -> Result<()> {
    check_subtree_inclusion(proof, 0..tree.size, &tree.root, index, leaf)
}

/// Checks that `leaf` is the leaf hash at `index` below the subtree over `leaves`, whose hash is `root`.
///
/// # Errors
/// `Unproven`: it does not show that.
pub fn check_subtree_inclusion(proof: &[Hash], leaves: Range<u64>, root: &Hash, index: u64, leaf: &Hash) -> Result<()> {
    let wrong = |why: &str| Error::unproven("inclusion proof", why);
    check_subtree_range(&leaves)?;
    if !leaves.contains(&index) {
        return Err(wrong("the index is outside the tree"));
    }
    // Down from the root, noting which side each sibling is on; the siblings are consumed from the end.
    let (mut place, mut size) = (index - leaves.start, leaves.end - leaves.start);
    let mut sides = Vec::new();
    while size > 1 {
        let middle = split(size);
        let right = place >= middle;
        sides.push(right);
        (place, size) = if right { (place - middle, size - middle) } else { (place, middle) };
    }
    if proof.len() != sides.len() {
        return Err(wrong(&format!("{} hashes where {} belong", proof.len(), sides.len())));
    }
    let computed = proof.iter().zip(sides.iter().rev()).fold(*leaf, |hash, (sibling, right)| {
        if *right { node_hash(sibling, &hash) } else { node_hash(&hash, sibling) }
    });
    if computed != *root {
        return Err(wrong(&format!("leads to root {computed} where the tree has {root}")));
    }
    Ok(())
}

/// Checks that `older` is the beginning of `newer`. Nothing can be proven of an empty older tree: it is the beginning of all.
///
/// # Errors
/// `Unproven`: it does not show that.
pub fn check_consistency(proof: &[Hash], older: &Tree, newer: &Tree) -> Result<()> {
    if older.size == 0 {
        return Err(Error::unproven("consistency proof", "nothing is proven of an empty tree"));
    }
    check_subtree_consistency(proof, 0..older.size, &older.root, newer)
}

/// Checks that `root` is the hash of the subtree over `leaves` of `tree`. The empty subtree is part of every tree.
///
/// # Errors
/// `Unproven`: it does not show that.
pub fn check_subtree_consistency(proof: &[Hash], leaves: Range<u64>, root: &Hash, tree: &Tree) -> Result<()> {
    let wrong = |why: &str| Error::unproven("consistency proof", why);
    if leaves.start == leaves.end && *root == EMPTY_ROOT && proof.is_empty() {
        return Ok(());
    }
    check_subtree_range(&leaves)?;
    if leaves.end > tree.size || tree.size > MAX_SIZE {
        return Err(wrong("the older tree is larger than the newer"));
    }
    let (old, new) =
        subproof(proof, leaves, tree.size, Some(root)).ok_or_else(|| wrong("the wrong number of hashes"))?;
    if old != *root {
        return Err(wrong(&format!("the older tree has root {root}, the newer begins with {old}")));
    }
    if new != tree.root {
        return Err(wrong(&format!("leads to root {new} where the newer tree has {}", tree.root)));
    }
    Ok(())
}

/// The hashes of the subtree over `leaves` and of the whole tree of `size` leaves, as the proof gives them; `known` is the
/// subtree's hash while it is still wholly ahead, so that the proof need not repeat it. `None`: too many hashes or too few.
fn subproof(proof: &[Hash], leaves: Range<u64>, size: u64, known: Option<&Hash>) -> Option<(Hash, Hash)> {
    if leaves == (0..size) {
        return match (known, proof) {
            (Some(root), []) => Some((*root, *root)),
            (None, [hash]) => Some((*hash, *hash)),
            _ => None,
        };
    }
    let (beside, rest) = proof.split_last()?;
    let middle = split(size);
    if leaves.end <= middle {
        let (old, new) = subproof(rest, leaves, middle, known)?;
        Some((old, node_hash(&new, beside)))
    } else if leaves.start >= middle {
        let (old, new) = subproof(rest, leaves.start - middle..leaves.end - middle, size - middle, known)?;
        Some((old, node_hash(beside, &new)))
    } else {
        // The subtree reaches over the middle, so it begins at 0 and has the whole left half.
        let (old, new) = subproof(rest, 0..leaves.end - middle, size - middle, None)?;
        Some((node_hash(beside, &old), node_hash(beside, &new)))
    }
}

/// A subtree begins at a multiple of the smallest power of two that is not smaller than its length.
fn check_subtree_range(leaves: &Range<u64>) -> Result<()> {
    let valid = leaves.start < leaves.end
        && leaves.end <= MAX_SIZE
        && leaves.start.is_multiple_of((leaves.end - leaves.start).next_power_of_two());
    if valid { Ok(()) } else { Err(Error::unproven("proof", format!("{leaves:?} is not a subtree"))) }
}

//! The levels of hashes above the leaves, and which of their hashes are the true ones.
//!
//! What a hash should be can be known from three sides: what is stored, what the stored hashes below it fold to, and what
//! follows from the records. Two sides that agree stand against the third. Whether a hash that was chosen so is true is then
//! proven from the top down: the right edge folds to the signed root, and a tile to its slot in the level above.

use std::collections::HashMap;

use super::files::Files;
use crate::sumdb::checkpoint::Tree;
use crate::sumdb::error::Error;
use crate::sumdb::hash::Hash;
use crate::sumdb::number::wide;
use crate::sumdb::tile::{Edge, FULL, FULL_LEN, complete_root};

/// Levels at the edge of which stored and derived hashes are tried in all mixtures.
const MAX_MIXED: usize = 10;

/// The root of a tree of `size` leaves, by the partial tile of each level.
pub(super) fn root(size: u64, mut partial: impl FnMut(usize) -> Vec<Hash>) -> Option<Hash> {
    let edge = Edge::read::<Error>(size, |tile| Ok(partial(usize::try_from(tile.level()).unwrap_or(usize::MAX))));
    edge.ok().map(|edge| edge.tree().root)
}

/// What is stored above the leaves: `stored[0]` is level 1.
#[derive(Debug)]
pub(super) struct Levels {
    tree: Tree,
    stored: Vec<Vec<Hash>>,
}

/// What is known of the levels above the leaves after a closer look.
#[derive(Debug)]
pub(super) struct RecoveredLevels {
    tree: Tree,
    /// `best[0]` is level 0's partial tile alone, `best[L]` all of level L
    best: Vec<Vec<Hash>>,
    /// by level: whether each tile is proven under the root
    proven: Vec<Vec<bool>>,
}

impl Levels {
    /// Reads all levels above the leaves; they are small.
    pub(super) fn read(files: &Files) -> Levels {
        let tree = files.tree;
        let count = |level| usize::try_from(Edge::hashes(tree.size, level)).unwrap_or(usize::MAX);
        let levels = (1..).map(|level| (level, count(level))).take_while(|(_, count)| *count > 0);
        let stored = levels.map(|(level, count)| files.stored(usize::try_from(level).unwrap_or(0), 0, count)).collect();
        Levels { tree, stored }
    }

    /// What is stored of a level above the leaves.
    pub(super) fn stored(&self, level: usize) -> &[Hash] {
        level.checked_sub(1).and_then(|at| self.stored.get(at)).map_or(&[], Vec::as_slice)
    }

    /// The root of a tree of whole data tiles, as these hashes give it.
    pub(super) fn stored_root(&self) -> Option<Hash> {
        root(self.tree.size, |level| partial(self.stored(level)).to_vec())
    }

    /// How many hashes the level has to have.
    fn needed(&self, level: usize) -> usize {
        let level = u32::try_from(level).unwrap_or(u32::MAX);
        usize::try_from(Edge::hashes(self.tree.size, level)).unwrap_or(usize::MAX)
    }

    /// Whether everything that is stored above the leaves folds to the root, with these leaf hashes at the right edge.
    pub(super) fn are_whole(&self, edge: &[Hash]) -> bool {
        let top = self.stored.len();
        let tiles_fold = (1..=top).all(|level| {
            let (tiles, _) = self.stored(level).as_chunks::<FULL_LEN>();
            let above = self.stored(level + 1);
            self.stored(level).len() == self.needed(level)
                && tiles.len() == above.len()
                && tiles.iter().zip(above).all(|(tile, slot)| complete_root(tile) == *slot)
        });
        let partial = |level: usize| if level == 0 { edge.to_vec() } else { partial(self.stored(level)).to_vec() };
        tiles_fold && root(self.tree.size, partial) == Some(self.tree.root)
    }

    /// The true hashes, where they can be recovered. `looked` has for each level 1 hash below which something is wrong what the
    /// stored leaf hashes and what the records fold to; `edges` are the leaf hashes of the right edge, stored and derived.
    pub(super) fn recover(&self, looked: &HashMap<u64, [Option<Hash>; 2]>, edges: [&[Hash]; 2]) -> RecoveredLevels {
        let [stored_edge, derived_edge] = edges;
        let mut best = vec![derived_edge.to_vec()];
        for level in 1..=self.stored.len() {
            let below: &[Hash] = best.last().map_or(&[], Vec::as_slice);
            let hashes = (0..self.needed(level)).map(|slot| {
                let stored = self.stored(level).get(slot).copied();
                let range = slot * FULL_LEN..(slot + 1) * FULL_LEN;
                if level == 1 {
                    let slot = wide(slot);
                    let [folded, derived] = looked.get(&slot).copied().unwrap_or([stored, None]);
                    // Where no two sides agree, both below are damaged rather than all three.
                    return vote(stored, folded, derived).or(stored).or(derived).or(folded).unwrap_or_default();
                }
                let whole = |hashes: &[Hash]| hashes.get(range.clone()).map(complete_root);
                let (folded, derived) = (whole(self.stored(level - 1)), whole(below));
                vote(stored, folded, derived).or(derived).unwrap_or_default()
            });
            best.push(hashes.collect());
        }
        let mut recovered =
            RecoveredLevels { tree: self.tree, proven: best.iter().map(|_| Vec::new()).collect(), best };
        recovered.prove(self, [stored_edge, derived_edge]);
        recovered
    }
}

/// The hash that two sides agree on.
fn vote(stored: Option<Hash>, folded: Option<Hash>, derived: Option<Hash>) -> Option<Hash> {
    if stored == folded || stored == derived { stored } else { derived.filter(|_| folded == derived) }
}

/// The hashes of a level that are in its partial tile.
fn partial(hashes: &[Hash]) -> &[Hash] {
    hashes.as_chunks::<FULL_LEN>().1
}

impl RecoveredLevels {
    /// Decides every tile from the top down.
    fn prove(&mut self, levels: &Levels, edges: [&[Hash]; 2]) {
        let edge = self.prove_edge(levels, edges);
        for level in (1..self.best.len()).rev() {
            let above = self.best.get(level + 1).cloned().unwrap_or_default();
            let Some(best) = self.best.get_mut(level) else { continue };
            let (tiles, _) = best.as_chunks_mut::<FULL_LEN>();
            let stored = levels.stored(level);
            let mut proven = Vec::with_capacity(tiles.len() + 1);
            for (index, tile) in tiles.iter_mut().enumerate() {
                let slot = above.get(index);
                let kept = stored
                    .get(index * FULL_LEN..(index + 1) * FULL_LEN)
                    .and_then(|kept| kept.first_chunk::<FULL_LEN>());
                // What is stored goes first: it may be right where the records below are not.
                if let Some(kept) = kept.filter(|kept| slot == Some(&complete_root(kept.as_slice()))) {
                    *tile = *kept;
                    proven.push(true);
                } else {
                    proven.push(slot == Some(&complete_root(tile)));
                }
            }
            proven.push(edge);
            if let Some(all) = self.proven.get_mut(level) {
                *all = proven;
            }
        }
        if let Some(leaves) = self.proven.first_mut() {
            *leaves = vec![edge];
        }
    }

    /// Chooses for each level's partial tile what is stored or what was derived, so that they fold to the root.
    fn prove_edge(&mut self, levels: &Levels, edges: [&[Hash]; 2]) -> bool {
        let [stored_edge, _] = edges;
        let best: Vec<Vec<Hash>> = self
            .best
            .iter()
            .enumerate()
            .map(|(level, hashes)| if level == 0 { hashes.clone() } else { partial(hashes).to_vec() })
            .collect();
        let stored: Vec<Vec<Hash>> = (0..best.len())
            .map(|level| {
                let kept = levels.stored(level);
                if level == 0 {
                    stored_edge.to_vec()
                } else {
                    kept.get(self.full(level)..).unwrap_or_default().to_vec()
                }
            })
            .collect();
        let differing: Vec<usize> = (0..best.len()).filter(|level| best.get(*level) != stored.get(*level)).collect();
        let mixtures = 1_usize << differing.len().min(MAX_MIXED);
        for mixture in 0..mixtures {
            let takes_derived =
                |level: usize| differing.iter().position(|at| *at == level).is_some_and(|bit| mixture >> bit & 1 == 1);
            let chosen = |level: usize| {
                let side = if takes_derived(level) { &best } else { &stored };
                side.get(level).cloned().unwrap_or_default()
            };
            if root(self.tree.size, chosen) == Some(self.tree.root) {
                for level in 0..best.len() {
                    let (at, chosen) = (self.full(level), chosen(level));
                    if let Some(hashes) = self.best.get_mut(level) {
                        hashes.truncate(at);
                        hashes.extend(chosen);
                    }
                }
                return true;
            }
        }
        false
    }

    /// Hashes of a level that are in full tiles; of the leaves only the edge is held.
    fn full(&self, level: usize) -> usize {
        let hashes = Edge::hashes(self.tree.size, u32::try_from(level).unwrap_or(u32::MAX));
        if level == 0 { 0 } else { usize::try_from(hashes / FULL * FULL).unwrap_or(usize::MAX) }
    }

    /// Whether the right edge folds to the signed root.
    pub(super) fn has_root(&self) -> bool {
        self.proven.first().and_then(|edge| edge.first()).copied().unwrap_or(false)
    }

    /// The highest level.
    pub(super) fn top(&self) -> usize {
        self.best.len().saturating_sub(1)
    }

    /// The best that is known of a level above the leaves; of level 0, its partial tile.
    pub(super) fn level(&self, level: usize) -> &[Hash] {
        self.best.get(level).map_or(&[], Vec::as_slice)
    }

    /// Whether hash `slot` of a level above the leaves is proven, given that those above it are.
    pub(super) fn is_proven(&self, level: usize, slot: usize) -> bool {
        self.proven.get(level).and_then(|tiles| tiles.get(slot / FULL_LEN)).copied().unwrap_or(false)
    }

    /// The hash that the leaf hashes of data tile `index` must fold to, and whether that is proven all the way up.
    pub(super) fn above_leaves(&self, index: u64) -> Option<(Hash, bool)> {
        let slot = usize::try_from(index).ok()?;
        Some((*self.level(1).get(slot)?, self.is_proven_up_to_the_root(1, slot)))
    }

    /// Whether hash `slot` of a level above the leaves is proven, and all above it.
    pub(super) fn is_proven_up_to_the_root(&self, level: usize, slot: usize) -> bool {
        let mut at = slot;
        let all = (level..=self.top()).all(|level| {
            let proven = self.is_proven(level, at);
            at /= FULL_LEN;
            proven
        });
        all && self.has_root()
    }
}

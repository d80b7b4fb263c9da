//! The right edge of a growing log: the partial tile of every level, which is what it takes to append records and to know
//! what each full tile hashes to, level by level.

use super::verified::{complete_root, peaks};
use super::{FULL, FULL_LEN, HEIGHT, Tile};
use crate::sumdb::checkpoint::Tree;
use crate::sumdb::error::Error;
use crate::sumdb::hash::Hash;
use crate::sumdb::number::wide;
use crate::sumdb::tlog::fold;

/// The partial tiles at the right edge of a tree that grows.
#[derive(Debug, Clone, Default)]
pub struct Edge {
    size: u64,
    levels: Vec<Vec<Hash>>, // by level: the hashes of its partial tile, fewer than 256
}

impl Edge {
    /// The edge of the tree of `size` leaves, whose hashes `read` gives: those of the partial tile of each level.
    ///
    /// # Errors
    /// What `read` fails with; `Malformed` where it gives another number of hashes than the tile has.
    pub fn read<E: From<Error>>(size: u64, mut read: impl FnMut(&Tile) -> Result<Vec<Hash>, E>) -> Result<Edge, E> {
        let mut levels = Vec::new();
        for level in (0..).take_while(|level| Edge::hashes(size, *level) > 0) {
            let hashes = Edge::hashes(size, level);
            let width = u32::try_from(hashes % (1 << HEIGHT)).unwrap_or(0);
            levels.push(if width == 0 {
                Vec::new()
            } else {
                let tile = Tile::new(level, hashes >> HEIGHT, width)?;
                let found = read(&tile)?;
                if found.len() != tile.byte_len() / Hash::LEN {
                    return Err(Error::malformed(tile.to_string(), format!("{} hashes", found.len())).into());
                }
                found
            });
        }
        Ok(Edge { size, levels })
    }

    /// How many hashes a tree of `size` leaves has at a tile level.
    pub fn hashes(size: u64, level: u32) -> u64 {
        size.checked_shr(level.saturating_mul(HEIGHT)).unwrap_or(0)
    }

    /// How many leaves the tree has so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The hashes of the partial tile of a level; none where its last tile is full.
    pub fn partial(&self, level: u32) -> &[Hash] {
        usize::try_from(level).ok().and_then(|level| self.levels.get(level)).map_or(&[], Vec::as_slice)
    }

    /// Appends leaves. `grown` gets, in order, every hash that a level gains, the leaves themselves among them.
    pub fn append(&mut self, leaves: &[Hash], mut grown: impl FnMut(u32, &[Hash])) {
        let mut rest = leaves;
        while !rest.is_empty() {
            let room = FULL_LEN - self.levels.first().map_or(0, Vec::len);
            let (now, later) = rest.split_at(room.min(rest.len()));
            self.push(0, now, &mut grown);
            self.size += wide(now.len());
            rest = later;
        }
    }

    /// Appends the leaves of a full tile, of which it is known that they hash to `root`; as [`Edge::append`] where the tree does
    /// not end at the beginning of a tile.
    pub fn append_tile(&mut self, leaves: &[Hash; FULL_LEN], root: Hash, mut grown: impl FnMut(u32, &[Hash])) {
        if self.levels.first().is_some_and(|partial| !partial.is_empty()) {
            return self.append(leaves, grown);
        }
        grown(0, leaves);
        self.size += FULL;
        if self.levels.is_empty() {
            self.levels.push(Vec::new());
        }
        self.push(1, &[root], &mut grown);
    }

    /// Adds hashes that fit into the partial tile of a level; a tile that is full by that goes one level up as one hash.
    fn push(&mut self, level: u32, hashes: &[Hash], grown: &mut impl FnMut(u32, &[Hash])) {
        grown(level, hashes);
        let at = usize::try_from(level).unwrap_or(usize::MAX);
        if self.levels.len() <= at {
            self.levels.resize_with(at + 1, Vec::new);
        }
        let Some(tile) = self.levels.get_mut(at) else { return };
        tile.extend_from_slice(hashes);
        if tile.len() == FULL_LEN {
            let root = complete_root(tile);
            tile.clear();
            self.push(level + 1, &[root], grown);
        }
    }

    /// The tree so far.
    pub fn tree(&self) -> Tree {
        let peaks: Vec<Hash> = self.levels.iter().rev().flat_map(|hashes| peaks(hashes)).collect();
        Tree { size: self.size, root: fold(&peaks) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sumdb::hash::leaf_hash;
    use crate::sumdb::tlog::Frontier;

    /// Keeps the hashes that each level gains.
    fn keep(grown: &mut [Vec<Hash>]) -> impl FnMut(u32, &[Hash]) {
        |level, hashes| {
            if let Some(level) = grown.get_mut(usize::try_from(level).unwrap_or(9)) {
                level.extend_from_slice(hashes);
            }
        }
    }

    #[test]
    fn tiles_whose_hash_is_known_are_leaves_like_others() {
        let leaves: Vec<Hash> = (0..70_000_u32).map(|n| leaf_hash(&n.to_le_bytes())).collect();
        for before in [0, 100] {
            let (mut one, mut other) = (Edge::default(), Edge::default());
            let mut grown = [vec![Vec::new(); 3], vec![Vec::new(); 3]];
            let [grown_one, grown_other] = &mut grown;
            let (first, rest) = leaves.split_at(before);
            one.append(first, keep(grown_one));
            other.append(first, keep(grown_other));
            let (tiles, last) = rest.as_chunks::<FULL_LEN>();
            for tile in tiles {
                one.append(tile, keep(grown_one));
                other.append_tile(tile, complete_root(tile), keep(grown_other));
                assert_eq!(one.tree(), other.tree(), "{} leaves", one.size());
            }
            one.append(last, keep(grown_one));
            other.append(last, keep(grown_other));
            assert_eq!((one.tree(), grown_one), (other.tree(), grown_other));
        }
    }

    #[test]
    fn it_has_the_root_of_the_frontier_at_every_size_and_tells_every_hash() {
        let leaves: Vec<Hash> = (0..70_000_u32).map(|n| leaf_hash(&n.to_le_bytes())).collect();
        let (mut frontier, mut edge) = (Frontier::new(), Edge::default());
        let mut grown: Vec<Vec<Hash>> = vec![Vec::new(); 3];
        for (at, run) in leaves.chunks(97).enumerate() {
            run.iter().for_each(|leaf| frontier.append(*leaf));
            edge.append(run, keep(&mut grown));
            assert_eq!(edge.tree(), frontier.tree(), "after run {at}");
        }
        let reread = Edge::read::<Error>(70_000, |tile| {
            let start = usize::try_from(tile.index()).unwrap_or(0) << HEIGHT;
            let level = grown.get(usize::try_from(tile.level()).unwrap_or(9)).cloned().unwrap_or_default();
            Ok(level.into_iter().skip(start).take(tile.byte_len() / 32).collect())
        });
        assert_eq!(reread.map(|edge| edge.tree()), Ok(frontier.tree()));
    }
}

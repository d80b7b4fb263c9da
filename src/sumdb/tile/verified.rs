//! Tiles that are proven to be part of one tree.
//!
//! The last tile of each level holds exactly the complete subtrees that the tree's size is made of, at most one such tile a
//! level, so together they fold to the root: that proves all of them at once, every byte. Every other tile is full, and its
//! hash stands in a slot of the tile above it. A tile is admitted alone, against that one expected hash, and there is no
//! other way in. (Go's client, until August 2026, kept "verified" in a loop's start index: CVE-2026-56865.)

use std::collections::HashMap;

use super::{HEIGHT, Tile};
use crate::sumdb::checkpoint::Tree;
use crate::sumdb::error::{Error, Result};
use crate::sumdb::hash::{EMPTY_ROOT, Hash, node_hash, parent_hashes};
use crate::sumdb::tlog::{Subtrees, fold};

/// One tree, and those of its tiles that have been proven to be part of it.
#[derive(Debug, Clone)]
pub struct VerifiedTree {
    pub(super) tree: Tree,
    pub(super) height: u32,
    pub(super) tiles: HashMap<(u32, u64), Vec<Hash>>, // by level and index; the width is the tile's width in this tree
    pub(super) leaves: HashMap<u64, Hash>,            // those that were admitted without the rest of their tile
}

impl VerifiedTree {
    /// A tree of which nothing but the root is known.
    pub fn new(tree: Tree) -> VerifiedTree {
        VerifiedTree::with_height(HEIGHT, tree)
    }

    pub(super) fn with_height(height: u32, tree: Tree) -> VerifiedTree {
        VerifiedTree { tree, height, tiles: HashMap::new(), leaves: HashMap::new() }
    }

    /// Which tree this is.
    pub fn tree(&self) -> Tree {
        self.tree
    }

    /// The partial tiles at the right edge, from the leaves up. They prove each other, so they are brought together.
    pub fn edge(&self) -> Vec<Tile> {
        let levels = 0..u64::BITS.div_ceil(self.height);
        levels.filter_map(|level| self.edge_tile(level)).collect()
    }

    /// The tile at the right end of `level` where that one is partial: as many hashes as the size's digit there says.
    fn edge_tile(&self, level: u32) -> Option<Tile> {
        let hashes = self.tree.size.checked_shr(level * self.height)?;
        let width = u32::try_from(hashes % (1 << self.height)).ok()?;
        Tile::with_height(self.height, level, hashes >> self.height, width).ok()
    }

    /// Whether the edge has been admitted (or the tree is empty and has none).
    pub fn has_edge(&self) -> bool {
        self.edge().iter().all(|tile| self.holds(tile))
    }

    /// Admits the tiles of [`VerifiedTree::edge`], in its order: all of them or none.
    ///
    /// # Errors
    /// `Malformed`: a tile of another length. `Unproven`: together they do not fold to the root.
    pub fn admit_edge<B: AsRef<[u8]>>(&mut self, bodies: &[B]) -> Result<()> {
        let edge = self.edge();
        if edge.len() != bodies.len() {
            return Err(Error::malformed("right edge", format!("{} tiles where {} belong", bodies.len(), edge.len())));
        }
        let mut proven = Vec::new();
        for (tile, body) in edge.iter().zip(bodies) {
            proven.push((*tile, read_hashes(tile, body.as_ref())?));
        }
        // The largest subtrees are in the highest tile, and first within each.
        let peaks: Vec<Hash> = proven.iter().rev().flat_map(|(_, hashes)| peaks(hashes)).collect();
        let root = fold(&peaks);
        if self.tree.size > 0 && root != self.tree.root {
            let names: Vec<_> = edge.iter().map(Tile::to_string).collect();
            let why = format!("they fold to {root} where the tree of size {} has {}", self.tree.size, self.tree.root);
            return Err(Error::unproven(names.join(" and "), why));
        }
        self.tiles.extend(proven.into_iter().map(|(tile, hashes)| ((tile.level, tile.index), hashes)));
        Ok(())
    }

    /// The tile at this place if it is full in this tree.
    pub(super) fn full_tile(&self, level: u32, index: u64) -> Option<Tile> {
        let tile = Tile::with_height(self.height, level, index, 1 << self.height).ok()?;
        let hashes = self.tree.size.checked_shr(level * self.height)?;
        (index < hashes >> self.height).then_some(tile)
    }

    pub(super) fn holds(&self, tile: &Tile) -> bool {
        self.tiles.contains_key(&(tile.level, tile.index))
    }

    /// The full tile that must be admitted before `tile` can be checked, if it is not held.
    pub fn missing_parent(&self, tile: &Tile) -> Option<Tile> {
        let (level, index) = tile.parent().0;
        if self.tiles.contains_key(&(level, index)) { None } else { self.full_tile(level, index) }
    }

    /// Checks one full tile against the hash that its parent has for it, without admitting it.
    ///
    /// # Errors
    /// `Malformed`: another length, or no tile of this tree. `Unproven`: another hash, or the parent is not held.
    pub fn check(&self, tile: &Tile, body: &[u8]) -> Result<()> {
        self.proven_hashes(tile, body).map(|_| ())
    }

    /// Admits one full tile; the hashes below it can be read from here on.
    ///
    /// # Errors
    /// As [`VerifiedTree::check`]; then nothing is admitted.
    pub fn admit(&mut self, tile: &Tile, body: &[u8]) -> Result<()> {
        let hashes = self.proven_hashes(tile, body)?;
        self.tiles.insert((tile.level, tile.index), hashes);
        Ok(())
    }

    fn proven_hashes(&self, tile: &Tile, body: &[u8]) -> Result<Vec<Hash>> {
        if self.full_tile(tile.level, tile.index) != Some(*tile) {
            return Err(Error::malformed(tile.to_string(), format!("not a full tile of size {}", self.tree.size)));
        }
        let (parent, slot) = tile.parent();
        let expected = self.tiles.get(&parent).and_then(|hashes| hashes.get(slot));
        let expected = expected.ok_or_else(|| Error::unproven(tile.to_string(), "the tile above it is not proven"))?;
        let hashes = read_hashes(tile, body)?;
        let hash = complete_root(&hashes);
        if hash != *expected {
            return Err(Error::unproven(tile.to_string(), format!("its hash is {hash} where the tree has {expected}")));
        }
        Ok(hashes)
    }

    /// The bytes of a tile, once it is held at least as wide.
    pub fn tile_bytes(&self, tile: &Tile) -> Option<Vec<u8>> {
        let hashes = self.tiles.get(&(tile.level, tile.index))?;
        let hashes = hashes.get(..usize::try_from(tile.width).ok()?)?;
        Some(hashes.iter().flat_map(|hash| hash.0).collect())
    }

    /// The hashes beside the way from leaf `index` up to the hash of its tile, the one next to the leaf first; none unless
    /// that tile is full and held.
    pub fn leaf_path(&self, index: u64) -> Option<Vec<Hash>> {
        self.full_tile(0, index >> self.height)?;
        (0..self.height).map(|level| self.subtree(level, (index >> level) ^ 1)).collect()
    }

    /// Admits one leaf of a full tile by its path, against the same hash that the whole tile would be held against.
    ///
    /// # Errors
    /// `Malformed`: another length, or no full tile. `Unproven`: another hash, or the tile above is not held.
    pub fn admit_leaf(&mut self, index: u64, leaf: Hash, path: &[Hash]) -> Result<()> {
        let wrong = |why: &str| Error::unproven(format!("leaf {index}"), why);
        let tile = self.full_tile(0, index >> self.height).ok_or_else(|| wrong("its tile is not full"))?;
        let (parent, slot) = tile.parent();
        let expected = self.tiles.get(&parent).and_then(|hashes| hashes.get(slot));
        let expected = *expected.ok_or_else(|| wrong("the tile above it is not proven"))?;
        if u32::try_from(path.len()) != Ok(self.height) {
            return Err(Error::malformed(format!("leaf {index}"), "its path has another length than its tile is high"));
        }
        let root = path.iter().zip(0..).fold(leaf, |hash, (beside, level): (_, u32)| match index >> level & 1 {
            0 => node_hash(&hash, beside),
            _ => node_hash(beside, &hash),
        });
        if root != expected {
            return Err(wrong(&format!("it leads to {root} where the tree has {expected}")));
        }
        self.leaves.insert(index, leaf);
        Ok(())
    }

    /// Drops the full tiles of leaf hashes, which are most of what a long audit would hold, and single leaves.
    pub fn forget_leaves(&mut self) {
        self.forget_up_to(0);
    }

    /// Drops the full tiles of `level` and of the levels below it, and single leaves.
    pub fn forget_up_to(&mut self, level: u32) {
        self.leaves.clear();
        let (size, height) = (self.tree.size, self.height);
        let is_last = |level: u32, index| size.checked_shr((level + 1) * height).unwrap_or(0) == index;
        self.tiles.retain(|(of, index), _| *of > level || is_last(*of, *index));
    }

    /// The leaf hash at `index`, once its tile is held.
    pub fn leaf(&self, index: u64) -> Option<Hash> {
        self.leaves.get(&index).copied().or_else(|| self.subtree(0, index))
    }

    /// The root that the tree had at `size`, once its tiles are held.
    pub fn root_at(&self, size: u64) -> Option<Hash> {
        (size <= self.tree.size).then(|| self.range(0..size)).flatten()
    }

    /// The proof that leaf `index` is in this tree.
    pub fn inclusion_proof(&self, index: u64) -> Option<Vec<Hash>> {
        self.inclusion(self.tree.size, index)
    }

    /// The proof that this tree begins as the one of `size` leaves did.
    pub fn consistency_proof(&self, size: u64) -> Option<Vec<Hash>> {
        self.consistency(self.tree.size, size)
    }
}

impl Subtrees for VerifiedTree {
    fn subtree(&self, level: u32, index: u64) -> Option<Hash> {
        let within = level % self.height; // levels above the tile's own hashes
        let first = index.checked_mul(1 << within)?;
        let hashes = self.tiles.get(&(level / self.height, first >> self.height))?;
        let start = usize::try_from(first % (1 << self.height)).ok()?;
        hashes.get(start..start.checked_add(1 << within)?).map(complete_root)
    }
}

fn read_hashes(tile: &Tile, body: &[u8]) -> Result<Vec<Hash>> {
    if body.len() != tile.byte_len() {
        let why = format!("{} bytes where {} belong", body.len(), tile.byte_len());
        return Err(Error::malformed(tile.to_string(), why));
    }
    Ok(body.as_chunks::<{ Hash::LEN }>().0.iter().copied().map(Hash).collect())
}

/// What a full tile of these 256 hashes is in the tile above it; none for any other number of hashes.
pub fn full_tile_hash(hashes: &[Hash]) -> Option<Hash> {
    (hashes.len() == 1 << HEIGHT).then(|| complete_root(hashes))
}

/// The root over a power of two of hashes; that of the empty tree over none.
pub fn complete_root(hashes: &[Hash]) -> Hash {
    if let [root] = hashes {
        return *root;
    }
    let mut level = parent_hashes(hashes);
    while level.len() > 1 {
        level = parent_hashes(&level);
    }
    level.first().copied().unwrap_or(EMPTY_ROOT)
}

/// The roots of the complete subtrees that a run of hashes is made of, the largest first.
pub(super) fn peaks(hashes: &[Hash]) -> Vec<Hash> {
    let mut rest = hashes;
    let mut peaks = Vec::new();
    while let Some(log) = rest.len().checked_ilog2() {
        let (complete, after) = rest.split_at(1 << log);
        peaks.push(complete_root(complete));
        rest = after;
    }
    peaks
}

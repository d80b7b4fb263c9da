//! Which tiles to fetch before something can be read from a tree: the missing ones, parents before children.

use super::{Tile, VerifiedTree};
use crate::sumdb::checkpoint::Tree;
use crate::sumdb::error::{Error, Result};

/// What is to be read from a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// the leaf hash at this index, and the proof of its inclusion
    Leaf(u64),
    /// what it takes to admit the leaf at this index by its path through its tile
    LeafPath(u64),
    /// this tile of hashes, of whatever width the tree has it
    Tile(Tile),
    /// the root that the tree had at this size
    RootAt(u64),
    /// that root, and the proof of its consistency
    Consistency(u64),
}

/// The tiles to fetch before something can be read, parents before children.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TilePlan {
    tiles: Vec<Tile>,
}

impl TilePlan {
    /// The tiles to fetch; each must be admitted after those before it.
    pub fn tiles(&self) -> &[Tile] {
        &self.tiles
    }
}

impl VerifiedTree {
    /// The full tiles that are still missing before all of `wants` can be read; the edge comes besides.
    ///
    /// # Errors
    /// `Unproven`: something beyond this tree is wanted.
    pub fn plan(&self, wants: &[Want]) -> Result<TilePlan> {
        let mut tiles = Vec::new();
        for want in wants {
            match *want {
                Want::Leaf(index) if self.leaves.contains_key(&index) => {}
                Want::Leaf(index) => self.add_path(&mut tiles, index)?,
                Want::LeafPath(index) => self.add_missing(&mut tiles, 1, index >> self.height >> self.height),
                Want::Tile(tile) => self.add_missing(&mut tiles, tile.level, tile.index),
                Want::RootAt(size) => self.add_root(&mut tiles, size)?,
                Want::Consistency(size) => {
                    self.add_root(&mut tiles, size)?;
                    self.add_path(&mut tiles, size.saturating_sub(1))?;
                }
            }
        }
        tiles.sort_unstable_by_key(|tile| (std::cmp::Reverse(tile.level), tile.index));
        tiles.dedup();
        Ok(TilePlan { tiles })
    }

    fn add_path(&self, tiles: &mut Vec<Tile>, leaf: u64) -> Result<()> {
        if leaf >= self.tree.size {
            let why = format!("the tree ends at {}", self.tree.size);
            return Err(Error::unproven(format!("record {leaf}"), why));
        }
        self.add_missing(tiles, 0, leaf >> self.height);
        Ok(())
    }

    fn add_root(&self, tiles: &mut Vec<Tile>, size: u64) -> Result<()> {
        if size > self.tree.size {
            let why = format!("it is larger than the tree of size {}", self.tree.size);
            return Err(Error::unproven(format!("tree of size {size}"), why));
        }
        // Where the older tree had an edge tile, this tree has at least its hashes.
        for tile in (VerifiedTree::with_height(self.height, Tree { size, ..self.tree })).edge() {
            self.add_missing(tiles, tile.level, tile.index);
        }
        Ok(())
    }

    /// The tile and those above it, up to the edge or to one that is held.
    fn add_missing(&self, tiles: &mut Vec<Tile>, mut level: u32, mut index: u64) {
        while !self.tiles.contains_key(&(level, index)) {
            let Some(tile) = self.full_tile(level, index) else { return };
            tiles.push(tile);
            (level, index) = tile.parent().0;
        }
    }
}

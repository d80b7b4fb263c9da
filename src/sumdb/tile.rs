//! Tiles: the tree cut into pieces of 256 hashes, and what it takes to believe one.
//!
//! Tile (L, N) of width W holds the hashes of the complete subtrees of level 8·L, numbers 256·N to 256·N + W. Only the last
//! tile of a level may be partial (W < 256). A data tile holds the records below a level 0 tile. The canonical path is
//! `tile/8/L/NNN[.p/W]`, with N in groups of three digits, all but the last after an `x`. (Go x/mod/sumdb/tlog tile.go;
//! C2SP tlog-tiles, whose paths lack the `8/`.)
//!
//! Bytes of a tile say nothing. [`VerifiedTree`] is where they become hashes that can be read, each against one expected hash.

mod edge;
mod path;
mod plan;
#[cfg(test)]
mod tests;
mod verified;

pub use edge::Edge;
pub use path::TilePath;
pub use plan::{TilePlan, Want};
pub use verified::{VerifiedTree, complete_root, full_tile_hash};

use std::fmt;

use super::checkpoint::MAX_SIZE;
use super::error::{Error, Result};
use super::hash::Hash;

/// The height of every tile of a checksum database: 2^8 hashes.
pub(crate) const HEIGHT: u32 = 8;
/// Hashes of a full tile, and records of a full data tile.
pub const FULL: u64 = 1 << HEIGHT;
/// The same as a length.
pub const FULL_LEN: usize = 1 << HEIGHT;

/// Where a tile of hashes is in the tree, and how much of it there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tile {
    height: u32, // 8 but in tests, which must be exhaustive
    level: u32,
    index: u64,
    width: u32,
}

impl Tile {
    /// Tile (`level`, `index`) with its first `width` hashes, 1 to 256.
    ///
    /// # Errors
    /// `Malformed`: no tree of at most 2^62 leaves has that tile.
    pub fn new(level: u32, index: u64, width: u32) -> Result<Tile> {
        Tile::with_height(HEIGHT, level, index, width)
    }

    /// The full tile (`level`, `index`) of a tree that is known to have it.
    pub(crate) fn full_at(level: u32, index: u64) -> Tile {
        Tile { height: HEIGHT, level, index, width: 1 << HEIGHT }
    }

    fn with_height(height: u32, level: u32, index: u64, width: u32) -> Result<Tile> {
        let tile = Tile { height, level, index, width };
        // The largest tree has so many hashes at this level; the tile must not reach beyond them.
        let hashes = level.checked_mul(height).and_then(|leaves| MAX_SIZE.checked_shr(leaves)).unwrap_or(0);
        let end = index.checked_mul(1 << height).and_then(|first| first.checked_add(u64::from(width)));
        let exists = end.is_some_and(|end| end <= hashes);
        if !exists || width == 0 || width > tile.full_width() {
            return Err(Error::malformed("tile", format!("no tree has level {level}, index {index}, width {width}")));
        }
        Ok(tile)
    }

    /// The tile's level: its hashes are of subtrees of 2^(8·level) leaves.
    pub fn level(&self) -> u32 {
        self.level
    }

    /// Its number within the level, from the left.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes it has.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// How many bytes it has.
    pub fn byte_len(&self) -> usize {
        usize::try_from(self.width).unwrap_or(usize::MAX).saturating_mul(Hash::LEN)
    }

    /// Whether it has all hashes that a tile can have.
    pub fn is_full(&self) -> bool {
        self.width == self.full_width()
    }

    /// The same tile once the tree has grown past it.
    pub fn full(&self) -> Tile {
        Tile { width: self.full_width(), ..*self }
    }

    fn full_width(&self) -> u32 {
        1 << self.height
    }

    /// The tile one level up that holds this one's hash, and the slot that it is in.
    fn parent(&self) -> ((u32, u64), usize) {
        let slot = usize::try_from(self.index % u64::from(self.full_width())).unwrap_or(usize::MAX);
        ((self.level + 1, self.index >> self.height), slot)
    }
}

/// The canonical path: `tile/8/0/x001/234.p/5`.
impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tile/{}/{}/", self.height, self.level)?;
        path::write_index(f, self.index, (!self.is_full()).then_some(self.width))
    }
}

/// Which records: those below the level 0 tile of the same index and width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DataTile {
    hashes: Tile,
}

impl DataTile {
    /// The records from `256 * index` on, `width` of them, 1 to 256.
    ///
    /// # Errors
    /// `Malformed`: no tree of at most 2^62 leaves has that tile.
    pub fn new(index: u64, width: u32) -> Result<DataTile> {
        Tile::new(0, index, width).map(|hashes| DataTile { hashes })
    }

    /// The full data tile of a tree that is known to have it.
    pub(crate) fn full_at(index: u64) -> DataTile {
        DataTile { hashes: Tile::full_at(0, index) }
    }

    /// The number of the data tile that holds record `id`.
    pub fn index_of(id: u64) -> u64 {
        id >> HEIGHT
    }

    /// The tile with the leaf hashes of these records.
    pub fn hashes(&self) -> Tile {
        self.hashes
    }
}

/// The canonical path: `tile/8/data/x001/234.p/5`.
impl fmt::Display for DataTile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tile/{HEIGHT}/data/")?;
        path::write_index(f, self.hashes.index, (!self.hashes.is_full()).then_some(self.hashes.width))
    }
}

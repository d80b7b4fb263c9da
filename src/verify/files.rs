//! What a verification reads: the files of the log as they are, and where `offsets` says that each data tile begins.

use crate::fault::Fault;
use crate::store::Log;
use crate::store::log::{LogFile, OFFSET_BYTES};
use crate::sumdb::checkpoint::Tree;
use crate::sumdb::hash::Hash;
use crate::sumdb::number::wide;
use crate::sumdb::record::MAX_DATA_TILE_BYTES;
use crate::sumdb::tile::{Edge, FULL, FULL_LEN};

/// Bytes of the leaf hashes of one data tile.
pub(super) const TILE_BYTES: usize = 8192;

/// The files, and the part of `offsets` that belongs to the tree. A data tile is named by its number.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) tree: Tree,
    pub(super) records: LogFile,
    /// by tile level
    pub(super) hashes: Vec<LogFile>,
    /// where each data tile begins and, last, where the one after the last full tile does; up to the end of the file
    pub(super) begins: Vec<u64>,
}

impl Files {
    pub(super) fn open(log: &Log, tree: Tree) -> Result<Files, Fault> {
        let levels = (0..).take_while(|level| Edge::hashes(tree.size, *level) > 0);
        let hashes = levels.map(|level| log.open_file(&format!("hashes.{level}"))).collect::<Result<Vec<_>, _>>()?;
        let (records, offsets) = (log.open_file("records")?, log.open_file("offsets")?);
        let needed = (tree.size / FULL + 1) * OFFSET_BYTES;
        let bytes = offsets.bytes(0, usize::try_from(needed).unwrap_or(usize::MAX));
        let begins = bytes.as_chunks().0.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect();
        Ok(Files { tree, records, hashes, begins })
    }

    /// Full data tiles of the tree.
    pub(super) fn full_tiles(&self) -> u64 {
        self.tree.size / FULL
    }

    /// Data tiles of the tree, a partial one at the end among them.
    pub(super) fn tiles(&self) -> u64 {
        self.tree.size.div_ceil(FULL)
    }

    /// How many records data tile `index` has.
    pub(super) fn width(&self, index: u64) -> usize {
        let width = self.tree.size.saturating_sub(index * FULL).min(FULL);
        usize::try_from(width).unwrap_or(FULL_LEN)
    }

    /// Where `offsets` says that data tile `index` begins.
    pub(super) fn begin(&self, index: u64) -> Option<u64> {
        self.begins.get(usize::try_from(index).ok()?).copied()
    }

    /// Whether `offsets` is long enough.
    pub(super) fn has_all_offsets(&self) -> bool {
        self.tree.size == 0 || wide(self.begins.len()) == self.full_tiles() + 1
    }

    /// Where `offsets` says that full data tile `index` lies, if that can be.
    pub(super) fn place(&self, index: u64) -> Option<(u64, u64)> {
        let (begin, end) = (self.begin(index)?, self.begin(index + 1)?);
        let longest = wide(MAX_DATA_TILE_BYTES);
        let can_be = begin < end && end - begin <= longest && end <= self.records.len() && (index > 0 || begin == 0);
        can_be.then_some((begin, end))
    }

    /// Hashes `first` to `first + count` of a level, or those of them that the file has.
    pub(super) fn stored(&self, level: usize, first: u64, count: usize) -> Vec<Hash> {
        let Some(file) = self.hashes.get(level) else { return Vec::new() };
        let bytes = file.bytes(first * wide(Hash::LEN), count * Hash::LEN);
        bytes.as_chunks().0.iter().copied().map(Hash).collect()
    }

    /// The leaf hashes that are stored for data tile `index`, or those of them that the file has.
    pub(super) fn leaves(&self, index: u64) -> Vec<Hash> {
        self.stored(0, index * FULL, self.width(index))
    }
}

//! Ranges of the files of the log, for other mirrors that copy them: given once all tiles that the bytes are of are proven.

use std::ops::Range;

use super::files::LogPart;
use super::healed::{PlacedTile, Rotten};
use super::proven::data_key;
use super::snapshot::SnapshotState;
use super::{OFFSET_BYTES, Snapshot};
use crate::sumdb::hash::Hash;
use crate::sumdb::number::wide;
use crate::sumdb::tile::{Edge, FULL};

/// Bytes of a full tile of hashes.
const TILE_BYTES: u64 = FULL * 32;

impl Snapshot {
    /// Whether these bytes of a file are proven and the file looks as it did then, so that they can be given from the file. The
    /// partial tiles at the edge never are: they are in memory.
    pub fn has_proven(&self, name: &str, range: &Range<u64>) -> bool {
        let state = &self.shared;
        let Some(last) = range.end.checked_sub(1).filter(|last| *last >= range.start) else { return true };
        match LogPart::parse(name) {
            Some(LogPart::Hashes(level)) => {
                let Some((file, proofs)) = state.level(level) else { return false };
                let tiles = range.start / TILE_BYTES..last / TILE_BYTES + 1;
                tiles.end <= state.full_tiles(level) && proofs.has_all(tiles, &[&file.file])
            }
            Some(LogPart::Offsets) => state.has_data(range.start / OFFSET_BYTES..last / OFFSET_BYTES + 1),
            Some(LogPart::Records) => {
                let tile = |at| state.search(at, |index| state.files.offsets.offset(index).ok());
                match (tile(range.start), tile(last)) {
                    (Some(first), Some(last)) => state.has_data(first..last + 1),
                    _ => false,
                }
            }
            None => false,
        }
    }

    /// Reads bytes of a file that belong to this tree, all proven.
    ///
    /// # Errors
    /// Some are rotten, and nothing here has the right ones.
    pub fn read_proven(&self, name: &str, at: u64, into: &mut [u8]) -> Result<(), Rotten> {
        let state = &self.shared;
        let mut done = 0;
        while done < into.len() {
            let at = at + wide(done);
            let piece = match LogPart::parse(name) {
                Some(LogPart::Hashes(level)) => state.hashes_from(level, at)?,
                Some(LogPart::Offsets) => state.offset_from(at)?,
                Some(LogPart::Records) => state.records_from(at)?,
                None => Vec::new(),
            };
            let len = piece.len().min(into.len() - done);
            let (Some(to), Some(from)) = (into.get_mut(done..done + len), piece.get(..len)) else { break };
            if len == 0 {
                return Err(state.rotten(data_key(state.full_tiles(0))));
            }
            to.copy_from_slice(from);
            done += len;
        }
        Ok(())
    }
}

impl SnapshotState {
    pub(super) fn has_data(&self, tiles: Range<u64>) -> bool {
        tiles.end <= self.full_tiles(0) && self.data_proofs.has_all(tiles, &self.data_files())
    }

    /// The rest of a tile of hashes from byte `at` of its file on.
    fn hashes_from(&self, level: u32, at: u64) -> Result<Vec<u8>, Rotten> {
        let first = at / TILE_BYTES * FULL;
        let count = Edge::hashes(self.tree.size, level).saturating_sub(first).min(FULL);
        let mut tile = self.hash_bytes(level, first, usize::try_from(count).unwrap_or(0))?;
        let from = usize::try_from(at - first * wide(Hash::LEN)).unwrap_or(usize::MAX);
        Ok(tile.split_off(from.min(tile.len())))
    }

    /// The rest of an entry of `offsets` from byte `at` on.
    fn offset_from(&self, at: u64) -> Result<Vec<u8>, Rotten> {
        let place = self.data(at / OFFSET_BYTES)?.begin;
        let from = usize::try_from(at % OFFSET_BYTES).unwrap_or(0);
        Ok(place.to_le_bytes().get(from..).unwrap_or_default().to_vec())
    }

    /// The rest of a data tile from byte `at` of `records` on.
    fn records_from(&self, at: u64) -> Result<Vec<u8>, Rotten> {
        let mut rotten = None;
        let index = self.search(at, |index| self.data(index).map_err(|found| rotten = Some(found)).ok().map(begin));
        let index = index.ok_or_else(|| rotten.unwrap_or_else(|| self.rotten(data_key(0))))?;
        let mut tile = self.data(index)?;
        let from = usize::try_from(at.saturating_sub(tile.begin)).unwrap_or(usize::MAX);
        Ok(tile.bytes.split_off(from.min(tile.bytes.len())))
    }

    /// The data tile that byte `at` of `records` is in, where `begin` says where each begins; none where it cannot say.
    fn search(&self, at: u64, mut begin: impl FnMut(u64) -> Option<u64>) -> Option<u64> {
        let (mut low, mut high) = (0, self.full_tiles(0) + 1);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if begin(middle)? <= at {
                low = middle;
            } else {
                high = middle;
            }
        }
        Some(low)
    }
}

fn begin(tile: PlacedTile) -> u64 {
    tile.begin
}

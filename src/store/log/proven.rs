//! Bytes of the full log, each stretch proven before it is given: its hashes lead to those of the tile above it, and so on up to the
//! right edge, which was proven against the root when the log was opened and is kept in memory.
//!
//! What was proven since then and looks unchanged (`proofs`) is read and given. What does not prove is made again from what lies below it
//! where that proves (`healed`).

use std::fs::File;
use std::ops::Range;

use super::files::Named;
use super::healed::{PlacedTile, Rotten};
use super::look::Look;
use super::proofs::Proofs;
use super::snapshot::{SnapshotState, tile_len};
use crate::sumdb::hash::{Hash, leaf_hash, leaf_hashes};
use crate::sumdb::number::wide;
use crate::sumdb::record::{MAX_DATA_TILE_BYTES, join_records, record_ranges};
use crate::sumdb::tile::{DataTile, Edge, FULL, FULL_LEN, Tile, TilePath, complete_root};

/// Where a data tile begins of which nothing shows that.
pub(super) const UNPLACED: u64 = u64::MAX;

/// The path of the full tile of hashes at a place in the log.
pub(super) fn hashes_key(level: u32, index: u64) -> TilePath {
    TilePath::Hashes(Tile::full_at(level, index))
}

/// The path of the full data tile at a place in the log.
pub(super) fn data_key(index: u64) -> TilePath {
    TilePath::Data(DataTile::full_at(index))
}

/// The 256 records that `bytes` begin with, as a data tile of their own, with their leaf hashes; none where these do not hash to
/// `root`. What follows the last one may be the next data tile, without a blank line between: its hash decides where it ends.
pub(super) fn cut_tile(bytes: &[u8], root: Hash) -> Option<(Vec<u8>, Vec<Hash>)> {
    let ranges: Vec<Range<usize>> = record_ranges(bytes).take(FULL_LEN).collect();
    let texts: Vec<&[u8]> = ranges.iter().filter_map(|range| bytes.get(range.clone())).collect();
    let (last, before) = texts.split_last().filter(|_| texts.len() == FULL_LEN)?;
    let mut leaves = leaf_hashes(before);
    let ends = memchr::memrchr_iter(b'\n', last).map(|at| at + 1);
    let longest = (!last.ends_with(b"\n")).then_some(last.len());
    for end in longest.into_iter().chain(ends) {
        let text = last.get(..end)?;
        leaves.push(leaf_hash(text));
        if complete_root(&leaves) == root {
            let texts: Vec<&[u8]> = before.iter().copied().chain([text]).collect();
            return Some((join_records(&texts), leaves));
        }
        leaves.pop();
    }
    None
}

pub(super) fn hashes_of(bytes: &[u8]) -> Vec<Hash> {
    bytes.as_chunks().0.iter().copied().map(Hash).collect()
}

pub(super) fn bytes_of(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

impl SnapshotState {
    /// How many full tiles this tree has at a level.
    pub(super) fn full_tiles(&self, level: u32) -> u64 {
        Edge::hashes(self.tree.size, level) / FULL
    }

    /// The file of a level, and which of its full tiles are proven.
    pub(super) fn level(&self, level: u32) -> Option<(&Named, &Proofs)> {
        let at = usize::try_from(level).ok()?;
        Some((self.files.hashes.get(at)?, self.hash_proofs.get(at)?))
    }

    /// The hashes of a level from number `first` on, all of them in one tile of this tree, as bytes.
    pub(super) fn hash_bytes(&self, level: u32, first: u64, count: usize) -> Result<Vec<u8>, Rotten> {
        let (index, from) = (first / FULL, usize::try_from(first % FULL).unwrap_or(0));
        if index == self.full_tiles(level) {
            let partial = self.edge.partial(level);
            return Ok(bytes_of(partial.get(from..from + count).unwrap_or_default()));
        }
        if let Some((file, proofs)) = self.level(level)
            && let Ok(bytes) = file.bytes(first * wide(Hash::LEN), count * Hash::LEN)
            && proofs.has(index, &[&file.file])
        {
            return Ok(bytes);
        }
        let tile = self.prove_hashes(level, index)?;
        Ok(tile.get(from * Hash::LEN..(from + count) * Hash::LEN).unwrap_or_default().to_vec())
    }

    /// Hash number `number` of a level.
    pub(super) fn hash(&self, level: u32, number: u64) -> Result<Hash, Rotten> {
        let bytes = self.hash_bytes(level, number, 1)?;
        let hash = bytes.first_chunk::<{ Hash::LEN }>().copied().map(Hash);
        hash.ok_or_else(|| self.rotten(hashes_key(level, number / FULL)))
    }

    /// A full tile of hashes, proven anew from what the file has now.
    pub(super) fn prove_hashes(&self, level: u32, index: u64) -> Result<Vec<u8>, Rotten> {
        let key = hashes_key(level, index);
        let Some((file, proofs)) = self.level(level) else { return Err(self.rotten(key)) };
        let expected = self.hash(level + 1, index)?;
        let look = Look::of(&[&file.file]);
        if let Ok(hashes) = file.hashes(index * FULL, FULL_LEN)
            && complete_root(&hashes) == expected
        {
            if let Ok(look) = look {
                proofs.add(index, look);
            }
            self.healed.note_sound(&key);
            return Ok(bytes_of(&hashes));
        }
        proofs.remove(index);
        self.healed.notice(key);
        if let Some(tile) = self.healed.tile(&key) {
            return Ok(tile.bytes);
        }
        let bytes = self.derive(level, index, expected).ok_or_else(|| self.rotten(key))?;
        self.admit_hashes(level, index, &bytes);
        Ok(bytes)
    }

    /// The hashes of a full tile from what lies below it.
    fn derive(&self, level: u32, index: u64, expected: Hash) -> Option<Vec<u8>> {
        let hashes = match level.checked_sub(1) {
            None => self.find_data(index, expected)?.1,
            Some(below) => {
                let (file, _) = self.level(below)?;
                let child = |number| file.hashes(number * FULL, FULL_LEN).ok().map(|hashes| complete_root(&hashes));
                (index * FULL..(index + 1) * FULL).map(child).collect::<Option<Vec<Hash>>>()?
            }
        };
        (complete_root(&hashes) == expected).then(|| bytes_of(&hashes))
    }

    /// A data tile, of all records that this tree has of it, and its place.
    pub(super) fn data(&self, index: u64) -> Result<PlacedTile, Rotten> {
        if index >= self.full_tiles(0) {
            return Ok(self.last.clone());
        }
        if let Some(tile) = self.read_data(index)
            && self.data_proofs.has(index, &self.data_files())
        {
            return Ok(tile);
        }
        self.prove_data(index)
    }

    /// The files that say what a data tile is.
    pub(super) fn data_files(&self) -> [&File; 2] {
        [&self.files.offsets.file, &self.files.records.file]
    }

    /// What the files have as a full data tile.
    pub(super) fn read_data(&self, index: u64) -> Option<PlacedTile> {
        let [begin, end] = self.files.offsets.offsets(index).ok()?;
        let bytes = self.files.records.bytes(begin, tile_len(begin, end)?).ok()?;
        Some(PlacedTile { begin, bytes })
    }

    /// How long a full data tile is, as `offsets` says.
    pub(super) fn listed_len(&self, index: u64) -> u64 {
        let listed = self.files.offsets.offsets(index).ok().and_then(|[begin, end]| tile_len(begin, end));
        listed.map_or(0, wide)
    }

    /// A full data tile, proven anew from what the files have now.
    pub(super) fn prove_data(&self, index: u64) -> Result<PlacedTile, Rotten> {
        let key = data_key(index);
        let expected = self.hash(1, index)?;
        let look = Look::of(&self.data_files());
        if let Some(tile) = self.read_data(index)
            && cut_tile(&tile.bytes, expected).is_some_and(|(bytes, _)| bytes == tile.bytes)
        {
            if let Ok(look) = look {
                self.data_proofs.add(index, look);
            }
            self.healed.note_sound(&key);
            return Ok(tile);
        }
        self.data_proofs.remove(index);
        self.healed.notice(key);
        let healed = self.healed.tile(&key);
        if let Some(tile) = healed.as_ref().filter(|tile| tile.begin != UNPLACED) {
            return Ok(tile.clone());
        }
        // What lies before it may have been put in its place since.
        let Some((tile, leaves)) = self.find_data(index, expected) else {
            return healed.ok_or_else(|| self.rotten(key));
        };
        self.admit_data(index, &tile, &leaves);
        Ok(tile)
    }

    /// A full data tile from where it lies, whether or not `offsets` says so, with its leaf hashes, which hash to `expected`.
    fn find_data(&self, index: u64, expected: Hash) -> Option<(PlacedTile, Vec<Hash>)> {
        let listed = self.files.offsets.offset(index).ok();
        let begins = [listed, self.end_before(index)];
        begins.into_iter().flatten().find_map(|begin| {
            let (bytes, leaves) = cut_tile(&self.window(begin)?, expected)?;
            Some((PlacedTile { begin, bytes }, leaves))
        })
    }

    /// Where the data tile before this one ends, and this one begins; none where that one cannot be proven where `offsets` says.
    fn end_before(&self, index: u64) -> Option<u64> {
        let Some(before) = index.checked_sub(1) else { return Some(0) };
        if let Some(healed) = self.healed.tile(&data_key(before)).filter(|tile| tile.begin != UNPLACED) {
            return Some(healed.end());
        }
        let begin = self.files.offsets.offset(before).ok()?;
        let (bytes, _) = cut_tile(&self.window(begin)?, self.hash(1, before).ok()?)?;
        Some(begin + wide(bytes.len()))
    }

    /// Where full data tile `index` belongs in `records`, whatever its bytes are now; none where nothing shows it.
    pub(super) fn begin_of(&self, index: u64, len: u64) -> Option<u64> {
        let listed = self.files.offsets.offsets(index).ok();
        let listed = listed.filter(|[begin, end]| begin.checked_add(len) == Some(*end)).map(|[begin, _]| begin);
        self.end_before(index).or(listed)
    }

    /// The longest that a data tile may be, from `begin` on.
    fn window(&self, begin: u64) -> Option<Vec<u8>> {
        let records: &Named = &self.files.records;
        records.bytes_at_most(begin, MAX_DATA_TILE_BYTES).ok()
    }
}

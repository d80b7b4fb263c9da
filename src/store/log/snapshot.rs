//! The log as one committed head has it: tiles and records are read from the files by position, whatever a writer appends
//! meanwhile. Cheap to clone, and read from many threads at once.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use super::files::{HASH_BYTES, Named, OFFSET_BYTES};
use crate::fault::Fault;
use crate::sumdb::checkpoint::Tree;
use crate::sumdb::hash::{Hash, leaf_hash};
use crate::sumdb::record::{MAX_DATA_TILE_BYTES, MAX_RECORD_BYTES};
use crate::sumdb::tile::{DataTile, Edge, Tile};

/// Records of a full data tile.
const FULL: u64 = 256;

/// The log up to one tree.
#[derive(Debug, Clone)]
pub struct Snapshot {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    tree: Tree,
    /// where the last record of the tree ends in `records`
    end: u64,
    records: Named,
    offsets: Named,
    hashes: Vec<Named>,
}

impl Snapshot {
    pub(super) fn open(dir: &Path, tree: Tree) -> Result<Snapshot, Fault> {
        let levels = (0..).take_while(|level| Edge::hashes(tree.size, *level) > 0);
        let hashes: Vec<Named> =
            levels.map(|level| Named::read(dir.join(format!("hashes.{level}")))).collect::<Result<_, _>>()?;
        let (records, offsets) = (Named::read(dir.join("records"))?, Named::read(dir.join("offsets"))?);
        for (level, file) in (0..).zip(&hashes) {
            file.require(Edge::hashes(tree.size, level) * HASH_BYTES)?;
        }
        offsets.require((tree.size / FULL + 1) * OFFSET_BYTES)?;
        let mut shared = Shared { tree, end: 0, records, offsets, hashes };
        shared.check_edge(dir)?;
        shared.end = shared.find_end()?;
        shared.records.require(shared.end)?;
        Ok(Snapshot { shared: Arc::new(shared) })
    }

    /// Which tree this is.
    pub fn tree(&self) -> Tree {
        self.shared.tree
    }

    /// Bytes of `records` that belong to this tree.
    pub fn records_len(&self) -> u64 {
        self.shared.end
    }

    /// The open file `records`, `offsets` or `hashes.N`, and how many of its bytes belong to this tree; none of another name.
    pub fn file(&self, name: &str) -> Option<(&File, u64)> {
        let shared = &self.shared;
        match name {
            "records" => Some((&shared.records.file, shared.end)),
            "offsets" => Some((&shared.offsets.file, (shared.tree.size / FULL + 1) * OFFSET_BYTES)),
            _ => {
                let level: u32 = name.strip_prefix("hashes.")?.parse().ok()?;
                let file = shared.hashes.get(usize::try_from(level).ok()?)?;
                Some((&file.file, Edge::hashes(shared.tree.size, level) * HASH_BYTES))
            }
        }
    }

    /// The bytes of a hash tile, of whatever width this tree has of it; none where it has less.
    ///
    /// # Errors
    /// `Unavailable`: the disk.
    pub fn hash_tile(&self, tile: &Tile) -> Result<Option<Vec<u8>>, Fault> {
        let first = tile.index() * FULL;
        let level = usize::try_from(tile.level()).unwrap_or(usize::MAX);
        let Some(file) = self.shared.hashes.get(level) else { return Ok(None) };
        if first + u64::from(tile.width()) > Edge::hashes(self.tree().size, tile.level()) {
            return Ok(None);
        }
        file.bytes(first * HASH_BYTES, tile.byte_len()).map(Some)
    }

    /// The bytes of a data tile as sum.golang.org writes it, of whatever width this tree has of it; none where it has less.
    ///
    /// # Errors
    /// `Unavailable`: the disk, or the file is damaged.
    pub fn data_tile(&self, tile: &DataTile) -> Result<Option<Vec<u8>>, Fault> {
        let (index, width) = (tile.hashes().index(), tile.hashes().width());
        if index * FULL + u64::from(width) > self.tree().size {
            return Ok(None);
        }
        let mut bytes = self.shared.tile_bytes(index)?;
        if !tile.hashes().is_full() {
            let end = self.shared.end_of(&bytes, width).ok_or_else(|| self.shared.damaged(index))?;
            bytes.truncate(end);
        }
        Ok(Some(bytes))
    }

    /// The text of record `id`; none beyond the tree. It is not compared with its leaf hash here.
    ///
    /// # Errors
    /// As [`Snapshot::data_tile`].
    pub fn record(&self, id: u64) -> Result<Option<Vec<u8>>, Fault> {
        if id >= self.tree().size {
            return Ok(None);
        }
        let (index, place) = (id / FULL, u32::try_from(id % FULL).unwrap_or(0));
        let bytes = self.shared.tile_bytes(index)?;
        let start = if place == 0 { Some(0) } else { self.shared.end_of(&bytes, place).map(|end| end + 1) };
        let end = self.shared.end_of(&bytes, place + 1);
        let text = start.zip(end).and_then(|(start, end)| bytes.get(start..end));
        text.map(|text| Some(text.to_vec())).ok_or_else(|| self.shared.damaged(index))
    }

    /// The leaf hash of record `id`; none beyond the tree.
    ///
    /// # Errors
    /// `Unavailable`: the disk.
    pub fn leaf(&self, id: u64) -> Result<Option<Hash>, Fault> {
        let Some(file) = self.shared.hashes.first().filter(|_| id < self.tree().size) else { return Ok(None) };
        Ok(file.hashes(id, 1)?.first().copied())
    }
}

impl Shared {
    fn check_edge(&self, dir: &Path) -> Result<(), Fault> {
        let edge = Edge::read(self.tree.size, |tile| self.edge_hashes(tile)).map_err(|ReadError(fault)| fault)?;
        if edge.tree() == self.tree {
            return Ok(());
        }
        let (found, tree) = (edge.tree().root, self.tree);
        let why = format!(
            "the hashes at the right edge fold to {found} where the committed head of size {} has {}: a file was damaged or \
             belongs to another log; run `gosumcheck verify` to find where",
            tree.size, tree.root
        );
        Err(Fault::unavailable(dir.display().to_string(), why))
    }

    fn edge_hashes(&self, tile: &Tile) -> Result<Vec<Hash>, ReadError> {
        let level = usize::try_from(tile.level()).unwrap_or(usize::MAX);
        let width = usize::try_from(tile.width()).unwrap_or(usize::MAX);
        let file = self.hashes.get(level);
        file.map_or(Ok(Vec::new()), |file| file.hashes(tile.index() * FULL, width)).map_err(ReadError)
    }

    /// The bytes of data tile `index`, all of it that this tree has.
    fn tile_bytes(&self, index: u64) -> Result<Vec<u8>, Fault> {
        let start = self.offsets.offset(index)?;
        let end = if (index + 1) * FULL <= self.tree.size { self.offsets.offset(index + 1)? } else { self.end };
        let len = end.checked_sub(start).and_then(|len| usize::try_from(len).ok());
        let len = len.filter(|len| *len <= MAX_DATA_TILE_BYTES).ok_or_else(|| self.damaged(index))?;
        self.records.bytes(start, len)
    }

    /// Where the first `count` records of a data tile end.
    fn end_of(&self, tile: &[u8], count: u32) -> Option<usize> {
        let mut ends = memchr::memmem::find_iter(tile, b"\n\n").map(|at| at + 1);
        let before_last = usize::try_from(count).ok()?.checked_sub(1)?;
        // The last record of a tile has no blank line after it.
        ends.nth(before_last).or_else(|| {
            let blanks = memchr::memmem::find_iter(tile, b"\n\n").count();
            (blanks == before_last).then_some(tile.len())
        })
    }

    /// Where the tree's last record ends. A partial data tile has no successor whose beginning would tell; but the hash of its
    /// last record does, whatever a crash left behind it.
    fn find_end(&self) -> Result<u64, Fault> {
        let (index, places) = (self.tree.size / FULL, u32::try_from(self.tree.size % FULL).unwrap_or(0));
        let start = self.offsets.offset(index)?;
        if places == 0 {
            return Ok(start);
        }
        let there = self.records.len()?.saturating_sub(start);
        let longest = usize::try_from(there).unwrap_or(usize::MAX).min(MAX_DATA_TILE_BYTES);
        let bytes = self.records.bytes(start, longest)?;
        let last = if places == 1 { Some(0) } else { self.end_of(&bytes, places - 1).map(|end| end + 1) };
        let text = last.and_then(|last| bytes.get(last..)).unwrap_or_default();
        let leaf = self.hashes.first().map_or(Ok(Vec::new()), |file| file.hashes(self.tree.size - 1, 1))?;
        let ends = memchr::memchr_iter(b'\n', text).map(|at| at + 1).take_while(|end| *end <= MAX_RECORD_BYTES);
        for end in ends {
            if text.get(..end).is_some_and(|text| leaf.first() == Some(&leaf_hash(text))) {
                return Ok(start + u64::try_from(last.unwrap_or(0) + end).unwrap_or(0));
            }
        }
        Err(self.damaged(index))
    }

    fn damaged(&self, index: u64) -> Fault {
        let path = self.records.path.display().to_string();
        let why = format!("data tile {index} is damaged; run `gosumcheck verify` to find where");
        Fault::unavailable(path, why)
    }
}

/// A fault on the way through the pure core, which has its own errors.
struct ReadError(Fault);

impl From<crate::sumdb::Error> for ReadError {
    fn from(error: crate::sumdb::Error) -> ReadError {
        ReadError(Fault::refused("the right edge", error))
    }
}

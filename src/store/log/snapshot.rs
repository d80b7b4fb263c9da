//! The log as one committed head has it: tiles and records are read from the files by position, whatever a writer appends
//! meanwhile. Cheap to clone, and read from many threads at once.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use super::files::{Files, Named, offsets_len};
use crate::fault::Fault;
use crate::sumdb::checkpoint::{Tree, parse_decimal};
use crate::sumdb::hash::{Hash, leaf_hash, leaf_hashes};
use crate::sumdb::number::wide;
use crate::sumdb::record::{MAX_DATA_TILE_BYTES, MAX_RECORD_BYTES};
use crate::sumdb::tile::{DataTile, Edge, FULL, Tile};

/// The log up to one tree.
#[derive(Debug, Clone)]
pub struct Snapshot {
    shared: Arc<SnapshotState>,
}

#[derive(Debug)]
struct SnapshotState {
    tree: Tree,
    /// where the last record of the tree ends in `records`
    end: u64,
    files: Files,
}

impl Snapshot {
    pub(super) fn open(dir: &Path, tree: Tree) -> Result<Snapshot, Fault> {
        let files = Files::open(dir, tree.size)?;
        if !files.agree_with(tree)? {
            let why = format!(
                "the hashes at the right edge are not those of the committed head ({} records, root {}): a file was damaged or \
                 belongs to another log; run `gosumcheck verify` to find where",
                tree.size, tree.root
            );
            return Err(Fault::machine(dir.display().to_string(), why));
        }
        let mut shared = SnapshotState { tree, end: u64::MAX, files };
        shared.end = shared.find_end()?;
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

    /// The right edge of the tree.
    pub(super) fn edge(&self) -> Result<Edge, Fault> {
        self.shared.files.edge()
    }

    /// An open file of the log (`records`, `offsets`, `hashes.N`) and how many of its bytes belong to this tree; none by any
    /// other name. What lies beyond may change at any time.
    pub fn file(&self, name: &str) -> Option<(&File, u64)> {
        let (size, files) = (self.tree().size, &self.shared.files);
        let (named, len): (&Named, u64) = match name {
            "records" => (&files.records, self.shared.end),
            "offsets" => (&files.offsets, offsets_len(size)),
            name => {
                let level = name.strip_prefix("hashes.").and_then(parse_decimal)?;
                let named = files.hashes.get(usize::try_from(level).ok()?)?;
                (named, Edge::hashes(size, u32::try_from(level).ok()?) * wide(Hash::LEN))
            }
        };
        Some((&named.file, len))
    }

    /// The bytes of a hash tile, of whatever width this tree has of it; none where it has less.
    ///
    /// # Errors
    /// `Unavailable`: the disk.
    pub fn hash_tile(&self, tile: &Tile) -> Result<Option<Vec<u8>>, Fault> {
        let first = tile.index() * FULL;
        let level = usize::try_from(tile.level()).unwrap_or(usize::MAX);
        let Some(file) = self.shared.files.hashes.get(level) else { return Ok(None) };
        if first + u64::from(tile.width()) > Edge::hashes(self.tree().size, tile.level()) {
            return Ok(None);
        }
        file.bytes(first * wide(Hash::LEN), tile.byte_len()).map(Some)
    }

    /// The bytes of a data tile as sum.golang.org writes it, of whatever width this tree has of it; none where it has less.
    ///
    /// # Errors
    /// `Unavailable`: the disk, or the file is damaged.
    pub fn data_tile(&self, tile: &DataTile) -> Result<Option<Vec<u8>>, Fault> {
        let (index, width) = (tile.hashes().index(), u64::from(tile.hashes().width()));
        if index * FULL + width > self.tree().size {
            return Ok(None);
        }
        let mut bytes = self.shared.tile_bytes(index)?;
        if width < self.shared.width(index) {
            let end = ends(&bytes).nth(usize::try_from(width - 1).unwrap_or(usize::MAX));
            bytes.truncate(end.ok_or_else(|| self.shared.damaged(index))?);
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
        let index = id / FULL;
        let bytes = self.shared.tile_bytes(index)?;
        let text = record_in(&bytes, id % FULL, self.shared.width(index));
        text.map(|text| Some(text.to_vec())).ok_or_else(|| self.shared.damaged(index))
    }

    /// The leaf hash of record `id`; none beyond the tree.
    ///
    /// # Errors
    /// `Unavailable`: the disk.
    pub fn leaf(&self, id: u64) -> Result<Option<Hash>, Fault> {
        if id >= self.tree().size {
            return Ok(None);
        }
        Ok(self.shared.files.hashes_of(0, id, 1)?.first().copied())
    }
}

impl SnapshotState {
    /// How many records of data tile `index` this tree has.
    fn width(&self, index: u64) -> u64 {
        self.tree.size.saturating_sub(index * FULL).min(FULL)
    }

    /// The bytes of data tile `index`, all of it that this tree has.
    fn tile_bytes(&self, index: u64) -> Result<Vec<u8>, Fault> {
        let offsets = &self.files.offsets;
        let [start, end] =
            if self.width(index) == FULL { offsets.offsets(index)? } else { [offsets.offset(index)?, self.end] };
        let len = self.tile_len(index, start, end)?;
        self.files.records.bytes(start, len)
    }

    fn tile_len(&self, index: u64, start: u64, end: u64) -> Result<usize, Fault> {
        let len = end.checked_sub(start).and_then(|len| usize::try_from(len).ok());
        let sane = len.filter(|len| *len <= MAX_DATA_TILE_BYTES && end <= self.end);
        sane.ok_or_else(|| {
            let why = format!("the place of data tile {index} makes no sense: it is damaged; {VERIFY}");
            Fault::machine(self.files.offsets.path.display().to_string(), why)
        })
    }

    /// Where the tree's last record ends, whatever a crash left behind it; the records of the last data tile have been compared
    /// with their leaf hashes by then. After a partial data tile no offset tells its end; the hash of its last record does.
    fn find_end(&self) -> Result<u64, Fault> {
        let Some(index) = self.tree.size.checked_sub(1).map(|last| last / FULL) else { return Ok(0) };
        let (width, records) = (self.width(index), &self.files.records);
        let count = usize::try_from(width).unwrap_or(0);
        let leaves = self.files.hashes_of(0, index * FULL, count)?;
        let (start, bytes) = if width == FULL {
            let [start, end] = self.files.offsets.offsets(index)?;
            records.require(end)?;
            (start, records.bytes(start, self.tile_len(index, start, end)?)?)
        } else {
            let start = self.files.offsets.offset(index)?;
            // Its bytes, and nobody knows how many after them.
            records.require(start)?;
            (start, records.bytes_at_most(start, MAX_DATA_TILE_BYTES)?)
        };
        let end = if width == FULL { Some(bytes.len()) } else { end_of_last(&bytes, count, leaves.last()) };
        let tile = end.and_then(|end| bytes.get(..end)).ok_or_else(|| self.damaged(index))?;
        let texts: Option<Vec<&[u8]>> = (0..width).map(|place| record_in(tile, place, width)).collect();
        if texts.is_some_and(|texts| leaf_hashes(&texts) == leaves) {
            Ok(start + wide(tile.len()))
        } else {
            Err(self.damaged(index))
        }
    }

    fn damaged(&self, index: u64) -> Fault {
        let why = format!(
            "data tile {index} is damaged or cut off: its records are not those that the log committed to; {VERIFY}"
        );
        Fault::machine(self.files.records.path.display().to_string(), why)
    }
}

/// What to do about damage.
const VERIFY: &str = "run `gosumcheck verify` to find where";

/// Where the records of a data tile end, the last one aside, which has no blank line after it.
fn ends(tile: &[u8]) -> impl Iterator<Item = usize> {
    memchr::memmem::find_iter(tile, b"\n\n").map(|at| at + 1)
}

/// Record number `place` of a data tile of `width` records.
fn record_in(tile: &[u8], place: u64, width: u64) -> Option<&[u8]> {
    let mut ends = ends(tile);
    let start = match usize::try_from(place).ok()?.checked_sub(1) {
        None => 0,
        Some(before) => ends.nth(before)? + 1,
    };
    let end = match ends.next() {
        None if place + 1 == width => tile.len(),
        end => end?,
    };
    tile.get(start..end)
}

/// Where the last of `count` records ends in bytes that begin with them. Its hash is `leaf`.
fn end_of_last(bytes: &[u8], count: usize, leaf: Option<&Hash>) -> Option<usize> {
    let start = if count == 1 { 0 } else { ends(bytes).nth(count.checked_sub(2)?)? + 1 };
    let text = bytes.get(start..)?;
    let mut ends = memchr::memchr_iter(b'\n', text).map(|at| at + 1).take_while(|end| *end <= MAX_RECORD_BYTES);
    ends.find(|end| text.get(..*end).is_some_and(|text| leaf == Some(&leaf_hash(text)))).map(|end| start + end)
}

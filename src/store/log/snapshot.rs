//! The log as one committed head has it: tiles and records are read from the files by position, whatever a writer appends
//! meanwhile. Cheap to clone, and read from many threads at once.

use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

use super::Log;
use super::files::{Files, LogPart, Named, offsets_len};
use super::healed::{Healed, PlacedTile, Rotten};
use super::proofs::Proofs;
use crate::fault::Fault;
use crate::sumdb::checkpoint::Tree;
use crate::sumdb::hash::{Hash, leaf_hash, leaf_hashes};
use crate::sumdb::number::wide;
use crate::sumdb::record::{MAX_DATA_TILE_BYTES, MAX_RECORD_BYTES};
use crate::sumdb::tile::{DataTile, Edge, FULL, Tile};

/// The log up to one tree.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub(super) shared: Arc<SnapshotState>,
}

#[derive(Debug)]
pub(super) struct SnapshotState {
    pub(super) tree: Tree,
    /// the partial tiles at the right edge, proven when it was opened
    pub(super) edge: Edge,
    /// the data tile there, proven too; without bytes where the last one is full
    pub(super) last: PlacedTile,
    pub(super) files: Files,
    /// by level: which of its full tiles are proven
    pub(super) hash_proofs: Vec<Arc<Proofs>>,
    /// which full data tiles are proven, with their place
    pub(super) data_proofs: Arc<Proofs>,
    pub(super) healed: Healed,
}

impl Snapshot {
    pub(super) fn open(log: &Log, tree: Tree, before: Option<&Snapshot>) -> Result<Snapshot, Fault> {
        let files = Files::open(log.dir(), tree.size)?;
        let Some(edge) = files.edge_of(tree)? else {
            let why = format!(
                "the hashes at the right edge are not those of the committed head ({} records, root {}): a file was damaged or \
                 belongs to another log; run `gosumcheck verify` to find where",
                tree.size, tree.root
            );
            return Err(Fault::machine(log.dir().display().to_string(), why));
        };
        let last = find_last(&files, tree.size)?;
        let before = before.map(|before| &before.shared);
        let none_of = |file: &Named| Arc::new(Proofs::of_none(&log.folder().shared.appends, file.path.clone()));
        let mut hash_proofs = before.map(|before| before.hash_proofs.clone()).unwrap_or_default();
        hash_proofs.extend(files.hashes.iter().skip(hash_proofs.len()).map(none_of));
        let shared = SnapshotState {
            hash_proofs,
            data_proofs: before.map_or_else(|| none_of(&files.records), |before| Arc::clone(&before.data_proofs)),
            healed: Healed::new(log),
            tree,
            edge,
            last,
            files,
        };
        Ok(Snapshot { shared: Arc::new(shared) })
    }

    /// Which tree this is.
    pub fn tree(&self) -> Tree {
        self.shared.tree
    }

    /// Bytes of `records` that belong to this tree.
    pub fn records_len(&self) -> u64 {
        self.shared.last.end()
    }

    /// The right edge of the tree.
    pub(super) fn edge(&self) -> &Edge {
        &self.shared.edge
    }

    /// An open file of the log (`records`, `offsets`, `hashes.N`) and how many of its bytes belong to this tree; none by any
    /// other name. What lies beyond may change at any time.
    pub fn file(&self, name: &str) -> Option<(&File, u64)> {
        let (size, files) = (self.tree().size, &self.shared.files);
        let (named, len) = match LogPart::parse(name)? {
            LogPart::Records => (&files.records, self.records_len()),
            LogPart::Offsets => (&files.offsets, offsets_len(size)),
            LogPart::Hashes(level) => (self.shared.level(level)?.0, Edge::hashes(size, level) * wide(Hash::LEN)),
        };
        Some((&named.file, len))
    }

    /// The bytes of a hash tile, of whatever width this tree has of it, proven; none where it has less.
    ///
    /// # Errors
    /// The file has other bytes there, and nothing here has the right ones.
    pub fn hash_tile(&self, tile: &Tile) -> Result<Option<Vec<u8>>, Rotten> {
        let first = tile.index() * FULL;
        if first + u64::from(tile.width()) > Edge::hashes(self.tree().size, tile.level()) {
            return Ok(None);
        }
        self.shared.hash_bytes(tile.level(), first, usize::try_from(tile.width()).unwrap_or(0)).map(Some)
    }

    /// The bytes of a data tile as sum.golang.org writes it, of whatever width this tree has of it, proven; none where it has less.
    ///
    /// # Errors
    /// As [`Snapshot::hash_tile`].
    pub fn data_tile(&self, tile: &DataTile) -> Result<Option<Vec<u8>>, Rotten> {
        let (index, width) = (tile.hashes().index(), u64::from(tile.hashes().width()));
        if index * FULL + width > self.tree().size {
            return Ok(None);
        }
        let mut bytes = self.shared.data(index)?.bytes;
        if width < self.shared.width(index) {
            let end = ends(&bytes).nth(usize::try_from(width - 1).unwrap_or(usize::MAX));
            bytes.truncate(end.unwrap_or(usize::MAX));
        }
        Ok(Some(bytes))
    }

    /// Where in `records` a full data tile lies, as [`Snapshot::data_tile`] gives it; none where that is not proven yet, or the file looks
    /// otherwise than when it was.
    pub fn place_of(&self, tile: &DataTile) -> Option<Range<u64>> {
        let index = tile.hashes().index();
        if u64::from(tile.hashes().width()) < FULL {
            return None;
        }
        let [begin, end] = self.shared.files.offsets.offsets(index).ok()?;
        tile_len(begin, end)?;
        self.shared.has_data(index..index + 1).then_some(begin..end)
    }

    /// The records of data tile `index` as they lie in the file, which nothing proves: for an index, which decides nothing. Empty where
    /// they cannot be read.
    pub fn unproven_records(&self, index: u64) -> Vec<u8> {
        let is_last = index == self.shared.full_tiles(0);
        let tile = if is_last { Some(self.shared.last.clone()) } else { self.shared.read_data(index) };
        tile.map(|tile| tile.bytes).unwrap_or_default()
    }

    /// The text of record `id`, proven; none beyond the tree.
    ///
    /// # Errors
    /// As [`Snapshot::hash_tile`].
    pub fn record(&self, id: u64) -> Result<Option<Vec<u8>>, Rotten> {
        if id >= self.tree().size {
            return Ok(None);
        }
        let index = id / FULL;
        let (state, place) = (&self.shared, id % FULL);
        match state.data(index) {
            Ok(tile) => Ok(record_in(&tile.bytes, place, state.width(index)).map(<[u8]>::to_vec)),
            // Another record of the tile may be the rotten one.
            Err(rotten) => {
                let leaf = state.hash(0, id)?;
                let tile = state.read_data(index);
                let text = tile.as_ref().and_then(|tile| record_in(&tile.bytes, place, FULL));
                text.filter(|text| leaf_hash(text) == leaf).map(|text| Some(text.to_vec())).ok_or(rotten)
            }
        }
    }

    /// The leaf hash of record `id`, proven; none beyond the tree.
    ///
    /// # Errors
    /// As [`Snapshot::hash_tile`].
    pub fn leaf(&self, id: u64) -> Result<Option<Hash>, Rotten> {
        if id >= self.tree().size { Ok(None) } else { self.shared.hash(0, id).map(Some) }
    }
}

impl SnapshotState {
    /// How many records of data tile `index` this tree has.
    pub(super) fn width(&self, index: u64) -> u64 {
        self.tree.size.saturating_sub(index * FULL).min(FULL)
    }
}

/// The partial data tile at the end of the log, or the place after the last full one; the records of the last data tile are compared
/// with their leaf hashes. After a partial data tile no offset tells its end, and a crash may have left more behind it; the hash of
/// its last record does.
fn find_last(files: &Files, size: u64) -> Result<PlacedTile, Fault> {
    let Some(index) = size.checked_sub(1).map(|last| last / FULL) else { return Ok(PlacedTile::default()) };
    let (width, records) = (size - index * FULL, &files.records);
    let count = usize::try_from(width).unwrap_or(0);
    let leaves = files.hashes_of(0, index * FULL, count)?;
    let (start, bytes) = if width == FULL {
        let [start, end] = files.offsets.offsets(index)?;
        records.require(end)?;
        let len = tile_len(start, end).ok_or_else(|| misplaced(files, index))?;
        (start, records.bytes(start, len)?)
    } else {
        let start = files.offsets.offset(index)?;
        // Its bytes, and nobody knows how many after them.
        records.require(start)?;
        (start, records.bytes_at_most(start, MAX_DATA_TILE_BYTES)?)
    };
    let end = if width == FULL { Some(bytes.len()) } else { end_of_last(&bytes, count, leaves.last()) };
    let tile = end.and_then(|end| bytes.get(..end)).ok_or_else(|| damaged(files, index))?;
    let texts: Option<Vec<&[u8]>> = (0..width).map(|place| record_in(tile, place, width)).collect();
    match texts.is_some_and(|texts| leaf_hashes(&texts) == leaves) {
        true if width == FULL => Ok(PlacedTile { begin: start + wide(tile.len()), bytes: Vec::new() }),
        true => Ok(PlacedTile { begin: start, bytes: tile.to_vec() }),
        false => Err(damaged(files, index)),
    }
}

/// How long a data tile is that begins and ends there, if it can be.
pub(super) fn tile_len(start: u64, end: u64) -> Option<usize> {
    let len = end.checked_sub(start).and_then(|len| usize::try_from(len).ok());
    len.filter(|len| *len <= MAX_DATA_TILE_BYTES)
}

fn misplaced(files: &Files, index: u64) -> Fault {
    let why = format!("the place of data tile {index} makes no sense: it is damaged; {VERIFY}");
    Fault::machine(files.offsets.path.display().to_string(), why)
}

fn damaged(files: &Files, index: u64) -> Fault {
    let why = format!(
        "data tile {index} is damaged or cut off: its records are not those that the log committed to; {VERIFY}"
    );
    Fault::machine(files.records.path.display().to_string(), why)
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

//! Putting the full log in order where it rotted: proven bytes are kept in memory, given from there, and written where they
//! belong.

use std::sync::Arc;

use super::files::Named;
use super::healed::{LogHealth, Piece, PlacedTile, Rotten};
use super::proven::{UNPLACED, bytes_of, cut_tile, data_key, hashes_key, hashes_of};
use super::snapshot::SnapshotState;
use super::{Log, OFFSET_BYTES, Snapshot};
use crate::fault::Fault;
use crate::sumdb::error::{Error, Result};
use crate::sumdb::hash::Hash;
use crate::sumdb::number::wide;
use crate::sumdb::tile::{FULL, TilePath, full_tile_hash};

impl SnapshotState {
    pub(super) fn rotten(&self, tile: TilePath) -> Rotten {
        self.healed.at(tile)
    }

    /// Keeps a full tile of hashes that was proven.
    pub(super) fn admit_hashes(&self, level: u32, index: u64, bytes: &[u8]) {
        let at = index * FULL * wide(Hash::LEN);
        let key = hashes_key(level, index);
        let piece = Piece { tile: Some(key), name: format!("hashes.{level}"), at, bytes: bytes.to_vec() };
        let tile = PlacedTile { begin: at, bytes: bytes.to_vec() };
        self.healed.put(key, tile, [piece]);
    }

    /// Keeps a full data tile that was proven, with its place and its leaf hashes.
    pub(super) fn admit_data(&self, index: u64, tile: &PlacedTile, leaves: &[Hash]) {
        let key = data_key(index);
        let piece = |name: &str, at, bytes| Piece { tile: Some(key), name: name.to_owned(), at, bytes };
        let places = [tile.begin, tile.end()].iter().flat_map(|place| place.to_le_bytes()).collect();
        let leaves = bytes_of(leaves);
        let pieces = [
            piece("records", tile.begin, tile.bytes.clone()),
            piece("offsets", index * OFFSET_BYTES, places),
            piece("hashes.0", index * FULL * wide(Hash::LEN), leaves),
        ];
        self.healed.put(key, tile.clone(), pieces);
    }

    /// Compares the right edge, which is answered from memory, with the files; what differs is to be put in place.
    fn check_edge(&self) {
        let piece = |name: String, at, bytes| Piece { tile: None, name, at, bytes };
        let hashes = (0..).zip(&self.files.hashes).map(|(level, file)| {
            let at = self.full_tiles(level) * FULL * wide(Hash::LEN);
            (file, piece(format!("hashes.{level}"), at, bytes_of(self.edge.partial(level))))
        });
        let place = self.last.begin.to_le_bytes().to_vec();
        let others = [
            (&self.files.records, piece("records".to_owned(), self.last.begin, self.last.bytes.clone())),
            (&self.files.offsets, piece("offsets".to_owned(), self.full_tiles(0) * OFFSET_BYTES, place)),
        ];
        let is_there = |file: &Named, piece: &Piece| {
            file.bytes(piece.at, piece.bytes.len()).is_ok_and(|found| found == piece.bytes)
        };
        for (file, piece) in hashes.chain(others) {
            if !is_there(file, &piece) {
                self.healed.put_edge(piece);
            }
        }
    }
}

impl Snapshot {
    /// Takes the bytes of a full tile that was found rotten, wherever they come from, if they are what the log committed to. From then
    /// on they are given, and [`Log::put_back`] writes them.
    ///
    /// # Errors
    /// `Unproven`: they are not, or what is above them is rotten too.
    pub fn heal(&self, tile: &TilePath, bytes: &[u8]) -> Result<()> {
        let state = &self.shared;
        let unproven = || Error::unproven(tile.to_string(), "its hashes are not those that the log has");
        let (level, index) = match tile {
            TilePath::Hashes(tile) => (tile.level(), tile.index()),
            TilePath::Data(tile) => (0, tile.hashes().index()),
        };
        let expected = state.hash(level + 1, index).map_err(|_| unproven())?;
        match tile {
            TilePath::Hashes(_) => {
                let root = full_tile_hash(&hashes_of(bytes)).filter(|root| *root == expected);
                root.ok_or_else(unproven)?;
                state.admit_hashes(level, index, bytes);
            }
            TilePath::Data(_) => {
                let (bytes, leaves) = cut_tile(bytes, expected).ok_or_else(unproven)?;
                match state.begin_of(index, wide(bytes.len())) {
                    Some(begin) => state.admit_data(index, &PlacedTile { begin, bytes }, &leaves),
                    // It is given all the same; `verify --repair` looks further for its place.
                    None => state.healed.put(data_key(index), PlacedTile { begin: UNPLACED, bytes }, []),
                }
            }
        }
        Ok(())
    }

    /// The full tiles, the uppermost first, then the data tiles: what a scrub proves anew.
    pub fn tiles(&self) -> impl Iterator<Item = TilePath> {
        let state = Arc::clone(&self.shared);
        let levels = (0..u32::try_from(state.files.hashes.len()).unwrap_or(0)).rev();
        let full = state.full_tiles(0);
        let hashes =
            levels.flat_map(move |level| (0..state.full_tiles(level)).map(move |index| hashes_key(level, index)));
        hashes.chain((0..full).map(data_key))
    }

    /// Bytes of a full tile as it lies in the files.
    pub fn bytes_of(&self, tile: &TilePath) -> u64 {
        match tile {
            TilePath::Hashes(tile) => wide(tile.byte_len()),
            TilePath::Data(tile) => self.shared.listed_len(tile.hashes().index()),
        }
    }

    /// Bytes of `tiles`, which are the first of [`Snapshot::tiles`], as the files list them.
    pub fn bytes_up_to(&self, tiles: &[TilePath]) -> u64 {
        let hashes = tiles.iter().filter(|tile| matches!(tile, TilePath::Hashes(_))).count();
        let records = match tiles.last() {
            Some(TilePath::Data(last)) => self.shared.files.offsets.offset(last.hashes().index() + 1).unwrap_or(0),
            _ => 0,
        };
        wide(hashes) * FULL * wide(Hash::LEN) + records.min(self.shared.last.begin)
    }

    /// Bytes of all files that a scrub reads.
    pub fn scrub_bytes(&self) -> u64 {
        let full: u64 = (0..).zip(&self.shared.files.hashes).map(|(level, _)| self.shared.full_tiles(level)).sum();
        full * FULL * wide(Hash::LEN) + self.shared.last.begin
    }

    /// Reads a full tile from the files and proves it anew, whatever they look like; gives how many bytes it has. What lies
    /// below heals it.
    ///
    /// # Errors
    /// It is rotten, and nothing here has the right bytes.
    pub fn scrub(&self, tile: &TilePath) -> std::result::Result<u64, Rotten> {
        Ok(wide(match tile {
            TilePath::Hashes(tile) => self.shared.prove_hashes(tile.level(), tile.index())?.len(),
            TilePath::Data(tile) => self.shared.prove_data(tile.hashes().index())?.bytes.len(),
        }))
    }

    /// Compares the right edge, which is always answered from memory, with the files.
    pub fn scrub_edge(&self) {
        self.shared.check_edge();
    }

    /// Whether proven bytes wait to be put in their place.
    pub fn has_open(&self) -> bool {
        self.shared.healed.next_open().is_some()
    }
}

impl Log {
    /// What was found and healed in this log since the process started.
    pub fn health(&self) -> &LogHealth {
        &self.health
    }

    /// Writes what was healed of a snapshot where it belongs, durably; the damaged bytes are kept first. Waits for a sync that ends.
    ///
    /// # Errors
    /// `Unavailable`: another process writes the log, or the disk; what was not written is tried again the next time.
    pub fn put_back(&self, snapshot: &Snapshot) -> std::result::Result<(), Fault> {
        let _alone = self.hold()?;
        let healed = &snapshot.shared.healed;
        while let Some(piece) = healed.next_open() {
            if let Some(changed) = self.replace(&piece.name, piece.at, &piece.bytes)? {
                let path = self.dir().join(&piece.name);
                tracing::warn!(path = %path.display(), at = piece.at, bytes = changed, "damaged bytes of the full log were replaced");
            }
            healed.close(&piece);
        }
        Ok(())
    }
}

//! What was found to be damaged in the full log and proven again: the right bytes, given from memory until they are in their place
//! in the files.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::Log;
use crate::fault::Fault;
use crate::sumdb::number::wide;
use crate::sumdb::tile::TilePath;

/// Bytes that are kept in memory at most, and twice as many for what is to be put in place.
const MAX_BYTES: usize = 64 << 20;
/// Tiles that are remembered as damaged, so that each is counted once.
const MAX_NOTICED: usize = 1 << 16;

/// A stretch of the full log that is not what the log committed to; nothing here has the right bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotten {
    /// the full tile
    pub tile: TilePath,
    /// the file that it is in
    pub path: PathBuf,
}

impl std::fmt::Display for Rotten {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Rotten { tile, path } = self;
        write!(f, "{}: {tile} is damaged: its bytes are not those that the log committed to", path.display())
    }
}

impl Rotten {
    /// As a fault of this machine that names the file.
    pub fn into_fault(self) -> Fault {
        let why = format!(
            "{} is damaged: its bytes are not those that the log committed to; `gosumcheck verify --repair` fetches them again",
            self.tile
        );
        Fault::machine(self.path.display().to_string(), why)
    }
}

/// The bytes of a data tile, and where in `records` they belong.
#[derive(Debug, Clone, Default)]
pub(super) struct PlacedTile {
    pub(super) begin: u64,
    pub(super) bytes: Vec<u8>,
}

impl PlacedTile {
    pub(super) fn end(&self) -> u64 {
        self.begin + wide(self.bytes.len())
    }
}

/// What was found and healed in one log since the process started.
#[derive(Debug, Default)]
pub struct LogHealth {
    /// tiles that were proven from the files
    proven: AtomicU64,
    /// tiles that were not what the log committed to
    rotten: AtomicU64,
    /// those of which the right bytes were had
    healed: AtomicU64,
}

impl LogHealth {
    /// How often a full tile was proven from the files: on its first use, after the file changed otherwise than by an append of this
    /// process, and by scrubs.
    pub fn proven(&self) -> u64 {
        self.proven.load(Ordering::Relaxed)
    }

    /// Tiles that were not what the log committed to.
    pub fn rotten(&self) -> u64 {
        self.rotten.load(Ordering::Relaxed)
    }

    /// Those of them of which the right bytes were derived or fetched.
    pub fn healed(&self) -> u64 {
        self.healed.load(Ordering::Relaxed)
    }
}

/// Proven bytes and the file that they belong into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// the tile that it belongs to; none at the right edge
    pub(super) tile: Option<TilePath>,
    pub(super) name: String,
    pub(super) at: u64,
    pub(super) bytes: Vec<u8>,
}

#[derive(Debug, Default)]
struct HealedTiles {
    tiles: HashMap<TilePath, PlacedTile>,
    bytes: usize,
    /// tiles that were counted as damaged, each with whether it was counted as healed too
    noticed: HashMap<TilePath, bool>,
    /// not in its place yet
    open: Vec<Piece>,
}

impl HealedTiles {
    /// What is in order again, be it that a read met it while it was put in its place.
    fn forget(&mut self, key: &TilePath, health: &LogHealth) {
        if self.noticed.remove(key) == Some(false) {
            health.healed.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(tile) = self.tiles.remove(key) {
            self.bytes -= tile.bytes.len();
        }
    }
}

/// All that was healed of one snapshot.
#[derive(Debug)]
pub(super) struct Healed {
    dir: PathBuf,
    health: Arc<LogHealth>,
    /// locked for one look or change; not on the way of what is in order
    found: Mutex<HealedTiles>,
}

impl Healed {
    pub(super) fn new(log: &Log) -> Healed {
        Healed { dir: log.dir().to_path_buf(), health: Arc::clone(&log.health), found: Mutex::default() }
    }

    pub(super) fn tile(&self, key: &TilePath) -> Option<PlacedTile> {
        self.found.lock().tiles.get(key).cloned()
    }

    /// Counts a damaged tile, the first time.
    pub(super) fn notice(&self, key: TilePath) {
        let mut found = self.found.lock();
        if found.noticed.len() < MAX_NOTICED && !found.noticed.contains_key(&key) {
            found.noticed.insert(key, false);
            self.health.rotten.fetch_add(1, Ordering::Relaxed);
            tracing::error!("{}: the full log has rotted here; what was committed is put back", self.at(key));
        }
    }

    /// A tile is proven from the files, be it for the first time or after it was put in its place again.
    pub(super) fn note_sound(&self, key: &TilePath) {
        self.health.proven.fetch_add(1, Ordering::Relaxed);
        // Nothing is locked for one that never was damaged: what is proven anew is mostly that.
        if self.health.rotten() == 0 {
            return;
        }
        self.found.lock().forget(key, &self.health);
    }

    /// Keeps proven bytes, and what is to be written for them.
    pub(super) fn put(&self, key: TilePath, tile: PlacedTile, pieces: impl IntoIterator<Item = Piece>) {
        let mut found = self.found.lock();
        if found.bytes + tile.bytes.len() > MAX_BYTES {
            (found.tiles, found.bytes) = (HashMap::new(), 0);
        }
        found.bytes += tile.bytes.len();
        if let Some(before) = found.tiles.insert(key, tile) {
            found.bytes -= before.bytes.len();
        }
        if let Some(is_healed @ false) = found.noticed.get_mut(&key) {
            *is_healed = true;
            self.health.healed.fetch_add(1, Ordering::Relaxed);
        }
        let open: usize = found.open.iter().map(|piece| piece.bytes.len()).sum();
        if open < 2 * MAX_BYTES {
            let new: Vec<Piece> = pieces.into_iter().filter(|piece| !found.open.contains(piece)).collect();
            found.open.extend(new);
        }
    }

    pub(super) fn at(&self, tile: TilePath) -> Rotten {
        let name = match tile {
            TilePath::Hashes(tile) => format!("hashes.{}", tile.level()),
            TilePath::Data(_) => "records".to_owned(),
        };
        Rotten { tile, path: self.dir.join(name) }
    }

    /// Notes bytes of the right edge that are not in the files; they were never given from there.
    pub(super) fn put_edge(&self, piece: Piece) {
        let mut found = self.found.lock();
        if !found.open.contains(&piece) {
            self.health.rotten.fetch_add(1, Ordering::Relaxed);
            self.health.healed.fetch_add(1, Ordering::Relaxed);
            found.open.push(piece);
        }
    }

    /// What is to be put in its place next.
    pub(super) fn next_open(&self) -> Option<Piece> {
        if self.health.rotten() == 0 { None } else { self.found.lock().open.last().cloned() }
    }

    /// Notes that this is in its place, and is read from there again.
    pub(super) fn close(&self, piece: &Piece) {
        let mut found = self.found.lock();
        found.open.retain(|open| open != piece);
        if let Some(tile) = piece.tile.filter(|tile| !found.open.iter().any(|open| open.tile == Some(*tile))) {
            found.forget(&tile, &self.health);
        }
    }
}

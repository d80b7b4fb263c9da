//! The files of another gosumcheck's copy, in long stretches by HTTP range, where an upstream offers them: `/log/NAME/` beside
//! its `/sumdb/NAME/`. Its offsets say where to cut; each piece is proven like any data tile, so a wrong offset, too, can only
//! cost a detour.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::database::Database;
use crate::store::log::OFFSET_BYTES;
use crate::sumdb::record::MAX_DATA_TILE_BYTES;
use crate::sumdb::tile::{DataTile, FULL};
use crate::upstream::Upstreams;

/// Data tiles in one stretch: 3 MB of records.
pub(super) const STRETCH: usize = 64;
/// The longest stretch that is requested, in bytes.
const MAX_STRETCH_BYTES: u64 = 32 << 20;
/// Below so many records the files are not looked for: tiles do as well.
const WORTH: u64 = 64 * 1024;
/// The longest head, in bytes.
const MAX_HEAD_BYTES: usize = 64 << 10;

/// The files of the first upstream that has them.
pub(super) struct Bulk {
    files: Upstreams,
    /// records that they hold, as the signed head beside them says
    size: u64,
    /// they were wrong or failed: no further requests
    given_up: AtomicBool,
}

impl Bulk {
    /// Looks whether an upstream has the files, where it is worth it.
    pub(super) async fn find(database: &Database, records: u64) -> Option<Bulk> {
        if records < WORTH {
            return None;
        }
        for files in database.upstreams().files_of(database.name()) {
            let Ok(head) = files.fetch_quietly("head", None, MAX_HEAD_BYTES).await else { continue };
            let Ok(head) = database.open_head(&head) else { continue };
            return Some(Bulk { files, size: head.tree().size, given_up: AtomicBool::new(false) });
        }
        None
    }

    /// Whether the files are still used and hold this data tile.
    pub(super) fn has(&self, tile: &DataTile) -> bool {
        let hashes = tile.hashes();
        !self.given_up.load(Ordering::Relaxed) && hashes.is_full() && (hashes.index() + 1) * FULL <= self.size
    }

    /// The bytes of these data tiles, which are in a row; none where they cannot be had.
    pub(super) async fn bytes(&self, tiles: &[DataTile]) -> Option<Vec<Vec<u8>>> {
        if !tiles.iter().all(|tile| self.has(tile)) {
            return None;
        }
        let (first, last) = (tiles.first()?.hashes().index(), tiles.last()?.hashes().index());
        let bytes = self.try_bytes(first, last).await;
        if bytes.is_none() {
            self.give_up();
        }
        bytes
    }

    /// Sends them no further requests.
    pub(super) fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
    }

    async fn try_bytes(&self, first: u64, last: u64) -> Option<Vec<Vec<u8>>> {
        let offsets = self.range("offsets", first * OFFSET_BYTES..(last + 2) * OFFSET_BYTES).await?;
        let offsets: Vec<u64> = offsets.as_chunks().0.iter().copied().map(u64::from_le_bytes).collect();
        let (start, end) = (*offsets.first()?, *offsets.last()?);
        let records = self.range("records", start..end).await?;
        let cut = |pair: &[u64]| {
            let [from, to] = [0, 1].map(|at| pair.get(at)?.checked_sub(start).and_then(|at| usize::try_from(at).ok()));
            let piece = records.get(from?..to?)?;
            (piece.len() <= MAX_DATA_TILE_BYTES).then(|| piece.to_vec())
        };
        offsets.windows(2).map(cut).collect()
    }

    /// Exactly these bytes of a file.
    async fn range(&self, file: &str, range: Range<u64>) -> Option<Vec<u8>> {
        let len = range.end.checked_sub(range.start).filter(|len| (1..=MAX_STRETCH_BYTES).contains(len))?;
        let limit = usize::try_from(len).ok()?;
        let bytes = self.files.fetch_quietly(file, Some(range), limit).await.ok()?;
        (bytes.len() == limit).then_some(bytes)
    }
}

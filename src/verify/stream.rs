//! The fast pass: every full data tile is read in order, in large pieces, and derived again: its records give its leaf hashes,
//! those its hash in the level above, each compared with what is stored. A tile of which anything is not as it should be is
//! only marked here; `locate` finds out what it is.
//!
//! A reader keeps a few pieces ahead of the threads that hash, so the disk and the processors work at the same time. Buffers
//! go round; nothing is allocated for a record. What a pass does not cover is not read.

use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use parking_lot::Mutex;

use super::files::{Files, TILE_BYTES};
use super::in_order::{InOrder, Notes};
use super::indexed::Indexed;
use super::passed::Passed;
use crate::report::integrity::Coverage;
use crate::store::log::ReadBuffer;
use crate::store::scrub::ScrubPace;
use crate::sumdb::hash::{Hash, leaf_hashes, parent_hashes};
use crate::sumdb::number::wide;
use crate::sumdb::record::record_ranges;
use crate::sumdb::tile::{FULL, FULL_LEN};

/// Bytes of records that are read at a time; a data tile that is larger is read alone.
const PIECE_BYTES: u64 = 4 << 20;
/// Tiles whose records are hashed in one call.
const TILES_AT_ONCE: usize = 16;
/// Pieces that wait to be hashed, for each thread.
const AHEAD: usize = 2;
/// Threads that read: two keep a disk busy while one copies.
const READERS: usize = 2;

/// Some data tiles, and the bytes of `records` that they are in: from, to.
type Placed = (Range<u64>, u64, u64);

/// Some data tiles, one after the other, with their records and leaf hashes.
#[derive(Debug, Default)]
struct Piece {
    tiles: Range<u64>,
    begin: u64,
    records: ReadBuffer,
    leaves: ReadBuffer,
    /// these tiles, and those before them that are not read
    span: Range<u64>,
    /// what was found when they were read
    found: Passed,
}

/// What the fast pass compares records with, and its progress.
pub(super) struct Reference<'a> {
    /// the stored hashes of level 1
    pub(super) tops: &'a [Hash],
    /// the index, if there is one to compare
    pub(super) index: Option<&'a Indexed>,
    /// called with the number of records that were just done
    pub(super) progress: &'a (dyn Fn(u64) + Sync),
    /// which of the tiles are read
    pub(super) coverage: Coverage,
    /// how fast; none for no limit
    pub(super) pace: Option<&'a ScrubPace>,
}

/// Derives those of these full data tiles that are covered, with `threads` threads, and adds what is found to what was found `before`.
pub(super) fn pass(
    files: &Files,
    reference: &Reference<'_>,
    tiles: Range<u64>,
    threads: usize,
    (before, notes): (Passed, Option<&Notes<'_>>),
) -> Passed {
    let order = Order {
        next: Mutex::new(tiles.start),
        end: tiles.end.min(files.full_tiles()),
        piece: notes.map_or(PIECE_BYTES, |notes| notes.every.min(PIECE_BYTES)),
        done: InOrder::new(tiles.start, before, notes),
    };
    let (full, filled) = sync_channel::<Piece>(threads * AHEAD);
    let (back, empty) = sync_channel::<Piece>(threads * (AHEAD + 1) + READERS);
    for _ in 0..threads * (AHEAD + 1) + READERS {
        let _ = back.send(Piece::default());
    }
    let (filled, empty) = (Mutex::new(filled), Mutex::new(empty));
    thread::scope(|scope| {
        for _ in 0..READERS {
            let full = full.clone();
            scope.spawn(|| read(files, reference, &order, &empty, full));
        }
        drop(full);
        for _ in 0..threads {
            let back = back.clone();
            scope.spawn(|| hash(files, reference, &filled, back, &order.done));
        }
    });
    order.done.finish()
}

/// Takes empty pieces, fills them in the order of the file, and hands them on.
fn read(
    files: &Files,
    reference: &Reference<'_>,
    order: &Order<'_>,
    empty: &Mutex<Receiver<Piece>>,
    full: SyncSender<Piece>,
) {
    loop {
        let Ok(mut piece) = empty.lock().recv() else { return };
        let (range, span, bad) = order.plan(files, reference.coverage);
        let mut found = Passed { bad, ..Passed::default() };
        let Some((tiles, begin, end)) = range else { return order.done.add(span, 0, found) };
        let count = usize::try_from(tiles.end - tiles.start).unwrap_or(0);
        let length = usize::try_from(end - begin).unwrap_or(0);
        let leaves_at = tiles.start * FULL * wide(Hash::LEN);
        if let Some(pace) = reference.pace {
            // It is not stopped: a verification ends with its process.
            let _ = pace.take(length + count * TILE_BYTES);
        }
        let reads = [
            files.records.read_range(begin, length, &mut piece.records),
            files
                .hashes
                .first()
                .map_or(Ok(false), |file| file.read_range(leaves_at, count * TILE_BYTES, &mut piece.leaves)),
        ];
        if !reads.iter().all(|read| matches!(read, Ok(true))) {
            found.bad.extend(tiles.clone());
            if reads[0].is_err() {
                found.unreadable.push(("records".to_owned(), begin..end));
            }
            if reads[1].is_err() {
                let leaves_end = tiles.end * FULL * wide(Hash::LEN);
                found.unreadable.push(("hashes.0".to_owned(), leaves_at..leaves_end));
            }
            piece.records.clear();
        }
        let Piece { records, leaves, .. } = piece;
        if full.send(Piece { tiles, begin, records, leaves, span, found }).is_err() {
            return;
        }
    }
}

/// The order in which a pass goes through the tiles.
struct Order<'a> {
    /// the tile that is planned next; the reader that plans holds it, so that pieces are in the order of the file
    next: Mutex<u64>,
    /// the tile after the last one
    end: u64,
    /// bytes of records that are read at a time
    piece: u64,
    done: InOrder<'a>,
}

impl Order<'_> {
    /// What is read next; all tiles that are passed with it; and those of them that cannot be where `offsets` says.
    fn plan(&self, files: &Files, coverage: Coverage) -> (Option<Placed>, Range<u64>, Vec<u64>) {
        let mut next = self.next.lock();
        let start = *next;
        let (range, skipped) = plan(files, coverage, &mut next, (self.end, self.piece));
        (range, start..*next, skipped)
    }
}

/// The next covered tiles to read, before tile `last` and of some `most` bytes, with the bytes that they are in, and the covered tiles
/// before them that cannot be where `offsets` says.
fn plan(files: &Files, coverage: Coverage, next: &mut u64, (last, most): (u64, u64)) -> (Option<Placed>, Vec<u64>) {
    let mut skipped = Vec::new();
    let mut tile = *next;
    let mut found: Option<Placed> = None;
    while tile < last {
        if !coverage.has_tile(tile) {
            if found.is_some() {
                break;
            }
            tile += 1;
            continue;
        }
        let place = files.place(tile);
        match (&mut found, place) {
            (None, None) => skipped.push(tile),
            (None, Some((begin, end))) => found = Some((tile..tile + 1, begin, end)),
            (Some((tiles, begin, stop)), Some((_, end))) if end - *begin <= most => {
                tiles.end = tile + 1;
                *stop = end;
            }
            (Some(_), _) => break,
        }
        tile += 1;
    }
    *next = tile;
    (found, skipped)
}

/// Takes full pieces, derives their tiles, and hands the buffers back.
fn hash(
    files: &Files,
    reference: &Reference<'_>,
    filled: &Mutex<Receiver<Piece>>,
    back: SyncSender<Piece>,
    done: &InOrder<'_>,
) {
    loop {
        let Ok(mut piece) = filled.lock().recv() else { return };
        let mut found = std::mem::take(&mut piece.found);
        let bytes = piece.records.bytes().len() + piece.leaves.bytes().len();
        if !piece.records.bytes().is_empty() {
            found.add(derive(files, &piece, reference));
        }
        done.add(piece.span.clone(), wide(bytes), found);
        (reference.progress)((piece.tiles.end - piece.tiles.start) * FULL);
        // Without a reader the buffer is not needed.
        let _ = back.try_send(piece);
    }
}

/// Derives the tiles of one piece.
fn derive(files: &Files, piece: &Piece, reference: &Reference<'_>) -> Passed {
    let mut passed = Passed::default();
    let mut records: Vec<&[u8]> = Vec::with_capacity(TILES_AT_ONCE * FULL_LEN);
    let mut tiles: Vec<u64> = Vec::with_capacity(TILES_AT_ONCE);
    for tile in piece.tiles.clone() {
        match bytes_of(files, piece, tile) {
            Some(bytes) if split(bytes, &mut records) => tiles.push(tile),
            _ => passed.bad.push(tile),
        }
        if tiles.len() == TILES_AT_ONCE || tile + 1 == piece.tiles.end {
            compare(piece, &tiles, &records, reference, &mut passed);
            tiles.clear();
            records.clear();
        }
    }
    passed
}

fn bytes_of<'a>(files: &Files, piece: &'a Piece, tile: u64) -> Option<&'a [u8]> {
    let (begin, end) = files.place(tile)?;
    let begin = usize::try_from(begin.checked_sub(piece.begin)?).ok()?;
    let end = usize::try_from(end.checked_sub(piece.begin)?).ok()?;
    piece.records.bytes().get(begin..end)
}

/// Appends the records of a full data tile, if there are just as many and no blank line is after the last.
fn split<'a>(bytes: &'a [u8], records: &mut Vec<&'a [u8]>) -> bool {
    let (before, mut end) = (records.len(), 0);
    let ranges = record_ranges(bytes).take(FULL_LEN + 1).inspect(|range| end = range.end);
    records.extend(ranges.filter_map(|range| bytes.get(range)));
    let is_whole = records.len() - before == FULL_LEN && end == bytes.len() && bytes.ends_with(b"\n");
    if !is_whole {
        records.truncate(before);
    }
    is_whole
}

/// Compares what the records of some tiles hash to with what is stored.
fn compare(piece: &Piece, tiles: &[u64], records: &[&[u8]], reference: &Reference<'_>, passed: &mut Passed) {
    let leaves = leaf_hashes(records);
    let mut level = parent_hashes(&leaves);
    while level.len() > tiles.len() {
        level = parent_hashes(&level);
    }
    let (leaves, _) = leaves.as_chunks::<FULL_LEN>();
    let (records, _) = records.as_chunks::<FULL_LEN>();
    for (((tile, leaves), top), records) in tiles.iter().zip(leaves).zip(&level).zip(records) {
        let at = usize::try_from(tile - piece.tiles.start).unwrap_or(0) * TILE_BYTES;
        let stored = piece.leaves.bytes().get(at..at + TILE_BYTES).map(|bytes| bytes.as_chunks::<32>().0);
        let is_same = stored.is_some_and(|stored| leaves.iter().map(|hash| &hash.0).eq(stored));
        let slot = usize::try_from(*tile).ok().and_then(|slot| reference.tops.get(slot));
        if !is_same || slot != Some(top) {
            passed.bad.push(*tile);
            continue;
        }
        passed.check_records(tile * FULL, records, reference.index, reference.coverage);
    }
}

//! The tree itself: hashes of all levels, records, and the table of where data tiles begin.
//!
//! Each round looks at all of it as a verification does, and mends what it can prove. Where hashes above the leaves cannot be proven
//! from what is here, those are fetched, and the next round goes on from them.

use std::ops::Range;

use futures_util::StreamExt as _;
use futures_util::stream;

use super::super::cut::Cut;
use super::super::files::Files;
use super::super::levels::{Levels, RecoveredLevels};
use super::super::locate::{self, MarkedTile};
use super::super::passed::Passed;
use super::super::reporter::Reporter;
use super::super::stream::{self as fast, Reference};
use super::fetched::{ExpectedTile, ProvenTile, data_tile, hash_tiles};
use super::{LogRepair, Repaired};
use crate::fault::Fault;
use crate::report::Integrity;
use crate::report::integrity::Coverage;
use crate::store::log::OFFSET_BYTES;
use crate::sumdb::checkpoint::Checkpoint;
use crate::sumdb::hash::Hash;
use crate::sumdb::number::wide;
use crate::sumdb::tile::{FULL, FULL_LEN, Tile};

/// Rounds after which what is still damaged is left: one for what is here, one for fetched hashes, one for what these prove.
const ROUNDS: usize = 3;
/// Data tiles that are asked for at once.
const AT_ONCE: usize = 8;

/// What one look at the log found.
struct LogState {
    files: Files,
    levels: Levels,
    recovered: RecoveredLevels,
    marked: Vec<MarkedTile>,
}

/// Mends all that can be proven under `head`.
///
/// # Errors
/// `Forked`: the log is caught. `Unavailable`: the disk.
pub(super) async fn mend(repair: &LogRepair<'_>, head: &Checkpoint, done: &mut Repaired) -> Result<(), Fault> {
    for round in 0..ROUNDS {
        let Some(look) = look(repair, head)? else { return Ok(()) };
        mend_levels(repair, &look, done)?;
        let open = unproven(&look);
        if !open.is_empty() {
            if round + 1 == ROUNDS {
                break;
            }
            match hash_tiles(repair.database, head, &open).await {
                Ok(tiles) => {
                    for (tile, bytes) in tiles {
                        let at = tile.index() * FULL * wide(Hash::LEN);
                        let name = format!("hashes.{}", tile.level());
                        repair.replace(&name, at, &bytes, "has the hashes that an upstream has, proven", done)?;
                    }
                    continue;
                }
                Err(fault @ Fault::Forked { .. }) => return Err(fault),
                Err(fault) => done.failed.push(format!("hashes that nothing here proves: {fault}")),
            }
        }
        mend_data(repair, &look, done).await?;
        if open.is_empty() {
            return Ok(());
        }
    }
    Ok(())
}

/// Looks at all of the log; none where it is in order.
fn look(repair: &LogRepair<'_>, head: &Checkpoint) -> Result<Option<LogState>, Fault> {
    let files = Files::open(repair.log, head.tree())?;
    let levels = Levels::read(&files);
    let coverage = Coverage::Full;
    let reference = Reference { tops: levels.stored(1), index: None, progress: &|_| {}, coverage, pace: None };
    let (tiles, threads) = (0..files.full_tiles(), repair.options.thread_count());
    let mut passed = fast::pass(&files, &reference, tiles, threads, (Passed::default(), None));
    let edge = super::super::edge(&files, None, Coverage::Full, &mut passed);
    if passed.bad.is_empty() && levels.are_whole(&edge) && files.has_all_offsets() {
        return Ok(None);
    }
    if passed.bad.is_empty() && !files.has_all_offsets() && files.full_tiles() > 0 {
        // The last entry is that of the end of the last full tile, which shows where it is.
        passed.bad.push(files.full_tiles() - 1);
    }
    // What it reports was reported before.
    let mut unread = Integrity::new("");
    let mut reporter = Reporter::new(head.tree(), &mut unread);
    let marked = locate::cuts(&files, &passed.bad, &mut reporter);
    let recovered = locate::locate(&files, &levels, &marked, &mut reporter);
    Ok(Some(LogState { files, levels, recovered, marked }))
}

/// Mends the hashes above the leaves that follow from what is here.
fn mend_levels(repair: &LogRepair<'_>, look: &LogState, done: &mut Repaired) -> Result<(), Fault> {
    for level in 1..=look.recovered.top() {
        let (best, stored) = (look.recovered.level(level), look.levels.stored(level));
        for (index, hashes) in best.chunks(FULL_LEN).enumerate() {
            let first = index * FULL_LEN;
            let kept = stored.get(first..(first + hashes.len()).min(stored.len())).unwrap_or_default();
            if kept == hashes || !look.recovered.is_proven_up_to_the_root(level, first) {
                continue;
            }
            let at = wide(first * Hash::LEN);
            let what = "has the hashes of what lies below them";
            repair.replace(&format!("hashes.{level}"), at, &bytes_of(hashes), what, done)?;
        }
    }
    Ok(())
}

fn bytes_of(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// The tiles of hashes that nothing here proves: above the leaves, and at the edge.
fn unproven(look: &LogState) -> Vec<Tile> {
    let size = look.files.tree.size;
    let mut open = Vec::new();
    if !look.recovered.has_root() {
        let width = u32::try_from(size % FULL).unwrap_or(0);
        open.extend(Tile::new(0, size / FULL, width).ok());
    }
    for level in 1..=look.recovered.top() {
        let count = look.recovered.level(level).len();
        for index in 0..count.div_ceil(FULL_LEN) {
            if !look.recovered.is_proven_up_to_the_root(level, index * FULL_LEN) {
                let width = u32::try_from((count - index * FULL_LEN).min(FULL_LEN)).unwrap_or(0);
                let level = u32::try_from(level).unwrap_or(u32::MAX);
                open.extend(Tile::new(level, wide(index), width).ok());
            }
        }
    }
    open
}

/// Mends the marked data tiles that can be had, and what belongs to them in `offsets` and `hashes.0`.
async fn mend_data(repair: &LogRepair<'_>, look: &LogState, done: &mut Repaired) -> Result<(), Fault> {
    let found = look.marked.iter().map(|marked| find(repair, look, *marked));
    let mut found = std::pin::pin!(stream::iter(found).buffered(AT_ONCE));
    // Where the tile after the last one that was mended begins.
    let mut after: Option<(u64, u64)> = None;
    while let Some((tile, proven)) = found.next().await {
        let begin = match after {
            Some((next, begin)) if next == tile => Some(begin),
            _ if tile == 0 => Some(0),
            _ => look.files.begin(tile),
        };
        after = None;
        let (proven, begin) = match (proven, begin) {
            (Ok(proven), Some(begin)) => (proven, begin),
            (Err(why), _) => {
                done.failed.push(format!("data tile {tile}: {why}"));
                continue;
            }
            (_, None) => {
                done.failed.push(format!("data tile {tile}: nothing shows where it begins in records"));
                continue;
            }
        };
        let end = begin + wide(proven.bytes.len());
        if let Some(why) = overlaps(look, tile, begin..end) {
            done.failed.push(format!("data tile {tile}: {why}"));
            continue;
        }
        put(repair, look, tile, begin, &proven, done)?;
        after = Some((tile + 1, end));
    }
    Ok(())
}

/// Why a tile cannot be put there: the next one is in order, and begins elsewhere.
fn overlaps(look: &LogState, tile: u64, place: Range<u64>) -> Option<String> {
    let is_good = tile + 1 < look.files.tiles() && !look.marked.iter().any(|marked| marked.tile == tile + 1);
    let next = look.files.begin(tile + 1).filter(|_| is_good)?;
    (next != place.end).then(|| {
        format!(
            "it ends at byte {} of records, and the tile after it, which is in order, begins at byte {next}",
            place.end
        )
    })
}

/// The records of one data tile, from where they lie or from an upstream.
async fn find(repair: &LogRepair<'_>, look: &LogState, marked: MarkedTile) -> (u64, Result<ProvenTile, String>) {
    let (tile, files) = (marked.tile, &look.files);
    let expected = if tile == files.full_tiles() {
        look.recovered.has_root().then(|| ExpectedTile::Leaves(look.recovered.level(0).to_vec()))
    } else {
        let above = look.recovered.above_leaves(tile).filter(|(_, is_proven)| *is_proven);
        above.map(|(root, _)| ExpectedTile::Root(root))
    };
    let Some(expected) = expected else {
        return (tile, Err("its hash cannot be proven from what is here".to_owned()));
    };
    let listed = files.begin(tile).map(|begin| Cut { begin, end: files.begin(tile + 1).unwrap_or(u64::MAX) });
    let here = [marked.cut, listed].into_iter().flatten();
    let here = here.filter_map(|cut| expected.prove(&files.cut_bytes(cut), false).ok()).next();
    match here {
        Some(proven) => (tile, Ok(proven)),
        None => (tile, data_tile(repair.database, tile, &expected).await.map_err(|fault| fault.to_string())),
    }
}

/// Puts one proven tile, its hashes and its place where they belong.
fn put(
    repair: &LogRepair<'_>,
    look: &LogState,
    tile: u64,
    begin: u64,
    proven: &ProvenTile,
    done: &mut Repaired,
) -> Result<(), Fault> {
    let from = if proven.is_fetched {
        "has the records that an upstream has, proven"
    } else {
        "has its records in their place"
    };
    repair.replace("records", begin, &proven.bytes, from, done)?;
    let leaves = "has the hashes of its records";
    repair.replace("hashes.0", tile * FULL * wide(Hash::LEN), &bytes_of(&proven.leaves), leaves, done)?;
    let mut place = begin.to_le_bytes().to_vec();
    if tile < look.files.full_tiles() {
        place.extend((begin + wide(proven.bytes.len())).to_le_bytes());
    }
    repair.replace("offsets", tile * OFFSET_BYTES, &place, "has the places of its data tiles", done)?;
    Ok(())
}

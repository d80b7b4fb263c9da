//! Which data tiles are wanted, in order, each with what the tree says about it. The hashes above them are fetched a stretch
//! at a time and dropped again, so that memory does not grow with the log.

use futures_util::stream::{self, Stream};

use super::QUIET;
use super::straggler::{AnswerTimes, unless_late};
use super::tile::{ExpectedHash, Wanted};
use crate::database::{Database, Newest};
use crate::fault::Fault;
use crate::sumdb;
use crate::sumdb::hash::Hash;
use crate::sumdb::tile::{DataTile, FULL, Want};
use crate::sumdb::tlog::Subtrees as _;

/// Records below one tile of level 1.
const BELOW: u64 = FULL * FULL;
/// Tiles of level 1 that are fetched at once: half a megabyte of hashes for 4 million records.
const STRETCH: u64 = 64;

/// The data tiles with the records from `start` to `end`, a stretch at a time.
pub(super) fn stretches<'a>(
    database: &'a Database,
    newest: &'a mut Newest,
    start: u64,
    end: u64,
    times: &'a AnswerTimes,
) -> impl Stream<Item = Result<Vec<Wanted>, Fault>> + 'a {
    stream::try_unfold((newest, start), move |(newest, from)| async move {
        if from >= end {
            return Ok(None);
        }
        let next = ((from / BELOW / STRETCH + 1) * STRETCH * BELOW).min(end);
        newest.forget_up_to(1);
        let wants: Vec<Want> = (from / BELOW..next.div_ceil(BELOW)).map(|tile| Want::LeafPath(tile * BELOW)).collect();
        match unless_late(times, database.fetch_tiles(newest, &wants, QUIET)).await {
            Some(fetched) => fetched?,
            // What has come stays, so that only the tiles that are late are requested once more.
            None => database.fetch_tiles(newest, &wants, QUIET).await?,
        }
        let wanted = (from / FULL..next.div_ceil(FULL)).map(|index| one(newest, index, start));
        Ok(Some((wanted.collect::<Result<Vec<Wanted>, Fault>>()?, (newest, next))))
    })
}

/// Data tile `index`, of which records before `start` are held.
fn one(newest: &Newest, index: u64, start: u64) -> Result<Wanted, Fault> {
    let refused = |error: sumdb::Error| Fault::refused("the tree", error);
    let (tree, first) = (newest.tree(), index * FULL);
    let width = (tree.tree().size - first).min(FULL);
    let tile = DataTile::new(index, u32::try_from(width).unwrap_or(0)).map_err(refused)?;
    let expected = if width == FULL {
        tree.subtree(8, index).map(ExpectedHash::Full)
    } else {
        let leaves: Option<Vec<Hash>> = (first..first + width).map(|id| tree.leaf(id)).collect();
        leaves.map(ExpectedHash::Leaves)
    };
    let missing = || refused(sumdb::Error::unproven(tile.to_string(), "the tile above it is not proven"));
    Ok(Wanted { tile, expected: expected.ok_or_else(missing)?, skip: start.saturating_sub(first) })
}

//! What an upstream has of a tree: data tiles, each proven against its hash, and the hashes above the leaves.

use crate::database::Database;
use crate::fault::Fault;
use crate::sumdb::checkpoint::Checkpoint;
use crate::sumdb::error::{Error, Result};
use crate::sumdb::hash::{Hash, leaf_hashes};
use crate::sumdb::record::{MAX_DATA_TILE_BYTES, join_records, record_ranges};
use crate::sumdb::tile::{DataTile, FULL_LEN, Tile, VerifiedTree, Want, complete_root};
use crate::upstream::Got;

/// What the tree says about a data tile.
#[derive(Debug, Clone)]
pub(super) enum ExpectedTile {
    /// the hash of a full tile
    Root(Hash),
    /// the leaf hashes of the partial tile at the end
    Leaves(Vec<Hash>),
}

/// The records of a data tile, proven to be those of the log.
#[derive(Debug, Clone)]
pub(super) struct ProvenTile {
    /// as they lie in `records`
    pub(super) bytes: Vec<u8>,
    pub(super) leaves: Vec<Hash>,
    /// whether an upstream sent them
    pub(super) is_fetched: bool,
}

impl ExpectedTile {
    fn width(&self) -> usize {
        match self {
            ExpectedTile::Root(_) => FULL_LEN,
            ExpectedTile::Leaves(leaves) => leaves.len(),
        }
    }

    /// Proves that `bytes` begin with the records of the tile.
    pub(super) fn prove(&self, bytes: &[u8], is_fetched: bool) -> Result<ProvenTile> {
        let unproven = |why: &str| Error::unproven("data tile", why);
        let texts: Vec<&[u8]> = record_ranges(bytes).take(self.width()).filter_map(|range| bytes.get(range)).collect();
        let leaves = leaf_hashes(&texts);
        let is_it = match self {
            ExpectedTile::Root(root) => leaves.len() == FULL_LEN && complete_root(&leaves) == *root,
            ExpectedTile::Leaves(expected) => leaves == *expected,
        };
        if !is_it {
            return Err(unproven("its records do not have the hashes that the log has"));
        }
        Ok(ProvenTile { bytes: join_records(&texts), leaves, is_fetched })
    }
}

/// Fetches data tile `index`, from the first upstream whose bytes prove.
///
/// # Errors
/// `Refused`, `Unavailable`: nobody has it; each source is named with its reason.
pub(super) async fn data_tile(
    database: &Database,
    index: u64,
    expected: &ExpectedTile,
) -> std::result::Result<ProvenTile, Fault> {
    let width = u32::try_from(expected.width()).unwrap_or(0);
    let asked = DataTile::new(index, width).map_err(|error| Fault::refused("the tree", error))?;
    let full =
        DataTile::new(index, asked.hashes().full().width()).map_err(|error| Fault::refused("the tree", error))?;
    let mut why = None;
    // A partial tile that the log has grown past may be there as the full one only.
    let mut paths = vec![asked.to_string(), full.to_string()];
    paths.dedup();
    for path in &paths {
        let judge = |bytes: Vec<u8>| expected.prove(&bytes, true);
        match database.upstreams().fetch_where(path, MAX_DATA_TILE_BYTES, judge).await {
            Ok(Got::Body(tile, _)) => return Ok(tile),
            Ok(Got::Absent(absence)) => {
                why.get_or_insert(Fault::unavailable(absence.cause(), path.clone(), absence.by.join("; ")));
            }
            Err(fault) => why = Some(fault),
        }
    }
    Err(why.unwrap_or_else(|| Fault::nobody(database.name(), "there is no source to ask")))
}

/// The hashes of these tiles of the tree of `head`, from a tree that is proven to contain it.
///
/// # Errors
/// `Forked`: the log is caught. `Refused`, `Unavailable`: nobody has them.
pub(super) async fn hash_tiles(
    database: &Database,
    head: &Checkpoint,
    tiles: &[Tile],
) -> std::result::Result<Vec<(Tile, Vec<u8>)>, Fault> {
    let mut newest = database.newest(&|_, _, _| {}).await?;
    database.require_contains(&mut newest, head, &|_, _, _| {}).await?;
    let wants: Vec<Want> = tiles.iter().map(|tile| Want::Tile(*tile)).collect();
    database.fetch_tiles(&mut newest, &wants, &|_, _, _| {}).await?;
    let tree: &VerifiedTree = newest.tree();
    Ok(tiles.iter().filter_map(|tile| Some((*tile, tree.tile_bytes(tile)?))).collect())
}

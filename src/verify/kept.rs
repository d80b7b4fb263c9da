//! What is kept of a database beside its log: evidence of forks, which must still hold, and the cache of proven answers, which must
//! still be part of the tree of the remembered head.
//!
//! A cached tile is proven from the top down by the cached tiles above it, and an answer by the tile with its leaf. Where a tile
//! above is not cached, as when the cache was cleared in part, nothing speaks against what is below it: that is counted.

use std::path::Path;

use crate::fault::Fault;
use crate::report::integrity::{Finding, Flaw};
use crate::report::{Integrity, Level, Misbehaviour, Notice};
use crate::store::evidence::read_evidence;
use crate::store::{Cache, Log};
use crate::sumdb::checkpoint::{Checkpoint, Policy};
use crate::sumdb::error::Result;
use crate::sumdb::evidence::Evidence;
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::record::LookupResponse;
use crate::sumdb::tile::{Tile, TilePath, VerifiedTree, Want};

/// What the names of cached answers begin with.
const LOOKUPS: &str = "lookup/";
/// The same of tiles.
const TILES: &str = "tile/";

/// Judges the evidence of forks that is kept with a log. What holds is the log's misbehaviour until a person clears it.
///
/// # Errors
/// `Unavailable`: the folder cannot be read.
pub fn evidence(log: &Log, policy: &Policy, report: &mut Integrity) -> std::result::Result<(), Fault> {
    for path in log.forks()? {
        let shown = path.display().to_string();
        let text = match read_evidence(&path) {
            Ok(text) => text,
            Err(error) => {
                report.add(Finding::of_file(Flaw::EvidenceDamaged, shown, format!("cannot be read: {error}")));
                continue;
            }
        };
        match Evidence::find(&text, policy) {
            Ok(_) => {
                let caught = Misbehaviour { evidence: text.trim_end().to_owned(), saved: Some(shown) };
                report.misbehaviour.get_or_insert(caught);
            }
            Err(error) => report.add(Finding::of_file(Flaw::EvidenceDamaged, shown, error.to_string())),
        }
    }
    Ok(())
}

/// What of a cache was compared.
#[derive(Debug, Default)]
struct CacheCounts {
    proven: u64,
    /// what nothing in the cache proves
    open: u64,
}

/// Compares the cached tiles and answers with the tree of `head`, the remembered one.
///
/// # Errors
/// `Unavailable`: the cache's folder cannot be read.
pub fn cached(cache: &Cache, head: &Checkpoint, report: &mut Integrity) -> std::result::Result<(), Fault> {
    let names = cache.names()?;
    let mut tree = VerifiedTree::new(head.tree());
    let edge: Option<Vec<_>> = tree.edge().iter().map(|tile| wide_enough(cache, tile)).collect();
    let has_edge = match edge {
        Some(edge) => match tree.admit_edge(&edge) {
            Ok(()) => true,
            Err(error) => {
                let next = Some("delete the tiles that are named: they are fetched again".to_owned());
                let dir = cache.dir().display().to_string();
                report.add(Finding { next, ..Finding::of_file(Flaw::CacheDamaged, dir, error.to_string()) });
                false
            }
        },
        None => false,
    };
    let mut counts = CacheCounts::default();
    for name in &names {
        let mut judged = || if has_edge { judge(cache, &mut tree, name) } else { Ok(None) };
        // Read once more where it is wrong: a server may have been writing it.
        match judged().or_else(|_| judged()) {
            Ok(Some(())) => counts.proven += 1,
            Ok(None) => counts.open += 1,
            Err(error) => {
                let path = cache.dir().join(name).display().to_string();
                let next = Some(format!("delete {path}: it is fetched again, and proven"));
                report.add(Finding { next, ..Finding::of_file(Flaw::CacheDamaged, path, error.to_string()) });
            }
        }
    }
    report.figures.cached = Some(counts.proven);
    if counts.open > 0 {
        let why = "nothing that is cached above them proves them, as after a part of the cache was cleared";
        let text = format!("{} cached tiles and answers were not compared: {why}", counts.open);
        report.notices.push(Notice { level: Level::Note, text });
    }
    Ok(())
}

/// Compares one entry; none where nothing here proves it, and nothing speaks against it.
///
/// # Errors
/// `Malformed`, `Unproven`: it is damaged.
fn judge(cache: &Cache, tree: &mut VerifiedTree, name: &str) -> Result<Option<()>> {
    let Ok(Some(bytes)) = cache.read(name) else { return Ok(None) };
    if name.starts_with(LOOKUPS) {
        let asked = ModuleVersion::parse_lookup_path(name)?;
        let answer = LookupResponse::parse(&bytes)?;
        let leaf = if answer.id() < tree.tree().size { bring(cache, tree, Want::Leaf(answer.id())) } else { None };
        let leaf = leaf.and_then(|()| tree.leaf(answer.id()));
        return leaf.map(|leaf| answer.prove(&asked, &leaf).map(|_| ())).transpose();
    }
    match (name.starts_with(TILES), TilePath::parse(name)) {
        (true, Ok(TilePath::Hashes(tile))) => {
            // Of the tile itself these bytes are judged, not what else is cached of it.
            let full = tile.full();
            let is_full_there = end(&full).is_some_and(|end| end <= tree.tree().size);
            if is_full_there && tile.is_full() {
                let parents = tree.plan(&[Want::Tile(tile)])?;
                let above: Vec<Tile> = parents.tiles().iter().copied().filter(|above| *above != tile).collect();
                if !above.iter().all(|above| admit(cache, tree, above)) {
                    return Ok(None);
                }
                return tree.check(&tile, &bytes).map(Some);
            }
            if end(&tile).is_none_or(|end| end > tree.tree().size) {
                return Ok(None);
            }
            if is_full_there && bring(cache, tree, Want::Tile(full)).is_none() {
                return Ok(None);
            }
            let proven = tree.tile_bytes(&tile);
            let wrong =
                || crate::sumdb::error::Error::unproven(name.to_owned(), "its hashes are not those of the tree");
            proven.map(|proven| if proven == bytes { Ok(()) } else { Err(wrong()) }).transpose()
        }
        _ => Ok(None),
    }
}

/// How many leaves a tree has at least that has this tile.
fn end(tile: &Tile) -> Option<u64> {
    let hashes = tile.index().checked_mul(crate::sumdb::tile::FULL)?.checked_add(u64::from(tile.width()))?;
    hashes.checked_mul(1_u64.checked_shl(tile.level().checked_mul(8)?)?)
}

/// Admits the cached tiles that something takes; none where one is missing or damaged.
fn bring(cache: &Cache, tree: &mut VerifiedTree, want: Want) -> Option<()> {
    let plan = tree.plan(&[want]).ok()?;
    plan.tiles().iter().all(|tile| admit(cache, tree, tile)).then_some(())
}

fn admit(cache: &Cache, tree: &mut VerifiedTree, tile: &Tile) -> bool {
    cache.read(&tile.to_string()).ok().flatten().is_some_and(|bytes| tree.admit(tile, &bytes).is_ok())
}

/// The cached bytes of a tile of the edge: of its own width, or the beginning of a wider one.
fn wide_enough(cache: &Cache, tile: &Tile) -> Option<Vec<u8>> {
    let of = |tile: Tile| cache.read(&tile.to_string()).ok().flatten();
    let wider =
        (tile.width()..=tile.full().width()).filter_map(|width| Tile::new(tile.level(), tile.index(), width).ok());
    let mut found = wider.filter_map(of);
    found.next().and_then(|bytes| bytes.get(..tile.byte_len()).map(<[u8]>::to_vec))
}

/// Whether something is cached in this folder.
pub fn has_cache(dir: &Path) -> bool {
    ["tile", "lookup", "pack"].iter().any(|name| super::may_be_there(&dir.join(name)))
}

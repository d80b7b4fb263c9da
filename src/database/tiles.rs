//! Bringing tiles: from the cache, else from the upstreams, judged against the tree before they are kept.
//!
//! All tiles of a plan are fetched at once and then judged, parents first; one that does not prove is asked of the other
//! upstreams alone. The right edge is proven only as a whole, so it is brought whole from one source at a time.

use std::collections::HashMap;

use futures_util::{StreamExt as _, stream};

use super::{Miss, Progress};
use crate::fault::Fault;
use crate::store::Cache;
use crate::sumdb;
use crate::sumdb::tile::{Tile, VerifiedTree, Want};
use crate::upstream::{Got, Upstreams};

/// Tiles held in memory unproven at one time.
const BATCH: usize = 2048;

/// Where the tiles of one database come from.
pub(super) struct Tiles<'a> {
    pub(super) cache: &'a Cache,
    pub(super) upstreams: &'a Upstreams,
    /// requests in flight
    pub(super) jobs: usize,
    pub(super) progress: Progress<'a>,
}

impl Tiles<'_> {
    /// Brings what `wants` need into `tree`. What could not be brought is in the map, with why.
    ///
    /// # Errors
    /// The edge of the tree cannot be had: then nothing of this tree can be proven.
    pub(super) async fn bring(&self, tree: &mut VerifiedTree, wants: &[Want]) -> Result<HashMap<Tile, Miss>, Miss> {
        if !tree.has_edge() {
            self.bring_edge(tree).await?;
        }
        let plan = tree.plan(wants).map_err(|error| Miss::Fault(Fault::refused("the tree", error)))?;
        let mut missed = HashMap::new();
        for tiles in plan.tiles().chunks(BATCH) {
            let mut proven = Vec::new();
            for (tile, brought) in self.fetch_all(tiles).await {
                match self.judge(tree, tile, brought).await {
                    Ok(Some(fetched)) => proven.push((tile.to_string(), fetched)),
                    Ok(None) => {}
                    Err(miss) => drop(missed.insert(tile, miss)),
                }
            }
            super::keep(self.cache, &proven).map_err(Miss::Fault)?;
        }
        Ok(missed)
    }

    /// Admits `tile`, asking on where what was brought does not prove. Bytes that came by the network are returned, to be kept.
    async fn judge(&self, tree: &mut VerifiedTree, tile: Tile, brought: Brought) -> Result<Option<Vec<u8>>, Miss> {
        match brought {
            Brought::Cached(bytes) if tree.admit(&tile, &bytes).is_ok() => return Ok(None),
            Brought::Fetched(bytes) if tree.admit(&tile, &bytes).is_ok() => return Ok(Some(bytes)),
            Brought::Missed(miss) => return Err(miss),
            Brought::Cached(_) | Brought::Fetched(_) => {}
        }
        let judge = |bytes: Vec<u8>| tree.check(&tile, &bytes).map(|()| bytes);
        let got = self.upstreams.fetch_where(&tile.to_string(), tile.byte_len(), judge).await?;
        let bytes = present(got, &tile)?;
        tree.admit(&tile, &bytes).map_err(|error| Fault::refused(tile.to_string(), error))?;
        Ok(Some(bytes))
    }

    /// The tiles in order, each from the cache, else from the first upstream that has it.
    async fn fetch_all(&self, tiles: &[Tile]) -> Vec<(Tile, Brought)> {
        let mut brought: Vec<_> = tiles.iter().map(|tile| (*tile, self.cached(tile))).collect();
        let absent: Vec<(usize, Tile)> = brought
            .iter()
            .enumerate()
            .filter(|(_, (_, held))| held.is_none())
            .map(|(at, (tile, _))| (at, *tile))
            .collect();
        let total = absent.len();
        let mut fetched = stream::iter(absent)
            .map(|(at, tile)| async move {
                let got = self.upstreams.fetch(&tile.to_string(), tile.byte_len()).await;
                let bytes = got.map_err(Miss::from).and_then(|got| present(got, &tile));
                (at, bytes.map_or_else(Brought::Missed, Brought::Fetched))
            })
            .buffer_unordered(self.jobs);
        let mut done = 0;
        while let Some((at, bytes)) = fetched.next().await {
            done += 1;
            (self.progress)("tiles", done, total);
            if let Some((_, slot)) = brought.get_mut(at) {
                *slot = Some(bytes);
            }
        }
        drop(fetched);
        let nothing = || Brought::Missed(Miss::NotHeld("nothing was brought".to_owned()));
        brought.into_iter().map(|(tile, held)| (tile, held.unwrap_or_else(nothing))).collect()
    }

    fn cached(&self, tile: &Tile) -> Option<Brought> {
        // A cache that cannot be read is one more source that does not answer; writing to it will say so.
        self.cache.read(&tile.to_string()).ok().flatten().map(Brought::Cached)
    }

    async fn bring_edge(&self, tree: &mut VerifiedTree) -> Result<(), Miss> {
        let edge = tree.edge();
        let cached: Option<Vec<Vec<u8>>> = edge.iter().map(|tile| self.cached_partial(tile)).collect();
        if cached.is_some_and(|bodies| tree.admit_edge(&bodies).is_ok()) {
            return Ok(());
        }
        let mut told: Vec<Miss> = Vec::new();
        for base in 0..self.upstreams.names().len() {
            let asked = edge.iter().map(|tile| self.fetch_partial(base, tile));
            let bodies: Result<Vec<Vec<u8>>, Miss> = futures_util::future::join_all(asked).await.into_iter().collect();
            let name = self.upstreams.names().nth(base).unwrap_or_default().to_owned();
            let admitted = bodies.and_then(|bodies| {
                tree.admit_edge(&bodies).map_err(|error| Fault::refused(name, error))?;
                Ok(bodies)
            });
            match admitted {
                Ok(bodies) => {
                    let paths = edge.iter().map(Tile::to_string);
                    return super::keep(self.cache, &paths.zip(bodies).collect::<Vec<_>>()).map_err(Miss::Fault);
                }
                Err(miss) => told.push(miss),
            }
        }
        Err(Miss::worst(told))
    }

    /// A partial tile from the cache: as such, or as the beginning of the full one.
    fn cached_partial(&self, tile: &Tile) -> Option<Vec<u8>> {
        let read = |tile: &Tile| self.cache.read(&tile.to_string()).ok().flatten();
        read(tile).or_else(|| read(&tile.full()).and_then(|full| prefix(full, tile).ok()))
    }

    /// A partial tile from one upstream; a log may have dropped it once the full one exists (C2SP tlog-tiles).
    async fn fetch_partial(&self, base: usize, tile: &Tile) -> Result<Vec<u8>, Miss> {
        let got = self.upstreams.fetch_from(base, &tile.to_string(), tile.byte_len()).await?;
        match present(got, tile) {
            Ok(bytes) => Ok(bytes),
            Err(miss) => {
                let full = tile.full();
                let got = self.upstreams.fetch_from(base, &full.to_string(), full.byte_len()).await?;
                // What is missing is the tile that was asked for, so that is what is said.
                let bytes = present(got, &full).map_err(|_| miss)?;
                prefix(bytes, tile).map_err(|error| Miss::Fault(Fault::refused(full.to_string(), error)))
            }
        }
    }
}

/// What became of asking for one tile.
enum Brought {
    Cached(Vec<u8>),
    Fetched(Vec<u8>),
    Missed(Miss),
}

/// A tile of a signed tree exists. A server that says it does not has failed; a folder may just not hold it.
fn present(got: Got, tile: &Tile) -> Result<Vec<u8>, Miss> {
    match got {
        Got::Body(bytes, _) => Ok(bytes),
        Got::Absent(absence) if absence.authoritative => {
            let why = "the tree that its log signed has this tile, and it does not (is it an outdated mirror?)";
            Err(Miss::Fault(Fault::unavailable(tile.to_string(), format!("{}: {why}", absence.by.join("; ")))))
        }
        Got::Absent(absence) => Err(Miss::NotHeld(format!("{tile} is not held by {}", absence.by.join("; ")))),
    }
}

fn prefix(mut full: Vec<u8>, tile: &Tile) -> sumdb::Result<Vec<u8>> {
    if full.len() != tile.full().byte_len() {
        return Err(sumdb::Error::malformed(tile.full().to_string(), format!("{} bytes", full.len())));
    }
    full.truncate(tile.byte_len());
    Ok(full)
}

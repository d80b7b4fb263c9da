//! The right edge of a tree: the tiles that end with its last leaf. It is proven only as a whole, so it is fetched whole from one
//! source at a time.
//!
//! The head that a batch is proven under is known when all lookups are there. Most often it is the one that came with the first, so
//! the edge of that tree is asked for at once, and the batch does not wait one round trip more for it.

use futures_util::future::{BoxFuture, join_all};

use super::Unavailable;
use super::ahead::Fetch;
use super::tiles::{Proven, Tiles, body_of};
use crate::fault::{Cause, Fault};
use crate::sumdb;
use crate::sumdb::checkpoint::Tree;
use crate::sumdb::tile::{Tile, VerifiedTree};

/// The source that is asked for an edge ahead: the one that is asked for everything first.
const FIRST: usize = 0;

impl Tiles<'_> {
    /// Fetches the right edge of the tree, and admits it.
    ///
    /// # Errors
    /// No source has it whole.
    pub(super) async fn fetch_edge(&self, proven: &mut Proven) -> Result<(), Unavailable> {
        let edge = proven.tree.edge();
        let cached: Option<Vec<Vec<u8>>> = edge.iter().map(|tile| self.cached_partial(tile)).collect();
        if cached.is_some_and(|bodies| proven.tree.admit_edge(&bodies).is_ok()) {
            return Ok(());
        }
        let mut ahead = self.edge_ahead(&edge).await;
        let mut misses: Vec<Unavailable> = Vec::new();
        for (base, name) in self.upstreams.names().enumerate() {
            let bodies: Result<Vec<Vec<u8>>, Unavailable> = match ahead.take().filter(|_| base == FIRST) {
                Some(bodies) => bodies,
                None => join_all(edge.iter().map(|tile| self.fetch_partial(base, tile))).await.into_iter().collect(),
            };
            let admitted = bodies.and_then(|bodies| {
                let admitted = proven.tree.admit_edge(&bodies);
                admitted
                    .inspect_err(|error| self.upstreams.refute(base, error))
                    .map_err(|error| Fault::refused(name, error))?;
                Ok(bodies)
            });
            match admitted {
                Ok(bodies) => {
                    proven.fresh.extend(edge.iter().map(Tile::to_string).zip(bodies));
                    return Ok(());
                }
                Err(miss) => misses.push(miss),
            }
        }
        // A proxy that does not relay the database was not asked for a tile.
        let asked =
            |miss: &Unavailable| !matches!(miss, Unavailable::Fault(fault) if fault.cause() == Some(Cause::Nobody));
        let asked: Vec<_> = misses.iter().filter(|miss| asked(miss)).cloned().collect();
        Err(Unavailable::worst(if asked.is_empty() { misses } else { asked }))
    }

    /// The requests for those tiles of the tree's right edge that are neither stored here nor asked for yet.
    pub(super) fn ask_edge_ahead(&self, tree: Tree) -> Vec<BoxFuture<'_, ()>> {
        let Some(ahead) = self.ahead.filter(|_| self.upstreams.names().len() > 0) else { return Vec::new() };
        let edge = VerifiedTree::new(tree).edge();
        if edge.iter().all(|tile| self.cached_partial(tile).is_some()) {
            return Vec::new();
        }
        let mut requests = Vec::new();
        for tile in edge.into_iter().filter(|tile| ahead.begin(tile)) {
            let request: BoxFuture<'_, ()> = Box::pin(async move {
                let fetched = self.fetch_partial(FIRST, &tile).await;
                ahead.came(tile, fetched.map_or_else(Fetch::Missed, |bytes| Fetch::Fetched(bytes, FIRST)));
            });
            requests.push(request);
        }
        requests
    }

    /// What came of the edge that was asked for ahead; none where not all of it was asked of the first source.
    async fn edge_ahead(&self, edge: &[Tile]) -> Option<Result<Vec<Vec<u8>>, Unavailable>> {
        let ahead = self.ahead?;
        let came = join_all(edge.iter().map(|tile| ahead.take(tile))).await;
        let body = |came| match came {
            Some(Fetch::Fetched(bytes, FIRST)) => Some(Ok(bytes)),
            Some(Fetch::Missed(miss)) => Some(Err(miss)),
            Some(Fetch::Fetched(..) | Fetch::Cached(_)) | None => None,
        };
        let bodies: Option<Vec<_>> = came.into_iter().map(body).collect();
        Some(bodies?.into_iter().collect())
    }

    /// A partial tile from the cache: as such, or as the beginning of the full one.
    fn cached_partial(&self, tile: &Tile) -> Option<Vec<u8>> {
        self.cached(tile).or_else(|| self.cached(&tile.full()).and_then(|full| prefix(full, tile).ok()))
    }

    /// A partial tile from one upstream; a log may have dropped it once the full one exists (C2SP tlog-tiles).
    async fn fetch_partial(&self, base: usize, tile: &Tile) -> Result<Vec<u8>, Unavailable> {
        let got = self.upstreams.fetch_from(base, &tile.to_string(), tile.byte_len()).await?;
        match body_of(got, tile) {
            Ok((bytes, _)) => Ok(bytes),
            Err(miss) => {
                let full = tile.full();
                let got = self.upstreams.fetch_from(base, &full.to_string(), full.byte_len()).await;
                // The missing tile is the requested one, so the message names it.
                let bytes = got.ok().and_then(|got| body_of(got, &full).ok()).ok_or(miss)?.0;
                prefix(bytes, tile).map_err(|error| Unavailable::Fault(Fault::refused(full.to_string(), error)))
            }
        }
    }
}

fn prefix(mut full: Vec<u8>, tile: &Tile) -> sumdb::Result<Vec<u8>> {
    if full.len() != tile.full().byte_len() {
        return Err(sumdb::Error::malformed(tile.full().to_string(), format!("{} bytes", full.len())));
    }
    full.truncate(tile.byte_len());
    Ok(full)
}

//! Fetches tiles from the cache, else from the upstreams, and checks them against the tree before anything is read from them.
//!
//! All tiles of a plan are requested at once, some of them earlier (`ahead`), and checked as soon as those above them are; those that do
//! not prove are asked of the other upstreams, again all at once. The right edge comes first (`edge`). A tile that no source had is not
//! requested again under the same tree.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, stream};

use super::ahead::{Ahead, Fetch};
use super::cache_writer::CacheWriter;
use super::{Mirror, Progress, Unavailable, missed};
use crate::fault::Fault;
use crate::store::Cache;
use crate::store::cache::GROUP;
use crate::sumdb;
use crate::sumdb::checkpoint::Tree;
use crate::sumdb::tile::{Tile, VerifiedTree, Want};
use crate::upstream::{Got, Upstreams};

/// Tiles held in memory unproven at one time.
pub(super) const BATCH: usize = 2048;

/// A tree, as much of it as is proven, and what became of the rest.
#[derive(Clone)]
pub(super) struct Proven {
    pub(super) tree: VerifiedTree,
    /// tiles that could not be had, with why
    pub(super) missed: HashMap<Tile, Unavailable>,
    /// path and bytes of what is proven, came by the network, and is not in the cache yet
    pub(super) fresh: Vec<(String, Vec<u8>)>,
}

impl Proven {
    pub(super) fn nothing_of(tree: Tree) -> Proven {
        Proven { tree: VerifiedTree::new(tree), missed: HashMap::new(), fresh: Vec::new() }
    }

    /// The plan for `wants` without what is known to be missing and what is below it.
    fn plan(&mut self, wants: &[Want]) -> Result<Vec<Tile>, Unavailable> {
        let plan = self.tree.plan(wants).map_err(|error| Unavailable::Fault(Fault::refused("the tree", error)))?;
        plan.tiles().iter().for_each(|tile| self.blame_parent(tile));
        Ok(plan.tiles().iter().copied().filter(|tile| !self.missed.contains_key(tile)).collect())
    }

    /// What is below a missing tile is missing for the same reason.
    fn blame_parent(&mut self, tile: &Tile) {
        let above = self.tree.missing_parent(tile).and_then(|above| self.missed.get(&above));
        if let Some(miss) = above.cloned() {
            self.missed.insert(*tile, miss);
        }
    }
}

/// Where the tiles of one database come from.
pub(super) struct Tiles<'a> {
    /// the full log, if it is held
    pub(super) mirror: Option<Arc<Mirror>>,
    pub(super) cache: &'a Cache,
    /// whether the cache had nothing at all when this began, so that it is not looked into for each of a thousand answers
    pub(super) is_cold: bool,
    pub(super) upstreams: &'a Upstreams,
    /// requests in flight
    pub(super) jobs: usize,
    pub(super) progress: Progress<'a>,
    /// where proven bytes go as soon as they are; `None` until the log is known to be consistent with its history
    pub(super) writer: Option<&'a CacheWriter>,
    /// tiles that were asked for already
    pub(super) ahead: Option<&'a Ahead>,
}

/// A tile whose bytes did not prove, and the upstream that sent them, if one did.
type Suspect = (Tile, Vec<(usize, sumdb::Error)>);

impl Tiles<'_> {
    /// Fetches what `wants` need. What could not be fetched is in `proven.missed`.
    ///
    /// # Errors
    /// The edge of the tree cannot be had: then nothing of this tree can be proven.
    pub(super) async fn fetch(&self, proven: &mut Proven, wants: &[Want]) -> Result<(), Unavailable> {
        if !proven.tree.has_edge() {
            self.fetch_edge(proven).await?;
        }
        for tiles in proven.plan(wants)?.chunks(BATCH) {
            let (absent, mut results) = self.admit_cached(proven, tiles);
            results.extend(self.fetch_all(proven, &absent).await);
            loop {
                results.sort_by_key(|(tile, _)| (std::cmp::Reverse(tile.level()), tile.index()));
                let (suspects, orphans) = admit_all(proven, results);
                if suspects.is_empty() {
                    for (tile, _) in orphans {
                        proven.blame_parent(&tile);
                    }
                    break;
                }
                let refuted = suspects.iter().flat_map(|(_, refuted)| refuted);
                refuted.for_each(|(base, error)| self.upstreams.refute(*base, error));
                results = self.fetch_others(&proven.tree, suspects).await;
                results.extend(orphans);
            }
        }
        Ok(())
    }

    /// Admits what the cache holds. Returns the tiles that it does not hold, and those that cannot be checked before these.
    fn admit_cached(&self, proven: &mut Proven, tiles: &[Tile]) -> (Vec<Tile>, Vec<(Tile, Fetch)>) {
        let (mut absent, mut orphans) = (Vec::new(), Vec::new());
        for tile in tiles {
            let is_asked = self.ahead.is_some_and(|ahead| ahead.is_asked(tile));
            let cached = if is_asked { None } else { self.cached(tile) };
            match cached {
                Some(bytes) if proven.tree.missing_parent(tile).is_some() => {
                    orphans.push((*tile, Fetch::Cached(bytes)))
                }
                Some(bytes) if proven.tree.admit(tile, &bytes).is_ok() => {}
                Some(_) | None => absent.push(*tile),
            }
        }
        (absent, orphans)
    }

    /// Asks for the tiles, each of the first upstream that has it, and admits what proves at once. The others are returned.
    async fn fetch_all(&self, proven: &mut Proven, tiles: &[Tile]) -> Vec<(Tile, Fetch)> {
        let mut fetched = stream::iter(tiles.iter().copied())
            .map(|tile| async move {
                let ahead = if let Some(ahead) = self.ahead { ahead.take(&tile).await } else { None };
                (tile, if let Some(fetched) = ahead { fetched } else { self.fetch_one(&tile).await })
            })
            .buffer_unordered(self.jobs);
        let (mut open, mut done) = (Vec::new(), 0);
        while let Some((tile, result)) = fetched.next().await {
            done += 1;
            (self.progress)("tiles", done, tiles.len());
            match result {
                Fetch::Fetched(bytes, _) if proven.tree.admit(&tile, &bytes).is_ok() => {
                    proven.fresh.push((tile.to_string(), bytes));
                    self.hand_over(proven, GROUP);
                }
                result => open.push((tile, result)),
            }
        }
        open
    }

    /// Asks for the tile, of the first upstream that has it.
    async fn fetch_one(&self, tile: &Tile) -> Fetch {
        self.result_of(self.upstreams.fetch(&tile.to_string(), tile.byte_len()).await, tile)
    }

    /// The requests for those tiles above leaf `index` that are full in `tree`, neither stored here nor asked for yet.
    pub(super) fn ask_ahead(&self, tree: Tree, index: u64) -> Vec<BoxFuture<'_, ()>> {
        let Some(ahead) = self.ahead else { return Vec::new() };
        let plan = VerifiedTree::new(tree).plan(&[Want::Leaf(index)]).unwrap_or_default();
        let mut requests = Vec::new();
        // The disk is looked at only for a tile that may be new: of neighbouring records all tiles but one are the same.
        let is_new = |tile: &Tile| ahead.may_begin(tile) && self.cached(tile).is_none() && ahead.begin(tile);
        for tile in plan.tiles().iter().copied().filter(is_new) {
            let request: BoxFuture<'_, ()> = Box::pin(async move { ahead.came(tile, self.fetch_one(&tile).await) });
            requests.push(request);
        }
        requests
    }

    /// Hands what is proven to the cache writer, where there is one and there are so many or more.
    pub(super) fn hand_over(&self, proven: &mut Proven, fewest: usize) {
        if let Some(writer) = self.writer.filter(|_| proven.fresh.len() >= fewest) {
            writer.write(std::mem::take(&mut proven.fresh));
        }
    }

    /// Tiles that did not prove, from the first other upstream whose bytes do.
    async fn fetch_others(&self, tree: &VerifiedTree, suspects: Vec<Suspect>) -> Vec<(Tile, Fetch)> {
        let fetched = stream::iter(suspects)
            .map(|(tile, refuted)| async move {
                let check = |bytes: Vec<u8>| tree.check(&tile, &bytes).map(|()| bytes);
                let got = self.upstreams.fetch_beyond(&tile.to_string(), tile.byte_len(), &refuted, check).await;
                (tile, self.result_of(got, &tile))
            })
            .buffer_unordered(self.jobs);
        fetched.collect().await
    }

    fn result_of(&self, got: Result<Got, Fault>, tile: &Tile) -> Fetch {
        let got = got.map_err(|fault| missed(self.upstreams, fault));
        let body = got.and_then(|got| body_of(got, tile));
        body.map_or_else(Fetch::Missed, |(bytes, base)| Fetch::Fetched(bytes, base))
    }

    /// What the disk holds of a tile. A cache that cannot be read is one more source that does not answer; writing to it will
    /// say so.
    pub(super) fn cached(&self, tile: &Tile) -> Option<Vec<u8>> {
        let mirrored = self.mirror.as_ref().and_then(|mirror| mirror.snapshot.hash_tile(tile).ok().flatten());
        mirrored.or_else(|| if self.is_cold { None } else { self.cache.read(&tile.to_string()).ok().flatten() })
    }
}

/// Admits what proves. Returns the tiles whose bytes do not, and those that cannot be checked before them.
fn admit_all(proven: &mut Proven, results: Vec<(Tile, Fetch)>) -> (Vec<Suspect>, Vec<(Tile, Fetch)>) {
    let (mut suspects, mut orphans) = (Vec::new(), Vec::new());
    for (tile, bytes) in results {
        if proven.tree.missing_parent(&tile).is_some() {
            orphans.push((tile, bytes));
            continue;
        }
        match bytes {
            Fetch::Missed(miss) => drop(proven.missed.insert(tile, miss)),
            Fetch::Cached(bytes) => {
                if proven.tree.admit(&tile, &bytes).is_err() {
                    suspects.push((tile, Vec::new()));
                }
            }
            Fetch::Fetched(bytes, base) => match proven.tree.admit(&tile, &bytes) {
                Ok(()) => proven.fresh.push((tile.to_string(), bytes)),
                Err(error) => suspects.push((tile, vec![(base, error)])),
            },
        }
    }
    (suspects, orphans)
}

/// A tile of a signed tree exists. A server that says it does not has failed; a folder may just not hold it.
pub(super) fn body_of(got: Got, tile: &Tile) -> Result<(Vec<u8>, usize), Unavailable> {
    match got {
        Got::Body(bytes, base) => Ok((bytes, base)),
        Got::Absent(absence) if absence.authoritative => {
            let why = "the tree that its log signed has this tile, and it does not (is it an outdated mirror?)";
            Err(Unavailable::Fault(Fault::upstream(tile.to_string(), format!("{}: {why}", absence.by.join("; ")))))
        }
        Got::Absent(absence) => Err(Unavailable::NotHeld(format!("{tile} is not held by {}", absence.by.join("; ")))),
    }
}

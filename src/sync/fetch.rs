//! Bringing one data tile: from the upstream whose turn it is, else from the others, until the bytes prove.

use futures_util::stream::{self, StreamExt as _};

use super::bulk::{self, Bulk};
use super::rate::Rate;
use super::tile::{Proven, Wanted, prove};
use super::{SyncOptions, panicked};
use crate::fault::{Cause, Fault};
use crate::sumdb;
use crate::sumdb::record::MAX_DATA_TILE_BYTES;
use crate::sumdb::tile::DataTile;
use crate::upstream::{Got, Upstreams};

/// The longest data tile that is expected, in bytes. Real ones have 50 KiB; many of this length fit into memory at once.
const COMMON_BYTES: usize = 1 << 20;

/// Data tiles that are requested, or wait for one before them, for each request in flight: while the slowest is waited for, the
/// others need not stop.
const AHEAD: usize = 3;
/// Stretches of another copy's files in flight: 3 MB each.
const STRETCHES_AHEAD: usize = 6;

/// Fetches data tiles.
pub(super) struct Fetch<'a> {
    upstreams: &'a Upstreams,
    /// the files of another copy, where there are any
    bulk: Option<Bulk>,
    rate: Option<Rate>,
    jobs: usize,
    /// whether to make the index's entries of what is proven
    index: bool,
    /// of tiles that are longer than any should be there is one in memory at a time
    huge: tokio::sync::Mutex<()>,
}

/// Tiles that were fetched, and why no more.
type Fetched = (Vec<Proven>, Option<Fault>);

impl<'a> Fetch<'a> {
    pub(super) fn new(upstreams: &'a Upstreams, bulk: Option<Bulk>, index: bool, options: &SyncOptions) -> Fetch<'a> {
        let jobs = options.jobs.max(1).saturating_mul(upstreams.names().len().max(1));
        let rate = options.limit_rate.map(Rate::new);
        Fetch { upstreams, bulk, rate, jobs, index, huge: tokio::sync::Mutex::default() }
    }

    /// How many tiles make a run, and how many runs to fetch at once.
    pub(super) fn shape(&self) -> (usize, usize) {
        match self.bulk {
            Some(_) => (bulk::STRETCH, STRETCHES_AHEAD),
            None => (1, self.jobs.saturating_mul(AHEAD)),
        }
    }

    /// Tiles in a row: out of another copy's files, and what these do not prove one by one.
    pub(super) async fn fetch_run(&self, run: Vec<Result<Wanted, Fault>>) -> Fetched {
        let mut fault = None;
        let wanted: Vec<Wanted> =
            run.into_iter().map_while(|wanted| wanted.map_err(|why| fault = Some(why)).ok()).collect();
        let (mut proven, rest) = match self.fetch_stretch(wanted).await {
            Ok(both) => both,
            Err(fault) => return (Vec::new(), Some(fault)),
        };
        let mut others = std::pin::pin!(stream::iter(rest).map(|wanted| self.fetch(wanted)).buffered(self.jobs));
        while let Some(next) = others.next().await {
            match next {
                Ok(tile) => proven.push(tile),
                Err(why) => return (proven, Some(why)),
            }
        }
        (proven, fault)
    }

    /// The leading wanted tiles that the files of another copy prove, and the rest.
    async fn fetch_stretch(&self, mut wanted: Vec<Wanted>) -> Result<(Vec<Proven>, Vec<Wanted>), Fault> {
        let Some(bulk) = &self.bulk else { return Ok((Vec::new(), wanted)) };
        let full = wanted.iter().take_while(|wanted| wanted.tile.hashes().is_full());
        let tiles: Vec<DataTile> = full.map(|wanted| wanted.tile).collect();
        if let Some(rate) = &self.rate {
            rate.pass().await;
        }
        let Some(bytes) = bulk.bytes(&tiles).await else { return Ok((Vec::new(), wanted)) };
        if let Some(rate) = &self.rate {
            rate.spent(bytes.iter().map(Vec::len).sum());
        }
        let index = self.index;
        let prove_all = move || {
            let pairs = wanted.iter().zip(bytes);
            let proven: Vec<Proven> =
                pairs.map_while(|(wanted, bytes)| prove_tile(wanted, bytes, index).ok()).collect();
            (wanted.split_off(proven.len()), proven)
        };
        let (rest, proven) = tokio::task::spawn_blocking(prove_all).await.map_err(|error| panicked(&error))?;
        if proven.len() < tiles.len() {
            bulk.give_up();
        }
        Ok((proven, rest))
    }

    /// The wanted tile, proven. One that is too long is requested once more, with the limit of the longest valid tile.
    ///
    /// # Errors
    /// `Refused` or `Unavailable`, with every upstream's reason.
    async fn fetch(&self, wanted: Wanted) -> Result<Proven, Fault> {
        match self.fetch_within(&wanted, COMMON_BYTES).await {
            Err(Fault::Unavailable { cause: Cause::TooLong, .. }) => {
                let _one = self.huge.lock().await;
                self.fetch_within(&wanted, MAX_DATA_TILE_BYTES).await
            }
            other => other,
        }
    }

    async fn fetch_within(&self, wanted: &Wanted, limit: usize) -> Result<Proven, Fault> {
        let hashes = wanted.tile.hashes();
        let first = self.fetch_as(&wanted.tile, wanted, limit).await;
        let Err(why) = first else { return first };
        if hashes.is_full() {
            return Err(why);
        }
        // A log may drop a partial tile once the full one exists (C2SP tlog-tiles): that one begins with the same records.
        let full = hashes.full();
        let full = DataTile::new(full.index(), full.width()).map_err(|error| Fault::refused("the tree", error))?;
        self.fetch_as(&full, wanted, limit).await.map_err(|of_full| match of_full.cause() {
            // More room helps.
            Some(Cause::TooLong) => of_full,
            _ => why,
        })
    }

    /// The wanted tile under the name of `asked`.
    async fn fetch_as(&self, asked: &DataTile, wanted: &Wanted, limit: usize) -> Result<Proven, Fault> {
        let (path, turn) = (asked.to_string(), asked.hashes().index());
        let mut refuted = Vec::new();
        // Ends: an upstream whose bytes did not prove is not asked again.
        loop {
            if let Some(rate) = &self.rate {
                rate.pass().await;
            }
            match self.upstreams.fetch_from_turn(turn, &path, limit, &refuted, Ok).await? {
                Got::Body(bytes, base) => {
                    if let Some(rate) = &self.rate {
                        rate.spent(bytes.len());
                    }
                    let (wanted, index) = (wanted.clone(), self.index);
                    let proof = tokio::task::spawn_blocking(move || prove_tile(&wanted, bytes, index)).await;
                    match proof.map_err(|error| panicked(&error))? {
                        Ok(proven) => return Ok(proven),
                        Err(error) => {
                            self.upstreams.refute(base, &error);
                            refuted.push((base, error));
                        }
                    }
                }
                Got::Absent(absence) => {
                    let why = "the log signed a tree with this tile, and it does not have it (an outdated mirror?)";
                    return Err(Fault::unavailable(absence.cause(), path, format!("{}: {why}", absence.by.join("; "))));
                }
            }
        }
    }
}

/// Proves a tile, and while its bytes are at hand makes the index's entries of it, where these are wanted.
fn prove_tile(wanted: &Wanted, bytes: Vec<u8>, index: bool) -> sumdb::Result<Proven> {
    let proven = prove(wanted, bytes)?;
    Ok(if index { proven.index() } else { proven })
}

//! Bringing data tiles: out of another copy's files, or each from the upstream whose turn it is, else from the others, until the
//! bytes prove. One that takes far longer than its fellows is asked for once more.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::bulk::{self, Bulk};
use super::open_requests::{OpenRequest, OpenRequests};
use super::rate::Rate;
use super::straggler::{AnswerTimes, first_right};
use super::tile::{Proven, Wanted, prove};
use super::{SyncOptions, panicked};
use crate::fault::{Cause, Fault};
use crate::sumdb;
use crate::sumdb::record::MAX_DATA_TILE_BYTES;
use crate::sumdb::tile::DataTile;
use crate::upstream::{Got, Upstreams};

/// The longest data tile that is expected, in bytes. Real ones have 50 KiB; many of this length fit into memory at once.
const COMMON_BYTES: usize = 1 << 20;
/// Stretches of another copy's files in flight: 3 MB each.
const STRETCHES_AHEAD: usize = 6;
/// For so many requests that the upstreams allow at once, one more is made, which waits there: they allow more only where more is
/// wanted.
const FOR_EACH_WAITING: usize = 8;
/// Of so many requests in flight, one may be asked for a second time.
const FOR_EACH_SECOND: usize = 8;
/// How soon it is looked again whether an upstream that is overloaded has recovered.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

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
    open: OpenRequests,
    times: &'a AnswerTimes,
    /// requests that may be made beside one that is late
    seconds: Semaphore,
}

/// Tiles to be fetched together, with the request for them.
pub(super) struct Run<'a> {
    wanted: Vec<Wanted>,
    request: OpenRequest<'a>,
}

/// Tiles that were fetched, and why no more.
pub(super) struct Fetched {
    pub(super) tiles: Vec<Proven>,
    pub(super) fault: Option<Fault>,
}

/// The upstreams whose bytes for one tile did not prove, with why; guards a list that is read before a request and written after it.
type Refuted = Mutex<Vec<(usize, sumdb::Error)>>;

impl<'a> Fetch<'a> {
    pub(super) fn new(
        upstreams: &'a Upstreams,
        times: &'a AnswerTimes,
        bulk: Option<Bulk>,
        index: bool,
        options: &SyncOptions,
    ) -> Fetch<'a> {
        let jobs = options.jobs.max(1).saturating_mul(upstreams.turns().max(1));
        let rate = options.limit_rate.map(Rate::new);
        let (huge, open) = (tokio::sync::Mutex::default(), OpenRequests::default());
        let seconds = Semaphore::new((jobs / FOR_EACH_SECOND).max(1));
        Fetch { upstreams, bulk, rate, jobs, index, huge, open, times, seconds }
    }

    /// How many requests for data tiles may be open now: the one place where this is decided.
    fn allowed(&self) -> usize {
        let allowed = self.upstreams.allowed();
        self.jobs.min(allowed + allowed / FOR_EACH_WAITING).max(1)
    }

    /// Waits until one more may be made.
    pub(super) async fn request_closed(&self) {
        self.open.closed().await;
    }

    /// Waits until the limit of bytes a second allows one more request.
    async fn pass(&self) {
        if let Some(rate) = &self.rate {
            rate.pass().await;
        }
    }

    /// The next of the `planned` tiles, if one more request may be made now.
    pub(super) fn next_run(&self, planned: &mut VecDeque<Wanted>) -> Option<Run<'_>> {
        let in_bulk = |wanted: &Wanted| self.bulk.as_ref().is_some_and(|bulk| bulk.has(&wanted.tile));
        let (len, most) = match planned.iter().take(bulk::STRETCH).take_while(|wanted| in_bulk(wanted)).count() {
            0 => (1.min(planned.len()), self.allowed()),
            stretch => (stretch, STRETCHES_AHEAD),
        };
        let may_run = len > 0 && self.open.count() < most;
        may_run.then(|| Run { wanted: planned.drain(..len).collect(), request: self.open.open() })
    }

    /// Tiles in a row: out of another copy's files, and what these do not prove one by one.
    pub(super) async fn fetch_run(&self, run: Run<'_>) -> Fetched {
        let Run { wanted, request } = run;
        let (mut tiles, rest) = match self.fetch_stretch(wanted, &request).await {
            Ok(both) => both,
            Err(fault) => return Fetched { tiles: Vec::new(), fault: Some(fault) },
        };
        let others = stream::iter(rest).map(|wanted| self.fetch(wanted, &request)).buffered(self.allowed());
        let mut others = std::pin::pin!(others);
        while let Some(next) = others.next().await {
            match next {
                Ok(tile) => tiles.push(tile),
                Err(why) => return Fetched { tiles, fault: Some(why) },
            }
        }
        Fetched { tiles, fault: None }
    }

    /// The leading wanted tiles that the files of another copy prove, and the rest.
    async fn fetch_stretch(
        &self,
        mut wanted: Vec<Wanted>,
        request: &OpenRequest<'_>,
    ) -> Result<(Vec<Proven>, Vec<Wanted>), Fault> {
        let tiles: Vec<DataTile> = wanted.iter().map(|wanted| wanted.tile).collect();
        let Some(bulk) = self.bulk.as_ref().filter(|bulk| tiles.iter().all(|tile| bulk.has(tile))) else {
            return Ok((Vec::new(), wanted));
        };
        self.pass().await;
        let Some(bytes) = bulk.bytes(&tiles).await else { return Ok((Vec::new(), wanted)) };
        request.close();
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
    async fn fetch(&self, wanted: Wanted, request: &OpenRequest<'_>) -> Result<Proven, Fault> {
        match self.fetch_within(&wanted, COMMON_BYTES, request).await {
            Err(Fault::Unavailable { cause: Cause::TooLong, .. }) => {
                let _one = self.huge.lock().await;
                self.fetch_within(&wanted, MAX_DATA_TILE_BYTES, request).await
            }
            other => other,
        }
    }

    async fn fetch_within(&self, wanted: &Wanted, limit: usize, request: &OpenRequest<'_>) -> Result<Proven, Fault> {
        let hashes = wanted.tile.hashes();
        let first = self.fetch_as(&wanted.tile, wanted, limit, request).await;
        let Err(why) = first else { return first };
        if hashes.is_full() {
            return Err(why);
        }
        // A log may drop a partial tile once the full one exists (C2SP tlog-tiles): that one begins with the same records.
        let full = hashes.full();
        let full = DataTile::new(full.index(), full.width()).map_err(|error| Fault::refused("the tree", error))?;
        self.fetch_as(&full, wanted, limit, request).await.map_err(|of_full| match of_full.cause() {
            // More room helps.
            Some(Cause::TooLong) => of_full,
            _ => why,
        })
    }

    /// The wanted tile under the name of `asked`. Where the answer is late it is asked for a second time, elsewhere if there is another
    /// upstream; the first answer that proves counts.
    async fn fetch_as(
        &self,
        asked: &DataTile,
        wanted: &Wanted,
        limit: usize,
        request: &OpenRequest<'_>,
    ) -> Result<Proven, Fault> {
        self.pass().await;
        let (began, refuted) = (Instant::now(), Refuted::default());
        let turn = self.turn_for(asked.hashes().index());
        let fetch = |turn| self.fetch_proven(turn, asked, wanted, limit, &refuted, request);
        let mut first = std::pin::pin!(fetch(turn));
        let (_second, turn) = tokio::select! {
            biased;
            proven = &mut first => return proven.inspect(|_| self.times.note(began.elapsed())),
            second = self.second_turn(turn, began) => second,
        };
        let second = std::pin::pin!(async {
            self.pass().await;
            fetch(turn).await
        });
        first_right(first, second).await
    }

    /// Whose turn it is to be asked for the tile of this number: they take turns, but one that is busy is passed over.
    fn turn_for(&self, index: u64) -> u64 {
        let turns = u64::try_from(self.upstreams.turns()).unwrap_or(1).max(1);
        let mut all = (0..turns).map(|next| index.wrapping_add(next));
        all.find(|turn| self.upstreams.is_free(*turn)).unwrap_or(index)
    }

    /// Waits until a request is late that was made of the upstream with this `turn` at the time `began`, and until another may be made of an
    /// upstream that is not overloaded: gives the right to make it, and whose turn it is.
    async fn second_turn(&self, turn: u64, began: Instant) -> (Option<SemaphorePermit<'_>>, u64) {
        loop {
            self.times.late(began).await;
            let permit = self.seconds.acquire().await.ok();
            let next = self.turn_for(turn.wrapping_add(1));
            if !self.upstreams.is_held_back(next) {
                return (permit, next);
            }
            drop(permit);
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// The wanted tile under the name of `asked`, from the upstream with this `turn`, else from the others.
    async fn fetch_proven(
        &self,
        turn: u64,
        asked: &DataTile,
        wanted: &Wanted,
        limit: usize,
        refuted: &Refuted,
        request: &OpenRequest<'_>,
    ) -> Result<Proven, Fault> {
        let path = asked.to_string();
        let list = || refuted.lock();
        // Ends: an upstream whose bytes did not prove is not asked again.
        loop {
            let known = list().clone();
            match self.upstreams.fetch_from_turn(turn, &path, limit, &known, Ok).await? {
                Got::Body(bytes, base) => {
                    request.close();
                    if let Some(rate) = &self.rate {
                        rate.spent(bytes.len());
                    }
                    let (wanted, index) = (wanted.clone(), self.index);
                    let proof = tokio::task::spawn_blocking(move || prove_tile(&wanted, bytes, index)).await;
                    match proof.map_err(|error| panicked(&error))? {
                        Ok(proven) => return Ok(proven),
                        Err(error) => {
                            self.upstreams.refute(base, &error);
                            list().push((base, error));
                            self.pass().await;
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

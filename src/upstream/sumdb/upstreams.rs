//! The bases of one checksum database, tried in order until one has an answer.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::find::Candidate;
use super::outcome::{Attempts, Got};
use super::seat::{Said, Seat};
use super::source::Source;
use crate::fault::Fault;
use crate::sumdb;
use crate::upstream::base::{self, Base};
use crate::upstream::http::agent::Http;
use crate::upstream::http::counts::{Counters, Counts};
use crate::upstream::http::failure::FailureKind;
use crate::upstream::http::get_request::GetRequest;
use crate::upstream::http::source_errors::Complaint;
use crate::upstream::queue::{Busy, Load};

/// What the paths of questions about module versions begin with.
const LOOKUPS: &str = "lookup/";
/// No base gave an answer yet.
const NONE_USED: usize = usize::MAX;

/// The bases of one database, in the order in which they are asked.
#[derive(Debug)]
pub struct Upstreams {
    pub(super) seats: Vec<Seat>,
    /// whether all are as good, so that turns go round; else each one stands in only for those before it
    pub(super) takes_turns: bool,
    /// the base whose answer was last used
    pub(super) used: AtomicUsize,
    pub(super) counters: Counters,
}

impl Upstreams {
    /// Over these bases, all of them as good. Nothing is opened or connected before the first fetch.
    pub fn new(http: Http, bases: Vec<Base>) -> Upstreams {
        Upstreams::over(bases.into_iter().map(|base| Seat::of(&http, base)).collect(), true)
    }

    /// Over what [`candidates`](super::find::candidates) found, each with its own client: one after the other unless all were
    /// named (`takes_turns`).
    pub fn found(candidates: Vec<(Candidate, Http)>, takes_turns: bool) -> Upstreams {
        let seats = candidates.into_iter().map(|(candidate, http)| Seat::of_candidate(candidate, http));
        Upstreams::over(seats.collect(), takes_turns)
    }

    fn over(seats: Vec<Seat>, takes_turns: bool) -> Upstreams {
        Upstreams { seats, takes_turns, used: AtomicUsize::new(NONE_USED), counters: Counters::default() }
    }

    /// The same without those that are asked over the network.
    pub fn trees_only(mut self) -> Upstreams {
        self.seats.retain(|seat| !seat.source().is_site());
        self
    }

    fn sources(&self) -> impl ExactSizeIterator<Item = &Source> {
        self.seats.iter().map(Seat::source)
    }

    /// How many bases are asked in turn; 1 where each stands in only for those before it.
    pub fn turns(&self) -> usize {
        if self.takes_turns { self.seats.len() } else { 1 }
    }

    /// How each base is called in messages, in order: its URL without credentials.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.sources().map(Source::name)
    }

    /// How many times anything was asked of a base so far, tries included: 0 after a run that needed nothing.
    pub fn requests(&self) -> u64 {
        self.counts().requests()
    }

    /// The same by kind.
    pub fn counts(&self) -> Counts {
        self.counters.snapshot()
    }

    /// How many requests all bases are asked now, and how many wait for that.
    pub fn load(&self) -> Load {
        self.sources().map(Source::load).sum()
    }

    /// How many requests may run at once now: of all bases together where they are asked in turn, else of the one that may have most.
    pub fn allowed(&self) -> usize {
        self.all_or_one(self.sources().map(Source::allowed))
    }

    /// The same at most, however well they bear it.
    pub fn most(&self) -> usize {
        self.all_or_one(self.sources().map(Source::most))
    }

    /// Of a number of each base, what counts: their sum where they are asked in turn, else the largest.
    fn all_or_one(&self, each: impl Iterator<Item = usize>) -> usize {
        if self.takes_turns { each.sum() } else { each.max().unwrap_or(0) }
    }

    /// Whether a request would run at once of the base whose turn it is: base number `turn` modulo their number, or the one that is
    /// used where the others only stand in.
    pub fn is_free(&self, turn: u64) -> bool {
        self.of_turn(turn).is_some_and(|base| {
            let load = base.load();
            load.waiting == 0 && usize::try_from(load.running).is_ok_and(|running| running < base.allowed())
        })
    }

    /// Whether that base is asked less than it could be, since it answered that it is overloaded.
    pub fn is_held_back(&self, turn: u64) -> bool {
        self.of_turn(turn).is_some_and(Source::is_held_back)
    }

    fn of_turn(&self, turn: u64) -> Option<&Source> {
        let used = if self.takes_turns { NONE_USED } else { self.used.load(Ordering::Relaxed) };
        self.seats.get(used).or_else(|| self.seats.get(self.base_of(turn))).map(Seat::source)
    }

    /// The number of the base whose turn it is.
    fn base_of(&self, turn: u64) -> usize {
        let bases = u64::try_from(self.turns()).unwrap_or(1).max(1);
        usize::try_from(turn % bases).unwrap_or(0)
    }

    /// The bytes at `path` (`lookup/...`, `tile/8/...`, `latest`) from the first base that has them, at most `limit`.
    ///
    /// # Errors
    /// `Unavailable` where no base has them and at least one failed: it names every base and why. `Usage` for a path
    /// that no checksum database has.
    pub async fn fetch(&self, path: &str, limit: usize) -> Result<Got, Fault> {
        self.fetch_where(path, limit, Ok).await
    }

    /// As `fetch`, but bytes count only if they pass `judge`; a base whose bytes do not pass is as good as one that
    /// failed, and the next is asked.
    ///
    /// # Errors
    /// As `fetch`; `Refused` with every base's reason where bytes came but none passed.
    pub async fn fetch_where<T>(
        &self,
        path: &str,
        limit: usize,
        judge: impl Fn(Vec<u8>) -> sumdb::Result<T>,
    ) -> Result<Got<T>, Fault> {
        self.fetch_beyond(path, limit, &[], judge).await
    }

    /// As `fetch_where`, but the bases with the numbers in `refuted` (counted from 0) are not asked: what they sent for
    /// this path has turned out false, and their errors join those of the others.
    ///
    /// # Errors
    /// As `fetch_where`.
    pub async fn fetch_beyond<T>(
        &self,
        path: &str,
        limit: usize,
        refuted: &[(usize, sumdb::Error)],
        judge: impl Fn(Vec<u8>) -> sumdb::Result<T>,
    ) -> Result<Got<T>, Fault> {
        self.fetch_from_turn(0, path, limit, refuted, judge).await
    }

    /// As `fetch_beyond`, but the base whose turn it is is asked first: base number `turn` modulo their number. Who asks for
    /// many things spreads them over all bases so.
    ///
    /// # Errors
    /// As `fetch_where`.
    pub async fn fetch_from_turn<T>(
        &self,
        turn: u64,
        path: &str,
        limit: usize,
        refuted: &[(usize, sumdb::Error)],
        judge: impl Fn(Vec<u8>) -> sumdb::Result<T>,
    ) -> Result<Got<T>, Fault> {
        base::check_path(path)?;
        let mut attempts = Attempts::default();
        let first = self.base_of(turn);
        for (index, seat) in self.seats.iter().enumerate().cycle().skip(first).take(self.seats.len()) {
            if let Some((_, error)) = refuted.iter().find(|(base, _)| *base == index) {
                attempts.refused(seat.source().name(), error.clone());
                continue;
            }
            let said = self.ask(seat, path, limit).await?;
            if let Some(value) = self.take(index, said, &judge, &mut attempts) {
                return Ok(Got::Body(value, index));
            }
            // Nobody knows better what the log has.
            if attempts.is_denied() && path.starts_with(LOOKUPS) {
                break;
            }
        }
        attempts.conclude(path).map(Got::Absent)
    }

    /// The value of an answer that passes `judge`; all else goes to `attempts`.
    pub(super) fn take<T>(
        &self,
        index: usize,
        said: Said,
        judge: &impl Fn(Vec<u8>) -> sumdb::Result<T>,
        attempts: &mut Attempts,
    ) -> Option<T> {
        let seat = self.seats.get(index)?;
        let source = seat.source();
        match said {
            Said::Body(bytes) => match judge(bytes) {
                Ok(value) => {
                    self.used.store(index, Ordering::Relaxed);
                    return Some(value);
                }
                Err(error) => attempts.refused(source.name(), source.refuted(error)),
            },
            Said::Missing(why) => {
                attempts.absent(source.name(), &source.lacked(why), source.is_site());
                if seat.is_own() {
                    attempts.denied(index);
                }
            }
            Said::Failed(failed) => attempts.failed(source.name(), &failed),
            Said::NoRelay => attempts.passed_over(source.name()),
            Said::NoData => attempts.absent(source.name(), "relays no data tiles", source.is_site()),
        }
        None
    }

    /// As `fetch`, of the base number `index` alone (counted from 0): for a caller that judges many answers together
    /// and asks the next base for all of them.
    ///
    /// # Errors
    /// As `fetch`.
    pub async fn fetch_from(&self, index: usize, path: &str, limit: usize) -> Result<Got, Fault> {
        base::check_path(path)?;
        let mut attempts = Attempts::default();
        if let Some(seat) = self.seats.get(index) {
            let said = self.ask(seat, path, limit).await?;
            if let Some(bytes) = self.take(index, said, &Ok, &mut attempts) {
                return Ok(Got::Body(bytes, index));
            }
        }
        attempts.conclude(path).map(Got::Absent)
    }

    /// What there is to complain of each base about, including what `refute` reported.
    pub fn complaints(&self) -> Vec<Complaint> {
        self.sources().filter_map(Source::complaint).collect()
    }

    /// Notes that bytes of base number `index`, which were judged elsewhere, turned out false.
    pub fn refute(&self, index: usize, error: &sumdb::Error) {
        if let Some(source) = self.seats.get(index).map(Seat::source) {
            source.refuted(error.clone());
        }
    }

    /// What one base says.
    pub(super) async fn ask(&self, seat: &Seat, path: &str, limit: usize) -> Result<Said, Fault> {
        let asked = GetRequest { path, limit, range: None };
        match seat.ask(&asked, &self.counters).await {
            Said::Failed(failed) if failed.kind == FailureKind::QueueFull => Err(Busy.fault(seat.source().name())),
            said => Ok(said),
        }
    }
}

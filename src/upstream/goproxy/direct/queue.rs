//! When the go command may run: few runs at once, and few for each host. Long runs make room for others, so that hosts that stall
//! do not block all other hosts.
//!
//! A run that has lasted longer than `patience` no longer counts among the `at_once`, but among the `long_at_once`. Where these
//! are all taken too and another run waits, the long run that moves the fewest bytes a second is ended.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::upstream::http::failure::FailureKind;
use crate::upstream::http::retry::Failed;

/// The most runs that wait, in all and for one host.
const WAITING: usize = 64;
const WAITING_FOR_HOST: usize = 16;
/// When to retry a request that the queue rejected, or whose run was ended to make room.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// The limits of the queue.
#[derive(Debug, Clone, Copy)]
pub(super) struct RunBounds {
    pub(super) at_once: usize,
    pub(super) long_at_once: usize,
    pub(super) per_host: usize,
    pub(super) patience: Duration,
}

/// The queue.
#[derive(Debug)]
pub(super) struct RunQueue {
    bounds: RunBounds,
    /// guards which runs wait and which run
    state: Mutex<RunQueueState>,
}

#[derive(Debug, Default)]
struct RunQueueState {
    waiting: VecDeque<WaitingRun>,
    running: HashMap<u64, Run>,
    last_id: u64,
}

#[derive(Debug)]
struct WaitingRun {
    id: u64,
    run: Run,
    admitted: oneshot::Sender<()>,
}

#[derive(Debug, Clone)]
struct Run {
    host: String,
    since: Instant,
    /// bytes sent and received so far
    moved: Arc<AtomicU64>,
    end: Arc<Notify>,
    is_ending: bool,
}

/// The place of a run in the queue and, later, among the running ones; given back when it is dropped.
#[derive(Debug)]
pub(super) struct RunPlace {
    queue: Arc<RunQueue>,
    id: u64,
    run: Run,
}

/// The failure of a run for which this machine has no room now.
fn crowded(why: impl Into<String>) -> Failed {
    Failed { retry_after: Some(RETRY_AFTER), ..Failed::passing(FailureKind::Machine, why) }
}

impl RunQueue {
    pub(super) fn new(bounds: RunBounds) -> Arc<RunQueue> {
        Arc::new(RunQueue { bounds, state: Mutex::default() })
    }

    /// Waits until a run for `host` may start.
    pub(super) async fn enter(self: &Arc<RunQueue>, host: &str) -> Result<RunPlace, Failed> {
        let (place, admitted) = {
            let mut state = self.lock();
            let for_host = state.waiting.iter().filter(|waiter| waiter.run.host == host).count();
            if state.waiting.len() >= WAITING || for_host >= WAITING_FOR_HOST {
                return Err(crowded("too many requests are waiting for the go command"));
            }
            state.last_id = state.last_id.wrapping_add(1);
            let run = Run {
                host: host.to_owned(),
                since: Instant::now(),
                moved: Arc::default(),
                end: Arc::default(),
                is_ending: false,
            };
            let (sender, admitted) = oneshot::channel();
            let id = state.last_id;
            state.waiting.push_back(WaitingRun { id, run: run.clone(), admitted: sender });
            (RunPlace { queue: Arc::clone(self), id, run }, admitted)
        };
        self.advance();
        // Never closed: the sender is dropped after it has sent, or together with the place.
        let _ = admitted.await;
        Ok(place)
    }

    fn lock(&self) -> MutexGuard<'_, RunQueueState> {
        self.state.lock()
    }

    /// Admits as many runs as the limits allow.
    fn advance(&self) {
        let mut state = self.lock();
        while state.admit(&self.bounds, Instant::now()) {}
    }
}

impl RunQueueState {
    /// Admits the first waiting run that may start, or ends a long run to make room for it.
    fn admit(&mut self, bounds: &RunBounds, now: Instant) -> bool {
        let age = |run: &Run| now.saturating_duration_since(run.since);
        let is_long = |run: &Run| age(run) >= bounds.patience;
        let short = self.running.values().filter(|run| !is_long(run)).count();
        let of_host = |host: &str| self.running.values().filter(|run| run.host == host).count();
        let next = self.waiting.iter().position(|waiter| of_host(&waiter.run.host) < bounds.per_host);
        let Some(next) = next.filter(|_| short < bounds.at_once) else { return false };
        if self.running.len() >= bounds.at_once.saturating_add(bounds.long_at_once) {
            if self.running.values().any(|run| run.is_ending) {
                return false;
            }
            // Bytes a second, times 1,000.
            let speed = |run: &Run| {
                u128::from(run.moved.load(Ordering::Relaxed)).saturating_mul(1_000_000) / age(run).as_millis().max(1)
            };
            if let Some(slowest) = self.running.values_mut().filter(|run| is_long(run)).min_by_key(|run| speed(run)) {
                slowest.is_ending = true;
                slowest.end.notify_one();
            }
            return false;
        }
        if let Some(waiter) = self.waiting.remove(next) {
            self.running.insert(waiter.id, Run { since: now, ..waiter.run });
            // A run that is gone gives its place back itself.
            let _ = waiter.admitted.send(());
        }
        true
    }
}

impl RunPlace {
    /// Counts the bytes that the run moves.
    pub(super) fn meter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.run.moved)
    }

    /// Does the run's work, until it is done or ended to make room.
    pub(super) async fn hold<T>(&self, work: impl Future<Output = Result<T, Failed>>) -> Result<T, Failed> {
        let grow_old = async {
            tokio::time::sleep(self.queue.bounds.patience).await;
            self.queue.advance();
            self.run.end.notified().await;
        };
        tokio::select! {
            done = work => done,
            () = grow_old => {
                let why = format!("{} is slow, and other requests are waiting for the go command", self.run.host);
                Err(crowded(why))
            }
        }
    }
}

impl Drop for RunPlace {
    fn drop(&mut self) {
        let mut state = self.queue.lock();
        state.waiting.retain(|waiter| waiter.id != self.id);
        state.running.remove(&self.id);
        drop(state);
        self.queue.advance();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::upstream::http::failure::FailureKind;

    fn queue(patience: Duration) -> Arc<RunQueue> {
        RunQueue::new(RunBounds { at_once: 4, long_at_once: 2, per_host: 2, patience })
    }

    /// A place that is free at once.
    fn now(queue: &Arc<RunQueue>, host: &str) -> Option<RunPlace> {
        queue.enter(host).now_or_never().map(Result::unwrap)
    }

    #[test]
    fn one_host_takes_a_part_of_the_places() {
        let queue = queue(Duration::MAX);
        let places: Vec<RunPlace> = (0..2).map(|_| now(&queue, "a.example").unwrap()).collect();
        assert!(now(&queue, "a.example").is_none());
        let mut third = Box::pin(queue.enter("a.example"));
        assert!(third.as_mut().now_or_never().is_none());
        let others: Vec<RunPlace> = ["b.example", "c.example"].map(|host| now(&queue, host).unwrap()).into();
        assert!(now(&queue, "d.example").is_none(), "four run");
        drop(places);
        assert!(third.now_or_never().is_some());
        drop(others);
        assert!(queue.lock().running.is_empty() && queue.lock().waiting.is_empty());
    }

    #[test]
    fn those_that_take_long_make_room() {
        let queue = queue(Duration::ZERO);
        let places: Vec<RunPlace> = (0..6).map(|n| now(&queue, &format!("stalled{n}.example")).unwrap()).collect();
        for (at, place) in places.iter().enumerate() {
            place.run.moved.store(if at == 3 { 0 } else { 1 << 30 }, Ordering::Relaxed);
        }
        let mut next = Box::pin(queue.enter("b.example"));
        assert!(next.as_mut().now_or_never().is_none(), "six run");
        let work = |place: &RunPlace| {
            let held = place.hold(std::future::pending::<Result<(), Failed>>());
            tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()
                .unwrap()
                .block_on(async { tokio::time::timeout(Duration::from_millis(1), held).await })
        };
        let ended: Vec<bool> = places.iter().map(|place| work(place).is_ok()).collect();
        assert_eq!(ended, [false, false, false, true, false, false], "the slowest is ended");
        let mut places = places;
        drop(places.remove(3));
        assert!(next.now_or_never().is_some());
    }

    #[test]
    fn the_queue_is_bounded_in_all_and_by_host() {
        let queue = queue(Duration::MAX);
        let _places: Vec<RunPlace> = (0..4).map(|n| now(&queue, &format!("h{n}.example")).unwrap()).collect();
        let mut waiting = Vec::new();
        let mut refused = 0;
        for n in 0..WAITING * 2 {
            let mut enters = Box::pin(queue.enter(if n < WAITING { "a.example" } else { "b.example" }));
            match enters.as_mut().now_or_never() {
                None => waiting.push(enters),
                Some(entered) => {
                    assert_eq!(entered.unwrap_err().kind, FailureKind::Machine);
                    refused += 1;
                }
            }
        }
        assert_eq!((waiting.len(), refused), (WAITING_FOR_HOST * 2, WAITING * 2 - WAITING_FOR_HOST * 2));
        drop(waiting);
        assert!(queue.lock().waiting.is_empty());
    }
}

//! A circuit breaker for each base, so that a base that is down does not delay every request. It is closed while requests are
//! answered. After a few in a row that failed all their tries it opens, and the next ones fail at once with the same reason.
//! After a while it is half open: one request goes through, and closes it or opens it again.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

use super::failure::FailureKind;
use super::retry::Failed;

/// What opens the breaker: 3 requests in a row without an answer, or 12 answered with 5xx. More of the latter, since clients
/// may request one bad module again and again while all others are answered.
const PATIENCE: u32 = 36;
/// The weight of a request without an answer.
const SILENCE: u32 = 12;
/// The weight of a request that was answered with 5xx.
const BUSY: u32 = 3;
/// The weights of a try without a connection, before the base ever answered: nine tries open the breaker, or two that timed out.
const NEVER_CONNECTED: u32 = 4;
const NEVER_IN_TIME: u32 = 18;
/// How long an open breaker lets no request through, and how long a half-open one waits for its one request.
const REST: Duration = Duration::from_secs(30);

/// Whether requests to a base are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// they are
    Closed,
    /// they fail at once, for a while
    Open,
    /// one request is under way, and decides
    HalfOpen,
}

/// The breaker of one base.
#[derive(Debug, Default)]
pub(in crate::upstream) struct CircuitBreaker {
    /// the weights of the failures in a row, added up
    failures: AtomicU32,
    /// guards why and since when the breaker is open or half open; none while it is closed
    open: Mutex<Option<OpenCircuit>>,
    opened: Notify,
}

#[derive(Debug)]
struct OpenCircuit {
    since: Instant,
    /// one request goes through, and decides
    is_half_open: bool,
    why: Failed,
}

impl CircuitBreaker {
    /// Why no request may be made at the time `now`; none where one may.
    pub(in crate::upstream) fn refuses(&self, now: Instant) -> Option<Failed> {
        if self.failures.load(Ordering::Relaxed) < PATIENCE {
            return None;
        }
        let mut open = self.lock();
        let open = open.as_mut()?;
        if now.saturating_duration_since(open.since) < REST {
            return Some(open.why.clone());
        }
        (open.since, open.is_half_open) = (now, true);
        None
    }

    /// The base answered a request.
    pub(in crate::upstream) fn answered(&self) {
        // The load keeps the common path free of writes to a shared cache line.
        if self.failures.load(Ordering::Relaxed) != 0 {
            let mut open = self.lock();
            *open = None;
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    /// A request failed all its tries at the time `now`, for this reason.
    pub(in crate::upstream) fn failed(&self, now: Instant, why: &Failed) {
        match why.kind {
            kind if kind.is_silence() => self.count(SILENCE, now, why),
            FailureKind::Busy => self.count(BUSY, now, why),
            _ => {}
        }
    }

    /// One try had no connection at the time `now`, and the base never answered before.
    pub(in crate::upstream) fn never_connected(&self, now: Instant, why: &Failed) {
        let count = if why.kind == FailureKind::Timeout { NEVER_IN_TIME } else { NEVER_CONNECTED };
        self.count(count, now, why);
    }

    /// Why it is open; none where it is not.
    pub(in crate::upstream) fn why_open(&self) -> Option<Failed> {
        self.lock().as_ref().filter(|open| !open.is_half_open).map(|open| open.why.clone())
    }

    fn count(&self, count: u32, now: Instant, why: &Failed) {
        let mut open = self.lock();
        let before = self.failures.load(Ordering::Relaxed);
        let failures = before.saturating_add(count);
        self.failures.store(failures, Ordering::Relaxed);
        if failures >= PATIENCE {
            *open = Some(OpenCircuit { since: now, is_half_open: false, why: why.clone() });
            self.opened.notify_waiters();
        }
    }

    pub(in crate::upstream) fn state(&self) -> BreakerState {
        match &*self.lock() {
            None => BreakerState::Closed,
            Some(OpenCircuit { is_half_open: false, .. }) => BreakerState::Open,
            Some(OpenCircuit { is_half_open: true, .. }) => BreakerState::HalfOpen,
        }
    }

    /// Waits until it is open.
    pub(in crate::upstream) async fn is_open(&self) {
        loop {
            let opened = self.opened.notified();
            if self.state() != BreakerState::Closed {
                return;
            }
            opened.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<OpenCircuit>> {
        self.open.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> Failed {
        Failed::broken("refused")
    }

    #[test]
    fn a_base_that_never_connects_is_given_up_after_a_handful_of_tries() {
        let now = Instant::now();
        for (kind, tries) in [(FailureKind::Unreachable, 9), (FailureKind::Timeout, 2)] {
            let (breaker, why) = (CircuitBreaker::default(), Failed::passing(kind, "refused"));
            for _ in 0..tries {
                assert_eq!(breaker.why_open(), None);
                breaker.never_connected(now, &why);
            }
            assert_eq!(breaker.why_open(), Some(why));
        }
    }

    #[test]
    fn it_opens_rests_looks_again_and_closes() {
        let breaker = CircuitBreaker::default();
        let start = Instant::now();
        for _ in 0..PATIENCE / SILENCE {
            assert_eq!((breaker.refuses(start), breaker.state()), (None, BreakerState::Closed));
            breaker.failed(start, &refused());
        }
        assert_eq!((breaker.refuses(start + REST / 2), breaker.state()), (Some(refused()), BreakerState::Open));
        assert_eq!((breaker.refuses(start + REST), breaker.state()), (None, BreakerState::HalfOpen));
        assert_eq!(breaker.refuses(start + REST), Some(refused()), "one request decides");
        breaker.failed(start + REST, &refused());
        assert_eq!((breaker.refuses(start + REST), breaker.state()), (Some(refused()), BreakerState::Open));
        assert_eq!((breaker.refuses(start + REST * 2), breaker.state()), (None, BreakerState::HalfOpen));
        assert_eq!(
            (breaker.refuses(start + REST * 3), breaker.state()),
            (None, BreakerState::HalfOpen),
            "the one was given up"
        );
        breaker.answered();
        assert_eq!((breaker.refuses(start + REST * 3), breaker.state()), (None, BreakerState::Closed));
    }

    #[test]
    fn an_answer_in_between_keeps_it_closed() {
        let breaker = CircuitBreaker::default();
        let start = Instant::now();
        for _ in 0..PATIENCE * 2 {
            breaker.failed(start, &refused());
            breaker.answered();
            assert_eq!(breaker.refuses(start), None);
        }
    }

    #[test]
    fn a_server_that_answers_badly_is_borne_longer_and_a_no_for_ever() {
        let breaker = CircuitBreaker::default();
        let start = Instant::now();
        let busy = Failed::busy("503", None);
        for _ in 0..PATIENCE / BUSY {
            assert_eq!(breaker.refuses(start), None);
            breaker.failed(start, &Failed::lasting(FailureKind::Denied(403), "403"));
            breaker.failed(start, &Failed::lasting(FailureKind::TooLong, "longer than 5 bytes"));
            breaker.failed(start, &busy);
        }
        assert_eq!(breaker.refuses(start), Some(busy));
    }
}

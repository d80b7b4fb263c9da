//! A base that cannot be reached is not asked a thousand times. The breaker of a base is closed while requests are answered;
//! after a few in a row that failed all their tries it opens, and the next ones fail at once with the same reason; when it has
//! rested, it is half open: one request goes through, and closes it or opens it again.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::failure::FailureKind;
use super::retry::Failed;

/// What opens the breaker: 3 requests in a row without an answer, or 12 that were answered with 5xx. The latter need more, since
/// one bad module may be asked for again and again while all others are answered.
const PATIENCE: u32 = 36;
/// What a request without an answer counts.
const SILENCE: u32 = 12;
/// What a request that was answered with 5xx counts.
const BUSY: u32 = 3;
/// What a try without a connection counts before anything was ever answered: a base that cannot be used at all is left alone after
/// nine tries, or two that took as long as a connection may take.
const NEVER_CONNECTED: u32 = 4;
const NEVER_IN_TIME: u32 = 18;
/// How long an open breaker lets nothing through, and how long a half-open one waits for its one request.
const REST: Duration = Duration::from_secs(30);

/// Whether a base is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breaker {
    /// it is
    Closed,
    /// it is not, for a while
    Open,
    /// one request is under way that decides
    HalfOpen,
}

/// The breaker of one base.
#[derive(Debug, Default)]
pub(super) struct Fuse {
    /// what the failures in a row count together
    failures: AtomicU32,
    /// while it is not closed
    blown: Mutex<Option<Blown>>,
    opened: Notify,
}

#[derive(Debug)]
struct Blown {
    since: Instant,
    half: bool,
    why: Failed,
}

impl Fuse {
    /// Why not to ask at the time `now`, if so.
    pub(super) fn refuses(&self, now: Instant) -> Option<Failed> {
        if self.failures.load(Ordering::Relaxed) < PATIENCE {
            return None;
        }
        let mut blown = self.blown();
        let blown = blown.as_mut()?;
        if now.saturating_duration_since(blown.since) < REST {
            return Some(blown.why.clone());
        }
        (blown.since, blown.half) = (now, true);
        None
    }

    /// The base did its part.
    pub(super) fn answered(&self) {
        // The load keeps the common path free of writes to a shared cache line.
        if self.failures.load(Ordering::Relaxed) != 0 {
            let mut blown = self.blown();
            *blown = None;
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    /// A request failed all its tries so, at the time `now`.
    pub(super) fn failed(&self, now: Instant, why: &Failed) {
        match why.kind {
            kind if kind.is_silence() => self.count(SILENCE, now, why),
            FailureKind::Busy => self.count(BUSY, now, why),
            _ => {}
        }
    }

    /// One try of a base that never answered had no connection, at the time `now`.
    pub(super) fn never_connected(&self, now: Instant, why: &Failed) {
        let count = if why.kind == FailureKind::Timeout { NEVER_IN_TIME } else { NEVER_CONNECTED };
        self.count(count, now, why);
    }

    /// Why it was given up, while it is open.
    pub(super) fn why_open(&self) -> Option<Failed> {
        self.blown().as_ref().filter(|blown| !blown.half).map(|blown| blown.why.clone())
    }

    fn count(&self, count: u32, now: Instant, why: &Failed) {
        let mut blown = self.blown();
        let before = self.failures.load(Ordering::Relaxed);
        let failures = before.saturating_add(count);
        self.failures.store(failures, Ordering::Relaxed);
        if failures >= PATIENCE {
            *blown = Some(Blown { since: now, half: false, why: why.clone() });
            self.opened.notify_waiters();
        }
    }

    pub(super) fn state(&self) -> Breaker {
        match &*self.blown() {
            None => Breaker::Closed,
            Some(Blown { half: false, .. }) => Breaker::Open,
            Some(Blown { half: true, .. }) => Breaker::HalfOpen,
        }
    }

    /// Waits until it is open.
    pub(super) async fn is_open(&self) {
        loop {
            let opened = self.opened.notified();
            if self.state() != Breaker::Closed {
                return;
            }
            opened.await;
        }
    }

    fn blown(&self) -> MutexGuard<'_, Option<Blown>> {
        self.blown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> Failed {
        Failed::broken("refused")
    }

    #[test]
    fn it_opens_rests_looks_again_and_closes() {
        let fuse = Fuse::default();
        let start = Instant::now();
        for _ in 0..PATIENCE / SILENCE {
            assert_eq!((fuse.refuses(start), fuse.state()), (None, Breaker::Closed));
            fuse.failed(start, &refused());
        }
        assert_eq!((fuse.refuses(start + REST / 2), fuse.state()), (Some(refused()), Breaker::Open));
        assert_eq!((fuse.refuses(start + REST), fuse.state()), (None, Breaker::HalfOpen));
        assert_eq!(fuse.refuses(start + REST), Some(refused()), "one request decides");
        fuse.failed(start + REST, &refused());
        assert_eq!((fuse.refuses(start + REST), fuse.state()), (Some(refused()), Breaker::Open));
        assert_eq!((fuse.refuses(start + REST * 2), fuse.state()), (None, Breaker::HalfOpen));
        assert_eq!((fuse.refuses(start + REST * 3), fuse.state()), (None, Breaker::HalfOpen), "the one was given up");
        fuse.answered();
        assert_eq!((fuse.refuses(start + REST * 3), fuse.state()), (None, Breaker::Closed));
    }

    #[test]
    fn a_base_that_never_connects_is_given_up_after_a_handful_of_tries() {
        let now = Instant::now();
        for (kind, tries) in [(FailureKind::Unreachable, 9), (FailureKind::Timeout, 2)] {
            let (fuse, why) = (Fuse::default(), Failed::passing(kind, "refused"));
            for _ in 0..tries {
                assert_eq!(fuse.why_open(), None);
                fuse.never_connected(now, &why);
            }
            assert_eq!(fuse.why_open(), Some(why));
        }
    }

    #[test]
    fn an_answer_in_between_keeps_it_closed() {
        let fuse = Fuse::default();
        let start = Instant::now();
        for _ in 0..PATIENCE * 2 {
            fuse.failed(start, &refused());
            fuse.answered();
            assert_eq!(fuse.refuses(start), None);
        }
    }

    #[test]
    fn a_server_that_answers_badly_is_borne_longer_and_a_no_for_ever() {
        let fuse = Fuse::default();
        let start = Instant::now();
        let busy = Failed::busy("503", None);
        for _ in 0..PATIENCE / BUSY {
            assert_eq!(fuse.refuses(start), None);
            fuse.failed(start, &Failed::lasting(FailureKind::Denied(403), "403"));
            fuse.failed(start, &Failed::lasting(FailureKind::TooLong, "longer than 5 bytes"));
            fuse.failed(start, &busy);
        }
        assert_eq!(fuse.refuses(start), Some(busy));
    }
}

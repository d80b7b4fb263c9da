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
const PATIENCE: u32 = 12;
/// What a request without an answer counts.
const SILENCE: u32 = 4;
/// What a request that was answered with 5xx counts.
const BUSY: u32 = 1;
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
pub(in crate::upstream) struct Fuse {
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
    pub(in crate::upstream) fn refuses(&self, now: Instant) -> Option<Failed> {
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
    pub(in crate::upstream) fn answered(&self) {
        // The load keeps the common path free of writes to a shared cache line.
        if self.failures.load(Ordering::Relaxed) != 0 {
            let mut blown = self.blown();
            *blown = None;
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    /// A request failed all its tries so, at the time `now`.
    pub(in crate::upstream) fn failed(&self, now: Instant, why: &Failed) {
        let count = match why.kind {
            kind if kind.is_silence() => SILENCE,
            FailureKind::Busy => BUSY,
            _ => return,
        };
        let mut blown = self.blown();
        let before = self.failures.load(Ordering::Relaxed);
        let failures = before.saturating_add(count);
        self.failures.store(failures, Ordering::Relaxed);
        if failures >= PATIENCE {
            *blown = Some(Blown { since: now, half: false, why: why.clone() });
            self.opened.notify_waiters();
        }
    }

    pub(in crate::upstream) fn state(&self) -> Breaker {
        match &*self.blown() {
            None => Breaker::Closed,
            Some(Blown { half: false, .. }) => Breaker::Open,
            Some(Blown { half: true, .. }) => Breaker::HalfOpen,
        }
    }

    /// Waits until it is open.
    pub(in crate::upstream) async fn is_open(&self) {
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
        for _ in 0..PATIENCE {
            assert_eq!(fuse.refuses(start), None);
            fuse.failed(start, &Failed::lasting(FailureKind::Denied(403), "403"));
            fuse.failed(start, &Failed::lasting(FailureKind::TooLong, "longer than 5 bytes"));
            fuse.failed(start, &busy);
        }
        assert_eq!(fuse.refuses(start), Some(busy));
    }
}

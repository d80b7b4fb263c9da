//! A base that cannot be reached is not asked a thousand times: after a few requests in a row that failed all their tries
//! without any answer, the next ones fail at once with the same reason, but for one in half a minute that looks again.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Requests in a row without an answer that open the breaker.
const PATIENCE: u32 = 3;
/// How long an open breaker lets nothing through.
const REST: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
pub(super) struct Breaker {
    unanswered: AtomicU32,
    last: Mutex<Option<(Instant, String)>>,
}

impl Breaker {
    /// Why not to ask at the time `now`, if so.
    pub(super) fn refuses(&self, now: Instant) -> Option<String> {
        if self.unanswered.load(Ordering::Relaxed) < PATIENCE {
            return None;
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, why) = last.as_mut()?;
        if now.duration_since(*since) < REST {
            return Some(why.clone());
        }
        *since = now;
        None
    }

    /// The server answered, with whatever status.
    pub(super) fn answered(&self) {
        // The load keeps the common path free of writes to a shared cache line.
        if self.unanswered.load(Ordering::Relaxed) != 0 {
            self.unanswered.store(0, Ordering::Relaxed);
        }
    }

    /// A request failed all its tries without an answer, at the time `now`.
    pub(super) fn unanswered(&self, now: Instant, why: &str) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, why.to_owned()));
        self.unanswered.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_rests_looks_again_and_closes() {
        let breaker = Breaker::default();
        let start = Instant::now();
        for _ in 0..PATIENCE {
            assert_eq!(breaker.refuses(start), None);
            breaker.unanswered(start, "refused");
        }
        assert_eq!(breaker.refuses(start + REST / 2), Some("refused".to_owned()));
        assert_eq!(breaker.refuses(start + REST), None);
        assert_eq!(breaker.refuses(start + REST), Some("refused".to_owned()));
        breaker.answered();
        assert_eq!(breaker.refuses(start + REST), None);
    }

    #[test]
    fn an_answer_in_between_keeps_it_closed() {
        let breaker = Breaker::default();
        let start = Instant::now();
        for _ in 0..PATIENCE * 2 {
            breaker.unanswered(start, "reset");
            breaker.answered();
            assert_eq!(breaker.refuses(start), None);
        }
    }
}

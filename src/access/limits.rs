//! Rate and concurrency of one client, or of one credential. The rate is the generic cell rate algorithm (as in ATM, and in
//! governor, whose table has no bound): a request moves the time of the next one on by the interval, and may come earlier than that
//! by the burst.

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use quick_cache::sync::Cache;

/// Clients, or credentials, that are counted at once; those that ask least lately are forgotten.
const MAX_COUNTED: usize = 65_536;
/// Seconds of the rate that may come at once, where the settings say nothing.
const BURST_SECONDS: usize = 10;
/// When a client with too many requests at once should try again.
const BUSY_PAUSE: Duration = Duration::from_secs(1);
const NANOS: u64 = 1_000_000_000;

/// The limits, as the settings have them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct LimitSettings {
    /// requests per second
    pub(super) rate: Option<usize>,
    /// requests beyond the rate
    pub(super) burst: Option<usize>,
    /// requests at once
    pub(super) concurrency: Option<usize>,
}

/// What is counted.
#[derive(Debug)]
pub(super) struct Counted<K> {
    start: Instant,
    rate: Option<Rate>,
    concurrency: Option<usize>,
    table: Cache<K, Arc<Counters>>,
}

#[derive(Debug, Clone, Copy)]
struct Rate {
    /// between two requests, in nanoseconds
    interval: u64,
    /// how much earlier than its time a request may come, in nanoseconds
    tolerance: u64,
}

#[derive(Debug, Default)]
struct Counters {
    /// when the next request may come without a burst, in nanoseconds since the start
    next: AtomicU64,
    in_flight: AtomicUsize,
}

/// A request that counts as in flight until this is dropped.
#[derive(Debug)]
pub(super) struct InFlight(Arc<Counters>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::AcqRel);
    }
}

impl<K: Hash + Eq + Clone> Counted<K> {
    /// None where there is no limit.
    pub(super) fn new(settings: LimitSettings, start: Instant) -> Option<Counted<K>> {
        let LimitSettings { rate, burst, concurrency } = settings;
        if rate.is_none() && concurrency.is_none() {
            return None;
        }
        let wide = crate::sumdb::number::wide;
        let rate = rate.map(|rate| {
            let burst = burst.unwrap_or_else(|| rate.saturating_mul(BURST_SECONDS)).max(1);
            let interval = (NANOS / wide(rate).max(1)).max(1);
            Rate { interval, tolerance: interval.saturating_mul(wide(burst) - 1) }
        });
        Some(Counted { start, rate, concurrency, table: Cache::new(MAX_COUNTED) })
    }

    /// Counts a request of `key` at `now`.
    ///
    /// # Errors
    /// When to try again: there are too many.
    pub(super) fn admit(&self, key: &K, now: Instant) -> Result<Option<InFlight>, Duration> {
        let Ok(counters) = self.table.get_or_insert_with(key, || Ok::<_, ()>(Arc::default())) else {
            return Err(BUSY_PAUSE);
        };
        // First: a request that is turned away for the other limit does not use up the rate.
        let in_flight = match self.concurrency {
            None => None,
            Some(most) => {
                let began = Arc::clone(&counters);
                let before = began.in_flight.fetch_add(1, Ordering::AcqRel);
                let in_flight = InFlight(began);
                if before >= most {
                    return Err(BUSY_PAUSE);
                }
                Some(in_flight)
            }
        };
        if let Some(rate) = self.rate {
            let elapsed = now.saturating_duration_since(self.start).as_nanos();
            rate.take(&counters.next, u64::try_from(elapsed).unwrap_or(u64::MAX))?;
        }
        Ok(in_flight)
    }
}

impl Rate {
    /// Takes one request at `now`, in nanoseconds since the start.
    fn take(self, next: &AtomicU64, now: u64) -> Result<(), Duration> {
        let mut due = next.load(Ordering::Relaxed);
        loop {
            let base = due.max(now);
            if base - now > self.tolerance {
                return Err(Duration::from_nanos(base - now - self.tolerance));
            }
            let taken = base.saturating_add(self.interval);
            match next.compare_exchange_weak(due, taken, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(other) => due = other,
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn counted(rate: Option<usize>, burst: Option<usize>, concurrency: Option<usize>) -> Counted<u8> {
        Counted::new(LimitSettings { rate, burst, concurrency }, Instant::now()).unwrap()
    }

    #[test]
    fn a_rate_holds_within_a_twentieth() {
        for (rate, burst) in [(1, 1), (7, 3), (100, 1), (1_000, 50), (333_333, 10)] {
            let limit = counted(Some(rate), Some(burst), None);
            // Asked twice as often as it may, for ten seconds of a clock of our own.
            let asked = rate * 20;
            let admitted = (0..asked).filter(|n| {
                let at = Duration::from_nanos(10 * NANOS / u64::try_from(asked).unwrap() * u64::try_from(*n).unwrap());
                limit.admit(&0, limit.start + at).is_ok()
            });
            let (admitted, expected) = (admitted.count(), rate * 10 + burst - 1);
            assert!(
                admitted * 20 >= expected * 19 && admitted * 20 <= expected * 21 + 20,
                "{rate} {burst}: {admitted}"
            );
        }
    }

    #[test]
    fn the_burst_comes_at_once_and_the_wait_is_exact() {
        let limit = counted(Some(10), Some(5), None);
        let admitted = (0..100).filter(|_| limit.admit(&1, limit.start).is_ok()).count();
        assert_eq!(admitted, 5);
        assert!(limit.admit(&2, limit.start).is_ok(), "another client");
        let wait = limit.admit(&1, limit.start).unwrap_err();
        assert_eq!(wait, Duration::from_millis(100));
        assert!(limit.admit(&1, limit.start + wait - Duration::from_nanos(1)).is_err());
        assert!(limit.admit(&1, limit.start + wait).is_ok());
    }

    #[test]
    fn requests_at_once_are_counted_until_they_end() {
        let limit = counted(None, None, Some(2));
        let now = limit.start;
        let (one, two) = (limit.admit(&1, now).unwrap(), limit.admit(&1, now).unwrap());
        assert!(limit.admit(&1, now).is_err() && limit.admit(&2, now).is_ok());
        assert!(limit.admit(&1, now).is_err(), "a refused request does not count");
        drop(one);
        assert!(limit.admit(&1, now).is_ok());
        drop(two);
        let both = counted(Some(1), Some(1), Some(1));
        let held = both.admit(&1, both.start).unwrap();
        let second = both.start + Duration::from_secs(1);
        assert!(both.admit(&1, second).is_err());
        drop(held);
        assert!(both.admit(&1, second).is_ok(), "what was refused did not use up the rate");
        assert!(Counted::<u8>::new(LimitSettings::default(), now).is_none());
    }
}

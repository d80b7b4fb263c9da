//! A bound on bytes a second. The length of an answer is not known before: a request is let through for the usual length,
//! and the difference is settled once the answer is there.

use std::time::{Duration, Instant};

use crate::sumdb::number::wide;
use parking_lot::Mutex;

/// What a data tile usually has.
const USUAL_BYTES: u64 = 50 << 10;

/// A limit in bytes per second.
#[derive(Debug)]
pub(super) struct Rate {
    per_second: u64,
    /// when everything that was let through so far is paid for; locked for one reading or one update
    free: Mutex<Instant>,
}

impl Rate {
    /// At most `per_second` bytes a second.
    pub(super) fn new(per_second: u64) -> Rate {
        Rate { per_second: per_second.max(1), free: Mutex::new(Instant::now()) }
    }

    /// Waits for the turn of one more request.
    pub(super) async fn pass(&self) {
        let turn = self.book(Instant::now());
        tokio::time::sleep_until(turn.into()).await;
    }

    /// Books a usual request at the time `now`; gives when it may begin.
    fn book(&self, now: Instant) -> Instant {
        let mut free = self.free.lock();
        let turn = (*free).max(now);
        *free = turn + self.time_for(USUAL_BYTES);
        turn
    }

    /// A request that was let through has fetched this many bytes.
    pub(super) fn spent(&self, bytes: usize) {
        let bytes = wide(bytes);
        let mut free = self.free.lock();
        let settled = if bytes > USUAL_BYTES {
            free.checked_add(self.time_for(bytes - USUAL_BYTES))
        } else {
            free.checked_sub(self.time_for(USUAL_BYTES - bytes))
        };
        *free = settled.unwrap_or(*free);
    }

    fn time_for(&self, bytes: u64) -> Duration {
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(self.per_second);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_take_turns_and_are_settled_by_what_they_brought() {
        let rate = Rate::new(USUAL_BYTES);
        let now = Instant::now();
        let first = rate.book(now);
        assert_eq!(first, now);
        assert_eq!(rate.book(now), now + Duration::from_secs(1));
        rate.spent(0);
        assert_eq!(rate.book(now), now + Duration::from_secs(1));
        rate.spent(2 * usize::try_from(USUAL_BYTES).unwrap_or(0));
        assert_eq!(rate.book(now), now + Duration::from_secs(3));
    }
}

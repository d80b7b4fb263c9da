//! What was read ahead and not asked for yet: how much of it is used, and how much is for nothing.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::sumdb::goproxy::ModuleRequest;

/// The most requests that are remembered; each takes some 300 bytes.
const MAX_ENTRIES: usize = 16_384;
/// What was not asked for within this time counts as unused.
const MAX_AGE: Duration = Duration::from_secs(60 * 60);

/// What was read ahead since the start, and what of it clients asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReadAheadCounts {
    /// requests that brought something
    pub requests: u64,
    /// bytes that they brought
    pub bytes: u64,
    /// of these requests, those whose answer a client asked for since
    pub used_requests: u64,
    /// bytes of these answers
    pub used_bytes: u64,
    /// clients for which something is being brought now
    pub clients: u64,
}

#[derive(Debug, Default)]
pub(super) struct Ledger {
    entries: HashMap<ModuleRequest, Entry>,
    /// the same, the oldest first
    order: VecDeque<(Instant, ModuleRequest)>,
    counts: ReadAheadCounts,
    /// bytes of the entries that nobody asked for
    unused: u64,
}

#[derive(Debug, Default)]
struct Entry {
    /// none while they come
    bytes: Option<u64>,
    is_used: bool,
}

impl Ledger {
    pub(super) fn counts(&self) -> ReadAheadCounts {
        self.counts
    }

    /// Whether so few bytes wait to be asked for that more may be read ahead.
    pub(super) fn has_room(&mut self, most: u64, now: Instant) -> bool {
        self.forget_old(now);
        self.unused < most
    }

    /// A request begins. What it brought for another client, and nobody has asked for, waits as before.
    pub(super) fn began(&mut self, request: &ModuleRequest, now: Instant) {
        self.forget_old(now);
        if !self.entries.contains_key(request) {
            self.entries.insert(request.clone(), Entry::default());
            self.order.push_back((now, request.clone()));
        }
    }

    /// It has brought this many bytes; none: it was here, or a client's own question brought it, or nobody has it.
    pub(super) fn came(&mut self, request: &ModuleRequest, bytes: u64) {
        if bytes == 0 {
            // Its place in the order stays until it is old.
            if self.entries.get(request).is_some_and(|entry| entry.bytes.is_none()) {
                self.entries.remove(request);
            }
            return;
        }
        self.counts.requests += 1;
        self.counts.bytes += bytes;
        let Some(entry) = self.entries.get_mut(request) else { return };
        self.unused -= entry.bytes.unwrap_or(0);
        entry.bytes = Some(bytes);
        if entry.is_used {
            self.entries.remove(request);
            self.use_up(bytes);
        } else {
            self.unused += bytes;
        }
    }

    /// A client was answered.
    pub(super) fn asked(&mut self, request: &ModuleRequest, now: Instant) {
        self.forget_old(now);
        let Some(entry) = self.entries.get_mut(request) else { return };
        match entry.bytes {
            None => entry.is_used = true,
            Some(bytes) => {
                self.entries.remove(request);
                self.unused -= bytes;
                self.use_up(bytes);
            }
        }
    }

    fn use_up(&mut self, bytes: u64) {
        self.counts.used_requests += 1;
        self.counts.used_bytes += bytes;
    }

    fn forget_old(&mut self, now: Instant) {
        while let Some((since, _)) = self.order.front()
            && (self.order.len() > MAX_ENTRIES || now.saturating_duration_since(*since) > MAX_AGE)
        {
            let Some((_, request)) = self.order.pop_front() else { return };
            let forgotten = self.entries.remove(&request);
            self.unused -= forgotten.and_then(|entry| entry.bytes).unwrap_or(0);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn zip(number: usize) -> ModuleRequest {
        ModuleRequest::parse(&format!("example.com/m{number}/@v/v1.0.0.zip")).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_asked_for_is_used_whether_it_came_before_or_after() {
        let (mut ledger, now) = (Ledger::default(), Instant::now());
        for number in 0..4 {
            ledger.began(&zip(number), now);
        }
        ledger.came(&zip(0), 100);
        ledger.asked(&zip(0), now);
        ledger.asked(&zip(0), now);
        ledger.asked(&zip(1), now);
        ledger.came(&zip(1), 200);
        ledger.came(&zip(2), 400);
        ledger.came(&zip(3), 0);
        ledger.asked(&zip(3), now);
        let expected = ReadAheadCounts { requests: 3, bytes: 700, used_requests: 2, used_bytes: 300, clients: 0 };
        assert_eq!((ledger.counts(), ledger.unused), (expected, 400));
        assert!(!ledger.has_room(400, now) && ledger.has_room(401, now));
        // After an hour it is not waited for any more.
        assert!(ledger.has_room(1, now + MAX_AGE * 2));
        ledger.asked(&zip(2), now + MAX_AGE * 2);
        assert_eq!((ledger.counts(), ledger.entries.len()), (expected, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn what_another_client_would_be_brought_too_waits_once() {
        let (mut ledger, now) = (Ledger::default(), Instant::now());
        ledger.began(&zip(0), now);
        ledger.came(&zip(0), 100);
        // It is here.
        ledger.began(&zip(0), now);
        ledger.came(&zip(0), 0);
        assert_eq!((ledger.unused, ledger.entries.len(), ledger.order.len()), (100, 1, 1));
        // It was here no more.
        ledger.began(&zip(0), now);
        ledger.came(&zip(0), 300);
        assert_eq!(ledger.unused, 300);
        ledger.asked(&zip(0), now);
        assert_eq!((ledger.unused, ledger.counts().used_bytes, ledger.entries.len()), (0, 300, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_is_bounded() {
        let (mut ledger, now) = (Ledger::default(), Instant::now());
        for number in 0..3 * MAX_ENTRIES {
            ledger.began(&zip(number), now);
            ledger.came(&zip(number), 1);
        }
        assert!(ledger.entries.len() <= MAX_ENTRIES + 1 && ledger.order.len() <= MAX_ENTRIES + 1);
        assert_eq!(ledger.unused, u64::try_from(ledger.entries.len()).unwrap());
    }
}

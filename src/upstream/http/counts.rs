//! The requests to the bases, counted by kind: for the report, and for tests that assert that nothing is requested twice.

use crate::sumdb::number::wide;
use std::sync::atomic::{AtomicU64, Ordering};

/// Requests so far, by the kind of path; every try of a request counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// `lookup/...`
    pub lookups: u64,
    /// `tile/8/L/...`: hashes
    pub tiles: u64,
    /// `tile/8/data/...`: records
    pub data_tiles: u64,
    /// `latest`
    pub heads: u64,
    /// anything else, such as `supported`
    pub others: u64,
    /// of all these, the tries after the first of one request
    pub retries: u64,
    /// bytes of the bodies that arrived whole
    pub bytes: u64,
}

impl Counts {
    /// All requests.
    pub fn requests(&self) -> u64 {
        self.lookups + self.tiles + self.data_tiles + self.heads + self.others
    }
}

#[derive(Debug, Default)]
pub(in crate::upstream) struct Counters {
    lookups: AtomicU64,
    tiles: AtomicU64,
    data_tiles: AtomicU64,
    heads: AtomicU64,
    others: AtomicU64,
    retries: AtomicU64,
    bytes: AtomicU64,
}

impl Counters {
    pub(in crate::upstream) fn requested(&self, path: &str) {
        let counter = if path.starts_with("lookup/") {
            &self.lookups
        } else if path.starts_with("tile/8/data/") {
            &self.data_tiles
        } else if path.starts_with("tile/") {
            &self.tiles
        } else if path == "latest" {
            &self.heads
        } else {
            &self.others
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(in crate::upstream) fn retried(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(in crate::upstream) fn received(&self, bytes: usize) {
        self.bytes.fetch_add(wide(bytes), Ordering::Relaxed);
    }

    pub(in crate::upstream) fn snapshot(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            lookups: read(&self.lookups),
            tiles: read(&self.tiles),
            data_tiles: read(&self.data_tiles),
            heads: read(&self.heads),
            others: read(&self.others),
            retries: read(&self.retries),
            bytes: read(&self.bytes),
        }
    }
}

//! A file that arrives, where the upstreams write to: its first byte makes the download one that may outlive its clients, once it
//! is known what the file must hash to.
//!
//! The store and the upstreams know nothing of each other.

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Notify;

use super::Inner;
use super::expected::Expected;
use super::room::RoomOfFile;
use super::shared_tasks::{Phase, Progress};
use crate::store::modules::Arrival;
use crate::sumdb::number::wide;
use crate::upstream::Sink;

/// An arrival that reports when bytes come that can be checked: then the download may finish without waiters, and what came stays
/// for the next try.
pub(super) struct Watched<'a> {
    pub(super) arrival: &'a mut Arrival,
    pub(super) expected: &'a OnceLock<Expected>,
    pub(super) is_flowing: &'a AtomicBool,
    pub(super) progress: &'a Progress,
    pub(super) meter: &'a Meter,
    pub(super) inner: &'a Inner,
    /// the room that the file has taken
    pub(super) room: &'a RoomOfFile,
}

/// Counts the bytes that come of one file, and says when there are more than are worth it before a client asks for it.
#[derive(Debug)]
pub(super) struct Meter {
    bytes: AtomicU64,
    limit: u64,
    over: Notify,
}

impl Meter {
    /// No bytes yet.
    pub(super) fn new(limit: u64) -> Meter {
        Meter { bytes: AtomicU64::new(0), limit, over: Notify::new() }
    }

    /// Bytes that came.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Waits until there are more than the limit.
    pub(super) async fn over(&self) {
        self.over.notified().await;
    }

    /// This many bytes more have come.
    pub(super) fn count(&self, bytes: usize) {
        let bytes = wide(bytes);
        if self.bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes) > self.limit {
            self.over.notify_one();
        }
    }
}

impl Sink for Watched<'_> {
    fn len(&self) -> u64 {
        self.arrival.len()
    }

    fn announce(&mut self, total: Option<u64>) -> io::Result<()> {
        self.room.announce(self.inner, total)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.meter.count(bytes.len());
        self.is_flowing.store(true, Ordering::Relaxed);
        if self.expected.get().is_some() {
            self.progress.set(Phase::Receiving);
            self.arrival.set_passing(false);
        }
        self.arrival.append(bytes)
    }

    fn restart(&mut self) -> io::Result<()> {
        self.arrival.restart()
    }
}

//! A file that arrives, where the upstreams write to: its first byte makes the download one that may outlive its clients, once it
//! is known what the file must hash to.
//!
//! The store and the upstreams know nothing of each other.

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use super::expected::Expected;
use super::shared_tasks::{Phase, Progress};
use crate::store::modules::Arrival;
use crate::upstream::Sink;

/// An arrival that reports when bytes come that can be checked: then the download may finish without waiters, and what came stays
/// for the next try.
pub(super) struct Watched<'a> {
    pub(super) arrival: &'a mut Arrival,
    pub(super) expected: &'a OnceLock<Expected>,
    pub(super) is_flowing: &'a AtomicBool,
    pub(super) progress: &'a Progress,
}

impl Sink for Watched<'_> {
    fn len(&self) -> u64 {
        self.arrival.len()
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
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

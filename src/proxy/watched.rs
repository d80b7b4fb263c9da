//! A file that arrives, where the upstreams write to: its first byte makes the download one that may outlive its clients.
//!
//! The store and the upstreams know nothing of each other.

use std::io;

use super::shared_tasks::{Phase, Progress};
use crate::store::modules::Arrival;
use crate::upstream::Sink;

/// An arrival that reports when bytes come: then the download may finish without waiters.
pub(super) struct Watched<'a> {
    pub(super) arrival: &'a mut Arrival,
    pub(super) progress: &'a Progress,
}

impl Sink for Watched<'_> {
    fn len(&self) -> u64 {
        self.arrival.len()
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.progress.set(Phase::Receiving);
        self.arrival.append(bytes)
    }

    fn restart(&mut self) -> io::Result<()> {
        self.arrival.restart()
    }
}

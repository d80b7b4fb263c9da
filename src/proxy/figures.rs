//! What a proxy reports of itself, for metrics.

use super::{Evicted, Inner, Proxy, ReadAheadCounts};
use crate::upstream::Load;

/// How much work of one kind there is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// `files` or `hints`
    pub kind: &'static str,
    /// the queue for it
    pub queue: Load,
    /// tasks, those that wait in the queue among them
    pub tasks: usize,
    /// tasks without waiters: downloads that are receiving bytes
    pub detached: usize,
}

impl Proxy {
    /// The event counters, by name.
    pub fn counts(&self) -> Vec<(&'static str, u64)> {
        self.inner.counters.snapshot()
    }

    /// The refusals so far, by cause.
    pub fn refusals(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.inner.counters.refusals()
    }

    /// The public modules that were asked for most, with how often, the first first; what a server answered from its memory does not
    /// count.
    pub fn top_modules(&self) -> Vec<(String, u64)> {
        self.inner.top.top()
    }

    /// What was read ahead so far, and what of it was asked for since.
    pub fn read_ahead(&self) -> ReadAheadCounts {
        self.inner.read_ahead.counts()
    }

    /// What was removed from the store since the start, and what stayed.
    pub fn evicted(&self) -> Evicted {
        self.inner.evictor.counts()
    }

    /// How much work there is: downloads of files, and requests for hints.
    pub fn work(&self) -> [Work; 2] {
        let Inner { files, hints, downloads, questions, .. } = &*self.inner;
        let files = Work { kind: "files", queue: downloads.load(), tasks: files.len(), detached: files.detached() };
        let hints = Work { kind: "hints", queue: questions.load(), tasks: hints.len(), detached: hints.detached() };
        [files, hints]
    }

    /// Bytes of the refusals that are remembered.
    pub fn remembered_bytes(&self) -> u64 {
        self.inner.absences.bytes()
    }
}

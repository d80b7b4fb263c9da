//! The bytes that a run has moved, counted over all its connections, and bounded.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::sumdb::number::wide;
use crate::upstream::goproxy::direct::host_error::HostError;

/// Bytes that a run has moved.
#[derive(Debug)]
pub(super) struct Meter {
    /// in both directions; the queue of runs reads it too
    pub(super) moved: Arc<AtomicU64>,
    pub(super) limit: u64,
}

impl Meter {
    /// Adds bytes that one read gave.
    ///
    /// # Errors
    /// The run has moved more than it may.
    pub(super) fn count(&self, bytes: usize) -> Result<(), HostError> {
        let bytes = wide(bytes);
        let before = self.moved.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > self.limit { Err(HostError::TooManyBytes(self.limit)) } else { Ok(()) }
    }
}

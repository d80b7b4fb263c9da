//! The requests and bodies of one connection that are in flight, counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// The counts of one connection, and its clock: microseconds since the connection's beginning; 0 is never.
#[derive(Debug)]
pub(crate) struct InFlight {
    born: Instant,
    requests: AtomicUsize,
    /// bodies that are not sent yet
    bodies: AtomicUsize,
    served: AtomicU64,
    /// when a request ended last, or a body; over HTTP/1.1 also a write
    active: AtomicU64,
}

/// A request that is being answered.
#[derive(Debug)]
pub(crate) struct Busy(Arc<InFlight>);

/// An answer whose body is on its way. The client may write meanwhile (window updates, the next request) without having begun
/// a head that it must end; and it must take something now and then.
#[derive(Debug)]
pub(crate) struct Sending(Arc<InFlight>);

impl InFlight {
    pub(crate) fn new() -> Arc<InFlight> {
        Arc::new(InFlight {
            born: Instant::now(),
            requests: AtomicUsize::new(0),
            bodies: AtomicUsize::new(0),
            served: AtomicU64::new(0),
            active: AtomicU64::new(0),
        })
    }

    /// Microseconds since the connection's beginning, at least 1.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_micros()).unwrap_or(u64::MAX).max(1)
    }

    /// The time `micros` after the connection's beginning; none where the system cannot represent it.
    pub(crate) fn time(&self, micros: u64) -> Option<Instant> {
        self.born.checked_add(Duration::from_micros(micros))
    }

    /// The connection's beginning.
    pub(crate) fn born(&self) -> Instant {
        self.born
    }

    /// A request's head is complete.
    pub(crate) fn begin(self: &Arc<InFlight>) -> Busy {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.served.fetch_add(1, Ordering::Relaxed);
        Busy(Arc::clone(self))
    }

    /// The connection is active now.
    pub(crate) fn touch(&self) {
        self.active.store(self.now(), Ordering::Relaxed);
    }

    /// When the connection was last active.
    pub(crate) fn last_active(&self) -> u64 {
        self.active.load(Ordering::Relaxed)
    }

    /// Whether a request waits for its answer.
    pub(crate) fn has_requests(&self) -> bool {
        self.requests.load(Ordering::Relaxed) > 0
    }

    /// Whether a body is not sent yet.
    pub(crate) fn has_bodies(&self) -> bool {
        self.bodies.load(Ordering::Relaxed) > 0
    }

    /// Whether no request was begun yet.
    pub(crate) fn is_new(&self) -> bool {
        self.served.load(Ordering::Relaxed) == 0
    }
}

impl Busy {
    /// The answer is there; its body is not sent yet.
    pub(crate) fn answered(&self) -> Sending {
        self.0.bodies.fetch_add(1, Ordering::Relaxed);
        Sending(Arc::clone(&self.0))
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.0.touch();
        self.0.bodies.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.touch();
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

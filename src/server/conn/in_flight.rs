//! Counts of the requests and bodies that are in flight on one connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::sumdb::number::micros;

/// The counts of one connection. Times are in microseconds since the connection was accepted; 0 means never.
#[derive(Debug)]
pub(crate) struct InFlight {
    /// when the connection was accepted
    accepted: Instant,
    /// requests whose answer is not ready
    requests: AtomicUsize,
    /// bodies that are not completely sent
    bodies: AtomicUsize,
    /// requests since the connection was accepted
    served: AtomicU64,
    /// when the last request or body ended; over HTTP/1.1 also when the last write did
    active: AtomicU64,
}

/// A request that is being answered, counted until this is dropped.
#[derive(Debug)]
pub(crate) struct RequestInFlight {
    all: Arc<InFlight>,
    began: Instant,
    /// its answer is ready, and the time is recorded
    is_answered: bool,
}

/// A body that is being sent, counted until this is dropped. Meanwhile the client may send bytes (window updates, the next
/// request) that do not start the header timeout, and it must keep reading.
#[derive(Debug)]
pub(crate) struct BodyInFlight(Arc<InFlight>);

impl InFlight {
    pub(crate) fn new() -> Arc<InFlight> {
        Arc::new(InFlight {
            accepted: Instant::now(),
            requests: AtomicUsize::new(0),
            bodies: AtomicUsize::new(0),
            served: AtomicU64::new(0),
            active: AtomicU64::new(0),
        })
    }

    /// Microseconds since the connection was accepted, at least 1.
    pub(crate) fn now(&self) -> u64 {
        self.micros(Instant::now())
    }

    fn micros(&self, time: Instant) -> u64 {
        micros(time.saturating_duration_since(self.accepted)).max(1)
    }

    /// The time `micros` after the connection was accepted; none if the system cannot represent it.
    pub(crate) fn time(&self, micros: u64) -> Option<Instant> {
        self.accepted.checked_add(Duration::from_micros(micros))
    }

    /// When the connection was accepted.
    pub(crate) fn accepted(&self) -> Instant {
        self.accepted
    }

    /// Counts a request whose header section is complete.
    pub(crate) fn begin(self: &Arc<InFlight>) -> RequestInFlight {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.served.fetch_add(1, Ordering::Relaxed);
        RequestInFlight { all: Arc::clone(self), began: Instant::now(), is_answered: false }
    }

    /// Records that the connection is active now.
    pub(crate) fn touch(&self) {
        self.active.store(self.now(), Ordering::Relaxed);
    }

    /// When the connection was last active, in microseconds since it was accepted; 0 if never.
    pub(crate) fn last_active(&self) -> u64 {
        self.active.load(Ordering::Relaxed)
    }

    /// Whether a request is being answered.
    pub(crate) fn has_requests(&self) -> bool {
        self.requests.load(Ordering::Relaxed) > 0
    }

    /// Whether a body is being sent.
    pub(crate) fn has_bodies(&self) -> bool {
        self.bodies.load(Ordering::Relaxed) > 0
    }

    /// Whether the connection has not carried a request yet.
    pub(crate) fn is_new(&self) -> bool {
        self.served.load(Ordering::Relaxed) == 0
    }
}

impl RequestInFlight {
    /// The answer is ready. Returns how long it took.
    pub(crate) fn answered(&mut self) -> Duration {
        let now = Instant::now();
        self.all.active.store(self.all.micros(now), Ordering::Relaxed);
        self.is_answered = true;
        now.saturating_duration_since(self.began)
    }

    /// Counts the body of the answer, which is ready and not sent.
    pub(crate) fn start_body(&self) -> BodyInFlight {
        self.all.bodies.fetch_add(1, Ordering::Relaxed);
        BodyInFlight(Arc::clone(&self.all))
    }
}

impl Drop for BodyInFlight {
    fn drop(&mut self) {
        self.0.touch();
        self.0.bodies.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for RequestInFlight {
    fn drop(&mut self) {
        if !self.is_answered {
            self.all.touch();
        }
        self.all.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

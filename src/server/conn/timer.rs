//! How long a connection has been waiting for its client, and for what: seen at the socket, so that it holds for HTTP/1.1,
//! HTTP/2 and a client that never says which of the two it speaks.
//!
//! hyper's own header timeout begins when it would read a head, so it would also close connections that are merely kept
//! alive; and nothing in hyper ends a client that takes an answer a byte at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::frames::{Frames, Protocol};
use super::in_flight::{Busy, InFlight};
use super::transfer::{Look, Transfer, Transfers};
use crate::server::limits::{Limits, MIN_PROGRESS_BYTES};

/// How often the bodies in flight are looked at within the time in which each must move.
const LOOKS: u32 = 4;

/// What a connection has waited for too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expired {
    /// another request: the connection may be closed politely
    Idle,
    /// the end of a request's head
    Head,
    /// room in the socket
    Write,
    /// all its bodies, or one that cannot be ended alone
    Stalled,
    /// so many streams, which were ended; the connection goes on
    Streams(usize),
}

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activity {
    /// its client has not ended the head of a request, or not begun one on a new connection
    Head,
    /// between two requests
    Idle,
    /// a request is being answered, or a body sent
    Busy,
}

/// The times of one connection, in microseconds since its beginning; 0 is never.
#[derive(Debug)]
pub(crate) struct Clock {
    in_flight: Arc<InFlight>,
    is_http1: AtomicBool,
    is_http2: AtomicBool,
    /// when the first byte of an unfinished head came
    head_began: AtomicU64,
    /// since when the socket takes too little
    blocked: AtomicU64,
    /// bytes taken since then
    taken: AtomicU64,
    /// over HTTP/2
    transfers: Transfers,
}

impl Clock {
    pub(crate) fn new() -> Arc<Clock> {
        Arc::new(Clock {
            in_flight: InFlight::new(),
            is_http1: AtomicBool::new(false),
            is_http2: AtomicBool::new(false),
            head_began: AtomicU64::new(0),
            blocked: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            transfers: Transfers::default(),
        })
    }

    fn now(&self) -> u64 {
        self.in_flight.now()
    }

    /// Which protocol the client speaks, as far as it has said.
    pub(crate) fn protocol(&self) -> Protocol {
        match (self.is_http1.load(Ordering::Relaxed), self.is_http2.load(Ordering::Relaxed)) {
            (true, _) => Protocol::Http1,
            (_, true) => Protocol::Http2,
            _ => Protocol::Unknown,
        }
    }

    /// A request's head is complete.
    pub(crate) fn begin(&self) -> Busy {
        if !self.is_http2.load(Ordering::Relaxed) {
            self.head_began.store(0, Ordering::Relaxed);
        }
        self.in_flight.begin()
    }

    /// Watches a body from now on.
    pub(crate) fn watch(&self, transfer: &Arc<Transfer>) {
        self.transfers.add(transfer, self.now());
    }

    fn is_quiet(&self) -> bool {
        !self.in_flight.has_requests() && !self.in_flight.has_bodies()
    }

    /// Bytes came, after which the client stands there in its frames.
    pub(crate) fn read(&self, frames: &Frames) {
        match frames.protocol() {
            Protocol::Http2 => self.is_http2.store(true, Ordering::Relaxed),
            Protocol::Http1 => self.is_http1.store(true, Ordering::Relaxed),
            Protocol::Unknown => {}
        }
        // HTTP/2 says where a head begins and ends. Over HTTP/1.1 any byte between two answers begins one.
        let begun = if self.is_http2.load(Ordering::Relaxed) { frames.is_unfinished() } else { self.is_quiet() };
        if !begun && self.is_http2.load(Ordering::Relaxed) {
            self.head_began.store(0, Ordering::Relaxed);
        } else if begun && self.head_began.load(Ordering::Relaxed) == 0 {
            self.head_began.store(self.now(), Ordering::Relaxed);
        }
    }

    /// The socket took so many bytes.
    pub(crate) fn wrote(&self, bytes: usize) {
        // HTTP/2 answers PINGs too, and those are no sign of a client that takes anything.
        if !self.is_http2.load(Ordering::Relaxed) {
            self.in_flight.touch();
        }
        if self.blocked.load(Ordering::Relaxed) != 0 {
            let bytes = u64::try_from(bytes).unwrap_or(0);
            if self.taken.fetch_add(bytes, Ordering::Relaxed) + bytes >= MIN_PROGRESS_BYTES {
                self.flushed();
            }
        }
    }

    /// Nothing is left to be written.
    pub(crate) fn flushed(&self) {
        self.blocked.store(0, Ordering::Relaxed);
        self.taken.store(0, Ordering::Relaxed);
    }

    /// The socket takes nothing now.
    pub(crate) fn refused(&self) {
        if self.blocked.load(Ordering::Relaxed) == 0 {
            self.blocked.store(self.now(), Ordering::Relaxed);
        }
    }

    /// What ends next, and when.
    fn next(&self, limits: &Limits) -> (Expired, u64) {
        let after = |since: u64, limit: Duration| since.saturating_add(micros(limit));
        let blocked = self.blocked.load(Ordering::Relaxed);
        let write = if blocked == 0 { u64::MAX } else { after(blocked, limits.write) };
        let head_began = self.head_began.load(Ordering::Relaxed);
        let is_http2 = self.is_http2.load(Ordering::Relaxed);
        let idle = || (Expired::Idle, after(self.in_flight.last_active(), limits.idle));
        let read = if head_began != 0 && is_http2 {
            (Expired::Head, after(head_began, limits.header))
        } else if self.in_flight.has_requests() {
            (Expired::Head, u64::MAX) // the client waits for us
        } else if self.in_flight.has_bodies() {
            // Over HTTP/2 each body has a time of its own.
            if is_http2 { (Expired::Idle, u64::MAX) } else { idle() }
        } else if head_began != 0 || self.in_flight.is_new() {
            (Expired::Head, after(head_began, limits.header))
        } else {
            idle()
        };
        if write <= read.1 { (Expired::Write, write) } else { read }
    }

    /// Waits until the client has kept us waiting for too long.
    pub(crate) async fn expired(&self, limits: &Limits) -> Expired {
        // Another limit may begin to count while this one is waited for.
        let look_again = limits.header.min(limits.idle).min(limits.write / LOOKS);
        loop {
            let answers_pending = self.in_flight.has_requests();
            match self.transfers.look(self.now(), micros(limits.write), answers_pending) {
                Look::Stalled => return Expired::Stalled,
                Look::Moving { ended: 0 } => {}
                Look::Moving { ended } => return Expired::Streams(ended),
            }
            let (what, at) = self.next(limits);
            if at <= self.now() {
                return what;
            }
            let due = self.in_flight.time(at);
            let again = Instant::now() + look_again;
            sleep_until(due.map_or(again, |due| due.min(again))).await;
        }
    }

    /// What the connection is doing, and since when.
    pub(crate) fn activity(&self) -> (Activity, Instant) {
        let head_began = self.head_began.load(Ordering::Relaxed);
        let active = self.in_flight.last_active();
        let (activity, since) = if !self.is_quiet() {
            (Activity::Busy, active)
        } else if head_began != 0 || self.in_flight.is_new() {
            (Activity::Head, head_began)
        } else {
            (Activity::Idle, active)
        };
        (activity, self.in_flight.time(since).unwrap_or(self.in_flight.born()))
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

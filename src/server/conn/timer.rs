//! The timeouts of one connection: how long it has been waiting for its client, and for what. They are measured at the socket,
//! so they hold for HTTP/1.1, for HTTP/2, and for a client that never shows which of the two it speaks.
//!
//! hyper's own header timeout starts as soon as hyper would read a header section, so it would also close connections that are
//! merely kept alive; and hyper has no timeout for a client that reads an answer one byte at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::frames::{FrameTracker, Protocol};
use super::in_flight::{InFlight, RequestInFlight};
use super::transfer::{Transfer, TransferCheck, Transfers};
use crate::server::limits::{Limits, MIN_PROGRESS_BYTES};
use crate::sumdb::number::{micros, wide};

/// How many times per write timeout the bodies in flight are checked for progress.
const CHECKS_PER_TIMEOUT: u32 = 4;

/// Which timeout of a connection has expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expired {
    /// idle: the client sent no further request, and the connection can be closed gracefully
    Idle,
    /// header: the client did not complete a header section
    Head,
    /// write: the socket accepted too little
    Write,
    /// write: the client read too little of all bodies, or of one that cannot be reset alone
    Stalled,
    /// write: this many streams made too little progress and were reset; the connection stays open
    Streams(usize),
}

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activity {
    /// its client has not completed a header section, or has not begun one on a new connection
    ReadingHead,
    /// between two requests
    Idle,
    /// a request is being answered, or a body sent
    Busy,
}

/// The timer of one connection. Times are in microseconds since the connection was accepted; 0 means never.
#[derive(Debug)]
pub(crate) struct ConnTimer {
    in_flight: Arc<InFlight>,
    /// whether the bytes so far are HTTP/1.x
    is_http1: AtomicBool,
    /// whether the bytes so far are HTTP/2
    is_http2: AtomicBool,
    /// when the first byte of an incomplete header section arrived
    head_began: AtomicU64,
    /// since when the socket has accepted too little
    blocked: AtomicU64,
    /// bytes that the socket has accepted since `blocked`
    taken: AtomicU64,
    /// the bodies that are being sent over HTTP/2
    transfers: Transfers,
}

impl ConnTimer {
    pub(crate) fn new() -> Arc<ConnTimer> {
        Arc::new(ConnTimer {
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

    /// The protocol that the client speaks, as its bytes so far show.
    pub(crate) fn protocol(&self) -> Protocol {
        match (self.is_http1.load(Ordering::Relaxed), self.is_http2.load(Ordering::Relaxed)) {
            (true, _) => Protocol::Http1,
            (_, true) => Protocol::Http2,
            _ => Protocol::Unknown,
        }
    }

    /// Called when a request's header section is complete.
    pub(crate) fn begin(&self) -> RequestInFlight {
        if !self.is_http2.load(Ordering::Relaxed) {
            self.head_began.store(0, Ordering::Relaxed);
        }
        self.in_flight.begin()
    }

    /// Checks the progress of a body from now on.
    pub(crate) fn watch(&self, transfer: &Arc<Transfer>) {
        self.transfers.add(transfer, self.now());
    }

    fn is_quiet(&self) -> bool {
        !self.in_flight.has_requests() && !self.in_flight.has_bodies()
    }

    /// Called after bytes were read; `frames` is where in its frames the client now is.
    pub(crate) fn on_read(&self, frames: &FrameTracker) {
        match frames.protocol() {
            Protocol::Http2 => self.is_http2.store(true, Ordering::Relaxed),
            Protocol::Http1 => self.is_http1.store(true, Ordering::Relaxed),
            Protocol::Unknown => {}
        }
        // HTTP/2 frames show where a header section begins and ends. Over HTTP/1.1 any byte between two answers begins one.
        let is_reading = if self.is_http2.load(Ordering::Relaxed) { frames.is_unfinished() } else { self.is_quiet() };
        if !is_reading && self.is_http2.load(Ordering::Relaxed) {
            self.head_began.store(0, Ordering::Relaxed);
        } else if is_reading && self.head_began.load(Ordering::Relaxed) == 0 {
            self.head_began.store(self.now(), Ordering::Relaxed);
        }
    }

    /// Called when the socket accepted this many bytes.
    pub(crate) fn on_write(&self, bytes: usize) {
        // Over HTTP/2 a write may be the answer to a PING, which does not show that the client reads bodies.
        if !self.is_http2.load(Ordering::Relaxed) {
            self.in_flight.touch();
        }
        if self.blocked.load(Ordering::Relaxed) != 0 {
            let bytes = wide(bytes);
            if self.taken.fetch_add(bytes, Ordering::Relaxed) + bytes >= MIN_PROGRESS_BYTES {
                self.on_flush();
            }
        }
    }

    /// Called when nothing is left to be written.
    pub(crate) fn on_flush(&self) {
        self.blocked.store(0, Ordering::Relaxed);
        self.taken.store(0, Ordering::Relaxed);
    }

    /// Called when the socket accepts nothing.
    pub(crate) fn on_blocked(&self) {
        if self.blocked.load(Ordering::Relaxed) == 0 {
            self.blocked.store(self.now(), Ordering::Relaxed);
        }
    }

    /// The timeout that expires next, and when.
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
            (Expired::Head, u64::MAX) // the client waits for the server
        } else if self.in_flight.has_bodies() {
            // Over HTTP/2 each body has its own timeout (`transfer`).
            if is_http2 { (Expired::Idle, u64::MAX) } else { idle() }
        } else if head_began != 0 || self.in_flight.is_new() {
            (Expired::Head, after(head_began, limits.header))
        } else {
            idle()
        };
        if write <= read.1 { (Expired::Write, write) } else { read }
    }

    /// Waits until a timeout expires.
    pub(crate) async fn expired(&self, limits: &Limits) -> Expired {
        // Another timeout may start during the wait for this one.
        let recheck = limits.header.min(limits.idle).min(limits.write / CHECKS_PER_TIMEOUT);
        loop {
            let answers_pending = self.in_flight.has_requests();
            match self.transfers.check(self.now(), micros(limits.write), answers_pending) {
                TransferCheck::Stalled => return Expired::Stalled,
                TransferCheck::Moving { reset: 0 } => {}
                TransferCheck::Moving { reset } => return Expired::Streams(reset),
            }
            let (timeout, at) = self.next(limits);
            if at <= self.now() {
                return timeout;
            }
            let due = self.in_flight.time(at);
            let again = Instant::now() + recheck;
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
            (Activity::ReadingHead, head_began)
        } else {
            (Activity::Idle, active)
        };
        (activity, self.in_flight.time(since).unwrap_or(self.in_flight.accepted()))
    }
}

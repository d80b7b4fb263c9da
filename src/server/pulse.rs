//! How long a connection has been waiting for its client, and for what: seen at the socket, so that it holds for HTTP/1.1,
//! HTTP/2 and a client that never says which of the two it speaks.
//!
//! hyper's own header timeout begins when it would read a head, so it would also close connections that are merely kept
//! alive; and nothing in hyper ends a client that takes an answer a byte at a time.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};

use super::limits::{Limits, MIN_PROGRESS_BYTES};
use super::outbox::{Outbox, is_stand_in};

/// What a connection has waited for too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expired {
    /// another request: the connection may be closed politely
    Idle,
    /// the end of a request's head
    Head,
    /// room to write
    Write,
}

/// The times of one connection, in microseconds since its beginning; 0 is never.
#[derive(Debug)]
pub(super) struct Pulse {
    born: Instant,
    in_flight: AtomicUsize,
    /// bodies that are not sent yet
    sending: AtomicUsize,
    served: AtomicU64,
    /// when a request or a write ended last
    active: AtomicU64,
    /// when the first byte of an unfinished head came
    head_began: AtomicU64,
    /// since when the client takes too little
    blocked: AtomicU64,
    /// bytes taken since then
    taken: AtomicU64,
}

/// A request that is being answered.
#[derive(Debug)]
pub(super) struct Busy(Arc<Pulse>);

/// An answer whose body is on its way. The client may write meanwhile (window updates, the next request) without having begun
/// a head that it must end; and it must take something now and then.
#[derive(Debug)]
pub(super) struct Sending(Arc<Pulse>);

impl Pulse {
    pub(super) fn new() -> Arc<Pulse> {
        Arc::new(Pulse {
            born: Instant::now(),
            in_flight: AtomicUsize::new(0),
            sending: AtomicUsize::new(0),
            served: AtomicU64::new(0),
            active: AtomicU64::new(0),
            head_began: AtomicU64::new(0),
            blocked: AtomicU64::new(0),
            taken: AtomicU64::new(0),
        })
    }

    fn now(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_micros()).unwrap_or(u64::MAX).max(1)
    }

    /// A request's head is complete.
    pub(super) fn begin(self: &Arc<Pulse>) -> Busy {
        self.head_began.store(0, Ordering::Relaxed);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.served.fetch_add(1, Ordering::Relaxed);
        Busy(Arc::clone(self))
    }

    fn is_quiet(&self) -> bool {
        self.in_flight.load(Ordering::Relaxed) == 0 && self.sending.load(Ordering::Relaxed) == 0
    }

    fn read(&self) {
        if self.is_quiet() && self.head_began.load(Ordering::Relaxed) == 0 {
            self.head_began.store(self.now(), Ordering::Relaxed);
        }
    }

    fn wrote(&self, bytes: usize) {
        self.active.store(self.now(), Ordering::Relaxed);
        if self.blocked.load(Ordering::Relaxed) != 0 {
            let bytes = u64::try_from(bytes).unwrap_or(0);
            if self.taken.fetch_add(bytes, Ordering::Relaxed) + bytes >= MIN_PROGRESS_BYTES {
                self.flushed();
            }
        }
    }

    fn flushed(&self) {
        self.blocked.store(0, Ordering::Relaxed);
        self.taken.store(0, Ordering::Relaxed);
    }

    fn refused(&self) {
        if self.blocked.load(Ordering::Relaxed) == 0 {
            self.blocked.store(self.now(), Ordering::Relaxed);
        }
    }

    /// What ends next, and when.
    fn next(&self, limits: &Limits) -> (Expired, u64) {
        let after =
            |since: u64, limit: Duration| since.saturating_add(u64::try_from(limit.as_micros()).unwrap_or(u64::MAX));
        let blocked = self.blocked.load(Ordering::Relaxed);
        let write = if blocked == 0 { u64::MAX } else { after(blocked, limits.write) };
        let head_began = self.head_began.load(Ordering::Relaxed);
        let read = if self.in_flight.load(Ordering::Relaxed) > 0 {
            (Expired::Head, u64::MAX)
        } else if self.sending.load(Ordering::Relaxed) > 0 {
            (Expired::Idle, after(self.active.load(Ordering::Relaxed), limits.idle))
        } else if head_began != 0 || self.served.load(Ordering::Relaxed) == 0 {
            (Expired::Head, after(head_began, limits.header))
        } else {
            (Expired::Idle, after(self.active.load(Ordering::Relaxed), limits.idle))
        };
        if write <= read.1 { (Expired::Write, write) } else { read }
    }

    /// Waits until the client has kept us waiting for too long.
    pub(super) async fn expired(&self, limits: &Limits) -> Expired {
        // Another limit may begin to count while this one is waited for.
        let look_again = limits.header.min(limits.idle).min(limits.write);
        loop {
            let (what, at) = self.next(limits);
            if at <= self.now() {
                return what;
            }
            let due = self.born.checked_add(Duration::from_micros(at));
            let again = Instant::now() + look_again;
            sleep_until(due.map_or(again, |due| due.min(again))).await;
        }
    }
}

impl Busy {
    /// The answer is there; its body is not sent yet.
    pub(super) fn answered(&self) -> Sending {
        self.0.sending.fetch_add(1, Ordering::Relaxed);
        Sending(Arc::clone(&self.0))
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.0.active.store(self.0.now(), Ordering::Relaxed);
        self.0.sending.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.active.store(self.0.now(), Ordering::Relaxed);
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A socket whose pulse is felt, and which sends what is in its outbox.
#[derive(Debug)]
pub(super) struct Felt {
    pub(super) stream: TcpStream,
    pub(super) pulse: Arc<Pulse>,
    pub(super) outbox: Arc<Outbox>,
}

impl Felt {
    fn told(&self, outcome: &Poll<io::Result<usize>>) {
        match outcome {
            Poll::Ready(Ok(bytes)) => self.pulse.wrote(*bytes),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.pulse.refused(),
        }
    }

    /// Writes the bytes before the first stand-in, or else sends what that stands for.
    fn poll_send(&mut self, cx: &mut Context<'_>, bufs: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let plain = bufs.iter().take_while(|buf| !is_stand_in(buf)).count();
        let Some(stand_in) = bufs.get(plain).filter(|_| bufs.iter().take(plain).all(|buf| buf.is_empty())) else {
            let plain = bufs.get(..plain).unwrap_or_default();
            return Pin::new(&mut self.stream).poll_write_vectored(cx, plain);
        };
        loop {
            ready!(self.stream.poll_write_ready(cx))?;
            let send = || self.outbox.send(&self.stream, stand_in.len());
            match self.stream.try_io(Interest::WRITABLE, send) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                sent => return Poll::Ready(sent),
            }
        }
    }
}

impl AsyncRead for Felt {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.pulse.read();
        }
        outcome
    }
}

impl AsyncWrite for Felt {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[io::IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = self.poll_send(cx, bufs);
        self.told(&outcome);
        outcome
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Called when nothing is left to be written: nobody is waited for.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.pulse.flushed();
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

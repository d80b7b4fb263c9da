//! A client's socket: what goes through it is told to the connection's clock, and parts of files in the outbox are sent in place
//! of what stands for them.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

use super::frames::Frames;
use super::sendfile::{Outbox, is_stand_in};
use super::timer::Clock;

#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    clock: Arc<Clock>,
    outbox: Arc<Outbox>,
    frames: Frames,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream, clock: Arc<Clock>, outbox: Arc<Outbox>) -> Socket {
        Socket { stream, clock, outbox, frames: Frames::new() }
    }

    fn tell_clock(&self, outcome: &Poll<io::Result<usize>>) {
        match outcome {
            Poll::Ready(Ok(bytes)) => self.clock.wrote(*bytes),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.clock.refused(),
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

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buf);
        let came = buf.filled().get(before..).unwrap_or_default();
        if !came.is_empty() {
            self.frames.read(came);
            self.clock.read(&self.frames);
        }
        outcome
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[io::IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = self.poll_send(cx, bufs);
        self.tell_clock(&outcome);
        outcome
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Called when nothing is left to be written: nobody is waited for.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.clock.flushed();
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

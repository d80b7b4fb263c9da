//! A client's socket. It reports reads and writes to the connection's timer, and sends the queued ranges of files in place of
//! their placeholders.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::either::Either;

use super::frames::FrameTracker;
use super::sendfile::{SendfileQueue, is_placeholder, send_before_file};
use super::timer::ConnTimer;
use super::transport::Transport;

#[derive(Debug)]
pub(crate) struct Socket {
    transport: Transport,
    timer: Arc<ConnTimer>,
    sendfile: Arc<SendfileQueue>,
    frames: FrameTracker,
}

impl Socket {
    pub(crate) fn new(transport: Transport, timer: Arc<ConnTimer>, sendfile: Arc<SendfileQueue>) -> Socket {
        Socket { transport, timer, sendfile, frames: FrameTracker::new() }
    }

    fn notify_timer(&self, outcome: &Poll<io::Result<usize>>) {
        match outcome {
            Poll::Ready(Ok(bytes)) => self.timer.on_write(*bytes),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.timer.on_blocked(),
        }
    }

    /// Writes the bytes before the first placeholder, some of them where one follows; if there are none, sends the range of a file that
    /// the placeholder represents. Over TLS there is no placeholder: the bytes of files pass through the session.
    fn poll_send(&mut self, cx: &mut Context<'_>, bufs: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let Either::Left(socket) = &mut self.transport else {
            return Pin::new(&mut self.transport).poll_write_vectored(cx, bufs);
        };
        let plain = bufs.iter().take_while(|buf| !is_placeholder(buf)).count();
        let (plain, others) = bufs.split_at_checked(plain).unwrap_or((bufs, &[]));
        match (plain.iter().find(|buf| !buf.is_empty()), others.first()) {
            (_, None) => Pin::new(socket).poll_write_vectored(cx, plain),
            (Some(before), Some(_)) => socket.poll_send(cx, |socket| send_before_file(socket, before)),
            (None, Some(placeholder)) => socket.poll_send(cx, |socket| self.sendfile.send(socket, placeholder.len())),
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let outcome = Pin::new(&mut self.transport).poll_read(cx, buf);
        let received = buf.filled().get(before..).unwrap_or_default();
        if !received.is_empty() {
            self.frames.read(received);
            self.timer.on_read(&self.frames);
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
        self.notify_timer(&outcome);
        outcome
    }

    fn is_write_vectored(&self) -> bool {
        self.transport.is_write_vectored()
    }

    /// Called when nothing is left to be written: the write timeout stops, unless a TLS session still has bytes that the socket
    /// does not take.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.transport).poll_flush(cx);
        match &flushed {
            Poll::Ready(Ok(())) => self.timer.on_flush(),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.timer.on_blocked(),
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_shutdown(cx)
    }
}

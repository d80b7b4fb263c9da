//! A client's socket. It reports reads and writes to the connection's timer, and sends the queued ranges of files in place of
//! their placeholders.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

use super::frames::FrameTracker;
use super::sendfile::{SendfileQueue, is_placeholder};
use super::timer::ConnTimer;

#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    timer: Arc<ConnTimer>,
    sendfile: Arc<SendfileQueue>,
    frames: FrameTracker,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream, timer: Arc<ConnTimer>, sendfile: Arc<SendfileQueue>) -> Socket {
        Socket { stream, timer, sendfile, frames: FrameTracker::new() }
    }

    fn notify_timer(&self, outcome: &Poll<io::Result<usize>>) {
        match outcome {
            Poll::Ready(Ok(bytes)) => self.timer.on_write(*bytes),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.timer.on_blocked(),
        }
    }

    /// Writes the bytes before the first placeholder; if there are none, sends the range of a file that the placeholder represents.
    fn poll_send(&mut self, cx: &mut Context<'_>, bufs: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let plain = bufs.iter().take_while(|buf| !is_placeholder(buf)).count();
        let Some(placeholder) = bufs.get(plain).filter(|_| bufs.iter().take(plain).all(|buf| buf.is_empty())) else {
            let plain = bufs.get(..plain).unwrap_or_default();
            return Pin::new(&mut self.stream).poll_write_vectored(cx, plain);
        };
        loop {
            ready!(self.stream.poll_write_ready(cx))?;
            let send = || self.sendfile.send(&self.stream, placeholder.len());
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
        self.stream.is_write_vectored()
    }

    /// Called when nothing is left to be written: the write timeout stops.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.timer.on_flush();
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

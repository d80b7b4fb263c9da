//! What carries the bytes of a connection: TCP or a Unix socket, with TLS over it or without.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll};

#[cfg(target_os = "linux")]
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

/// A socket as the system has it.
#[derive(Debug)]
pub(crate) enum PlainSocket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// What a connection reads from and writes to: a socket, or TLS over it (boxed: a session has some thousand bytes).
pub(crate) type Transport = Either<PlainSocket, Box<TlsStream<PlainSocket>>>;

/// Where a client on a Unix socket counts as being: on this machine.
pub(crate) const UNIX_PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

impl PlainSocket {
    /// The address of the server's side. A Unix socket has none, and no web page can reach it.
    pub(crate) fn local(&self) -> IpAddr {
        match self {
            // If the address is unknown, the stricter rule applies (`http::host`).
            PlainSocket::Tcp(stream) => stream.local_addr().map_or(Ipv4Addr::LOCALHOST.into(), |local| local.ip()),
            PlainSocket::Unix(_) => Ipv4Addr::UNSPECIFIED.into(),
        }
    }

    /// Whether it is a Unix socket.
    pub(crate) fn is_unix(&self) -> bool {
        matches!(self, PlainSocket::Unix(_))
    }

    /// Sends without delay, and shows how much a slow client takes: else the kernel buffers megabytes, and reports room only when
    /// a third of them has been sent.
    #[cfg_attr(not(target_os = "linux"), allow(unused_variables))]
    pub(crate) fn tune(&self, max_unsent: u32) {
        if let PlainSocket::Tcp(stream) = self {
            let _ = stream.set_nodelay(true);
            #[cfg(target_os = "linux")]
            let _ = SockRef::from(stream).set_tcp_notsent_lowat(max_unsent);
        }
    }

    /// The first byte that the client sends, which stays to be read; none over a Unix socket, and where the client sends none.
    pub(crate) async fn first_byte(&self) -> io::Result<Option<u8>> {
        let PlainSocket::Tcp(stream) = self else { return Ok(None) };
        let mut byte = [0];
        let read = stream.peek(&mut byte).await?;
        Ok(byte.first().copied().filter(|_| read > 0))
    }

    /// Runs `send`, which writes to the socket, once this can take more.
    pub(crate) fn poll_send(
        &self,
        cx: &mut Context<'_>,
        send: impl Fn(BorrowedFd<'_>) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            let ready = match self {
                PlainSocket::Tcp(stream) => stream.poll_write_ready(cx),
                PlainSocket::Unix(stream) => stream.poll_write_ready(cx),
            };
            std::task::ready!(ready)?;
            let sent = match self {
                PlainSocket::Tcp(stream) => stream.try_io(Interest::WRITABLE, || send(stream.as_fd())),
                PlainSocket::Unix(stream) => stream.try_io(Interest::WRITABLE, || send(stream.as_fd())),
            };
            match sent {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                sent => return Poll::Ready(sent),
            }
        }
    }
}

impl AsyncRead for PlainSocket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            PlainSocket::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            PlainSocket::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for PlainSocket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            PlainSocket::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            PlainSocket::Unix(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            PlainSocket::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            PlainSocket::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            PlainSocket::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            PlainSocket::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            PlainSocket::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            PlainSocket::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

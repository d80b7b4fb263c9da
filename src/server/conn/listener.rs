//! Where connections arrive: a TCP port, a Unix socket, or this process itself.

use std::io;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream as StdUnixStream;

use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::sync::{Mutex, mpsc};

use super::transport::{PlainSocket, UNIX_PEER};

/// A socket that connections arrive at.
#[derive(Debug)]
pub enum Listener {
    /// a TCP port
    Tcp(TcpListener),
    /// a Unix socket; its clients count as 127.0.0.1
    Unix(UnixListener),
    /// this process; see [`Loopback`]
    Own(OwnConnections),
}

/// Connections that this process opened to itself.
#[derive(Debug)]
pub struct OwnConnections(
    /// guards the connections that wait; only the one task that accepts them takes it
    Mutex<mpsc::Receiver<StdUnixStream>>,
);

/// Opens connections to a server of this process, which no other process can reach: its watchdog asks whether it answers.
#[derive(Debug, Clone)]
pub struct Loopback(mpsc::Sender<StdUnixStream>);

impl Loopback {
    /// A listener, and the way to it.
    pub fn new() -> (Listener, Loopback) {
        let (sender, receiver) = mpsc::channel(1);
        (Listener::Own(OwnConnections(Mutex::new(receiver))), Loopback(sender))
    }

    /// The client's side of a new connection. It blocks.
    ///
    /// # Errors
    /// Those of the system; `WouldBlock`: the last connection has not been accepted; `BrokenPipe`: the server has stopped.
    pub fn connect(&self) -> io::Result<StdUnixStream> {
        let (ours, theirs) = StdUnixStream::pair()?;
        theirs.set_nonblocking(true)?;
        self.0.try_send(theirs).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => io::ErrorKind::WouldBlock,
            mpsc::error::TrySendError::Closed(_) => io::ErrorKind::BrokenPipe,
        })?;
        Ok(ours)
    }
}

impl Listener {
    /// The next connection, and the address of its client.
    pub(crate) async fn accept(&self) -> io::Result<(PlainSocket, SocketAddr)> {
        match self {
            Listener::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                Ok((PlainSocket::Tcp(stream), peer))
            }
            Listener::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                Ok((PlainSocket::Unix(stream), UNIX_PEER))
            }
            Listener::Own(connections) => match connections.0.lock().await.recv().await {
                Some(stream) => Ok((PlainSocket::Unix(UnixStream::from_std(stream)?), UNIX_PEER)),
                None => std::future::pending().await,
            },
        }
    }
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Listener {
        Listener::Tcp(listener)
    }
}

/// The listeners of a server.
#[derive(Debug, Default)]
pub struct Listeners {
    /// for all requests
    pub public: Vec<Listener>,
    /// for all requests, over TLS
    pub tls: Vec<Listener>,
    /// for `/healthz`, `/readyz` and `/metrics` alone, with slots of their own
    pub admin: Vec<Listener>,
}

impl From<Vec<TcpListener>> for Listeners {
    /// No TLS, and no admin listener.
    fn from(public: Vec<TcpListener>) -> Listeners {
        Listeners { public: public.into_iter().map(Listener::Tcp).collect(), ..Listeners::default() }
    }
}

//! Where connections arrive: a TCP port or a Unix socket.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, UnixListener};

use super::transport::{PlainSocket, UNIX_PEER};

/// A socket that connections arrive at.
#[derive(Debug)]
pub enum Listener {
    /// a TCP port
    Tcp(TcpListener),
    /// a Unix socket; its clients count as 127.0.0.1
    Unix(UnixListener),
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

//! The only way out for a run that a client caused: a proxy on loopback, for this run alone. Module paths, go-import tags,
//! redirects and a repository's own hints name the hosts, at several steps inside the go command and git. So the guard checks
//! every connection that they open: it must be to port 443 of a host with a public address, and is made to the checked address.
//!
//! The guard tells two clients apart by their passwords. git and hg get tunnels (`CONNECT`). The go command gets none: its HTTP
//! client bypasses every proxy for `127.0.0.1` and `localhost`, so a redirect would lead it there. `GOINSECURE` covers all
//! modules; after its `CONNECT` is refused, the go command falls back to plain `http`, which the guard answers with a page that
//! our own client fetched over https (`page`), and that has neither redirects nor repositories that are not public.

mod connection;
mod head;
mod meter;
mod page;
mod tunnel;

use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tokio::net::TcpListener;
use tokio::sync::OnceCell;
use tokio::task::{JoinHandle, JoinSet};

use super::host_error::{HostError, HostErrors};
use super::settings::PublicAccess;
use crate::upstream::http::failure::FailureKind;
use crate::upstream::http::retry::Failed;
use head::RequestHead;
use meter::Meter;

/// The most connections of one run at once.
const CONNECTIONS: usize = 32;

/// The clients of the guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GuardClient {
    /// the go command: only go-import pages
    Go,
    /// git and hg: only tunnels
    Vcs,
}

/// The guard of one run; its connections end when it is dropped.
#[derive(Debug)]
pub(super) struct Guard {
    shared: Arc<GuardInner>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct GuardInner {
    address: SocketAddr,
    /// the passwords of the two clients
    go: String,
    vcs: String,
    access: PublicAccess,
    meter: Meter,
    host_errors: HostErrors,
    http: OnceCell<reqwest::Client>,
}

impl Guard {
    /// A guard that counts moved bytes in `moved`.
    pub(super) async fn open(access: &PublicAccess, moved: Arc<AtomicU64>) -> Result<Guard, Failed> {
        let unopened = |error: io::Error| {
            Failed::lasting(FailureKind::Machine, format!("cannot listen on loopback for the go command: {error}"))
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(unopened)?;
        let shared = Arc::new(GuardInner {
            address: listener.local_addr().map_err(unopened)?,
            go: password(),
            vcs: password(),
            access: access.clone(),
            meter: Meter { moved, limit: access.bytes },
            host_errors: HostErrors::default(),
            http: OnceCell::new(),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Guard { shared, accepting })
    }

    /// HOST:PORT of the proxy.
    pub(super) fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// The user name and the password of a client.
    pub(super) fn login(&self, client: GuardClient) -> (&'static str, &str) {
        self.shared.login(client)
    }

    /// The proxy's URL for a client.
    pub(super) fn url(&self, client: GuardClient) -> String {
        self.shared.url(client)
    }

    /// The most telling error with a host, if there was any.
    pub(super) fn host_error(&self) -> Option<HostError> {
        self.shared.host_errors.take()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A password that no other process on this machine can guess: 128 bits of the standard library's keyed hash, whose keys are random.
fn password() -> String {
    let word = |salt: u8| RandomState::new().hash_one(salt);
    format!("{:016x}{:016x}", word(0), word(1))
}

async fn accept(listener: TcpListener, shared: Arc<GuardInner>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    let shared = Arc::clone(&shared);
                    connections.spawn(async move { shared.serve(stream).await });
                }
                Err(error) => {
                    // Out of file descriptors, until a connection or the run ends.
                    tracing::debug!("direct: cannot accept on loopback: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

impl GuardInner {
    fn login(&self, client: GuardClient) -> (&'static str, &str) {
        match client {
            GuardClient::Go => ("go", &self.go),
            GuardClient::Vcs => ("vcs", &self.vcs),
        }
    }

    fn url(&self, client: GuardClient) -> String {
        let (name, password) = self.login(client);
        format!("http://{name}:{password}@{}", self.address)
    }

    fn client(&self, head: &RequestHead) -> Option<GuardClient> {
        let login = head.login.strip_prefix("Basic ")?;
        [GuardClient::Go, GuardClient::Vcs].into_iter().find(|client| {
            let (name, password) = self.login(*client);
            login == BASE64_STANDARD.encode(format!("{name}:{password}"))
        })
    }
}

#[cfg(test)]
#[path = "guard/tests.rs"]
mod tests;

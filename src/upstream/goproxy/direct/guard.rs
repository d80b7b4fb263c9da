//! The only way out for a run that strangers asked for: a proxy on loopback, for this run alone. Module paths, go-import tags,
//! redirects and a repository's own hints name the hosts, at several steps inside the go command and git, so what is judged
//! is every connection that they want to make: to port 443 of a host whose address is public, and to the address judged.
//!
//! Two clients are told apart by their passwords. git and hg get tunnels (`CONNECT`). The go command gets none: its HTTP client
//! goes past any proxy to `127.0.0.1` and `localhost`, so a redirect would lead it there. It is told that all modules are
//! `GOINSECURE`; when its `CONNECT` is refused it asks in plain `http`, which is answered here with a page that was fetched over
//! https by our own client (`page`) and has neither redirects nor repositories that are not public.

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

/// Connections of one run at once.
const CONNECTIONS: usize = 32;

/// Who asks the guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GuardClient {
    /// the go command: go-import pages alone
    Go,
    /// git and hg: tunnels alone
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

    /// What kept the run from a host, if anything did.
    pub(super) fn host_error(&self) -> Option<HostError> {
        self.shared.host_errors.take()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A password that nobody else on this machine guesses: 128 bits out of the standard library's keyed hash, whose keys are random.
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
                    // Out of descriptors: the next one ends, or the run does.
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

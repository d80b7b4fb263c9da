//! The only way out for a run that strangers asked for: a proxy on loopback, for this run alone. Module paths, go-import tags,
//! redirects and a repository's own hints name the hosts, at several steps inside the go command and git, so what is judged
//! is every connection that they want to make: to port 443 of a host whose address is public, and to the address judged.
//!
//! Two clients are told apart by their passwords. git and hg get tunnels (`CONNECT`). The go command gets none: its HTTP client
//! goes past any proxy to `127.0.0.1` and `localhost`, so a redirect would lead it there. It is told that all modules are
//! `GOINSECURE`; when its `CONNECT` is refused it asks in plain `http`, which is answered here with a page that was fetched over
//! https by our own client (`page`) and has neither redirects nor repositories that are not public.

mod head;
mod page;
mod tunnel;

use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OnceCell;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use super::network::{self, Network, PORT, public_name};
use super::outward::Outward;
use super::trouble::{Trouble, Troubles};
use crate::upstream::failure::FailureKind;
use crate::upstream::retry::Failed;
use head::Head;

/// Connections of one run at once.
const CONNECTIONS: usize = 32;
/// For a request's head, which comes from this machine.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How public modules are reached.
#[derive(Debug, Clone)]
pub struct PublicAccess {
    /// the resolver and the dialer
    pub network: Arc<dyn Network>,
    /// the operator's own outbound proxy
    pub outward: Arc<Outward>,
    /// certificates of an own authority, a PEM file: trusted besides the system's by us, instead of them by git
    pub certificates: Option<PathBuf>,
    /// longest time for a name, and for a connection
    pub connect: Duration,
    /// longest time in which a connection moves no byte, and for a go-import page
    pub silence: Duration,
    /// bytes that one run may send and receive in all
    pub bytes: u64,
}

/// Bytes that a run has moved.
#[derive(Debug)]
pub(super) struct Meter {
    moved: Arc<AtomicU64>,
    limit: u64,
}

impl Meter {
    fn count(&self, bytes: usize) -> Result<(), Trouble> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let before = self.moved.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > self.limit { Err(Trouble::TooMuch(self.limit)) } else { Ok(()) }
    }
}

/// Who asks the guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Client {
    /// the go command: go-import pages alone
    Go,
    /// git and hg: tunnels alone
    Vcs,
}

/// The guard of one run; its connections end when it is dropped.
#[derive(Debug)]
pub(super) struct Guard {
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    address: SocketAddr,
    /// the passwords of the two clients
    go: String,
    vcs: String,
    access: PublicAccess,
    meter: Meter,
    troubles: Troubles,
    http: OnceCell<reqwest::Client>,
}

impl Guard {
    /// A guard that counts moved bytes in `moved`.
    pub(super) async fn open(access: &PublicAccess, moved: Arc<AtomicU64>) -> Result<Guard, Failed> {
        let unopened = |error: io::Error| {
            Failed::lasting(FailureKind::Machine, format!("cannot listen on loopback for the go command: {error}"))
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(unopened)?;
        let shared = Arc::new(Shared {
            address: listener.local_addr().map_err(unopened)?,
            go: password(),
            vcs: password(),
            access: access.clone(),
            meter: Meter { moved, limit: access.bytes },
            troubles: Troubles::default(),
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
    pub(super) fn login(&self, client: Client) -> (&'static str, &str) {
        self.shared.login(client)
    }

    /// The proxy's URL for a client.
    pub(super) fn url(&self, client: Client) -> String {
        self.shared.url(client)
    }

    /// What kept the run from a host, if anything did.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        self.shared.troubles.take()
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

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
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

impl Shared {
    fn login(&self, client: Client) -> (&'static str, &str) {
        match client {
            Client::Go => ("go", &self.go),
            Client::Vcs => ("vcs", &self.vcs),
        }
    }

    fn url(&self, client: Client) -> String {
        let (name, password) = self.login(client);
        format!("http://{name}:{password}@{}", self.address)
    }

    fn client(&self, head: &Head) -> Option<Client> {
        let login = head.login.strip_prefix("Basic ")?;
        [Client::Go, Client::Vcs].into_iter().find(|client| {
            let (name, password) = self.login(*client);
            login == BASE64_STANDARD.encode(format!("{name}:{password}"))
        })
    }

    /// One connection: one request. That a client breaks off is its own affair.
    async fn serve(&self, mut stream: TcpStream) {
        let Ok(Ok(head)) = timeout(HEAD_TIMEOUT, Head::read(&mut stream)).await else { return };
        let answer = match (self.client(&head), head.method.as_str()) {
            (None, _) => answer("407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"direct\"", ""),
            (Some(Client::Vcs), "CONNECT") => match self.tunnel(stream, head).await {
                Some(returned) => {
                    stream = returned;
                    answer("403 Forbidden", "")
                }
                None => return,
            },
            (Some(Client::Go), "GET") => self.page(&head).await,
            (Some(_), _) => answer("403 Forbidden", ""),
        };
        let _ = stream.write_all(answer.as_bytes()).await;
        let _ = stream.shutdown().await;
    }

    /// Carries a tunnel to its end; gives the stream back where there is to be none.
    async fn tunnel(&self, mut stream: TcpStream, head: Head) -> Option<TcpStream> {
        let (host, port) = head.target.rsplit_once(':').unwrap_or((&head.target, ""));
        let connected = match public_name(host) {
            Ok(_) if port != PORT.to_string() => {
                Err(Trouble::Refused(format!("{host}: public modules are fetched from port {PORT} alone")))
            }
            Ok(name) => network::connect(&*self.access.network, &self.access.outward, &name, self.access.connect).await,
            Err(trouble) => Err(trouble),
        };
        let mut there = match connected {
            Ok(there) => there,
            Err(trouble) => {
                self.troubles.note(trouble);
                return Some(stream);
            }
        };
        let opened = async {
            stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
            there.write_all(&head.rest).await
        };
        if opened.await.is_ok()
            && let Err(trouble) = tunnel::carry(stream, there, host, &self.meter, self.access.silence).await
        {
            self.troubles.note(trouble);
        }
        None
    }

    /// The go-import page that the go command asks for.
    async fn page(&self, head: &Head) -> String {
        let path = head.target.strip_prefix("http://").and_then(|target| target.strip_suffix("?go-get=1"));
        let Some(path) = path else { return answer("403 Forbidden", "") };
        let host = path.split_once('/').map_or(path, |(host, _)| host);
        let came = async {
            public_name(host)?;
            let certificates = self.access.certificates.as_deref();
            let client = || async { page::client(&self.url(Client::Vcs), certificates, self.access.silence) };
            let client = self.http.get_or_try_init(client).await.map_err(|why| {
                tracing::warn!("direct: cannot ask over https: {why}");
                Trouble::Unreachable(host.to_owned())
            })?;
            page::page(client, path, &self.troubles).await
        };
        match came.await {
            Ok(page) => answer(&format!("{} {}", page.status, reason(page.status)), &page.body),
            Err(trouble) => {
                // What its tunnel met says more.
                if self.troubles.is_none() || matches!(trouble, Trouble::Refused(_) | Trouble::NotPublic(_)) {
                    self.troubles.note(trouble);
                }
                answer("502 Bad Gateway", "")
            }
        }
    }
}

fn reason(status: u16) -> &'static str {
    let status = reqwest::StatusCode::from_u16(status).ok();
    status.and_then(|status| status.canonical_reason()).unwrap_or("Unknown")
}

fn answer(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::net::IpAddr;
    use std::sync::Mutex;

    use futures_util::FutureExt as _;
    use futures_util::future::BoxFuture;
    use tokio::io::AsyncReadExt as _;

    use super::*;

    /// Names that lead somewhere, and a server on loopback in the place of every public address.
    #[derive(Debug)]
    struct Fake {
        server: SocketAddr,
        contacts: Mutex<Vec<SocketAddr>>,
    }

    impl Network for Fake {
        fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
            let addresses: &[&str] = match host {
                "public.example" => &["8.8.8.8"],
                "both.example" => &["10.0.0.5", "::1", "8.8.8.8", "fd00::1"],
                "inner.example" => &["10.0.0.5"],
                "local.example" => &["127.0.0.1", "::1"],
                "metadata.example" => &["169.254.169.254"],
                "nat64.example" => &["64:ff9b::10.0.0.5"],
                _ => return async { Err(io::ErrorKind::NotFound.into()) }.boxed(),
            };
            let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
            async { Ok(addresses) }.boxed()
        }

        fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<TcpStream>> {
            self.contacts.lock().unwrap().push(address);
            TcpStream::connect(self.server).boxed()
        }
    }

    /// A server that sends back what it gets, or nothing at all.
    async fn server(answers: bool) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    if answers {
                        let _ = tokio::io::copy(&mut from, &mut to).await;
                    } else {
                        let _ = tokio::io::copy(&mut from, &mut tokio::io::sink()).await;
                        std::future::pending::<()>().await;
                    }
                });
            }
        });
        address
    }

    async fn guard(answers: bool, outward: Outward) -> (Guard, Arc<Fake>) {
        let fake = Arc::new(Fake { server: server(answers).await, contacts: Mutex::default() });
        let network: Arc<dyn Network> = Arc::<Fake>::clone(&fake);
        let access = PublicAccess {
            network,
            outward: Arc::new(outward),
            certificates: None,
            connect: Duration::from_secs(30),
            silence: if answers { Duration::from_secs(60) } else { Duration::from_millis(20) },
            bytes: 1000,
        };
        (Guard::open(&access, Arc::default()).await.unwrap(), fake)
    }

    /// The status that a request gets; after 200, what comes back through the tunnel.
    async fn ask(guard: &Guard, login: &str, request: &str, through: &[u8]) -> (String, Vec<u8>) {
        let mut stream = TcpStream::connect(guard.address()).await.unwrap();
        let login = BASE64_STANDARD.encode(login);
        let head = format!("{request} HTTP/1.1\r\nProxy-Authorization: Basic {login}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        if request.starts_with("CONNECT") {
            while !bytes.ends_with(b"\r\n\r\n") && stream.read_buf(&mut bytes).await.unwrap() > 0 {}
        }
        let _ = stream.write_all(through).await;
        let _ = stream.shutdown().await;
        let _ = stream.read_to_end(&mut bytes).await;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, rest) = text.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().to_owned(), rest.as_bytes().to_vec())
    }

    fn login(guard: &Guard, client: Client) -> String {
        let (name, password) = guard.login(client);
        format!("{name}:{password}")
    }

    #[tokio::test]
    async fn tunnels_lead_to_public_addresses_and_port_443_alone() {
        let (guard, network) = guard(true, Outward::proxy("")).await;
        let vcs = login(&guard, Client::Vcs);
        for host in ["public.example", "PUBLIC.example.", "both.example"] {
            let (status, echo) = ask(&guard, &vcs, &format!("CONNECT {host}:443"), b"hello").await;
            assert_eq!((status.as_str(), echo.as_slice()), ("200", b"hello".as_slice()), "{host}");
            assert_eq!(guard.trouble(), None);
        }
        let public: SocketAddr = "8.8.8.8:443".parse().unwrap();
        assert_eq!(*network.contacts.lock().unwrap(), [public; 3]);
        for target in [
            "inner.example:443",
            "local.example:443",
            "metadata.example:443",
            "nat64.example:443",
            "127.0.0.1:443",
            "[::1]:443",
            "8.8.8.8:443",
            "localhost:443",
            "intranet:443",
            "127.1:443",
            "public.example:22",
            "public.example:80",
            "public.example:",
            "public.example",
            "",
        ] {
            let (status, _) = ask(&guard, &vcs, &format!("CONNECT {target}"), b"").await;
            assert_eq!(status, "403", "{target}");
            let trouble = guard.trouble().unwrap();
            assert!(matches!(trouble, Trouble::Refused(_) | Trouble::NotPublic(_)), "{target}: {trouble:?}");
            let failed = trouble.failed();
            assert_eq!(failed.kind, FailureKind::Forbidden, "{target}");
            assert!(!failed.why.contains("10.0.0.5") && !failed.why.contains("169.254"), "{}", failed.why);
        }
        assert_eq!(ask(&guard, &vcs, "CONNECT nowhere.example:443", b"").await.0, "403");
        assert_eq!(guard.trouble(), Some(Trouble::Unresolved("nowhere.example".to_owned())));
        assert_eq!(network.contacts.lock().unwrap().len(), 3, "nobody else is contacted");
    }

    #[tokio::test]
    async fn each_client_gets_its_own_kind_of_request() {
        let (guard, network) = guard(true, Outward::proxy("")).await;
        let (go, vcs) = (login(&guard, Client::Go), login(&guard, Client::Vcs));
        for (login, request, status) in [
            ("", "CONNECT public.example:443", "407"),
            ("vcs:wrong", "CONNECT public.example:443", "407"),
            ("", "GET http://public.example/m?go-get=1", "407"),
            (go.as_str(), "CONNECT public.example:443", "403"),
            (go.as_str(), "CONNECT 127.0.0.1:443", "403"),
            (go.as_str(), "GET http://public.example/m", "403"),
            (go.as_str(), "GET https://public.example/m?go-get=1", "403"),
            (go.as_str(), "POST http://public.example/m?go-get=1", "403"),
            (vcs.as_str(), "GET http://public.example/m?go-get=1", "403"),
        ] {
            assert_eq!(ask(&guard, login, request, b"").await.0, status, "{login} {request}");
            assert_eq!(guard.trouble(), None, "{request}");
        }
        for host in ["127.0.0.1", "[::1]", "localhost", "inner.example", "public.example:8443"] {
            assert_eq!(ask(&guard, &go, &format!("GET http://{host}/m?go-get=1"), b"").await.0, "502", "{host}");
            assert!(matches!(guard.trouble(), Some(Trouble::NotPublic(_))), "{host}");
        }
        assert!(network.contacts.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn bytes_and_silence_are_bounded() {
        let (talking, _) = guard(true, Outward::proxy("")).await;
        let vcs = login(&talking, Client::Vcs);
        assert_eq!(ask(&talking, &vcs, "CONNECT public.example:443", &[b'x'; 400]).await.1.len(), 400);
        assert_eq!(talking.trouble(), None);
        ask(&talking, &vcs, "CONNECT public.example:443", &[b'x'; 400]).await;
        assert_eq!(talking.trouble(), Some(Trouble::TooMuch(1000)));
        let (silent, _) = guard(false, Outward::proxy("")).await;
        let vcs = login(&silent, Client::Vcs);
        assert_eq!(ask(&silent, &vcs, "CONNECT public.example:443", b"hello").await, ("200".to_owned(), Vec::new()));
        assert_eq!(silent.trouble(), Some(Trouble::Silent("public.example".to_owned())));
    }

    #[tokio::test]
    async fn connections_end_with_the_guard() {
        let (guard, _) = guard(true, Outward::proxy("")).await;
        let login = BASE64_STANDARD.encode(login(&guard, Client::Vcs));
        let mut stream = TcpStream::connect(guard.address()).await.unwrap();
        let head = format!("CONNECT public.example:443 HTTP/1.1\r\nProxy-Authorization: Basic {login}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut first = [0; 12];
        stream.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
        drop(guard);
        let mut rest = Vec::new();
        let ended = stream.read_to_end(&mut rest).await;
        assert!(ended.is_err() || rest.ends_with(b"\r\n\r\n"), "{ended:?}");
    }

    #[tokio::test]
    async fn the_operators_proxy_is_used_where_there_is_one() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let outward = Outward::proxy(&format!("http://me:pw@{}", listener.local_addr().unwrap()));
        let (guard, network) = guard(true, outward).await;
        let vcs = login(&guard, Client::Vcs);
        let proxy = async {
            let mut targets = Vec::new();
            for _ in 0..2 {
                let (mut stream, _) = listener.accept().await.unwrap();
                let head = Head::read(&mut stream).await.unwrap();
                targets.push((head.target, head.login));
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                let (mut from, mut to) = stream.split();
                tokio::io::copy(&mut from, &mut to).await.unwrap();
            }
            targets
        };
        let asking = async {
            // Its name may be known to the proxy alone.
            for host in ["public.example", "nowhere.example"] {
                let (status, rest) = ask(&guard, &vcs, &format!("CONNECT {host}:443"), b"hi").await;
                assert_eq!((status.as_str(), rest.as_slice()), ("200", b"hi".as_slice()));
            }
            for host in ["inner.example", "127.0.0.1", "localhost"] {
                assert_eq!(ask(&guard, &vcs, &format!("CONNECT {host}:443"), b"").await.0, "403", "{host}");
            }
        };
        let (targets, ()) = tokio::join!(proxy, asking);
        let login = format!("Basic {}", BASE64_STANDARD.encode("me:pw"));
        let expected = ["public.example:443", "nowhere.example:443"].map(|target| (target.to_owned(), login.clone()));
        assert_eq!(targets, expected);
        assert!(network.contacts.lock().unwrap().is_empty());
    }
}

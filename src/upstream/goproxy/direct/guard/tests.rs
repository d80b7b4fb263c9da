//! The guard as its clients see it: what it refuses, what it carries, and when it ends.

#![allow(clippy::unwrap_used, reason = "a panic is a failed test")]

use std::net::IpAddr;
use std::sync::Mutex;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;
use crate::upstream::goproxy::direct::network::Network;
use crate::upstream::goproxy::direct::outward::Outward;

/// Names with addresses, and a server on loopback in the place of every public address.
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

fn login(guard: &Guard, client: GuardClient) -> String {
    let (name, password) = guard.login(client);
    format!("{name}:{password}")
}

#[tokio::test]
async fn tunnels_lead_to_public_addresses_and_port_443_alone() {
    let (guard, network) = guard(true, Outward::proxy("")).await;
    let vcs = login(&guard, GuardClient::Vcs);
    for host in ["public.example", "PUBLIC.example.", "both.example"] {
        let (status, echo) = ask(&guard, &vcs, &format!("CONNECT {host}:443"), b"hello").await;
        assert_eq!((status.as_str(), echo.as_slice()), ("200", b"hello".as_slice()), "{host}");
        assert_eq!(guard.host_error(), None);
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
        let host_error = guard.host_error().unwrap();
        assert!(matches!(host_error, HostError::Refused(_) | HostError::NotPublic(_)), "{target}: {host_error:?}");
        let failed = host_error.failed();
        assert_eq!(failed.kind, FailureKind::Forbidden, "{target}");
        assert!(!failed.why.contains("10.0.0.5") && !failed.why.contains("169.254"), "{}", failed.why);
    }
    assert_eq!(ask(&guard, &vcs, "CONNECT nowhere.example:443", b"").await.0, "403");
    assert_eq!(guard.host_error(), Some(HostError::Unresolved("nowhere.example".to_owned())));
    assert_eq!(network.contacts.lock().unwrap().len(), 3, "nobody else is contacted");
}

#[tokio::test]
async fn each_client_gets_its_own_kind_of_request() {
    let (guard, network) = guard(true, Outward::proxy("")).await;
    let (go, vcs) = (login(&guard, GuardClient::Go), login(&guard, GuardClient::Vcs));
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
        assert_eq!(guard.host_error(), None, "{request}");
    }
    for host in ["127.0.0.1", "[::1]", "localhost", "inner.example", "public.example:8443"] {
        assert_eq!(ask(&guard, &go, &format!("GET http://{host}/m?go-get=1"), b"").await.0, "502", "{host}");
        assert!(matches!(guard.host_error(), Some(HostError::NotPublic(_))), "{host}");
    }
    assert!(network.contacts.lock().unwrap().is_empty());
}

#[tokio::test]
async fn bytes_and_silence_are_bounded() {
    let (talking, _) = guard(true, Outward::proxy("")).await;
    let vcs = login(&talking, GuardClient::Vcs);
    assert_eq!(ask(&talking, &vcs, "CONNECT public.example:443", &[b'x'; 400]).await.1.len(), 400);
    assert_eq!(talking.host_error(), None);
    ask(&talking, &vcs, "CONNECT public.example:443", &[b'x'; 400]).await;
    assert_eq!(talking.host_error(), Some(HostError::TooManyBytes(1000)));
    let (silent, _) = guard(false, Outward::proxy("")).await;
    let vcs = login(&silent, GuardClient::Vcs);
    assert_eq!(ask(&silent, &vcs, "CONNECT public.example:443", b"hello").await, ("200".to_owned(), Vec::new()));
    assert_eq!(silent.host_error(), Some(HostError::Silent("public.example".to_owned())));
}

#[tokio::test]
async fn connections_end_with_the_guard() {
    let (guard, _) = guard(true, Outward::proxy("")).await;
    let login = BASE64_STANDARD.encode(login(&guard, GuardClient::Vcs));
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
    let vcs = login(&guard, GuardClient::Vcs);
    let proxy = async {
        let mut targets = Vec::new();
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().await.unwrap();
            let head = RequestHead::read(&mut stream).await.unwrap();
            targets.push((head.target, head.login));
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            let (mut from, mut to) = stream.split();
            tokio::io::copy(&mut from, &mut to).await.unwrap();
        }
        targets
    };
    let asking = async {
        // Only the proxy may know the name.
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

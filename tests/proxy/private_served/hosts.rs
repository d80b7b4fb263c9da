//! Who may ask for a private module, and how answers may be cached.

use std::net::SocketAddr;

use super::{LIST, PRIVATE, PUBLIC_ZIP, ZIP, leaked, with_private_zip};
use crate::client::{Reply, ask, get, raw};

/// One request over HTTP/1.1 with this head after the request line.
fn over_http1(at: SocketAddr, target: &str, host: &str) -> Reply {
    let head = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    Reply::parse(&raw(at, head.as_bytes()))
}

/// One request over HTTP/2 whose `:authority` is `host`; gives the status and the length of the body.
fn over_http2(at: SocketAddr, path: &str, host: &str) -> (u16, usize) {
    let client = reqwest::Client::builder().http2_prior_knowledge().no_proxy().resolve(host, at).build().unwrap();
    let url = format!("http://{host}:{}{path}", at.port());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let reply = client.get(url).send().await.unwrap();
        (reply.status().as_u16(), reply.bytes().await.unwrap().len())
    })
}

/// DNS rebinding: a page of attacker.example has its name resolve to 127.0.0.1 and reads what is served here.
#[test]
fn on_loopback_the_host_is_this_machine_or_configured() {
    let (site, _private, server) = with_private_zip(&["--host", "goproxy.corp.example", "--host", "Other.example"]);
    let (at, port) = (server.at(), server.at().port());
    for host in [
        "localhost",
        "LOCALHOST",
        "localhost.",
        "app.localhost",
        "127.0.0.1",
        "127.8.8.8",
        "[::1]",
        "10.0.0.7",
        "goproxy.corp.example",
        "GoProxy.Corp.Example.",
        "other.example",
    ] {
        for host in [host.to_owned(), format!("{host}:{port}")] {
            let reply = over_http1(at, ZIP, &host);
            assert_eq!((reply.status, reply.body.len() > 5_000), (200, true), "{host}: {reply:?}");
        }
    }
    assert!(leaked(&site).is_empty());
    server.stop();
}

#[test]
fn other_hosts_are_refused() {
    let (site, _private, server) = with_private_zip(&["--host", "goproxy.corp.example"]);
    let at = server.at();
    for host in [
        "attacker.example",
        "localhost.attacker.example",
        "127.0.0.1.attacker.example",
        "notlocalhost",
        "localhost@attacker.example",
        "attacker.example@localhost",
        "corp.example",
        "x.goproxy.corp.example",
        "goproxy.corp.example..",
        "0x7f.0.0.1",
        "127.1",
        "[::1",
        "::1",
        "localhost:port",
        "a b",
        "",
    ] {
        for path in [ZIP, LIST, PUBLIC_ZIP, "/", "/latest", "/metrics", "/readyz", "/nothing"] {
            let reply = over_http1(at, path, host);
            assert_eq!(
                (reply.status, reply.header("cache-control")),
                (403, Some("no-store")),
                "{host:?} {path}: {reply:?}"
            );
            assert!(reply.text().contains("--host"), "{reply:?}");
            assert!(
                reply.text().lines().count() <= 8 && reply.text().lines().all(|line| line.len() <= 80),
                "{reply:?}"
            );
        }
        assert_eq!(over_http1(at, "/healthz", host).status, 200, "{host:?}");
    }
    assert!(leaked(&site).is_empty());
    let said = server.stop();
    assert!(said.contains("WARN") && said.contains("attacker.example") && said.contains("--host"), "{said}");
}

#[test]
fn every_host_that_a_request_names_counts() {
    let (_site, _private, server) = with_private_zip(&["--host", "goproxy.corp.example"]);
    let at = server.at();
    let target = |host: &str| format!("http://{host}{ZIP}");
    assert_eq!(over_http1(at, &target("attacker.example"), "localhost").status, 403);
    assert_eq!(over_http1(at, &target("localhost"), "attacker.example").status, 403);
    assert_eq!(over_http1(at, &target("localhost"), "localhost").status, 200);
    // What a proxy says in other headers is not believed.
    let head = format!("GET {ZIP} HTTP/1.1\r\nHost: attacker.example\r\nX-Forwarded-Host: localhost\r\n");
    let reply =
        Reply::parse(&raw(at, format!("{head}Forwarded: host=localhost\r\nConnection: close\r\n\r\n").as_bytes()));
    assert_eq!(reply.status, 403);
    // No browser leaves the host out; a health check of HTTP/1.0 does.
    assert_eq!(Reply::parse(&raw(at, format!("GET {ZIP} HTTP/1.0\r\n\r\n").as_bytes())).status, 200);
    for (host, status) in [
        ("localhost", 200),
        ("goproxy.corp.example", 200),
        ("attacker.example", 403),
        ("localhost.attacker.example", 403),
    ] {
        let (got, len) = over_http2(at, ZIP, host);
        assert_eq!((got, len > 5_000), (status, status == 200), "{host}");
        assert_eq!(over_http2(at, "/healthz", host).0, 200, "{host}");
    }
    server.stop();
}

/// Readers of `/` copy its lines into a shell: it must not hold text that a third party chose.
#[test]
fn the_front_page_is_of_the_host_that_was_asked_and_kept_by_nobody() {
    let (_site, _private, server) = with_private_zip(&["--host", "goproxy.corp.example"]);
    for host in ["goproxy.corp.example", "localhost:1234", "[::1]:80", "127.0.0.1"] {
        let page = over_http1(server.at(), "/", host);
        assert!(page.text().contains(&format!("GOPROXY=http://{host},direct")), "{page:?}");
        assert_eq!(
            (page.header("cache-control"), page.header("vary")),
            (Some("no-store"), Some("accept, host")),
            "{page:?}"
        );
    }
    let page = Reply::parse(&raw(server.at(), b"GET / HTTP/1.0\r\n\r\n"));
    assert!(page.text().contains("http://THIS-SERVER"), "{page:?}");
    server.stop();
}

/// A cache that many share, between this server and its clients, keeps nothing of a private module.
#[test]
fn answers_about_private_modules_are_for_their_client_alone() {
    let (_site, _private, server) = with_private_zip(&[]);
    for path in PRIVATE.into_iter().chain([ZIP, LIST]) {
        let reply = get(server.at(), path);
        let said = reply.header("cache-control").unwrap();
        assert!(!said.contains("public") && (said.contains("private") || said == "no-store"), "{path}: {said}");
    }
    let etag = get(server.at(), ZIP).header("etag").unwrap().to_owned();
    let held = ask(server.at(), "GET", ZIP, &[("If-None-Match", &etag)]);
    assert_eq!((held.status, held.header("cache-control").unwrap().contains("private")), (304, true));
    for path in [PUBLIC_ZIP, "/example.com/a/@v/list"] {
        let said = get(server.at(), path);
        assert!(said.header("cache-control").unwrap().starts_with("public, max-age="), "{path}");
    }
    server.stop();
}

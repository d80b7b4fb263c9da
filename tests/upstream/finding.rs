//! The order of the sources of a database, how each stands in for those before it, and requests through an HTTP proxy of the
//! environment.

use std::process::{Command, Stdio};

use gosumcheck::fault::{Cause, Fault};
use gosumcheck::upstream::{BreakerState, Candidate, Got, Http, Upstreams, candidates};

use crate::server::*;

const NAME: &str = "sum.golang.org";
const DIRECT: &str = "https://sum.golang.org";
const OTHER: &str = "https://sum.golang.google.cn";

fn order(name: &str, named: &[&str], lists: &[&[&str]]) -> Result<Vec<String>, Fault> {
    let named: Vec<String> = named.iter().map(|url| (*url).to_owned()).collect();
    let lists: Vec<Vec<&str>> = lists.iter().map(|list| list.to_vec()).collect();
    Ok(candidates(name, &named, &lists)?.iter().map(|candidate| candidate.base.to_string()).collect())
}

/// The sources of a database whose own name leads nowhere, behind the proxies of a list.
fn behind(list: &[&str]) -> Upstreams {
    let found = candidates("localhost:1/sumdb", &[], &[list.to_vec()]).unwrap();
    let http = Http::new(quick());
    Upstreams::found(found.into_iter().map(|candidate: Candidate| (candidate, http.clone())).collect(), false)
}

fn relayed(path: &str) -> String {
    format!("/sumdb/localhost:1/sumdb/{path}")
}

async fn body(upstreams: &Upstreams, path: &str) -> Option<(String, usize)> {
    match upstreams.fetch(path, 100).await {
        Ok(Got::Body(bytes, base)) => Some((String::from_utf8(bytes).unwrap(), base)),
        _ => None,
    }
}

#[test]
fn relays_come_first_then_the_database_then_its_other_name() {
    for list in [&[][..], &["direct"], &["off"], &["noproxy", "direct"]] {
        assert_eq!(order(NAME, &[], &[list]).unwrap(), [DIRECT, OTHER]);
    }
    let own = ["https://a.example", "https://b.example/x", "direct", "https://never.example"];
    let go = ["https://b.example/x", "https://c.example", "off"];
    let relay = |url: &str| format!("{url}/sumdb/{NAME}");
    let [a, b, c] = ["https://a.example", "https://b.example/x", "https://c.example"].map(relay);
    assert_eq!(order(NAME, &[], &[&own, &go]).unwrap(), [&a, &b, &c, DIRECT, OTHER]);
    assert_eq!(order("sum.example", &[], &[&[]]).unwrap(), ["https://sum.example"]);
    // What the user named is asked, and nobody else.
    assert_eq!(order(NAME, &["http://m.example", OTHER], &[&own, &go]).unwrap(), ["http://m.example", OTHER]);
    assert!(matches!(order(NAME, &[], &[&["ftp://x"]]), Err(Fault::Usage(_))));
}

#[tokio::test]
async fn the_first_proxy_that_relays_it_is_used_and_each_is_asked_once_whether_it_does() {
    let relays = Server::start(|path, _| status(200, path)).await;
    let not = Server::start(|_, n| status(if n % 2 == 0 { 404 } else { 410 }, "")).await;
    let later = Server::start(|_, _| status(200, "")).await;
    let sources = behind(&[&not.url, &relays.url, &later.url]);
    for path in ["latest", "lookup/a.example@v1.0.0", "latest"] {
        assert_eq!(body(&sources, path).await, Some((relayed(path), 1)));
    }
    assert_eq!(not.paths(), [relayed("supported")]);
    assert_eq!(relays.paths()[0], relayed("supported"));
    assert_eq!((relays.paths().len(), later.paths().len()), (4, 0));
    let used: Vec<bool> = sources.standings().iter().map(|standing| standing.is_used).collect();
    assert_eq!(used, [false, true, false, false]);
}

#[tokio::test]
async fn a_relay_that_fails_lies_or_lacks_an_answer_is_followed_by_the_next() {
    let good = Server::start(|_, _| status(200, "good")).await;
    let supported = |path: &str| path.ends_with("/supported");
    let broken = Server::start(|_, _| status(403, "no")).await;
    let lacks = Server::start(move |path, _| status(if supported(path) { 200 } else { 404 }, "")).await;
    let lies = Server::start(|_, _| status(200, "lie")).await;
    let dead = dead_url().await;
    for bad in [&broken.url, &lacks.url, &lies.url, &dead] {
        let sources = behind(&[bad, &good.url]);
        let judge = |bytes: Vec<u8>| match bytes.as_slice() {
            b"good" => Ok(bytes),
            _ => Err(gosumcheck::sumdb::Error::malformed("answer", "a lie")),
        };
        let got = sources.fetch_where("lookup/a.example@v1.0.0", 100, judge).await.unwrap();
        assert_eq!(got, Got::Body(b"good".to_vec(), 1), "{bad}");
    }
}

#[tokio::test]
async fn a_no_of_a_relay_is_asked_of_the_database_too() {
    let lacks = Server::start(|path, _| status(if path.ends_with("/supported") { 200 } else { 404 }, "")).await;
    // The database itself cannot be reached, so nobody knows.
    let fault = behind(&[&lacks.url]).fetch("lookup/a.example@v1.0.0", 100).await.unwrap_err();
    let text = fault.to_string();
    assert!(text.contains("404 Not Found") && text.contains("https://localhost:1/sumdb: cannot connect"), "{text}");
    assert_eq!(fault.cause(), Some(Cause::Upstream));
}

#[tokio::test]
async fn where_nothing_answers_all_that_was_tried_is_named() {
    let not = Server::start(|_, _| status(404, "")).await;
    let dead = dead_url().await;
    let text = behind(&[&not.url, &dead]).fetch("latest", 100).await.unwrap_err().to_string();
    for tried in [not.url.as_str(), "does not relay the database", &dead, "https://localhost:1/sumdb"] {
        assert!(text.contains(tried), "{tried}: {text}");
    }
}

#[tokio::test]
async fn a_source_that_cannot_be_used_at_all_is_asked_a_handful_of_times() {
    let good = Server::start(|_, _| status(200, "good")).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    // Connections are taken, and no certificate is ever given: the handshake fails.
    let url = format!("https://{}", listener.local_addr().unwrap());
    let tried = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = tried.clone();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            drop(socket);
        }
    });
    let sources = upstreams(&[&url, &good.url]);
    let asked: Vec<String> = (0..1000).map(|n| format!("lookup/a.example@v1.0.{n}")).collect();
    let answers = asked.iter().map(|path| sources.fetch(path, 100));
    for answer in futures_util::future::join_all(answers).await {
        assert_eq!(answer.unwrap(), Got::Body(b"good".to_vec(), 1));
    }
    let tried = tried.load(std::sync::atomic::Ordering::Relaxed);
    assert!((1..=9).contains(&tried), "{tried} connections");
    assert_eq!(sources.standings()[0].breaker, BreakerState::Open);
}

#[tokio::test]
async fn a_tree_of_modules_can_be_the_relay() {
    let root = tempfile::tempdir().unwrap();
    let url = format!("file://{}", root.path().display());
    let below = root.path().join("sumdb/localhost:1/sumdb");
    std::fs::create_dir_all(&below).unwrap();
    std::fs::write(below.join("latest"), "head").unwrap();
    assert_eq!(body(&behind(&[&url]), "latest").await, None);
    std::fs::write(below.join("supported"), "yes").unwrap();
    assert_eq!(body(&behind(&[&url]), "latest").await, Some(("head".to_owned(), 0)));
}

const ASK: &str = "GOSUMCHECK_TEST_ASK";

/// What each process of the test below does.
async fn ask(url: &str) {
    assert_eq!(upstreams(&[url]).fetch("latest", 100).await.unwrap(), Got::Body(b"ok".to_vec(), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proxy_of_the_environment_is_asked_but_not_for_this_machine() {
    if let Ok(url) = std::env::var(ASK) {
        return ask(&url).await; // this is one of the two
    }
    let proxy = Server::start(|_, _| status(200, "ok")).await;
    let near = Server::start(|_, _| status(200, "ok")).await;
    for url in ["http://sum.test", &near.url] {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "finding::the_proxy_of_the_environment_is_asked_but_not_for_this_machine"]);
        command.env(ASK, url).env("HTTP_PROXY", &proxy.url);
        command.env("http_proxy", &proxy.url).env_remove("NO_PROXY").env_remove("no_proxy").stdout(Stdio::null());
        let status = tokio::task::spawn_blocking(move || command.status().unwrap()).await.unwrap();
        assert!(status.success(), "{url}");
    }
    assert_eq!(proxy.paths(), ["http://sum.test/latest"]);
    assert_eq!(near.paths(), ["/latest"]);
}

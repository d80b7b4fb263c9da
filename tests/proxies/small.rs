//! Small requests: their paths, what counts as an answer, and when the next proxy may be tried.

use gosumcheck::upstream::{Failure, FailureKind, Fetched, Proxies, ProxyEntry, ProxyPlace};

use crate::server::*;
use crate::world::*;

#[tokio::test]
async fn each_question_is_asked_in_its_spelling_and_answered_with_its_origin() {
    let server = Server::start(|asked, _| {
        let etag = if asked.path.ends_with(".mod") { "\"h1\"" } else { "\"other\"" };
        answer(200, &asked.path).with("etag", etag).with("set-cookie", "s3cret").with("server", "mirror\u{202e}")
    })
    .await;
    let proxies = proxies(&[&format!("{}/go/", server.url)]);
    let spellings = [
        ("example.com/m/@v/list", "/go/example.com/m/@v/list"),
        ("example.com/!big/@latest", "/go/example.com/!big/@latest"),
        ("example.com/m/@v/v1.2.3.info", "/go/example.com/m/@v/v1.2.3.info"),
        ("example.com/m/@v/v2.0.0+incompatible.mod", "/go/example.com/m/@v/v2.0.0+incompatible.mod"),
        ("example.com/m/@v/a#b [c].info", "/go/example.com/m/@v/a%23b%20%5Bc%5D.info"),
    ];
    for (asked, path) in spellings {
        assert_eq!(body(fetch(&proxies, asked).await), path);
    }
    assert!(server.paths().iter().eq(spellings.iter().map(|(_, path)| *path)));
    let Fetched::Body(_, origin) = fetch(&proxies, "example.com/m/@v/v1.2.3.mod").await.unwrap() else { panic!() };
    assert_eq!(origin.place, format!("{}/go/example.com/m/@v/v1.2.3.mod", server.url));
    assert!(origin.headers.contains(&("etag".to_owned(), "\"h1\"".to_owned())));
    assert!(origin.headers.contains(&("server".to_owned(), "mirror\\u{202e}".to_owned())));
    assert!(!format!("{origin:?}").contains("s3cret"));
    let states = proxies.states();
    assert_eq!((states[0].requests, states[0].failures), (6, 0));
    assert_eq!(proxies.name(0), format!("{}/go", server.url));
    assert_eq!((proxies.len(), proxies.name(1)), (1, ""));
}

#[tokio::test]
async fn absence_comes_only_from_404_and_410() {
    for code in [404, 410] {
        let server = Server::start(move |_, _| text(code, "not found: m@v1: no such tag\n")).await;
        let proxies = proxies(&[&server.url]);
        let words = missing(fetch(&proxies, "example.com/m/@v/list").await);
        assert!(words.ends_with("(server says: not found: m@v1: no such tag)"), "{words}");
        assert_eq!(server.asked().len(), 1);
        assert_eq!(proxies.complaints()[0].lacked, 1);
    }
}

#[tokio::test]
async fn every_other_status_is_a_failure_of_its_kind() {
    for (code, kind, requests) in [
        (201, FailureKind::Answer(201), 1),
        (204, FailureKind::Answer(204), 1),
        (206, FailureKind::Answer(206), 1),
        (304, FailureKind::Answer(304), 1),
        (302, FailureKind::Redirect, 1),
        (400, FailureKind::Denied(400), 1),
        (401, FailureKind::Denied(401), 1),
        (403, FailureKind::Denied(403), 1),
        (451, FailureKind::Denied(451), 1),
        (429, FailureKind::Denied(429), 3),
        (500, FailureKind::Busy, 3),
        (502, FailureKind::Busy, 3),
        (503, FailureKind::Busy, 3),
    ] {
        let body = if code == 204 || code == 304 { "" } else { "words" };
        let server = Server::start(move |_, _| text(code, body)).await;
        let mut entries = vec![entry(&server.url, quick()), entry(&server.url, quick())];
        entries[1].falls_back = true;
        let proxies = Proxies::new(entries);
        let failure = fetch(&proxies, "example.com/m/@v/list").await.unwrap_err();
        assert_eq!((failure.kind, server.asked().len()), (kind, requests), "{failure}");
        assert!(failure.to_string().starts_with(&format!("{}: {code}", server.url)), "{failure}");
        assert_eq!((proxies.goes_on(0, &failure), proxies.goes_on(1, &failure)), (false, true), "{failure}");
        assert_eq!(proxies.states()[0].failures, 1);
    }
}

#[tokio::test]
async fn what_no_status_tells() {
    let gone = dead_url().await;
    let broken = Server::start(|_, _| answer(200, "whole").cut(2, End::Close)).await;
    let hanging = Server::start(|_, _| answer(200, "whole").cut(2, End::Hang)).await;
    let long = Server::start(|_, _| answer(200, "x".repeat(LIMIT + 1))).await;
    let packed = Server::start(|_, _| answer(200, "\x1f\u{8b}").with("content-encoding", "gzip")).await;
    let plain = Server::start(|_, _| answer(200, "v1.0.0\n").with("content-encoding", "identity")).await;
    for (url, kind, why) in [
        (&gone, FailureKind::Unreachable, "cannot connect"),
        (&broken.url, FailureKind::Unreachable, "broke off after 2 bytes"),
        (&hanging.url, FailureKind::Timeout, "timed out: no data for 40ms"),
        (&long.url, FailureKind::TooLong, "longer than 1048576 bytes"),
        (&packed.url, FailureKind::Unreachable, "sends \"gzip\" bytes that cannot be unpacked"),
    ] {
        let settings = gosumcheck::upstream::Settings { silence: std::time::Duration::from_millis(40), ..quick() };
        let proxies = Proxies::new(vec![entry(url, settings)]);
        let failure = fetch(&proxies, "example.com/m/@v/list").await.unwrap_err();
        assert_eq!(failure.kind, kind, "{failure}");
        assert!(failure.why.contains(why), "{failure}");
        assert_eq!(proxies.goes_on(0, &failure), kind == FailureKind::TooLong, "{failure}");
    }
    assert_eq!(body(fetch(&proxies(&[&plain.url]), "example.com/m/@v/list").await), "v1.0.0\n");
}

#[tokio::test]
async fn a_server_that_asks_for_a_pause_gets_it_if_it_is_short() {
    let soon = Server::start(|_, n| match n {
        0 => text(429, "").with("retry-after", "0"),
        1 => text(503, "").with("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"),
        _ => answer(200, "v1.0.0\n"),
    })
    .await;
    assert_eq!(body(fetch(&proxies(&[&soon.url]), "example.com/m/@v/list").await), "v1.0.0\n");
    assert_eq!(soon.asked().len(), 3);
    let late = Server::start(|_, _| text(429, "").with("retry-after", "3600")).await;
    let failure = fetch(&proxies(&[&late.url]), "example.com/m/@v/list").await.unwrap_err();
    assert!(failure.why.ends_with("and asks to wait for 3600 s"), "{failure}");
    assert_eq!(late.asked().len(), 1);
}

#[tokio::test]
async fn off_is_a_no_and_a_full_disk_is_nobodys() {
    let proxies = Proxies::new(vec![ProxyEntry { place: ProxyPlace::Off, falls_back: false }]);
    let failure = fetch(&proxies, "example.com/m/@v/list").await.unwrap_err();
    assert_eq!(failure.to_string(), "off: module lookup disabled by GOPROXY=off");
    assert_eq!(failure.kind, FailureKind::Off);
    assert!(!proxies.goes_on(0, &failure));
    let full = Failure { kind: FailureKind::Disk, ..failure };
    assert!(!proxies.goes_on(0, &full));
    assert!(proxies.fetch(7, &asked("example.com/m/@v/list"), LIMIT).await.is_err());
}

#[tokio::test]
async fn refuted_bytes_are_reported() {
    let proxies = proxies(&["http://127.0.0.1:1"]);
    assert!(proxies.complaints().is_empty());
    proxies.refute(0, "h1 is another");
    proxies.refute(9, "nobody");
    assert_eq!(proxies.complaints()[0].to_string(), "http://127.0.0.1:1: 1 answers refused; first: h1 is another");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

/// As Go's client, which asks for gzip: an object store has some objects in no other form.
#[tokio::test]
async fn a_compressed_answer_is_unpacked_and_bounded() {
    let server = Server::start(|asked, _| match asked.path.as_str() {
        "/example.com/m/@v/list" => answer(200, gzip(b"v1.0.0\n")).with("content-encoding", "GZIP"),
        "/example.com/bomb/@v/list" => answer(200, gzip(&vec![b'\n'; LIMIT + 1])).with("content-encoding", "gzip"),
        "/example.com/denied/@v/list" => {
            let denied = answer(403, gzip(b"blocked by policy\n")).with("content-type", "text/plain");
            denied.with("content-encoding", "gzip")
        }
        // What no client library undoes is taken as it is.
        _ => answer(200, "v1.0.0\n").with("content-encoding", "utf-8"),
    })
    .await;
    let proxies = proxies(&[&server.url]);
    assert_eq!(body(fetch(&proxies, "example.com/m/@v/list").await), "v1.0.0\n");
    assert_eq!(body(fetch(&proxies, "example.com/plain/@v/list").await), "v1.0.0\n");
    let failure = fetch(&proxies, "example.com/bomb/@v/list").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::TooLong, "{failure}");
    let failure = fetch(&proxies, "example.com/denied/@v/list").await.unwrap_err();
    assert!(failure.why.contains("server says: blocked by policy"), "{failure}");
    assert!(server.asked().iter().all(|asked| asked.header("accept-encoding") == "identity"));
}

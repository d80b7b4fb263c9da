//! What counts as an answer, and what a request looks like.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gosumcheck::upstream::{Counts, Got};

use crate::server::*;

const LIMIT: usize = 1000;

#[tokio::test]
async fn an_answer_is_its_bytes_and_one_connection_carries_many() {
    let server = Server::start(|path, _| match path {
        "/missing" => status(404, "not found\n"),
        "/moved" => with(status(302, "moved\n"), "location", "/latest"),
        _ => status(200, path),
    })
    .await;
    let upstreams = upstreams(&[&server.url]);
    for path in ["lookup/a.example/m@v1.0.0", "tile/8/0/000", "tile/8/data/000", "latest", "moved"] {
        let expected = if path == "moved" { "/latest".to_owned() } else { format!("/{path}") };
        assert_eq!(upstreams.fetch(path, LIMIT).await.unwrap(), Got::Body(expected.into_bytes(), 0));
        assert!(matches!(upstreams.fetch("missing", LIMIT).await.unwrap(), Got::Absent(_)));
    }
    let asked = server.asked();
    assert_eq!(asked.len(), 11);
    assert!(asked.iter().all(|request| request.connection == asked[0].connection));
    let agent = asked[0].headers["user-agent"].to_str().unwrap();
    assert_eq!(agent, concat!("gosumcheck/", env!("CARGO_PKG_VERSION")));
    assert_eq!(asked[0].headers["accept-encoding"], "identity", "compressed bytes are not the bytes that were hashed");
    let counts = upstreams.counts();
    assert_eq!(
        counts,
        Counts { lookups: 1, tiles: 1, data_tiles: 1, heads: 1, others: 6, retries: 0, bytes: counts.bytes }
    );
    assert_eq!(upstreams.requests(), 10);
    assert_eq!(counts.bytes, 26 + 13 + 16 + 7 + 7);
}

#[tokio::test]
async fn absence_comes_only_from_404_and_410() {
    for code in [404, 410] {
        let server = Server::start(move |_, _| status(code, "not found: m@v1: no\n such tag\n\nmore\n")).await;
        let Got::Absent(absence) = upstreams(&[&server.url]).fetch("lookup/m@v1", LIMIT).await.unwrap() else {
            panic!()
        };
        assert!(absence.authoritative);
        let words = format!("{} (server says: not found: m@v1: no / such tag)", reason(code));
        assert_eq!(absence.by, [format!("{}: {words}", server.url)]);
        assert_eq!(server.asked().len(), 1);
    }
}

#[tokio::test]
async fn other_statuses_are_failures_and_asked_once() {
    for code in [201, 204, 206, 300, 304, 400, 401, 403, 405, 451] {
        let server = Server::start(move |_, _| status(code, "")).await;
        let text = upstreams(&[&server.url]).fetch("latest", LIMIT).await.unwrap_err().to_string();
        assert!(text.starts_with(&format!("latest: {}: {code}", server.url)), "{text}");
        assert_eq!(server.asked().len(), 1, "{code}");
    }
}

#[tokio::test]
async fn bodies_are_bounded_whatever_they_claim() {
    let server = Server::start(|_, _| status(200, &"x".repeat(LIMIT))).await;
    let upstreams_of = |url: &str| upstreams(&[url]);
    assert!(
        matches!(upstreams_of(&server.url).fetch("latest", LIMIT).await.unwrap(), Got::Body(bytes, 0) if bytes.len() == LIMIT)
    );
    let too_long = upstreams_of(&server.url).fetch("latest", LIMIT - 1).await.unwrap_err().to_string();
    assert!(too_long.ends_with("the answer is longer than 999 bytes"), "{too_long}");

    let endless = Raw::start(b"HTTP/1.1 200 OK\r\n\r\n", End::Endless).await;
    let too_long = upstreams_of(&endless.url).fetch("latest", 100_000).await.unwrap_err().to_string();
    assert!(too_long.ends_with("the answer is longer than 100000 bytes"), "{too_long}");
    assert_eq!(*endless.connections.lock().unwrap(), 1);

    let lying = Raw::start(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999\r\n\r\n", End::Hang).await;
    let too_long = upstreams_of(&lying.url).fetch("latest", LIMIT).await.unwrap_err().to_string();
    assert!(too_long.ends_with("the answer is longer than 1000 bytes"), "{too_long}");
}

#[tokio::test]
async fn an_endless_error_text_is_cut() {
    let endless = Raw::start(b"HTTP/1.1 403 Forbidden\r\ncontent-type: text/plain\r\n\r\n\x1b[2J", End::Endless).await;
    let text = upstreams(&[&endless.url]).fetch("latest", LIMIT).await.unwrap_err().to_string();
    assert!(text.contains("403 Forbidden (server says: ?[2Jxxx") && text.len() < 200, "{text}");
}

#[tokio::test]
async fn redirects_end_and_passwords_do_not_travel() {
    let other = Server::start(|path, _| status(200, path)).await;
    let elsewhere = other.url.clone();
    let server = Server::start(move |path, _| match path {
        "/loop" => with(status(302, ""), "location", "/loop"),
        "/near" => with(status(307, ""), "location", "/there"),
        "/far" => with(status(301, ""), "location", &format!("{elsewhere}/far?sig=s3cret")),
        "/nowhere" => status(302, ""),
        "/file" => with(status(302, ""), "location", "file:///etc/passwd"),
        _ => status(200, path),
    })
    .await;
    let upstreams = upstreams(&[&server.url.replace("http://", "http://me:s3cret@")]);

    let looping = upstreams.fetch("loop", LIMIT).await.unwrap_err().to_string();
    assert!(looping.contains("stopped after 10 redirects, at http://127.0.0.1"), "{looping}");
    assert_eq!(server.asked().len(), 11);
    let nowhere = upstreams.fetch("nowhere", LIMIT).await.unwrap_err().to_string();
    assert!(nowhere.contains("302 Found without a Location header"), "{nowhere}");
    let file = upstreams.fetch("file", LIMIT).await.unwrap_err().to_string();
    assert!(file.contains("redirects to a file URL"), "{file}");

    assert_eq!(upstreams.fetch("near", LIMIT).await.unwrap(), Got::Body(b"/there".to_vec(), 0));
    let asked = server.asked();
    assert!(asked.iter().all(|request| request.headers["authorization"] == "Basic bWU6czNjcmV0"));
    assert_eq!(upstreams.fetch("far", LIMIT).await.unwrap(), Got::Body(b"/far?sig=s3cret".to_vec(), 0));
    assert!(!other.asked()[0].headers.contains_key("authorization"));
    assert!([looping, nowhere, file].iter().all(|text| !text.contains("s3cret")));
}

#[tokio::test]
async fn a_failure_behind_a_redirect_names_the_place_but_not_its_query() {
    let server = Server::start(|path, _| match path {
        "/latest" => with(status(302, ""), "location", "/elsewhere?sig=s3cret"),
        _ => status(403, "no"),
    })
    .await;
    let text = upstreams(&[&server.url]).fetch("latest", LIMIT).await.unwrap_err().to_string();
    let url = &server.url;
    assert_eq!(text, format!("latest: {url}: redirects to {url}/elsewhere: 403 Forbidden (server says: no)"));
}

#[tokio::test]
async fn requests_at_once_are_capped() {
    const CAP: usize = 3;
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (n, m) = (now.clone(), most.clone());
    // Only CAP requests at once pass the barrier; more would be seen in `most`.
    let barrier = Arc::new(tokio::sync::Barrier::new(CAP));
    let handler = move |_, _| {
        let (n, m, barrier) = (n.clone(), m.clone(), barrier.clone());
        async move {
            m.fetch_max(n.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            barrier.wait().await;
            n.fetch_sub(1, Ordering::SeqCst);
            status(200, "ok")
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    serve(listener, handler);
    let settings = gosumcheck::upstream::Settings { concurrency: CAP, ..quick() };
    let upstreams = upstreams_with(settings, &[&url]);
    let fetches = (0..CAP * 4).map(|_| upstreams.fetch("latest", LIMIT));
    for got in futures_util::future::join_all(fetches).await {
        assert_eq!(got.unwrap(), Got::Body(b"ok".to_vec(), 0));
    }
    assert_eq!(most.load(Ordering::SeqCst), CAP);
}

fn reason(code: u16) -> String {
    hyper::StatusCode::from_u16(code).unwrap().to_string()
}

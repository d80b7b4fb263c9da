//! What is retried, how often, and what the error says in the end.

use std::time::Duration;

use gosumcheck::upstream::{Got, Settings};

use crate::server::*;

const LIMIT: usize = 1000;

#[tokio::test]
async fn busy_servers_are_asked_again_until_they_answer() {
    for code in [429, 500, 502, 503, 504] {
        let server = Server::start(move |_, n| if n < 2 { status(code, "busy") } else { status(200, "ok") }).await;
        let upstreams = upstreams(&[&server.url]);
        assert_eq!(upstreams.fetch("latest", LIMIT).await.unwrap(), Got::Body(b"ok".to_vec(), 0));
        assert_eq!(server.asked().len(), 3);
        assert_eq!((upstreams.requests(), upstreams.counts().retries), (3, 2));
    }
}

#[tokio::test]
async fn tries_are_bounded_and_told() {
    let server = Server::start(|_, _| status(503, "come back later\n")).await;
    let text = upstreams(&[&server.url]).fetch("latest", LIMIT).await.unwrap_err().to_string();
    let said = "503 Service Unavailable (server says: come back later) (tried 3 times)";
    assert_eq!(text, format!("latest: {}: {said}", server.url));
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn retry_after_is_honoured_up_to_a_bound() {
    let soon = Server::start(|_, n| match n {
        0 => with(status(429, ""), "retry-after", "0"),
        1 => with(status(503, ""), "retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"),
        _ => status(200, "ok"),
    })
    .await;
    assert_eq!(upstreams(&[&soon.url]).fetch("latest", LIMIT).await.unwrap(), Got::Body(b"ok".to_vec(), 0));
    let late = Server::start(|_, _| with(status(429, ""), "retry-after", "3600")).await;
    let text = upstreams(&[&late.url]).fetch("latest", LIMIT).await.unwrap_err().to_string();
    assert!(text.ends_with("429 Too Many Requests, and asks to wait for 3600 s"), "{text}");
    assert_eq!(late.asked().len(), 1);
}

#[tokio::test]
async fn broken_connections_are_tried_again_and_told() {
    for (bytes, end, why) in [
        (&b""[..], End::Close, "connection closed"),
        (b"", End::Reset, "reset"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello", End::Close, "the answer broke off after 5 bytes: "),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n", End::Close, "broke off after 5 bytes"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", End::Close, "broke off after 0 bytes"),
        (b"220 smtp.example ESMTP\r\n", End::Close, "invalid HTTP"),
    ] {
        let server = Raw::start(bytes, end).await;
        let text = upstreams(&[&server.url]).fetch("latest", LIMIT).await.unwrap_err().to_string();
        assert!(text.contains(why) && text.ends_with("(tried 3 times)"), "{text}");
        assert_eq!(*server.connections.lock().unwrap(), 3, "{text}");
    }
}

#[tokio::test]
async fn silence_is_bounded_before_and_within_the_answer() {
    let silence = Duration::from_millis(40);
    for (bytes, why) in [
        (&b""[..], "timed out: no data for 40ms"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello", "broke off after 5 bytes: timed out: no data for 40ms"),
    ] {
        let server = Raw::start(bytes, End::Hang).await;
        let settings = Settings { silence, tries: 2, ..quick() };
        let text = upstreams_with(settings, &[&server.url]).fetch("latest", LIMIT).await.unwrap_err().to_string();
        assert!(text.contains(why) && text.ends_with("(tried 2 times)"), "{text}");
    }
    let server = Raw::start(b"", End::Hang).await;
    let settings = Settings { total: silence, tries: 1, ..quick() };
    let text = upstreams_with(settings, &[&server.url]).fetch("latest", LIMIT).await.unwrap_err().to_string();
    assert!(text.ends_with("timed out: not finished within 40ms"), "{text}");
}

#[tokio::test]
async fn a_dead_base_is_soon_not_asked_any_more() {
    let url = dead_url().await;
    let upstreams = upstreams(&[&url]);
    for _ in 0..10 {
        let text = upstreams.fetch("latest", LIMIT).await.unwrap_err().to_string();
        assert!(text.contains(": cannot connect: Connection refused"), "{text}");
    }
    assert_eq!(upstreams.requests(), 9, "three requests of three tries each, and then none");
}

#[tokio::test]
async fn a_server_that_answers_badly_is_still_asked() {
    let server = Server::start(|path, _| if path == "/bad" { status(500, "") } else { status(200, "ok") }).await;
    let upstreams = upstreams(&[&server.url]);
    for _ in 0..5 {
        assert!(upstreams.fetch("bad", LIMIT).await.is_err());
        assert!(matches!(upstreams.fetch("latest", LIMIT).await.unwrap(), Got::Body(..)));
    }
    assert_eq!(server.asked().len(), 20);
}

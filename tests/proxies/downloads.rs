//! Files: streamed in pieces, bounded in size and time, whole or not at all.

use std::time::Duration;

use gosumcheck::upstream::{FailureKind, Proxies, Sent, Settings};

use crate::server::*;
use crate::world::*;

#[tokio::test]
async fn a_file_comes_whole_and_as_it_is() {
    let bytes = noise(300_000);
    let served = bytes.clone();
    let server = Server::start(move |asked, _| file(asked, &served, "\"a\"")).await;
    let proxies = proxies(&[&server.url]);
    let mut sink = Memory::default();
    let Sent::Whole(origin) = download(&proxies, &mut sink).await.unwrap() else { panic!() };
    assert!(sink.bytes == bytes && sink.restarts == 0);
    assert_eq!((origin.place, origin.kept), (format!("{}/{ZIP}", server.url), 0));
    let asked = server.asked();
    assert_eq!((asked.len(), asked[0].path.as_str()), (1, "/example.com/m/@v/v1.0.0.zip"));
    assert_eq!((asked[0].header("accept-encoding"), asked[0].header("range")), ("identity", ""));
    let state = &proxies.states()[0];
    assert_eq!((state.requests, state.failures, state.bytes), (1, 0, 300_000));
}

#[tokio::test]
async fn an_absence_and_a_no_leave_the_sink_as_it_was() {
    for code in [404, 410] {
        let server = Server::start(move |_, _| text(code, "no such tag\n")).await;
        let mut sink = Memory::holding(b"begun");
        let Sent::Missing(words) = download(&proxies(&[&server.url]), &mut sink).await.unwrap() else { panic!() };
        assert!(words.ends_with("(server says: no such tag)"), "{words}");
        assert_eq!((sink.bytes.as_slice(), sink.restarts), (&b"begun"[..], 0));
    }
    for (code, kind) in [(403, FailureKind::Denied(403)), (503, FailureKind::Busy), (204, FailureKind::Answer(204))] {
        let server = Server::start(move |_, _| text(code, "")).await;
        let mut sink = Memory::holding(b"begun");
        let failure = download(&proxies(&[&server.url]), &mut sink).await.unwrap_err();
        assert_eq!(failure.kind, kind, "{failure}");
        assert_eq!((sink.bytes.as_slice(), sink.restarts), (&b"begun"[..], 0));
    }
}

#[tokio::test]
async fn redirects_lead_to_the_file_and_their_bodies_are_none() {
    let bytes = noise(5000);
    let served = bytes.clone();
    let storage = Server::start(move |asked, _| file(asked, &served, "\"a\"")).await;
    let location = format!("{}/bucket/1?sig=s3cret", storage.url);
    let server = Server::start(move |_, n| if n == 0 { moved("/again") } else { moved(&location) }).await;
    let proxies = proxies(&[&server.url.replace("http://", "http://me:s3cret@")]);
    let mut sink = Memory::default();
    let Sent::Whole(origin) = download(&proxies, &mut sink).await.unwrap() else { panic!() };
    assert!(sink.bytes == bytes);
    assert_eq!(origin.place, format!("{}/bucket/1", storage.url));
    assert_eq!(storage.paths(), ["/bucket/1?sig=s3cret"]);
    assert!(server.asked().iter().all(|asked| asked.header("authorization") == "Basic bWU6czNjcmV0"));
    assert_eq!(storage.asked()[0].header("authorization"), "");

    let gone = Server::start(|_, _| moved("/round")).await;
    let mut sink = Memory::default();
    let failure = download(&crate::world::proxies(&[&gone.url]), &mut sink).await.unwrap_err();
    assert_eq!((failure.kind, gone.asked().len(), sink.bytes.len()), (FailureKind::Redirect, 11, 0));
}

#[tokio::test]
async fn a_file_is_bounded_whatever_it_claims() {
    let claimed =
        Server::start(|_, _| answer(200, "x").with("content-length", "99999999999999").cut(1, End::Hang)).await;
    let unclaimed =
        Server::start(|_, _| answer(200, noise(LIMIT * 5)).without("content-length").cut(LIMIT * 5, End::Close)).await;
    let part = Server::start(|_, _| {
        answer(206, "x").with("content-range", "bytes 5-99999999999998/99999999999999").cut(1, End::Hang)
    })
    .await;
    for url in [&claimed.url, &unclaimed.url, &part.url] {
        let mut sink = Memory::holding(b"begun");
        let failure = download(&proxies(&[url]), &mut sink).await.unwrap_err();
        assert_eq!(
            (failure.kind, failure.why.as_str()),
            (FailureKind::TooLong, "the file is longer than 4194304 bytes")
        );
        assert!(sink.bytes.len() <= LIMIT * 4);
    }
    assert_eq!(claimed.asked().len(), 1, "a file that is too long does not become shorter");
}

#[tokio::test]
async fn compressed_bytes_are_unpacked_and_never_gone_on_with() {
    let whole = noise(5000);
    let packed = gzip(&whole);
    let sent = packed.clone();
    let server = Server::start(move |_, n| {
        let gzip = answer(200, &sent).with("content-encoding", "gzip");
        if n == 0 { gzip.cut(sent.len() / 2, End::Close) } else { gzip }
    })
    .await;
    let mut sink = Memory::default();
    let sent = download(&proxies(&[&server.url]), &mut sink).await.unwrap();
    assert!(matches!(sent, Sent::Whole(_)) && sink.bytes == whole);
    assert_eq!(server.asked().iter().map(|asked| asked.from()).collect::<Vec<_>>(), [None, None]);
    for body in [noise(10), packed[..packed.len() - 1].to_vec(), [&packed[..], b"more"].concat()] {
        let server = Server::start(move |_, _| answer(200, &body).with("content-encoding", "gzip")).await;
        let mut sink = Memory::default();
        let failure = download(&proxies(&[&server.url]), &mut sink).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unreachable, "{failure}");
        assert!(sink.bytes.is_empty() && failure.why.contains("cannot be unpacked"), "{failure}");
    }
}

#[tokio::test]
async fn a_compressed_bomb_is_refused() {
    let bomb = gzip(&vec![0; 64 << 20]);
    let server = Server::start(move |_, _| answer(200, &bomb).with("content-encoding", "gzip")).await;
    let mut sink = Memory::default();
    let failure = download(&proxies(&[&server.url]), &mut sink).await.unwrap_err();
    assert_eq!((failure.kind, server.asked().len(), sink.bytes.len()), (FailureKind::TooLong, 1, 0), "{failure}");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_sink_that_is_full_is_nobodys_fault() {
    let server = Server::start(|asked, _| file(asked, &noise(5000), "\"a\"")).await;
    let proxies = proxies(&[&server.url]);
    let mut sink = Memory { room: Some(100), ..Memory::default() };
    let failure = download(&proxies, &mut sink).await.unwrap_err();
    assert_eq!((failure.kind, server.asked().len()), (FailureKind::Disk, 1), "{failure}");
    assert!(failure.why.starts_with("cannot store the bytes: "), "{failure}");
}

#[tokio::test]
async fn a_server_that_is_silent_slow_or_late_is_left() {
    let short = Duration::from_millis(40);
    let hanging = Server::start(|_, _| answer(200, noise(5000)).cut(100, End::Hang)).await;
    let settings = Settings { silence: short, tries: 1, ..quick() };
    let failure =
        download(&Proxies::new(vec![entry(&hanging.url, settings)]), &mut Memory::default()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Timeout);
    assert_eq!(failure.why, "the answer broke off after 100 bytes: timed out: no data for 40ms");

    let dripping = Server::start(|_, _| answer(200, noise(500_000)).cut(100, End::Drip)).await;
    let settings = Settings { window: short, slowest: 5000, tries: 1, ..quick() };
    let failure =
        download(&Proxies::new(vec![entry(&dripping.url, settings)]), &mut Memory::default()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Timeout);
    assert!(failure.why.starts_with("timed out: only ") && failure.why.ends_with(" bytes in 40ms"), "{failure}");

    let settings = Settings { file_total: short, ..quick() };
    let failure =
        download(&Proxies::new(vec![entry(&dripping.url, settings)]), &mut Memory::default()).await.unwrap_err();
    assert_eq!((failure.kind, failure.why.as_str()), (FailureKind::Timeout, "timed out: not finished within 40ms"));
}

/// What the server asks of the futures: that they may move between threads.
#[test]
fn futures_can_be_sent() {
    fn is_send<T: Send>(_: &T) {}
    let proxies = proxies(&[]);
    let (mut sink, asked) = (Memory::default(), asked(ZIP));
    is_send(&proxies.download(0, &asked, 1, &mut sink));
    is_send(&proxies.fetch(0, &asked, 1));
    is_send(&proxies.probe());
}

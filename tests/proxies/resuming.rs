//! Downloads that break off: resumed where that gives the same file, started again where it does not.

use gosumcheck::upstream::{FailureKind, Sent};

use crate::server::*;
use crate::world::*;

const LENGTH: usize = 10_000;

fn kept(sent: Sent) -> u64 {
    match sent {
        Sent::Whole(origin) => origin.kept,
        Sent::Missing(words) => panic!("{words}"),
    }
}

#[tokio::test]
async fn a_download_goes_on_where_it_broke_off() {
    let server = Server::start(|asked, n| {
        let answer = file(asked, &noise(LENGTH), "\"a\"");
        match n {
            0 => answer.cut(1000, End::Close),
            1 => answer.cut(500, End::Reset),
            _ => answer,
        }
    })
    .await;
    let mut sink = Memory::default();
    assert_eq!(kept(download(&proxies(&[&server.url]), &mut sink).await.unwrap()), 0);
    assert!(sink.bytes == noise(LENGTH) && sink.restarts == 0);
    let ranges = server.ranges();
    // A reset may take bytes with it that were sent before.
    assert_eq!((ranges.len(), ranges[0].as_str(), ranges[1].as_str()), (3, "", "bytes=1000-"));
    assert!(["bytes=1000-", "bytes=1500-"].contains(&ranges[2].as_str()), "{ranges:?}");
    let conditions: Vec<String> = server.asked().iter().map(|asked| asked.header("if-range").to_owned()).collect();
    assert_eq!(conditions, ["", "\"a\"", "\"a\""]);
}

#[tokio::test]
async fn what_an_earlier_process_left_is_gone_on_with() {
    let server = Server::start(|asked, _| file(asked, &noise(LENGTH), "W/\"weak\"")).await;
    let proxies = proxies(&[&server.url]);
    let mut sink = Memory::holding(&noise(LENGTH)[..4000]);
    assert_eq!(kept(download(&proxies, &mut sink).await.unwrap()), 4000);
    assert!(sink.bytes == noise(LENGTH));
    // All of it: nothing is missing.
    assert_eq!(kept(download(&proxies, &mut sink).await.unwrap()), 10_000);
    assert!(sink.bytes == noise(LENGTH) && sink.restarts == 0);
    assert_eq!(server.ranges(), ["bytes=4000-", "bytes=10000-"]);
    // More than all of it: another file.
    let mut sink = Memory::holding(&noise(LENGTH + 1));
    assert_eq!(kept(download(&proxies, &mut sink).await.unwrap()), 0);
    assert!(sink.bytes == noise(LENGTH) && sink.restarts == 1);
    assert_eq!(server.ranges()[2..], ["bytes=10001-", ""]);
}

#[tokio::test]
async fn a_server_without_ranges_begins_anew() {
    let server = Server::start(|_, n| {
        let whole = answer(200, noise(LENGTH));
        if n == 0 { whole.cut(1000, End::Close) } else { whole }
    })
    .await;
    let mut sink = Memory::holding(b"begun");
    assert_eq!(kept(download(&proxies(&[&server.url]), &mut sink).await.unwrap()), 0);
    assert!(sink.bytes == noise(LENGTH));
    assert_eq!((sink.restarts, server.ranges()), (2, vec!["bytes=5-".to_owned(), "bytes=1000-".to_owned()]));
}

#[tokio::test]
async fn a_part_of_something_else_is_never_put_behind() {
    let other: Vec<u8> = noise(LENGTH).into_iter().map(|byte| !byte).collect();
    let part = |range: &str, etag: &str| {
        answer(206, &noise(LENGTH)[..LENGTH - 1000]).with("content-range", range).with("etag", etag)
    };
    for (what, wrong) in [
        ("another place", part("bytes 999-9998/10000", "\"a\"")),
        ("the beginning", part("bytes 0-8999/10000", "\"a\"")),
        ("no range", part("", "\"a\"")),
        ("no numbers", part("bytes x-y/z", "\"a\"")),
        ("another file", part("bytes 1000-9999/10000", "\"b\"")),
        ("another length", part("bytes 1000-9999/10001", "\"a\"")),
        ("nothing that can be had", answer(416, "").with("content-range", "bytes */10")),
        ("nothing at all", answer(416, "")),
    ] {
        let other = other.clone();
        let server = Server::start(move |asked, n| match n {
            0 => file(asked, &noise(LENGTH), "\"a\"").cut(1000, End::Close),
            1 => wrong.clone(),
            _ => file(asked, &other, "\"b\""),
        })
        .await;
        let mut sink = Memory::default();
        assert_eq!(kept(download(&proxies(&[&server.url]), &mut sink).await.unwrap()), 0, "{what}");
        assert!(sink.bytes.iter().eq(noise(LENGTH).iter().map(|byte| !byte).collect::<Vec<_>>().iter()), "{what}");
        assert_eq!(
            (sink.restarts, server.ranges()),
            (1, vec![String::new(), "bytes=1000-".into(), String::new()]),
            "{what}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_nobody_asked_for_is_none() {
    for wrong in [answer(206, "x").with("content-range", "bytes 0-0/1"), answer(416, "")] {
        let server = Server::start(move |_, _| wrong.clone()).await;
        let mut sink = Memory::default();
        let failure = download(&proxies(&[&server.url]), &mut sink).await.unwrap_err();
        assert!(matches!(failure.kind, FailureKind::Answer(206 | 416)), "{failure}");
        assert_eq!((server.asked().len(), sink.bytes.len()), (1, 0));
    }
    // It answers that the sink's bytes are not a prefix of its file, and then that there is no file.
    let server = Server::start(|_, n| if n == 0 { answer(416, "") } else { text(404, "") }).await;
    assert!(matches!(download(&proxies(&[&server.url]), &mut Memory::holding(b"x")).await.unwrap(), Sent::Missing(_)));
}

#[tokio::test]
async fn a_length_that_is_not_kept_is_a_broken_connection() {
    // Parts whose end nobody announces: the connection is closed, too early or too late.
    for (length, restarts, why) in [
        (4000, 0, "the answer ended after 4005 of 10000 bytes"),
        (9999, 1, "the answer is longer than the 10000 bytes that its headers announced"),
    ] {
        let part = answer(206, noise(length)).without("content-length").with("content-range", "bytes 5-9999/10000");
        let server = Server::start(move |_, _| part.clone().cut(length, End::Close)).await;
        let settings = gosumcheck::upstream::Settings { tries: 1, ..quick() };
        let proxies = gosumcheck::upstream::Proxies::new(vec![entry(&server.url, settings)]);
        let mut sink = Memory::holding(b"begun");
        let failure = download(&proxies, &mut sink).await.unwrap_err();
        assert_eq!((failure.kind, failure.why.as_str()), (FailureKind::Unreachable, why));
        assert_eq!(sink.restarts, restarts);
    }
}

#[tokio::test]
async fn tries_that_bring_something_are_not_counted() {
    const PIECE: usize = 1 << 20;
    let server = Server::start(|asked, _| file(asked, &noise(PIECE * 4 - 7), "\"a\"").cut(PIECE, End::Close)).await;
    let mut sink = Memory::default();
    let settings = gosumcheck::upstream::Settings { tries: 2, ..quick() };
    let proxies = gosumcheck::upstream::Proxies::new(vec![entry(&server.url, settings)]);
    assert_eq!(kept(download(&proxies, &mut sink).await.unwrap()), 0);
    assert!(sink.bytes == noise(PIECE * 4 - 7));
    assert_eq!(server.asked().len(), 4);
}

#[tokio::test]
async fn tries_that_bring_nothing_end() {
    let server = Server::start(|asked, _| file(asked, &noise(LENGTH), "\"a\"").cut(10, End::Close)).await;
    let mut sink = Memory::default();
    let failure = download(&proxies(&[&server.url]), &mut sink).await.unwrap_err();
    assert!(failure.why.ends_with("(tried 3 times)"), "{failure}");
    assert_eq!((failure.kind, server.asked().len(), sink.bytes.len()), (FailureKind::Unreachable, 3, 30));
}

//! Conditional requests, ranges and gzip.

use std::io::Read as _;

use crate::client::{ask, get};
use crate::world::World;

#[test]
fn what_the_client_has_is_not_sent_again() {
    let world = World::full();
    let lookup = format!("/{}", world.db.lookup_path(3));
    for path in ["/latest", "/tile/8/0/000", "/tile/8/data/000", &lookup] {
        let tag = get(world.at, path).header("etag").unwrap().to_owned();
        assert!(tag.starts_with('"') && tag.ends_with('"'), "strong: {tag}");
        for held in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
            let reply = ask(world.at, "GET", path, &[("If-None-Match", &held)]);
            assert_eq!((reply.status, reply.body.len()), (304, 0), "{path} {held}");
            assert_eq!(reply.header("etag"), Some(tag.as_str()));
            assert!(reply.header("cache-control").is_some());
        }
        let other = ask(world.at, "GET", path, &[("If-None-Match", "\"other\"")]);
        assert_eq!(other, get(world.at, path));
    }
    assert_ne!(get(world.at, "/tile/8/0/000").header("etag"), get(world.at, "/tile/8/0/000.p/9").header("etag"));
}

#[test]
fn ranges_are_sent_as_requested() {
    let world = World::full();
    let path = "/tile/8/0/000";
    let whole = get(world.at, path);
    let tag = whole.header("etag").unwrap();
    for (range, bytes) in [
        ("bytes=0-31", 0..32),
        ("bytes=8160-", 8160..8192),
        ("bytes=-32", 8160..8192),
        ("bytes=8191-99999", 8191..8192),
        ("bytes=-99999", 0..8192),
    ] {
        let reply = ask(world.at, "GET", path, &[("Range", range)]);
        assert_eq!(reply.status, 206, "{range}");
        assert_eq!(reply.body, whole.body[bytes.clone()], "{range}");
        let content_range = format!("bytes {}-{}/8192", bytes.start, bytes.end - 1);
        assert_eq!(reply.header("content-range"), Some(content_range.as_str()));
        assert_eq!(reply.header("etag"), Some(tag));
    }
    for range in ["bytes=8192-", "bytes=99999-100000", "bytes=-0"] {
        let reply = ask(world.at, "GET", path, &[("Range", range)]);
        assert_eq!((reply.status, reply.header("content-range")), (416, Some("bytes */8192")), "{range}");
        assert!(reply.body.is_empty());
    }
    for range in ["bytes=0-1,4-5", "bytes=5-1", "lines=1-2", "bytes=x"] {
        assert_eq!(ask(world.at, "GET", path, &[("Range", range)]), whole, "{range}");
    }
    // `If-Range` must match; and a 304 has no range.
    let stale = ask(world.at, "GET", path, &[("Range", "bytes=0-1"), ("If-Range", "\"other\"")]);
    assert_eq!(stale, whole);
    let same = ask(world.at, "GET", path, &[("Range", "bytes=0-1"), ("If-Range", tag)]);
    assert_eq!((same.status, same.body.len()), (206, 2));
    let held = ask(world.at, "GET", path, &[("Range", "bytes=0-1"), ("If-None-Match", tag)]);
    assert_eq!(held.status, 304);
    assert_eq!(ask(world.at, "HEAD", path, &[("Range", "bytes=0-1")]).header("content-length"), Some("8192"));
    assert_eq!(ask(world.at, "GET", "/nothing", &[("Range", "bytes=0-1")]).status, 404);
}

#[test]
fn long_text_is_compressed_for_clients_that_accept_it() {
    let world = World::full();
    let origin = "46613be2987d5d316f5ad065e4aa2eee26ccdd3de17a3735cd0da18156a22bdd";
    for path in ["/tile/8/data/000".to_owned(), format!("/tlog/{origin}/tile/entries/000")] {
        let plain = get(world.at, &path);
        assert_eq!((plain.header("content-encoding"), plain.header("vary")), (None, Some("accept-encoding")));
        for _ in 0..2 {
            let compressed = ask(world.at, "GET", &path, &[("Accept-Encoding", "gzip, br")]);
            assert_eq!(compressed.header("content-encoding"), Some("gzip"));
            assert_eq!(compressed.header("vary"), Some("accept-encoding"));
            assert!(compressed.body.len() < plain.body.len());
            assert_ne!(compressed.header("etag"), plain.header("etag"), "other bytes, another tag");
            let mut bytes = Vec::new();
            flate2::read::GzDecoder::new(&*compressed.body).read_to_end(&mut bytes).unwrap();
            assert_eq!(bytes, plain.body);
            let tag = compressed.header("etag").unwrap();
            let again = ask(world.at, "GET", &path, &[("Accept-Encoding", "gzip"), ("If-None-Match", tag)]);
            assert_eq!(again.status, 304);
        }
        assert_eq!(ask(world.at, "GET", &path, &[("Accept-Encoding", "gzip;q=0")]), plain);
        let part = ask(world.at, "GET", &path, &[("Accept-Encoding", "gzip"), ("Range", "bytes=0-9")]);
        assert_eq!((part.status, part.header("content-encoding")), (206, None));
        assert_eq!(part.body, plain.body[..10]);
    }
    for path in ["/tile/8/0/000", "/latest", "/tile/8/data/000.p/1", "/healthz"] {
        let reply = ask(world.at, "GET", path, &[("Accept-Encoding", "gzip")]);
        assert_eq!((reply.header("content-encoding"), reply.header("vary")), (None, None), "{path}");
    }
}

//! Module files over HTTP: whole, by range, under conditions, and to clients that read slowly.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use gosumcheck::server::Limits;

use crate::client::{Reply, ask, connect, drain, get, head, one, raw};
use crate::stock::{H1, Stock};
use crate::world::{Plan, World, runtime, until};

const MODULE: &str = "example.com/m/@v/v1.0.0.mod";
const ZIP: &str = "example.com/m/@v/v1.0.0.zip";
const ZIP_PATH: &str = "/example.com/m/@v/v1.0.0.zip";

/// Bytes no two chunks of which are equal.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let step = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    (0..len).map(step).collect()
}

/// Drops a file from the page cache, so that the next reader has to wait for the disk.
fn evict(stock: &Stock) {
    let file = std::fs::File::open(stock.folder.path().join("modules").join(ZIP)).unwrap();
    file.sync_all().unwrap();
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
}

#[test]
fn a_file_is_the_same_in_any_ranges() {
    let bytes = noise(1_700_001);
    let stock = Stock::new().file(ZIP, &bytes);
    let world = stock.serve();
    let whole = get(world.at, ZIP_PATH);
    assert!(whole.body == bytes);
    let tag = format!("\"{H1}\"");
    assert_eq!((whole.header("etag"), whole.header("accept-ranges")), (Some(tag.as_str()), Some("bytes")));
    for (range, part) in [
        ("bytes=0-0", 0..1),
        ("bytes=262143-262144", 262_143..262_145),
        ("bytes=5-1700000", 5..1_700_001),
        ("bytes=1000000-", 1_000_000..1_700_001),
        ("bytes=-7", 1_699_994..1_700_001),
        ("bytes=1700000-9999999", 1_700_000..1_700_001),
    ] {
        for cold in [false, true] {
            if cold {
                evict(&stock);
            }
            let reply = ask(world.at, "GET", ZIP_PATH, &[("Range", range)]);
            assert_eq!(reply.status, 206, "{range}");
            assert!(reply.body == bytes[part.clone()], "{range}");
            let said = format!("bytes {}-{}/{}", part.start, part.end - 1, bytes.len());
            assert_eq!(reply.header("content-range"), Some(said.as_str()));
            assert_eq!(reply.header("etag"), Some(tag.as_str()));
        }
    }
    evict(&stock);
    assert!(get(world.at, ZIP_PATH).body == bytes, "from the disk");
    for range in ["bytes=1700001-", "bytes=-0"] {
        let reply = ask(world.at, "GET", ZIP_PATH, &[("Range", range)]);
        assert_eq!((reply.status, reply.header("content-range")), (416, Some("bytes */1700001")), "{range}");
    }
}

#[test]
fn conditions_compare_the_h1_or_the_date() {
    let stock = Stock::new().file(ZIP, b"PK zip").file(MODULE, b"module example.com/m\n");
    let world = stock.serve();
    let tag = format!("\"{H1}\"");
    for path in [ZIP_PATH, "/example.com/m/@v/v1.0.0.mod"] {
        let whole = get(world.at, path);
        assert_eq!(whole.header("etag"), Some(tag.as_str()), "{path}");
        let date = whole.header("last-modified").unwrap();
        let modified = httpdate::parse_http_date(date).unwrap();
        let shifted = |by: i64| {
            let by_seconds = Duration::from_secs(by.unsigned_abs());
            httpdate::fmt_http_date(if by < 0 { modified - by_seconds } else { modified + by_seconds })
        };
        for (headers, status) in [
            (&[("If-None-Match", tag.as_str())][..], 304),
            (&[("If-None-Match", "\"other\""), ("If-Modified-Since", date)], 200),
            (&[("If-None-Match", tag.as_str()), ("If-Modified-Since", &shifted(-9))], 304),
            (&[("If-Modified-Since", date)], 304),
            // Another date is that of other bytes, served under other settings.
            (&[("If-Modified-Since", &shifted(9))], 200),
            (&[("If-Modified-Since", &shifted(-9))], 200),
            (&[("If-Modified-Since", "yesterday")], 200),
            (&[("Range", "bytes=1-2"), ("If-Range", tag.as_str())], 206),
            (&[("Range", "bytes=1-2"), ("If-Range", "\"other\"")], 200),
            (&[("Range", "bytes=1-2"), ("If-Range", &format!("W/{tag}"))], 200),
            (&[("Range", "bytes=1-2"), ("If-Range", date)], 206),
            (&[("Range", "bytes=1-2"), ("If-Range", &shifted(-9))], 200),
            (&[("Range", "bytes=1-2"), ("If-Range", &shifted(9))], 200),
            (&[("Range", "bytes=1-2"), ("If-None-Match", tag.as_str())], 304),
        ] {
            let reply = ask(world.at, "GET", path, headers);
            assert_eq!(reply.status, status, "{path} {headers:?}: {reply:?}");
            let body = match status {
                200 => whole.body.as_slice(),
                206 => &whole.body[1..3],
                _ => &[],
            };
            assert_eq!(reply.body, body, "{path} {headers:?}");
            assert_eq!((reply.header("etag"), reply.header("last-modified")), (Some(tag.as_str()), Some(date)));
        }
    }
}

#[test]
fn head_is_get_without_the_body() {
    let stock = Stock::new().file(ZIP, &noise(300_000)).file(MODULE, &[b' '; 2000]);
    let world = stock.serve();
    for path in [
        ZIP_PATH,
        "/example.com/m/@v/v1.0.0.mod",
        "/example.com/m/@v/v9.0.0+incompatible.zip",
        "/example.com/M/@v/list",
    ] {
        let [got, had] = ["GET", "HEAD"].map(|method| ask(world.at, method, path, &[("X-Request-Id", "one")]));
        assert!(had.body.is_empty(), "{path}");
        assert_eq!(got.status, had.status, "{path}");
        let headers = |reply: &Reply| {
            let timeless = reply.headers.iter().filter(|(name, _)| name != "date");
            timeless.cloned().collect::<std::collections::BTreeSet<(String, String)>>()
        };
        assert_eq!(headers(&got), headers(&had), "{path}");
    }
    assert_eq!(ask(world.at, "HEAD", ZIP_PATH, &[("Range", "bytes=0-1")]).header("content-length"), Some("300000"));
}

#[test]
fn a_long_go_mod_is_streamed_and_an_empty_one_is_empty() {
    let long = noise(600_000);
    let other = "example.com/m/@v/v1.0.1.mod";
    let world = Stock::new().file(MODULE, &long).file(other, b"").serve();
    let reply = ask(world.at, "GET", "/example.com/m/@v/v1.0.0.mod", &[("Accept-Encoding", "gzip")]);
    assert!(reply.body == long && reply.header("content-encoding").is_none());
    assert_eq!(get(world.at, "/example.com/m/@v/v1.0.1.mod").body.len(), 0);
}

#[test]
fn a_truncated_file_is_not_served_as_whole() {
    let len = 64 << 20;
    let stock = Stock::new().file(ZIP, &vec![7; len]);
    let world = stock.serve();
    let mut stream = connect(world.at);
    stream.write_all(head("GET", ZIP_PATH, &[]).as_bytes()).unwrap();
    let mut begun = vec![0; 100];
    stream.read_exact(&mut begun).unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(stock.folder.path().join("modules").join(ZIP)).unwrap();
    file.set_len(400_000).unwrap();
    begun.extend(drain(&mut stream));
    let reply = Reply::parse(&begun);
    assert_eq!((reply.status, reply.header("content-length")), (200, Some(len.to_string().as_str())));
    assert!(reply.body.len() < len, "the client sees that some is missing");
}

#[test]
fn files_are_served_over_http2() {
    let bytes = noise(1_500_000);
    let world = Stock::new().file(ZIP, &bytes).serve();
    let client = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    runtime().block_on(async {
        let ask = || async { client.get(format!("http://{}{ZIP_PATH}", world.at)).send().await.unwrap().bytes().await };
        let all = futures_util::future::join_all((0..8).map(|_| ask())).await;
        assert!(all.into_iter().all(|body| body.unwrap() == bytes));
    });
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let (long, short, text) = (noise(9_000_001), noise(10_000), b"module example.com/m\n".as_slice());
    let other = "example.com/m/@v/v1.0.1.zip";
    let stock = Stock::new().file(ZIP, &long).file(other, &short).file(MODULE, text);
    let world = stock.serve();
    let (zip, module, other) = (format!("/{ZIP}"), format!("/{MODULE}"), format!("/{other}"));
    let asked = [
        (&zip, "", long.as_slice()),
        (&module, "", text),
        (&other, "", &short),
        (&zip, "Range: bytes=8999990-\r\n", &long[8_999_990..]),
        (&other, "Range: bytes=0-0\r\n", &short[..1]),
        (&zip, "", &long),
        (&other, "", &short),
    ];
    let heads = asked.map(|(path, range, _)| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{range}\r\n"));
    for cold in [false, true] {
        if cold {
            evict(&stock);
        }
        let mut stream = connect(world.at);
        stream.write_all(heads.concat().as_bytes()).unwrap();
        for (path, range, bytes) in asked {
            assert!(one(&mut stream).body == bytes, "{path} {range}");
        }
    }
}

#[test]
fn many_clients_at_once_get_smaller_chunks_and_the_same_bytes() {
    let bytes = noise(700_000);
    let world = Stock::new().file(ZIP, &bytes).serve();
    let replies: Vec<_> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..200).map(|_| scope.spawn(|| get(world.at, ZIP_PATH))).collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    assert!(replies.iter().all(|reply| reply.body == bytes));
}

/// Timeouts short enough for a test to wait for, and long enough for a busy machine to answer in.
fn short_timeouts(stock: &std::sync::Arc<Stock>) -> World {
    let short = Duration::from_millis(500);
    let limits = Limits { header: short, idle: short, write: short, stop: short, ..Limits::default() };
    World::of(Plan { limits, ..stock.plan() })
}

#[test]
fn a_client_that_reads_nothing_of_a_file_is_cut_off() {
    let len = 64 << 20;
    let stock = Stock::new().file(ZIP, &vec![7; len]);
    let world = short_timeouts(&stock);
    let mut stream = connect(world.at);
    stream.write_all(head("GET", ZIP_PATH, &[]).as_bytes()).unwrap();
    stream.read_exact(&mut [0; 100]).unwrap();
    // The only one left is that which requests the metric.
    until("the connection is closed", || world.metric("gosumcheck_connections") < 2.0);
    assert!(drain(&mut stream).len() < len, "the file does not fit in the system's buffers");
}

#[test]
fn a_slow_reader_gets_the_whole_file() {
    let len = 64 << 20;
    let stock = Stock::new().file(ZIP, &vec![7; len]);
    let world = short_timeouts(&stock);
    // 256 KiB at a time, past the idle timeout and past the write timeout.
    let mut stream = connect(world.at);
    stream.write_all(head("GET", ZIP_PATH, &[]).as_bytes()).unwrap();
    let began = std::time::Instant::now();
    let (mut taken, mut piece) = (0, vec![0; 1 << 18]);
    while began.elapsed() < Duration::from_millis(1500) {
        std::thread::sleep(Duration::from_millis(20));
        taken += stream.read(&mut piece).unwrap();
    }
    taken += drain(&mut stream).len();
    assert!(taken > len, "{taken} of {len} bytes and a head");
}

#[test]
fn a_long_download_over_http2_outlasts_the_header_timeout() {
    let bytes = noise(12 << 20);
    let world = short_timeouts(&Stock::new().file(ZIP, &bytes));
    let client =
        reqwest::Client::builder().http2_prior_knowledge().http2_initial_stream_window_size(65_535).build().unwrap();
    runtime().block_on(async {
        let mut reply = client.get(format!("http://{}{ZIP_PATH}", world.at)).send().await.unwrap();
        let (began, mut taken) = (std::time::Instant::now(), Vec::new());
        while let Some(piece) = reply.chunk().await.unwrap() {
            taken.extend_from_slice(&piece);
            if began.elapsed() < Duration::from_millis(1500) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        assert!(taken == bytes);
    });
}

#[test]
fn a_client_that_never_completes_a_request_is_cut_off() {
    let world = short_timeouts(&Stock::new().file(ZIP, b"PK"));
    for begun in [
        format!("GET {ZIP_PATH}"),
        format!("GET {ZIP_PATH} HTTP/1.1\r\nHost: localhost\r\nX-Slow: "),
        format!("GET {ZIP_PATH} HTTP/1.1\r\nHost: localhost\r\n"),
    ] {
        assert!(!raw(world.at, begun.as_bytes()).starts_with(b"HTTP/1.1 200"), "{begun:?}");
    }
}

//! The limits for clients: timeouts, sizes, the number of connections, and stopping.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use gosumcheck::server::Limits;

use crate::client::{Reply, connect, drain, get, head, one, raw};
use crate::world::{Plan, World, until};

/// Timeouts short enough for a test to wait for, and long enough for a busy machine to answer in.
fn short_timeouts() -> Plan {
    let short = Duration::from_millis(500);
    let limits = Limits { header: short, idle: short, write: short, stop: short, ..Limits::default() };
    Plan { limits, ..Plan::default() }
}

#[test]
fn a_client_that_never_completes_a_header_section_is_cut_off() {
    let world = World::of(short_timeouts());
    for start in [
        "",
        "G",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /latest HTT",
        "GET /latest HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
    ] {
        let got = raw(world.at, start.as_bytes());
        assert!(!got.starts_with(b"HTTP/1.1 200"), "{start:?}");
    }
    // So is one that does not complete the second on its connection.
    let mut stream = connect(world.at);
    stream.write_all(b"GET /latest HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    assert_eq!(one(&mut stream).status, 200);
    stream.write_all(b"GET /lat").unwrap();
    assert!(drain(&mut stream).is_empty());
}

#[test]
fn an_idle_client_is_disconnected() {
    let world = World::of(short_timeouts());
    let mut stream = connect(world.at);
    for _ in 0..3 {
        stream.write_all(b"GET /tile/8/0/000 HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        assert_eq!(one(&mut stream).body.len(), 8192);
    }
    assert!(drain(&mut stream).is_empty());
}

#[test]
fn a_client_that_reads_nothing_is_cut_off() {
    let world = World::of(short_timeouts());
    let asked = 3000;
    let mut stream = connect(world.at);
    stream.write_all("GET /tile/8/data/000 HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(asked).as_bytes()).unwrap();
    // The only one left is that which requests the metric.
    until("the connection is closed", || world.metric("gosumcheck_connections") < 2.0);
    let all = asked * get(world.at, "/tile/8/data/000").body.len();
    assert!(drain(&mut stream).len() < all, "{all} bytes do not fit in the system's buffers");
}

#[test]
fn header_sections_are_bounded() {
    let world = World::full();
    let many: Vec<(String, String)> = (0..200).map(|n| (format!("X-{n}"), "1".to_owned())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let long = "a".repeat(40_000);
    for (request, status) in [
        (head("GET", "/latest", &many), 431),
        (head("GET", "/latest", &[("X-Long", &long)]), 431),
        (head("GET", &format!("/{}", "a".repeat(5_000)), &[]), 414),
        (head("GET", "latest", &[]), 400),
        (head("GET", "/lat\u{0}est", &[]), 400),
        ("GET /latest HTTP/1.1\r\nHost: localhost\r\nA\u{0}B: 1\r\n\r\n".to_owned(), 400),
        ("nonsense\r\n\r\n".to_owned(), 400),
    ] {
        let reply = Reply::parse(&raw(world.at, request.as_bytes()));
        assert_eq!(reply.status, status, "{}", request.chars().take(60).collect::<String>());
    }
    assert_eq!(get(world.at, "/latest").status, 200);
}

#[test]
fn the_body_of_a_request_is_not_read() {
    let world = World::full();
    let mut stream = connect(world.at);
    let length = 10_u64 << 40;
    stream
        .write_all(format!("GET /latest HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\nx").as_bytes())
        .unwrap();
    assert_eq!(Reply::parse(&drain(&mut stream)).status, 200);
}

#[test]
fn connections_are_bounded_and_the_next_one_waits() {
    let mut plan = short_timeouts();
    plan.limits.connections = 1;
    let world = World::of(plan);
    let mut first = connect(world.at);
    first.write_all(b"GET /latest HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    // All slots are taken, so it is not kept alive.
    assert_eq!(one(&mut first).header("connection"), Some("close"));
    let mut idle = connect(world.at);
    assert_eq!(get(world.at, "/latest").status, 200, "after the idle one was closed");
    assert!(drain(&mut idle).is_empty());
}

#[test]
fn a_stop_finishes_what_is_in_flight_and_accepts_nothing_new() {
    let mut world = World::of(Plan { records: 12_000, ..Plan::default() });
    let mut stream = connect(world.at);
    let path = format!("/log/{}/records", world.db.name());
    stream.write_all(head("GET", &path, &[]).as_bytes()).unwrap();
    let mut begun = [0; 100];
    stream.read_exact(&mut begun).unwrap();
    world.stop();
    until("no new connection is accepted", || TcpStream::connect(world.at).is_err());
    let rest = drain(&mut stream);
    let reply = Reply::parse(&[begun.as_slice(), &rest].concat());
    assert_eq!(reply.header("content-length").unwrap().parse(), Ok(reply.body.len()));
    world.stopped();
}

#[test]
fn a_stop_ends_after_its_timeout() {
    let mut world = World::of(short_timeouts());
    let mut stream = connect(world.at);
    let mut idle = connect(world.at);
    stream.write_all("GET /tile/8/data/000 HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(3000).as_bytes()).unwrap();
    stream.read_exact(&mut [0; 100]).unwrap();
    world.stopped();
    assert!(drain(&mut idle).is_empty());
}

#[test]
fn http2_with_prior_knowledge_is_served() {
    let world = World::full();
    let client = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    crate::world::runtime().block_on(async {
        let ask = |path: &str| client.get(format!("http://{}{path}", world.at));
        let tile = ask("/tile/8/0/000").send().await.unwrap();
        assert_eq!((tile.version(), tile.status().as_u16()), (reqwest::Version::HTTP_2, 200));
        assert_eq!(tile.bytes().await.unwrap(), world.db.honest("tile/8/0/000").unwrap());
        let part = ask("/tile/8/0/000").header("Range", "bytes=1-2").send().await.unwrap();
        assert_eq!((part.status().as_u16(), part.bytes().await.unwrap().len()), (206, 2));
        assert_eq!(ask("/nothing").send().await.unwrap().status().as_u16(), 404);
        let records = ask(&format!("/log/{}/records", world.db.name())).send().await.unwrap();
        let file = std::fs::read(world.log().dir().join("records")).unwrap();
        assert_eq!(records.bytes().await.unwrap(), file);
        // Many streams on one connection.
        let all = (0..200).map(|_| async { ask("/tile/8/data/001").send().await.unwrap().bytes().await.unwrap() });
        let all = futures_util::future::join_all(all).await;
        assert!(all.iter().all(|bytes| *bytes == world.db.honest("tile/8/data/001").unwrap()));
    });
}

//! HTTP/2 clients that control their flow-control windows: only bytes of bodies count as progress, and restart a timeout.

use std::time::Duration;

use gosumcheck::server::Limits;

use crate::client::get;
use crate::raw_http2::{Event, RawHttp2, connect_from};
use crate::stock::Stock;
use crate::world::{Plan, World, until};

const ZIP: &str = "example.com/m/@v/v1.0.0.zip";
const LIST: &str = "example.com/m/@v/list";

/// Only the write timeout is short enough for a test to reach.
fn plan(stock: &std::sync::Arc<Stock>) -> Plan {
    let long = Duration::from_secs(600);
    let write = Duration::from_millis(500);
    let limits = Limits { header: long, idle: long, write, stop: Duration::from_millis(500), ..Limits::default() };
    Plan { limits, full: true, ..stock.plan() }
}

/// A stock with a zip of this many bytes, and a list of versions.
fn stock(zip: usize) -> std::sync::Arc<Stock> {
    let list: String = (0..500).map(|n| format!("v1.0.{n}\n")).collect();
    Stock::new().file(ZIP, &vec![7; zip]).text(LIST, &list)
}

/// Runs `between` whenever the server is idle, until it resets the stream or closes the connection.
#[track_caller]
fn until_ended(raw: &mut RawHttp2, mut between: impl FnMut(&mut RawHttp2)) {
    let began = std::time::Instant::now();
    while began.elapsed() < Duration::from_secs(30) {
        match raw.event(Duration::from_millis(25)) {
            Some(Event::Reset { .. } | Event::Closed) => return,
            Some(Event::Data { last: true, .. }) => panic!("the body was sent"),
            Some(_) => {}
            None => between(raw),
        }
    }
    panic!("the server still waits for a client that takes nothing");
}

#[test]
fn pings_do_not_keep_a_connection_with_a_closed_window() {
    let world = World::of(plan(&stock(1 << 20)));
    let export = format!("/log/{}/records", world.db.name());
    for path in [format!("/{ZIP}"), format!("/{LIST}"), export, "/latest".to_owned()] {
        let mut raw = RawHttp2::open(world.at, 0);
        raw.get(1, &path);
        until_ended(&mut raw, RawHttp2::ping);
    }
    // Neither the connections nor their bodies hold anything any more.
    until("the connections are gone", || world.metric("gosumcheck_connections") < 2.0);
}

#[test]
fn reading_one_byte_at_a_time_is_not_enough_progress() {
    let world = World::of(plan(&stock(1 << 20)));
    let export = format!("/log/{}/records", world.db.name());
    for path in [format!("/{ZIP}"), format!("/{LIST}"), export] {
        let mut raw = RawHttp2::open(world.at, 1);
        raw.get(1, &path);
        until_ended(&mut raw, |raw| {
            raw.ping();
            raw.widen(1, 1);
        });
    }
}

#[test]
fn a_settings_frame_does_not_restart_the_write_timeout() {
    let world = World::of(plan(&stock(1 << 20)));
    let mut raw = RawHttp2::open(world.at, 0);
    // The window of the connection grows all the time, that of no stream does.
    raw.get(1, &format!("/{ZIP}"));
    until_ended(&mut raw, |raw| raw.widen(0, 1));
}

#[test]
fn a_body_that_is_read_slowly_is_sent_whole() {
    let len = 1_500_000;
    let world = World::of(plan(&stock(len)));
    // 64 KiB ten times a second: five times the least that must be read, over several write timeouts.
    let step = 64 << 10;
    let mut raw = RawHttp2::open(world.at, step);
    raw.get(1, &format!("/{ZIP}"));
    let mut taken = 0;
    let mut ended = false;
    while !ended {
        match raw.event(Duration::from_millis(100)) {
            Some(Event::Data { bytes, last, .. }) => {
                taken += bytes;
                ended = last;
            }
            Some(Event::Head { block, .. }) => assert!(RawHttp2::is_ok(&block)),
            None => {
                raw.widen(0, step);
                raw.widen(1, step);
            }
            Some(other) => panic!("{other:?} after {taken} bytes"),
        }
    }
    assert_eq!(taken, len);
}

#[test]
fn a_stalled_stream_is_reset_and_the_others_go_on() {
    let len = 1_500_000;
    let world = World::of(plan(&stock(len)));
    let step = 64 << 10;
    let mut raw = RawHttp2::open(world.at, 0);
    raw.get(1, &format!("/{ZIP}"));
    raw.get(3, &format!("/{ZIP}"));
    let (mut taken, mut ended, mut reset) = (0, false, false);
    while !ended {
        match raw.event(Duration::from_millis(100)) {
            Some(Event::Data { stream: 3, bytes, last }) => {
                taken += bytes;
                ended = last;
            }
            Some(Event::Reset { stream: 1 }) => reset = true,
            Some(Event::Head { .. }) => {}
            None => {
                raw.widen(0, step);
                raw.widen(3, step);
            }
            Some(other) => panic!("{other:?} after {taken} bytes"),
        }
    }
    assert_eq!((taken, reset), (len, true));
}

#[test]
fn a_connection_whose_requests_wait_for_the_server_is_not_closed() {
    // Longer than the idle, header and write timeouts together.
    let stock = stock(100).silent(Duration::from_millis(1500));
    let short = Duration::from_millis(300);
    let limits = Limits { header: short, idle: short, write: short, stop: short, ..Limits::default() };
    let world = World::of(Plan { limits, ..stock.plan() });
    let mut raw = RawHttp2::open(world.at, 65_535);
    raw.get(1, "/example.com/slow/@v/list");
    match raw.event(Duration::from_secs(30)) {
        Some(Event::Head { stream: 1, .. }) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_header_timeout_holds_beside_other_streams() {
    let slow = "example.com/slow/@v/list";
    let stock = stock(100).silent(Duration::from_secs(600));
    let short = Duration::from_millis(500);
    let limits = Limits { header: short, idle: short * 100, write: short * 100, stop: short, ..Limits::default() };
    let world = World::of(Plan { limits, ..stock.plan() });
    let mut raw = RawHttp2::open(world.at, 65_535);
    raw.get(1, &format!("/{slow}"));
    // The settings are exchanged first: no other frame may come within a field block.
    assert_eq!(raw.event(Duration::from_millis(300)), None);
    raw.begin_head(3);
    until_ended(&mut raw, |_| {});
}

#[test]
fn one_client_cannot_take_all_exports() {
    let mut plan = plan(&stock(100));
    plan.limits.write = Duration::from_secs(600);
    plan.records = 3_000;
    let world = World::of(plan);
    let path = format!("/log/{}/records", world.db.name());
    let mut raw = RawHttp2::open(world.at, 0);
    for stream in 0..100 {
        raw.get(2 * stream + 1, &path);
    }
    let mut heads = 0;
    while heads < 100 {
        match raw.event(Duration::from_secs(30)) {
            Some(Event::Head { .. }) => heads += 1,
            other => panic!("{other:?} after {heads} answers"),
        }
    }
    let mut other = RawHttp2::over(connect_from("127.0.0.2", world.at), 1 << 20);
    other.get(1, &path);
    match other.event(Duration::from_secs(30)) {
        Some(Event::Head { block, .. }) => assert!(RawHttp2::is_ok(&block), "another client gets 503"),
        event => panic!("{event:?}"),
    }
}

#[test]
fn bytes_of_bodies_in_flight_stay_within_their_limit() {
    let mut plan = plan(&stock(4 << 20));
    plan.limits.write = Duration::from_secs(600);
    let world = World::of(plan);
    let path = format!("/{ZIP}");
    let mut raws: Vec<RawHttp2> = (0..30).map(|_| RawHttp2::open(world.at, 1)).collect();
    for raw in &mut raws {
        for stream in 0..100 {
            raw.get(2 * stream + 1, &path);
        }
    }
    for raw in &mut raws {
        // Each connection is being served: some of its streams have sent their byte.
        while !matches!(raw.event(Duration::from_secs(30)), Some(Event::Data { .. })) {}
    }
    let (peak, bound) = (world.metric("gosumcheck_body_bytes_peak"), world.metric("gosumcheck_body_bytes_bound"));
    assert!(peak > 0.0 && peak <= bound, "{peak} of {bound} bytes");
    // Meanwhile another client gets its file.
    assert_eq!(get(world.at, &path).body.len(), 4 << 20);
    let mut other = RawHttp2::over(connect_from("127.0.0.2", world.at), 8 << 20);
    other.widen(0, 8 << 20);
    other.get(1, &path);
    loop {
        match other.event(Duration::from_secs(30)) {
            Some(Event::Data { last: true, .. }) => break,
            Some(Event::Head { block, .. }) => assert!(RawHttp2::is_ok(&block)),
            Some(Event::Data { .. }) => {}
            event => panic!("{event:?}"),
        }
    }
    let (peak, bound) = (world.metric("gosumcheck_body_bytes_peak"), world.metric("gosumcheck_body_bytes_bound"));
    assert!(peak <= bound, "{peak} of {bound} bytes");
}

//! Clients of HTTP/2 that decide how much of a body they take: progress is bytes of a body, and nothing else renews anything.

use std::time::Duration;

use gosumcheck::server::Limits;

use crate::client::get;
use crate::raw::{Event, Raw, connect_from};
use crate::stock::Stock;
use crate::world::{Plan, World, until};

const ZIP: &str = "example.com/m/@v/v1.0.0.zip";
const LIST: &str = "example.com/m/@v/list";

/// Only the write timeout is short enough to be waited for.
fn plan(stock: &std::sync::Arc<Stock>) -> Plan {
    let long = Duration::from_secs(600);
    let write = Duration::from_millis(500);
    let limits = Limits { header: long, idle: long, write, stop: Duration::from_millis(500), ..Limits::default() };
    Plan { limits, full: true, ..stock.plan() }
}

/// A stock with a zip of so many bytes, and a list of versions.
fn stock(zip: usize) -> std::sync::Arc<Stock> {
    let list: String = (0..500).map(|n| format!("v1.0.{n}\n")).collect();
    Stock::new().file(ZIP, &vec![7; zip]).text(LIST, &list)
}

/// Does `between` whenever the server does nothing, until the server ends the stream or the connection.
#[track_caller]
fn until_ended(raw: &mut Raw, mut between: impl FnMut(&mut Raw)) {
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
fn a_window_of_nothing_is_not_kept_open_by_pings() {
    let world = World::of(plan(&stock(1 << 20)));
    let export = format!("/log/{}/records", world.db.name());
    for path in [format!("/{ZIP}"), format!("/{LIST}"), export, "/latest".to_owned()] {
        let mut raw = Raw::open(world.at, 0);
        raw.get(1, &path);
        until_ended(&mut raw, Raw::ping);
    }
    // Nothing is held any more: not by the connections, not by their bodies.
    until("the connections are gone", || world.metric("gosumcheck_connections") < 2.0);
}

#[test]
fn a_window_of_one_byte_at_a_time_is_no_progress() {
    let world = World::of(plan(&stock(1 << 20)));
    let export = format!("/log/{}/records", world.db.name());
    for path in [format!("/{ZIP}"), format!("/{LIST}"), export] {
        let mut raw = Raw::open(world.at, 1);
        raw.get(1, &path);
        until_ended(&mut raw, |raw| {
            raw.ping();
            raw.widen(1, 1);
        });
    }
}

#[test]
fn a_settings_frame_that_widens_nothing_renews_nothing() {
    let world = World::of(plan(&stock(1 << 20)));
    let mut raw = Raw::open(world.at, 0);
    // The connection's window grows all the time, and no stream's does.
    raw.get(1, &format!("/{ZIP}"));
    until_ended(&mut raw, |raw| raw.widen(0, 1));
}

#[test]
fn a_body_that_is_taken_slowly_is_sent_whole() {
    let len = 1_500_000;
    let world = World::of(plan(&stock(len)));
    // 64 KiB ten times a second: five times what must be taken, and several write timeouts in all.
    let step = 64 << 10;
    let mut raw = Raw::open(world.at, step);
    raw.get(1, &format!("/{ZIP}"));
    let mut taken = 0;
    let mut ended = false;
    while !ended {
        match raw.event(Duration::from_millis(100)) {
            Some(Event::Data { bytes, last, .. }) => {
                taken += bytes;
                ended = last;
            }
            Some(Event::Head { block, .. }) => assert!(Raw::is_ok(&block)),
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
fn a_stream_that_stands_still_ends_and_the_others_go_on() {
    let len = 1_500_000;
    let world = World::of(plan(&stock(len)));
    let step = 64 << 10;
    let mut raw = Raw::open(world.at, 0);
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
fn a_connection_whose_requests_wait_for_the_server_is_not_ended() {
    // Longer than the idle, header and write timeouts together.
    let stock = stock(100).silent(Duration::from_millis(1500));
    let short = Duration::from_millis(300);
    let limits = Limits { header: short, idle: short, write: short, stop: short, ..Limits::default() };
    let world = World::of(Plan { limits, ..stock.plan() });
    let mut raw = Raw::open(world.at, 65_535);
    raw.get(1, "/example.com/slow/@v/list");
    match raw.event(Duration::from_secs(30)) {
        Some(Event::Head { stream: 1, .. }) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_header_block_that_does_not_end_is_timed_also_beside_other_streams() {
    let slow = "example.com/slow/@v/list";
    let stock = stock(100).silent(Duration::from_secs(600));
    let short = Duration::from_millis(500);
    let limits = Limits { header: short, idle: short * 100, write: short * 100, stop: short, ..Limits::default() };
    let world = World::of(Plan { limits, ..stock.plan() });
    let mut raw = Raw::open(world.at, 65_535);
    raw.get(1, &format!("/{slow}"));
    // The settings are exchanged first: within a header block no other frame may stand.
    assert_eq!(raw.event(Duration::from_millis(300)), None);
    raw.begin_head(3);
    until_ended(&mut raw, |_| {});
}

#[test]
fn one_client_leaves_exports_to_another() {
    let mut plan = plan(&stock(100));
    plan.limits.write = Duration::from_secs(600);
    plan.records = 3_000;
    let world = World::of(plan);
    let path = format!("/log/{}/records", world.db.name());
    let mut raw = Raw::open(world.at, 0);
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
    let mut other = Raw::over(connect_from("127.0.0.2", world.at), 1 << 20);
    other.get(1, &path);
    match other.event(Duration::from_secs(30)) {
        Some(Event::Head { block, .. }) => assert!(Raw::is_ok(&block), "another client gets 503"),
        event => panic!("{event:?}"),
    }
}

#[test]
fn bytes_of_bodies_in_flight_stay_within_their_bound() {
    let mut plan = plan(&stock(4 << 20));
    plan.limits.write = Duration::from_secs(600);
    let world = World::of(plan);
    let path = format!("/{ZIP}");
    let mut raws: Vec<Raw> = (0..30).map(|_| Raw::open(world.at, 1)).collect();
    for raw in &mut raws {
        for stream in 0..100 {
            raw.get(2 * stream + 1, &path);
        }
    }
    for raw in &mut raws {
        // Each connection was heard, and each has some streams that got their byte.
        while !matches!(raw.event(Duration::from_secs(30)), Some(Event::Data { .. })) {}
    }
    let (peak, bound) = (world.metric("gosumcheck_body_bytes_peak"), world.metric("gosumcheck_body_bytes_bound"));
    assert!(peak > 0.0 && peak <= bound, "{peak} of {bound} bytes");
    // Another client has its file meanwhile.
    assert_eq!(get(world.at, &path).body.len(), 4 << 20);
    let mut other = Raw::over(connect_from("127.0.0.2", world.at), 8 << 20);
    other.widen(0, 8 << 20);
    other.get(1, &path);
    loop {
        match other.event(Duration::from_secs(30)) {
            Some(Event::Data { last: true, .. }) => break,
            Some(Event::Head { block, .. }) => assert!(Raw::is_ok(&block)),
            Some(Event::Data { .. }) => {}
            event => panic!("{event:?}"),
        }
    }
    let (peak, bound) = (world.metric("gosumcheck_body_bytes_peak"), world.metric("gosumcheck_body_bytes_bound"));
    assert!(peak <= bound, "{peak} of {bound} bytes");
}

//! Windows against simulated sources, with a simulated clock: nothing starves, nothing swings, everything recovers.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod simulation;

use std::time::{Duration, Instant};

use super::phase::NEAR;
use super::*;
use simulation::{Client, Fate, crowded, far, leaky_bucket, limited, one_at_a_time, rate, run, run_some};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

#[test]
fn slow_start_doubles_and_stops_at_the_most() {
    let mut clients = [Client::new(16, 128, far(200 * MS))];
    run(&mut clients, 10 * SECOND);
    let [client] = &clients;
    assert_eq!(client.range(Duration::ZERO, SECOND), (128.0, 16.0));
    assert_eq!(client.range(SECOND, 10 * SECOND), (128.0, 128.0));
    let sent_at = |when: Duration| client.sent.iter().filter(|sent| **sent == when).count();
    assert_eq!([0, 200, 400, 600, 800].map(|ms| sent_at(ms * MS)), [16, 32, 64, 128, 128]);
}

#[test]
fn a_near_source_is_sent_few_at_first_and_more_where_that_helps() {
    for (round_trip, early) in [(MS, 16.0), (2 * NEAR, 128.0)] {
        let mut clients = [Client::new(8, 128, far(round_trip))];
        run(&mut clients, SECOND);
        let largest = |from, to| clients[0].range(from * round_trip, to * round_trip).0;
        assert_eq!((largest(0, 8), largest(200, 240)), (early, 128.0), "{round_trip:?}");
    }
}

#[test]
fn it_stops_where_more_in_flight_brings_no_more_answers() {
    for (round_trip, service, most) in [(50 * MS, 3 * MS, 512), (200 * MS, 2 * MS, 512), (MS, MS / 20, 512)] {
        let mut clients = [Client::new(8, most, one_at_a_time(round_trip, service))];
        run(&mut clients, 60 * SECOND);
        let [client] = &clients;
        let rate = client.rate(10 * SECOND, 60 * SECOND) * service.as_secs_f64();
        assert!(rate > 0.9, "{rate} of what the source can");
        let enough = (round_trip + service).div_duration_f64(service);
        let (largest, _) = client.range(10 * SECOND, 60 * SECOND);
        assert!(largest < enough * 3.0, "{largest} where {enough} suffice");
        client.assert_steady(10 * SECOND, 60 * SECOND);
    }
}

#[test]
fn a_source_that_allows_so_many_requests_a_second_gets_them_and_few_more() {
    for (most, round_trip) in [(10, 50 * MS), (10, 5 * MS), (100, 50 * MS), (3, 200 * MS)] {
        let mut clients = [Client::new(64, 512, limited(round_trip, most))];
        run(&mut clients, 120 * SECOND);
        let [client] = &clients;
        let answered = client.rate(20 * SECOND, 120 * SECOND) / f64::from(most);
        let sent = rate(&client.sent, 20 * SECOND, 120 * SECOND) / f64::from(most);
        assert!(answered > 0.7, "{most} a second at {round_trip:?}: {answered} of them");
        assert!(sent < 1.1, "{most} a second at {round_trip:?}: {sent} times as many");
        client.assert_steady(20 * SECOND, 120 * SECOND);
    }
}

#[test]
fn in_no_second_is_a_source_sent_many_more_than_it_allows_however_its_answers_vary() {
    for (most, round_trip) in [(10, MS / 4), (10, 5 * MS), (10, 50 * MS), (100, MS)] {
        let mut clients = [Client::new(64, 512, leaky_bucket(round_trip, most))];
        run(&mut clients, 120 * SECOND);
        let sent = &clients[0].sent;
        let in_second = |from: &Duration| sent.iter().filter(|when| (*from..*from + SECOND).contains(*when)).count();
        let worst = sent.iter().filter(|from| **from > 10 * SECOND).map(in_second).max().unwrap();
        assert!(number(worst) <= 1.2 * f64::from(most), "{most} a second at {round_trip:?}: {worst} in one second");
        let answered = clients[0].rate(20 * SECOND, 120 * SECOND) / f64::from(most);
        assert!(answered > 0.7, "{most} a second at {round_trip:?}: {answered} of them");
    }
}

#[test]
fn a_source_that_bears_so_many_at_once_is_kept_busy() {
    let mut clients = [Client::new(64, 512, crowded(50 * MS, 40))];
    run(&mut clients, 60 * SECOND);
    let [client] = &clients;
    let rate = client.rate(10 * SECOND, 60 * SECOND) / (40.0 / 0.05);
    assert!(rate > 0.7, "{rate} of what it bears");
    client.assert_steady(10 * SECOND, 60 * SECOND);
}

#[test]
fn connections_that_break_now_and_then_do_not_starve_it() {
    let mut state: u64 = 1;
    let lossy = move |now: Duration, _| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (now + 50 * MS, if (state >> 33).is_multiple_of(100) { Fate::Overloaded } else { Fate::Answer })
    };
    let mut clients = [Client::new(64, 128, Box::new(lossy))];
    run(&mut clients, 60 * SECOND);
    let rate = clients[0].rate(10 * SECOND, 60 * SECOND);
    assert!(rate > 128.0 / 0.05 * 0.2, "{rate}");
}

#[test]
fn twice_the_latency_gets_twice_the_window() {
    let mut free = Duration::ZERO;
    let doubling = move |now: Duration, _| {
        let round_trip = if now < 20 * SECOND { 50 * MS } else { 100 * MS };
        free = free.max(now + round_trip / 2) + MS;
        (free + round_trip / 2, Fate::Answer)
    };
    let mut clients = [Client::new(8, 512, Box::new(doubling))];
    run(&mut clients, 60 * SECOND);
    let [client] = &clients;
    for (from, to) in [(10, 20), (40, 60)] {
        let rate = client.rate(from * SECOND, to * SECOND) / 1000.0;
        assert!(rate > 0.9, "{rate} of what it can after {from} s");
        client.assert_steady(from * SECOND, to * SECOND);
    }
}

#[test]
fn an_outage_is_recovered_from() {
    let outage = |now: Duration, _| {
        (now + 50 * MS, if (5 * SECOND..8 * SECOND).contains(&now) { Fate::Overloaded } else { Fate::Answer })
    };
    let mut clients = [Client::new(64, 128, Box::new(outage))];
    run(&mut clients, 30 * SECOND);
    let [client] = &clients;
    let rate_of = |from: u32, to: u32| client.rate(from * SECOND, to * SECOND) / (128.0 / 0.05);
    assert!(rate_of(1, 5) > 0.95, "{}", rate_of(1, 5));
    assert!(rate_of(7, 8) < 0.01);
    let sent = rate(&client.sent, 6 * SECOND, 8 * SECOND);
    assert!(sent < 25.0, "{sent} requests a second meanwhile");
    assert!(rate_of(20, 30) > 0.95, "{}", rate_of(20, 30));
}

#[test]
fn slow_sources_are_not_given_up_and_a_dead_one_holds_up_nothing() {
    let mut clients = [
        Client::new(64, 128, far(50 * MS)),
        Client::new(64, 128, Box::new(|now, _| (now + 10 * SECOND, Fate::Nothing))),
        Client::new(64, 128, far(2 * SECOND)),
    ];
    let ended = run_some(&mut clients, 100_000, 120 * SECOND).unwrap();
    // What is with the dead one comes back once, and then after each rest of its breaker.
    let alone = Duration::from_secs_f64(100_000.0 / (128.0 / 0.05 + 128.0 / 2.0));
    assert!(ended < alone + 12 * SECOND, "{ended:?} where {alone:?} suffice");
    let [near, dead, slow] = &clients;
    assert!(
        near.answered.len() > 90_000 && slow.answered.len() > 1_000,
        "{} {}",
        near.answered.len(),
        slow.answered.len()
    );
    assert!(dead.sent.len() < 200, "{}", dead.sent.len());
}

#[test]
fn what_was_sent_before_a_cut_does_not_cut_again() {
    let now = Instant::now();
    let mut window = Window::new(16, 16);
    let under_way: Vec<Ticket> = (0..16).map(|_| window.sent(now)).collect();
    under_way.iter().for_each(|ticket| window.refused(now + 50 * MS, ticket, Pressure::Overloaded));
    assert_eq!((window.allowed(), window.cuts), (8, 1));
    let under_way: Vec<Ticket> = (0..8).map(|_| window.sent(now + 60 * MS)).collect();
    under_way.iter().for_each(|ticket| window.refused(now + 110 * MS, ticket, Pressure::Overloaded));
    assert_eq!((window.allowed(), window.cuts), (4, 2));
    for _ in 0..9 {
        let ticket = window.sent(now + 120 * MS);
        window.refused(now + 120 * MS, &ticket, Pressure::Overloaded);
    }
    assert_eq!(window.allowed(), 1, "one is always allowed");
}

#[test]
fn one_refusal_among_many_cuts_nothing_unless_it_says_too_many() {
    let now = Instant::now();
    for (pressure, allowed) in [(Pressure::Overloaded, 16), (Pressure::TooMany(SECOND), 8)] {
        let mut window = Window::new(16, 16);
        let under_way: Vec<Ticket> = (0..16).map(|_| window.sent(now)).collect();
        window.refused(now + 50 * MS, &under_way[0], pressure);
        under_way[1..].iter().for_each(|ticket| window.answered(now + 50 * MS, ticket));
        assert_eq!(window.allowed(), allowed, "{pressure:?}");
    }
}

#[test]
fn a_pause_that_was_asked_for_is_kept() {
    let now = Instant::now();
    let mut window = Window::new(16, 16);
    let ticket = window.sent(now);
    window.refused(now, &ticket, Pressure::TooMany(3 * SECOND));
    assert_eq!(window.opens(now), now + 3 * SECOND);
    assert!(window.opens(now + 3 * SECOND) <= now + 3 * SECOND);
}

#[test]
fn a_window_that_is_not_used_up_does_not_grow() {
    let mut now = Instant::now();
    let mut window = Window::new(8, 128);
    for _ in 0..100 {
        let under_way: Vec<Ticket> = (0..7).map(|_| window.sent(now)).collect();
        now += 50 * MS;
        under_way.iter().for_each(|ticket| window.answered(now, ticket));
    }
    assert_eq!(window.allowed(), 8);
}

//! Clients with their windows and sources, in one time that is only a number.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::MS;
use crate::upstream::http::breaker::CircuitBreaker;
use crate::upstream::http::retry::Failed;
use crate::upstream::http::window::{Pressure, Ticket, Window, number};

/// What a source does with a request, and when the client knows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Answer,
    Overloaded,
    TooMany,
    /// no connection
    Nothing,
}

/// A source: given the time at which a request is sent, since the beginning, and how many it has already.
pub(super) type SimulatedSource = Box<dyn FnMut(Duration, usize) -> (Duration, Fate)>;

/// What happens, by its time and number: a request ends, or nothing but the time for one comes.
type Events = BTreeMap<(Duration, u64), Option<(usize, Ticket, Fate)>>;

/// One window with its source, and what it did.
pub(super) struct Client {
    window: Window,
    breaker: CircuitBreaker,
    source: SimulatedSource,
    in_flight: usize,
    /// when each request was sent
    pub(super) sent: Vec<Duration>,
    pub(super) answered: Vec<Duration>,
    /// how many requests may be in flight, whenever that was looked at
    sizes: Vec<(Duration, f64)>,
}

impl Client {
    pub(super) fn new(first: usize, most: usize, source: SimulatedSource) -> Client {
        let (window, breaker) = (Window::new(first, most), CircuitBreaker::default());
        Client { window, breaker, source, in_flight: 0, sent: Vec::new(), answered: Vec::new(), sizes: Vec::new() }
    }

    /// Answers a second between two times.
    pub(super) fn rate(&self, from: Duration, to: Duration) -> f64 {
        rate(&self.answered, from, to)
    }

    /// The largest and the smallest window between two times.
    pub(super) fn range(&self, from: Duration, to: Duration) -> (f64, f64) {
        let sizes = self.sizes.iter().filter(|(when, _)| (from..to).contains(when)).map(|(_, size)| *size);
        sizes.fold((0.0, f64::MAX), |(largest, smallest), size| (size.max(largest), size.min(smallest)))
    }

    /// That the window stays within a factor of two.
    pub(super) fn assert_steady(&self, from: Duration, to: Duration) {
        let (largest, smallest) = self.range(from, to);
        assert!(largest <= smallest * 2.01, "between {smallest} and {largest}");
    }
}

pub(super) fn rate(times: &[Duration], from: Duration, to: Duration) -> f64 {
    let count = times.iter().filter(|when| (from..to).contains(*when)).count();
    number(count) / (to - from).as_secs_f64()
}

/// Requests without end, until the time is over. One that fails is made again, of any source; none is made of one whose breaker
/// is open.
pub(super) fn run(clients: &mut [Client], time: Duration) {
    run_some(clients, usize::MAX, time);
}

/// The same with so many requests that must be answered; gives when the last one was.
pub(super) fn run_some(clients: &mut [Client], mut open: usize, time: Duration) -> Option<Duration> {
    let start = Instant::now();
    let mut events = Events::from([((Duration::ZERO, 0), None)]);
    let (mut serial, mut unanswered) = (1, open);
    while let Some(((now, _), event)) = events.pop_first() {
        if now >= time {
            return None;
        }
        if let Some((at, ticket, fate)) = event {
            let client = &mut clients[at];
            client.in_flight -= 1;
            end(client, start + now, &ticket, fate);
            if fate == Fate::Answer {
                client.answered.push(now);
                unanswered -= 1;
            } else {
                open = open.saturating_add(1);
            }
        }
        if unanswered == 0 {
            return Some(now);
        }
        for (at, client) in clients.iter_mut().enumerate() {
            client.sizes.push((now, client.window.size));
            while open > 0
                && client.in_flight < client.window.allowed()
                && client.breaker.refuses(start + now).is_none()
            {
                let opens = client.window.opens(start + now);
                serial += 1;
                if opens > start + now {
                    events.insert((opens - start, serial), None);
                    break;
                }
                let ticket = client.window.sent(start + now);
                let (when, fate) = (client.source)(now, client.in_flight);
                client.sent.push(now);
                client.in_flight += 1;
                open = open.saturating_sub(1);
                events.insert((when, serial), Some((at, ticket, fate)));
            }
        }
    }
    None
}

fn end(client: &mut Client, now: Instant, ticket: &Ticket, fate: Fate) {
    match fate {
        Fate::Answer => {
            client.window.answered(now, ticket);
            client.breaker.answered();
        }
        Fate::Overloaded => client.window.refused(now, ticket, Pressure::Overloaded),
        Fate::TooMany => client.window.refused(now, ticket, Pressure::TooMany(250 * MS)),
        Fate::Nothing => {
            client.window.left();
            client.breaker.failed(now, &Failed::broken("refused"));
        }
    }
}

/// Answers everything after one round trip.
pub(super) fn far(round_trip: Duration) -> SimulatedSource {
    Box::new(move |now, _| (now + round_trip, Fate::Answer))
}

/// Serves one request after the other, each for `service`.
pub(super) fn one_at_a_time(round_trip: Duration, service: Duration) -> SimulatedSource {
    let mut free = Duration::ZERO;
    Box::new(move |now, _| {
        free = free.max(now + round_trip / 2) + service;
        (free + round_trip / 2, Fate::Answer)
    })
}

/// Allows so many requests in each second of the clock, and refuses the others with 429.
pub(super) fn limited(round_trip: Duration, most: u32) -> SimulatedSource {
    let (mut second, mut count) = (0, 0);
    Box::new(move |now, _| {
        if second != now.as_secs() {
            (second, count) = (now.as_secs(), 0);
        }
        count += 1;
        (now + round_trip, if count > most { Fate::TooMany } else { Fate::Answer })
    })
}

/// Allows so many requests a second and two more at once, as nginx's `limit_req` with a burst of 2 does; answers come after
/// round trips of a quarter to seven quarters of this one.
pub(super) fn leaky_bucket(round_trip: Duration, most: u32) -> SimulatedSource {
    let (mut full, mut last, mut random) = (0.0, Duration::ZERO, 1_u32);
    Box::new(move |now, _| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let when = now + round_trip.mul_f64(0.25 + 1.5 * f64::from(random >> 8) / f64::from(1 << 24));
        let excess = f64::max(full - (now - last).as_secs_f64() * f64::from(most), 0.0) + 1.0;
        last = now;
        full = if excess > 3.0 { excess - 1.0 } else { excess };
        (when, if excess > 3.0 { Fate::TooMany } else { Fate::Answer })
    })
}

/// Refuses with 503 what exceeds so many requests at once.
pub(super) fn crowded(round_trip: Duration, most: usize) -> SimulatedSource {
    Box::new(move |now, others| (now + round_trip, if others >= most { Fate::Overloaded } else { Fate::Answer }))
}

//! How many requests to one source may be in flight, like the congestion window of TCP. It doubles with each round trip while that
//! brings more answers a second (slow start), holds where it does not, and tries a slightly larger size now and then. A near source
//! answers so soon that few in flight keep it busy, and each more would be a connection more for nothing.
//!
//! Where the source answers that it is overloaded, or resets connections, it is halved, at most once per round trip, and comes back
//! to the size at which that happened as CUBIC does (RFC 9438): fast at first, slowly near it. Where that happens again and again at
//! one size, it is cut by less. One such answer among many may be about one request alone, and does not count.
//!
//! A source that allows only so many requests a second (429) may need less than one at a time: below 1, a window is the part of
//! the time in which a request is in flight, and requests are spaced by that. The round trip by which that time is counted then
//! stays the same: what a source allows in a second has nothing to do with how soon it answers.
//!
//! Nothing here reads a clock: the time is an argument.

mod phase;

use std::time::{Duration, Instant};

pub(super) use phase::ENOUGH_NEAR;
use phase::Phase;

/// What is left of a window after a cut.
const CUT: f64 = 0.5;
/// The same where it was last cut at the same size: then the limit is known (RFC 9438 section 4.6).
const CUT_AGAIN: f64 = 0.7;
/// How much two such sizes may differ, as a part.
const SAME: f64 = 0.25;
/// The part of a window that may be refused in a round trip without a cut, besides one request; as in BBR, version 2.
const TOLERATED: f64 = 0.02;
/// A smaller window tolerates nothing.
const TOLERANT_FROM: f64 = 4.0;
/// The longest time between two requests that are spaced.
const LONGEST_SPACE: Duration = Duration::from_secs(1);
/// The weight of one answer in the smoothed round trip (RFC 6298).
const SMOOTHING: u32 = 8;

/// How a source refuses more requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pressure {
    /// it cannot serve as many at once (503), or reset the connection
    Overloaded,
    /// it allows only so many in a time (429), and asks for this pause
    TooMany(Duration),
}

/// A request in flight.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticket {
    number: u64,
    sent: Instant,
    /// cuts before it was sent
    cuts: u64,
}

impl Ticket {
    /// How long the request has been in flight.
    pub(super) fn took(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.sent)
    }
}

/// The window of one source.
#[derive(Debug)]
pub(super) struct Window {
    /// requests that may be in flight
    size: f64,
    /// slow start does not end below this
    first: f64,
    /// the most requests in flight
    most: f64,
    phase: Phase,
    round: Round,
    /// requests sent so far
    sent: u64,
    in_flight: usize,
    cuts: u64,
    /// the size at the last cut
    refused: Option<f64>,
    /// the smoothed time between a request and its answer
    round_trip: Option<Duration>,
    /// the shortest such time
    shortest: Duration,
    /// the round trip when the window fell below 1, until it is above again: what spaced requests are counted by
    spaced_by: Option<Duration>,
    /// no request is sent before
    not_before: Option<Instant>,
}

/// One round trip: it ends with the first answer to a request that was sent in it.
#[derive(Debug, Clone, Copy)]
struct Round {
    began: Option<Instant>,
    /// the number of the first request that is sent in it
    first: u64,
    answers: u32,
    refusals: u32,
    /// whether the window was used up: a window that is not shows nothing about a larger one
    was_full: bool,
}

impl Window {
    /// For a source that is sent `first` requests at once in the beginning, and never more than `most`.
    pub(super) fn new(first: usize, most: usize) -> Window {
        let most = number(most.max(1));
        Window {
            size: number(first).clamp(1.0, most),
            first: number(first).clamp(1.0, most),
            most,
            phase: Phase::SlowStart { rate: None, flat: 0 },
            round: Round { began: None, first: 0, answers: 0, refusals: 0, was_full: false },
            sent: 0,
            in_flight: 0,
            cuts: 0,
            refused: None,
            round_trip: None,
            shortest: Duration::MAX,
            spaced_by: None,
            not_before: None,
        }
    }

    /// How many requests may be in flight.
    pub(super) fn allowed(&self) -> usize {
        whole(self.size).max(1)
    }

    /// Whether it was cut, and has not come back since.
    pub(super) fn is_held_back(&self) -> bool {
        self.size < 1.0 || matches!(self.phase, Phase::Recovery { .. })
    }

    /// When the next request may be sent, which there is room for: a time that has passed, where it may be sent now.
    pub(super) fn opens(&self, now: Instant) -> Instant {
        self.not_before.unwrap_or(now)
    }

    /// More is known of the source: it may be sent `first` requests at once, as long as it refused nothing, and at most `most`.
    pub(super) fn begin(&mut self, first: usize, most: usize) {
        self.most = number(most.max(1));
        self.first = number(first).clamp(1.0, self.most);
        if self.cuts == 0 {
            self.size = self.first;
        }
        self.size = self.size.min(self.most);
    }

    /// A request is sent.
    pub(super) fn sent(&mut self, now: Instant) -> Ticket {
        let ticket = Ticket { number: self.sent, sent: now, cuts: self.cuts };
        if self.in_flight == 0 {
            self.round = Round { refusals: self.round.refusals, ..self.new_round(now) };
        }
        self.sent += 1;
        self.in_flight += 1;
        self.round.was_full |= self.in_flight >= self.allowed();
        self.spaced_by = if self.size < 1.0 { self.counted_by() } else { None };
        if let Some(round_trip) = self.spaced_by {
            let space = round_trip.div_f64(self.size).min(LONGEST_SPACE);
            self.not_before = Some(self.opens(now).max(now) + space);
        }
        ticket
    }

    /// A request was answered, whatever the answer.
    pub(super) fn answered(&mut self, now: Instant, ticket: &Ticket) {
        self.left();
        let took = ticket.took(now);
        let smoothed = |before: Duration| (before * (SMOOTHING - 1) + took) / SMOOTHING;
        self.round_trip = Some(self.round_trip.map_or(took, smoothed));
        self.shortest = self.shortest.min(took);
        self.round.answers = self.round.answers.saturating_add(1);
        if self.round.was_full {
            self.grow(now);
        }
        if ticket.number >= self.round.first {
            self.close_round(now);
        }
    }

    /// A request ended without an answer that says anything about the source's load.
    pub(super) fn left(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// The source refused a request. Those that were sent before the last cut do not cut again.
    pub(super) fn refused(&mut self, now: Instant, ticket: &Ticket, pressure: Pressure) {
        let in_flight = self.in_flight;
        self.left();
        if let Pressure::TooMany(pause) = pressure {
            self.not_before = self.not_before.max(Some(now + pause));
        }
        if ticket.cuts != self.cuts {
            return;
        }
        self.round.refusals = self.round.refusals.saturating_add(1);
        let is_tolerable = f64::from(self.round.refusals) < 2.0 + self.size * TOLERATED && self.size >= TOLERANT_FROM;
        if pressure == Pressure::Overloaded && is_tolerable {
            return;
        }
        self.cuts += 1;
        let (refused, least) = match pressure {
            Pressure::Overloaded => (self.size, 1.0),
            Pressure::TooMany(_) => (self.size.min(number(in_flight.max(1))), self.least()),
        };
        let is_known = self.refused.is_some_and(|before| (refused / before - 1.0).abs() < SAME);
        self.size = (refused * if is_known { CUT_AGAIN } else { CUT }).max(least);
        self.refused = Some(refused);
        self.phase = Phase::Recovery { since: now, refused };
        self.round = self.new_round(now);
    }

    /// The round trip that windows below 1 are counted by.
    fn counted_by(&self) -> Option<Duration> {
        self.spaced_by.or(self.round_trip)
    }

    /// The size that spaces requests by the longest time.
    fn least(&self) -> f64 {
        self.counted_by().map_or(1.0, |round_trip| round_trip.div_duration_f64(LONGEST_SPACE).min(1.0))
    }

    fn new_round(&self, now: Instant) -> Round {
        let was_full = self.in_flight >= self.allowed();
        Round { began: Some(now), first: self.sent, answers: 0, refusals: 0, was_full }
    }

    fn close_round(&mut self, now: Instant) {
        let Round { began, answers, was_full, .. } = self.round;
        let took = began.map(|began| now.saturating_duration_since(began).as_secs_f64());
        self.round = self.new_round(now);
        if let Some(took) = took.filter(|took| was_full && *took > 0.0) {
            self.phase = self.after_round(now, f64::from(answers) / took);
        }
    }
}

/// Exact for as many requests as there can be.
fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// The whole part; sizes are bounded by `most`.
#[allow(clippy::as_conversions, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
fn whole(size: f64) -> usize {
    size as usize
}

#[cfg(test)]
mod tests;

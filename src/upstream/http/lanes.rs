//! Over which connection of a source a request goes. A *lane* is one connection: over HTTP/1.1 it carries one request at a time,
//! over HTTP/2 a hundred. Connections are opened as they are needed, and each shows only with its first answer what it speaks, so
//! the first request of a connection over TLS goes alone: else each of a hundred would make a handshake of its own.
//!
//! Nothing here reads a clock or opens a connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Connections to one source: over HTTP/1.1, for each carries one request at a time.
pub const MAX_CONNECTIONS: usize = 128;
/// Connections over HTTP/2.
const MAX_HTTP2: usize = 8;
/// Requests at once over one of these: what most servers allow (nginx 128, sum.golang.org and Go's 100 or more).
pub(super) const STREAMS: usize = 100;
/// All requests at once over HTTP/2.
pub(super) const MAX_STREAMS: usize = MAX_HTTP2 * STREAMS;
/// After this time without a request, a server may have closed a connection, and its next request goes alone again.
const IDLE: Duration = Duration::from_secs(30);

/// The connection that one request goes over.
#[derive(Debug, Clone, Default)]
pub(in crate::upstream) struct Lane {
    number: usize,
    /// whether there was an answer, and whether over HTTP/2
    answered: Arc<AtomicBool>,
    http2: Arc<AtomicBool>,
}

impl Lane {
    /// Its number, from 0.
    pub(super) fn number(&self) -> usize {
        self.number
    }

    /// An answer came over it.
    pub(super) fn answered_over(&self, is_http2: bool) {
        self.http2.store(is_http2, Ordering::Relaxed);
        self.answered.store(true, Ordering::Relaxed);
    }

    /// Whether the answer came over HTTP/2; none where there was no answer.
    fn spoke_http2(&self) -> Option<bool> {
        self.answered.load(Ordering::Relaxed).then(|| self.http2.load(Ordering::Relaxed))
    }
}

/// What is known of the protocol of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// none: it is a tree of files
    Files,
    /// it is not known before the first answer
    Unknown,
    /// HTTP/1.1, but the first request goes alone, since the source may not be there at all
    Http1Alone,
    Http1,
    Http2,
}

/// The connections of one source.
#[derive(Debug)]
pub(super) struct Lanes {
    protocol: Protocol,
    /// a request had no answer while none had had one
    is_doubtful: bool,
    lanes: Vec<LaneState>,
}

#[derive(Debug, Clone, Copy, Default)]
struct LaneState {
    running: usize,
    /// the last answer over HTTP/2, unless the connection failed since
    warm: Option<Instant>,
}

impl Lanes {
    pub(super) fn new(protocol: Protocol) -> Lanes {
        Lanes { protocol, is_doubtful: false, lanes: Vec::new() }
    }

    pub(super) fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// How many connections were opened so far.
    pub(super) fn opened(&self) -> usize {
        self.lanes.len()
    }

    /// How many requests the connections carry now, and those that may be opened for `waiting` requests.
    pub(super) fn capacity(&mut self, now: Instant, waiting: usize) -> usize {
        match self.protocol {
            Protocol::Files => usize::MAX,
            Protocol::Http1 => MAX_CONNECTIONS,
            Protocol::Http1Alone => 1,
            Protocol::Unknown if self.is_doubtful => 1,
            Protocol::Unknown => Lanes::needed(waiting),
            Protocol::Http2 => {
                self.lanes.iter_mut().for_each(|lane| lane.cool(now));
                self.capacity_over_http2(waiting)
            }
        }
    }

    /// Those that the open connections will carry need no others: a request that opens one waits three round trips for its answer.
    fn capacity_over_http2(&self, waiting: usize) -> usize {
        let warm = self.lanes.iter().filter(|lane| lane.warm.is_some());
        let (count, room) =
            warm.fold((0, 0), |(count, room), lane| (count + 1, room + STREAMS.saturating_sub(lane.running)));
        let opening = self.lanes.iter().filter(|lane| lane.warm.is_none() && lane.running > 0).count();
        let needed = waiting.checked_sub(room).map_or(0, Lanes::needed).min(MAX_HTTP2.saturating_sub(count));
        count * STREAMS + needed.max(opening)
    }

    /// Connections for so many requests.
    fn needed(waiting: usize) -> usize {
        (1 + waiting / STREAMS).min(MAX_HTTP2)
    }

    /// The connection for one more request, where there is room for it.
    pub(super) fn take(&mut self) -> Lane {
        let number = match self.protocol {
            Protocol::Files => return Lane::default(),
            Protocol::Http2 => self.roomiest(),
            Protocol::Unknown | Protocol::Http1Alone | Protocol::Http1 => self.idle(),
        };
        if number == self.lanes.len() {
            self.lanes.push(LaneState::default());
        }
        if let Some(lane) = self.lanes.get_mut(number) {
            lane.running += 1;
        }
        Lane { number, ..Lane::default() }
    }

    /// The first lane without a request; a new one where all have one.
    fn idle(&self) -> usize {
        self.lanes.iter().position(|lane| lane.running == 0).unwrap_or(self.lanes.len())
    }

    /// Of the lanes that answered over HTTP/2 the one with the fewest requests; where these are full, one that is to be opened.
    fn roomiest(&self) -> usize {
        let lanes = || self.lanes.iter().enumerate().map(|(at, lane)| (lane.running, at, lane));
        let warm = lanes().filter(|(running, _, lane)| lane.warm.is_some() && *running < STREAMS);
        let warm = warm.map(|(running, at, _)| (running, at)).min();
        let open = || Some((0, self.idle())).filter(|(_, idle)| *idle < MAX_HTTP2);
        let least = || lanes().map(|(running, at, _)| (running, at)).min();
        warm.or_else(open).or_else(least).map_or(0, |(_, at)| at)
    }

    /// A request has ended. Where the connection failed under it, the next one goes alone again.
    pub(super) fn ended(&mut self, now: Instant, lane: &Lane, is_broken: bool) {
        if self.protocol == Protocol::Files {
            return;
        }
        if let Some(is_http2) = lane.spoke_http2() {
            self.protocol = if is_http2 { Protocol::Http2 } else { Protocol::Http1 };
        } else {
            self.is_doubtful = true;
        }
        if let Some(state) = self.lanes.get_mut(lane.number) {
            state.running = state.running.saturating_sub(1);
            match lane.spoke_http2() {
                Some(true) if !is_broken => state.warm = Some(now),
                _ if is_broken => state.warm = None,
                _ => {}
            }
        }
    }
}

impl LaneState {
    fn cool(&mut self, now: Instant) {
        if self.running == 0 && self.warm.is_some_and(|last| now.saturating_duration_since(last) >= IDLE) {
            self.warm = None;
        }
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn answer(lanes: &mut Lanes, now: Instant, lane: &Lane, is_http2: bool) {
        lane.answered_over(is_http2);
        lanes.ended(now, lane, false);
    }

    fn numbers(lanes: &[Lane]) -> Vec<usize> {
        lanes.iter().map(Lane::number).collect()
    }

    #[test]
    fn over_http_1_a_connection_carries_one_request_and_is_used_again() {
        let (mut lanes, now) = (Lanes::new(Protocol::Http1), Instant::now());
        let taken: Vec<Lane> = (0..3).map(|_| lanes.take()).collect();
        assert_eq!(numbers(&taken), [0, 1, 2]);
        for lane in taken.iter().skip(1) {
            answer(&mut lanes, now, lane, false);
        }
        let taken: Vec<Lane> = (0..3).map(|_| lanes.take()).collect();
        assert_eq!(numbers(&taken), [1, 2, 3]);
        assert_eq!(lanes.capacity(now, 100_000), MAX_CONNECTIONS);
    }

    #[test]
    fn over_http_2_a_connection_is_opened_by_one_request_and_then_carries_a_hundred() {
        let (mut lanes, now) = (Lanes::new(Protocol::Unknown), Instant::now());
        assert_eq!(lanes.capacity(now, 0), 1);
        let first = lanes.take();
        answer(&mut lanes, now, &first, true);
        assert_eq!(
            [0, STREAMS - 1, STREAMS].map(|waiting| lanes.capacity(now, waiting)),
            [STREAMS, STREAMS, STREAMS + 1]
        );
        let all: Vec<Lane> = (0..STREAMS).map(|_| lanes.take()).collect();
        assert!(all.iter().all(|lane| lane.number() == 0));
        let second = lanes.take();
        assert_eq!(second.number(), 1);
        answer(&mut lanes, now, &second, true);
        let more: Vec<Lane> = (0..STREAMS).map(|_| lanes.take()).collect();
        assert!(more.iter().all(|lane| lane.number() == 1));
        all.iter().chain(&more).for_each(|lane| answer(&mut lanes, now, lane, true));
        let spread: Vec<Lane> = (0..4).map(|_| lanes.take()).collect();
        assert_eq!(numbers(&spread), [0, 1, 0, 1]);
    }

    #[test]
    fn many_waiting_requests_open_several_connections_at_once_but_few() {
        let (mut lanes, now) = (Lanes::new(Protocol::Unknown), Instant::now());
        assert_eq!([99, 100, 250, 100_000].map(|waiting| lanes.capacity(now, waiting)), [1, 2, 3, MAX_HTTP2]);
        let first: Vec<Lane> = (0..MAX_HTTP2).map(|_| lanes.take()).collect();
        assert!(numbers(&first).into_iter().eq(0..MAX_HTTP2));
        answer(&mut lanes, now, &first[2], true);
        assert_eq!(lanes.take().number(), 2, "the others have not answered yet");
        first.iter().for_each(|lane| answer(&mut lanes, now, lane, true));
        assert_eq!(lanes.capacity(now, 100_000), MAX_STREAMS);
    }

    #[test]
    fn what_the_connections_that_are_being_opened_will_carry_opens_no_more() {
        let (mut lanes, now) = (Lanes::new(Protocol::Unknown), Instant::now());
        let first: Vec<Lane> = (0..3).map(|_| lanes.take()).collect();
        // 297 wait, and the first connection takes a hundred of them: two others are enough for the rest.
        answer(&mut lanes, now, &first[0], true);
        assert_eq!(lanes.capacity(now, 297), STREAMS + 2);
        let hundred: Vec<Lane> = (0..STREAMS).map(|_| lanes.take()).collect();
        assert!(hundred.iter().all(|lane| lane.number() == 0));
        assert_eq!(
            [197, 199, 200].map(|waiting| lanes.capacity(now, waiting)),
            [STREAMS + 2, STREAMS + 2, STREAMS + 3]
        );
    }

    #[test]
    fn a_source_that_did_not_answer_is_tried_by_one_request_at_a_time() {
        let (mut lanes, now) = (Lanes::new(Protocol::Unknown), Instant::now());
        let first = lanes.take();
        lanes.ended(now, &first, false);
        assert_eq!(lanes.capacity(now, 100_000), 1);
        let second = lanes.take();
        answer(&mut lanes, now, &second, true);
        assert_eq!(lanes.capacity(now, 100_000), STREAMS + MAX_HTTP2 - 1);
    }

    #[test]
    fn a_connection_that_broke_or_was_idle_is_opened_by_one_request_again() {
        let (mut lanes, now) = (Lanes::new(Protocol::Unknown), Instant::now());
        let first = lanes.take();
        answer(&mut lanes, now, &first, true);
        assert_eq!(lanes.capacity(now + IDLE, 0), 1);
        let again = lanes.take();
        answer(&mut lanes, now + IDLE, &again, true);
        let broken = lanes.take();
        assert_eq!(lanes.capacity(now + IDLE, 0), STREAMS);
        lanes.ended(now + IDLE, &broken, true);
        assert_eq!(lanes.capacity(now + IDLE, 0), 1);
    }
}

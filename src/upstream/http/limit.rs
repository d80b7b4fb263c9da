//! Permits for requests to one source: as many at once as its window allows and its connections carry, spaced where a rate is set
//! or the source allows only so many in a time. What was learned about a source is kept as long as this process runs. Requests for
//! a server's clients wait in a bounded queue, in which no client can starve another.

use std::pin::pin;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};

use super::failure::FailureKind;
use super::lanes::{Lane, Lanes, MAX_CONNECTIONS, MAX_STREAMS, Protocol, STREAMS};
use super::retry::Failed;
use super::settings::HttpSettings;
use super::window::{ENOUGH_NEAR, Pressure, Ticket, Window};
use crate::upstream::queue::asker::Asker;
use crate::upstream::queue::{Bounds, Busy, FairQueue, Load, Slot};

/// Requests of clients that wait for one base, and of one client.
const MAX_WAITING: usize = 4096;
const MAX_WAITING_PER_PEER: usize = 1024;
/// Files of a folder that are read at once: each is an open file of this process.
const MAX_FILES: usize = 512;
/// How long a client's request waits for its turn.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// A source over HTTP/1.1 that has answered nothing after this time is far. A near one may take some of it while its first
/// connections are opened.
const SILENT: Duration = Duration::from_millis(8);
/// Requests that watch for that while they wait, each with a timer: some, since one may be given up.
const WATCHERS: u64 = 8;

/// Gives permits for requests, as many as the source seems to bear.
#[derive(Debug)]
pub(super) struct Limit {
    queue: FairQueue,
    /// the most requests at once
    most: usize,
    /// the shortest time between two requests
    space: Option<Duration>,
    /// the pause where a source allows only so many requests in a time and does not say when it takes the next
    pause: Duration,
    /// the longest pause that a source may ask for
    longest_pause: Duration,
    /// guards what the source bears, and its connections; held for one step, never while waiting
    state: Mutex<LimitState>,
    /// who waits for a time to pass, one after the other
    spaced: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct LimitState {
    window: Window,
    lanes: Lanes,
    /// slots of the queue
    slots: usize,
    /// with a rate, when the next request may be sent
    next: Option<Instant>,
    answers: u64,
    /// whether it answered nothing for a while when it was first asked
    was_silent: bool,
}

/// The right to make one request.
#[derive(Debug)]
pub(in crate::upstream) struct Permit<'a> {
    limit: &'a Limit,
    ticket: Ticket,
    lane: Lane,
    end: End,
    /// whether the connection failed under it
    is_broken: bool,
    // Given back after `drop` has set how many there are.
    _slot: Slot,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Answered,
    Refused(Pressure),
    /// without a connection, or it is nobody's any more
    Left,
}

impl Limit {
    /// For a source with these settings of which `protocol` is known.
    pub(in crate::upstream) fn new(protocol: Protocol, settings: &HttpSettings) -> Limit {
        let most = settings.concurrency.max(1);
        let (first, most_now) = bounds(protocol, 0, most);
        let queue = FairQueue::new(Bounds {
            running: 1,
            waiting: MAX_WAITING,
            waiting_per_peer: MAX_WAITING_PER_PEER,
            longest_wait: LONGEST_WAIT,
        });
        let window = Window::new(first, most_now);
        let state =
            LimitState { window, lanes: Lanes::new(protocol), slots: 1, next: None, answers: 0, was_silent: false };
        Limit {
            queue,
            most,
            space: settings.request_rate.map(|rate| Duration::from_secs(1) / rate.get()),
            pause: settings.first_delay,
            longest_pause: settings.longest_wait,
            state: Mutex::new(state),
            spaced: tokio::sync::Mutex::default(),
        }
    }

    /// Waits for a permit, in the line of the client that the running task works for.
    ///
    /// # Errors
    /// Too many are waiting already.
    pub(in crate::upstream) async fn permit(&self) -> Result<Permit<'_>, Busy> {
        self.set_slots(&mut self.state());
        let slot = self.enter().await?;
        // Requests that wait for a time to pass go first.
        let at_once = self.spaced.try_lock().ok().and_then(|_one| self.start(now()).ok());
        let (ticket, lane) = match at_once {
            Some(started) => started,
            None => {
                let _one = self.spaced.lock().await;
                loop {
                    match self.start(now()) {
                        Ok(started) => break started,
                        Err(opens) => tokio::time::sleep_until(opens.into()).await,
                    }
                }
            }
        };
        Ok(Permit { limit: self, ticket, lane, end: End::Left, is_broken: false, _slot: slot })
    }

    /// Waits for a slot. To a source over HTTP/1.1 that is far, as many connections are opened at once as may be.
    async fn enter(&self) -> Result<Slot, Busy> {
        let asker = Asker::current();
        let mut entering = pin!(self.queue.enter(&asker));
        if self.queue.load().waiting < WATCHERS && self.state().may_be_near() {
            match tokio::time::timeout(SILENT, &mut entering).await {
                Ok(entered) => return entered,
                Err(_) => self.is_far(),
            }
        }
        entering.await
    }

    /// Nothing was answered for a while.
    fn is_far(&self) {
        let mut state = self.state();
        if state.may_be_near() {
            let most = self.most.min(MAX_CONNECTIONS);
            state.was_silent = true;
            state.window.begin(most, most);
            self.set_slots(&mut state);
        }
    }

    /// How many requests run and wait.
    pub(in crate::upstream) fn load(&self) -> Load {
        self.queue.load()
    }

    /// How many requests may run at once now, over the connections that there are. There will be more where more are waited for.
    pub(in crate::upstream) fn allowed(&self) -> usize {
        self.state().slots
    }

    /// How many requests may run at once at most, whatever is learned of the source, as long as it speaks what it is taken to speak.
    pub(in crate::upstream) fn most(&self) -> usize {
        let protocol = self.state().lanes.protocol();
        bounds(protocol, 0, self.most).1
    }

    /// Whether the source refused a request a while ago, and is not sent as many at once since.
    pub(in crate::upstream) fn is_held_back(&self) -> bool {
        self.state().window.is_held_back()
    }

    /// How many requests were answered so far.
    pub(super) fn answers(&self) -> u64 {
        self.state().answers
    }

    fn state(&self) -> MutexGuard<'_, LimitState> {
        self.state.lock()
    }

    /// Begins a request, or says when one may begin.
    fn start(&self, now: Instant) -> Result<(Ticket, Lane), Instant> {
        let mut state = self.state();
        let opens = state.window.opens(now).max(state.next.unwrap_or(now));
        if opens > now {
            return Err(opens);
        }
        state.next = self.space.map(|space| now + space);
        Ok((state.window.sent(now), state.lanes.take()))
    }

    fn ended(&self, permit: &Permit<'_>) {
        let (now, mut state) = (now(), self.state());
        let before = state.lanes.protocol();
        state.lanes.ended(now, &permit.lane, permit.is_broken);
        let protocol = state.lanes.protocol();
        let is_first = protocol == Protocol::Http1 && state.answers == 0 && permit.end == End::Answered;
        if before != protocol || is_first {
            let (first, most) = bounds(protocol, state.lanes.opened(), self.most);
            // Where as many as may be are under way since it was silent, fewer would let nobody in before those are over.
            let is_far = is_first && (state.was_silent || permit.ticket.took(now) >= SILENT);
            state.window.begin(if is_far { most } else { first }, most);
        }
        match permit.end {
            End::Answered => {
                state.answers += 1;
                state.window.answered(now, &permit.ticket);
            }
            End::Refused(pressure) => state.window.refused(now, &permit.ticket, pressure),
            End::Left => state.window.left(),
        }
        self.set_slots(&mut state);
    }

    fn set_slots(&self, state: &mut LimitState) {
        let waiting = match state.lanes.protocol() {
            Protocol::Unknown | Protocol::Http2 => usize::try_from(self.queue.load().waiting).unwrap_or(usize::MAX),
            Protocol::Files | Protocol::Http1Alone | Protocol::Http1 => 0,
        };
        let slots = state.window.allowed().min(state.lanes.capacity(now(), waiting));
        if slots != state.slots {
            state.slots = slots;
            self.queue.set_slots(slots);
        }
    }
}

impl LimitState {
    /// Whether requests over HTTP/1.1 are under way and none was answered yet.
    fn may_be_near(&self) -> bool {
        self.answers == 0 && !self.was_silent && self.lanes.protocol() == Protocol::Http1
    }
}

/// The clock of the runtime, which tests can set.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// How many requests a source is sent at once in the beginning, and at most. Over HTTP/2, as many as those connections carry that
/// were opened for the requests that waited.
fn bounds(protocol: Protocol, opened: usize, most: usize) -> (usize, usize) {
    match protocol {
        Protocol::Files => (most.min(MAX_FILES), most.min(MAX_FILES)),
        Protocol::Http1Alone | Protocol::Http1 => (ENOUGH_NEAR.min(most), most.min(MAX_CONNECTIONS)),
        Protocol::Unknown => (most, most.min(MAX_STREAMS)),
        Protocol::Http2 => ((STREAMS * opened).min(most), most.min(MAX_STREAMS)),
    }
}

impl Permit<'_> {
    /// The connection that the request goes over.
    pub(super) fn lane(&self) -> Lane {
        self.lane.clone()
    }

    /// The base answered the request.
    pub(super) fn answered(mut self) {
        self.end = End::Answered;
    }

    /// The request failed.
    pub(super) fn failed(mut self, failed: &Failed) {
        self.is_broken = failed.kind == FailureKind::Unreachable;
        let asked_for = failed.retry_after.filter(|pause| *pause <= self.limit.longest_pause);
        self.end = match failed.kind {
            FailureKind::Denied(_) if failed.overloaded => {
                End::Refused(Pressure::TooMany(asked_for.unwrap_or(self.limit.pause)))
            }
            _ if failed.overloaded => End::Refused(Pressure::Overloaded),
            FailureKind::Unreachable if !failed.unconnected => End::Refused(Pressure::Overloaded),
            _ if failed.reached() => End::Answered,
            _ => End::Left,
        };
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.limit.ended(self);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::VecDeque;
    use std::num::NonZero;

    use futures_util::FutureExt as _;

    use super::*;

    fn limit(protocol: Protocol, most: usize) -> Limit {
        Limit::new(protocol, &HttpSettings { concurrency: most, ..HttpSettings::default() })
    }

    fn take(limit: &Limit, count: usize) -> Vec<Permit<'_>> {
        (0..count).map(|_| limit.permit().now_or_never().unwrap().unwrap()).collect()
    }

    fn is_full(limit: &Limit) -> bool {
        limit.permit().now_or_never().is_none()
    }

    fn overloaded() -> Failed {
        Failed { overloaded: true, ..Failed::busy("503", None) }
    }

    #[tokio::test]
    async fn permits_in_use_while_it_is_cut_are_not_given_back() {
        let limit = limit(Protocol::Http1, 3);
        let mut under_way = take(&limit, 3);
        under_way.pop().unwrap().failed(&overloaded());
        assert!(is_full(&limit), "two are under way, one is allowed");
        drop(under_way.pop());
        assert!(is_full(&limit));
        drop(under_way.pop());
        assert_eq!(take(&limit, 1).len(), 1);
    }

    #[tokio::test]
    async fn the_first_goes_alone_and_then_all_may() {
        for (protocol, is_http2, most) in [(Protocol::Http1Alone, false, 5), (Protocol::Unknown, true, 5)] {
            let limit = limit(protocol, most);
            let first = take(&limit, 1);
            assert!(is_full(&limit));
            first.into_iter().for_each(|permit| {
                permit.lane().answered_over(is_http2);
                permit.answered();
            });
            assert_eq!(take(&limit, most).len(), most);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn over_http_1_there_are_never_more_than_its_connections() {
        let limit = limit(Protocol::Http1, 512);
        let mut under_way = VecDeque::from(take(&limit, ENOUGH_NEAR));
        under_way.push_back(limit.permit().await.unwrap());
        for _ in 0..1_000 {
            while let Some(permit) = limit.permit().now_or_never() {
                under_way.push_back(permit.unwrap());
            }
            assert!(under_way.len() <= MAX_CONNECTIONS);
            under_way.pop_front().unwrap().answered();
        }
        assert_eq!(under_way.len(), MAX_CONNECTIONS - 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_does_not_answer_at_once_is_sent_all_that_may_be() {
        for (answers, expected) in [(false, MAX_CONNECTIONS), (true, ENOUGH_NEAR)] {
            let limit = limit(Protocol::Http1, 512);
            let mut under_way = take(&limit, ENOUGH_NEAR);
            assert!(is_full(&limit));
            let mut next = Box::pin(limit.permit());
            assert!((&mut next).now_or_never().is_none());
            if answers {
                under_way.pop().unwrap().answered();
            }
            under_way.push(next.await.unwrap());
            while let Some(permit) = limit.permit().now_or_never() {
                under_way.push(permit.unwrap());
            }
            assert_eq!(under_way.len(), expected, "{answers}");
        }
    }

    /// Requests that are never answered hold most of the permits; the first answer, however soon it comes, takes none away.
    #[tokio::test(start_paused = true)]
    async fn a_source_that_was_silent_is_not_taken_for_a_near_one() {
        let limit = limit(Protocol::Http1, 512);
        let _held = take(&limit, ENOUGH_NEAR);
        let soon = limit.permit().await.unwrap();
        let _more = take(&limit, 2 * ENOUGH_NEAR);
        soon.answered();
        assert!(!is_full(&limit));
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_answer_tells_how_far_a_source_is() {
        for (took, expected) in [(SILENT / 2, ENOUGH_NEAR), (SILENT, MAX_CONNECTIONS)] {
            for protocol in [Protocol::Http1, Protocol::Http1Alone, Protocol::Unknown] {
                let limit = limit(protocol, 512);
                let permit = take(&limit, 1).pop().unwrap();
                tokio::time::advance(took).await;
                permit.lane().answered_over(false);
                permit.answered();
                let under_way: Vec<_> = std::iter::from_fn(|| limit.permit().now_or_never()).collect();
                assert_eq!(under_way.len(), expected, "{protocol:?} {took:?}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_is_kept_exactly() {
        let rate = NonZero::new(10);
        let limit = Limit::new(Protocol::Http1, &HttpSettings { request_rate: rate, ..HttpSettings::default() });
        let begun = tokio::time::Instant::now();
        let mut times = Vec::new();
        for _ in 0..5 {
            let all = futures_util::future::join_all((0..5).map(|_| async {
                let permit = limit.permit().await.unwrap();
                (permit, begun.elapsed().as_millis())
            }));
            for (permit, at) in all.await {
                times.push(at);
                permit.answered();
            }
        }
        times.sort_unstable();
        assert_eq!(times, (0..25).map(|number| number * 100).collect::<Vec<_>>());
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_a_time_to_pass_goes_first() {
        let rate = NonZero::new(10);
        let limit = Limit::new(Protocol::Http1, &HttpSettings { request_rate: rate, ..HttpSettings::default() });
        let _first = take(&limit, 1);
        let mut waits = Box::pin(limit.permit());
        assert!((&mut waits).now_or_never().is_none());
        tokio::time::advance(Duration::from_millis(100)).await;
        let mut later = Box::pin(limit.permit());
        assert!((&mut later).now_or_never().is_none(), "it came later");
        assert!(waits.now_or_never().is_some());
        later.await.unwrap().answered();
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_is_dropped_takes_no_permit_with_it() {
        let rate = NonZero::new(10);
        for request_rate in [None, rate] {
            let limit = Limit::new(Protocol::Http1Alone, &HttpSettings { request_rate, ..HttpSettings::default() });
            let mut under_way = limit.permit().await.unwrap();
            for round in 0..100 {
                // One waits in the line, one was given the slot and does not know it yet, one waits for its time.
                let (mut told, mut waits) = (Box::pin(limit.permit()), Box::pin(limit.permit()));
                assert!((&mut told).now_or_never().is_none() && (&mut waits).now_or_never().is_none());
                drop(under_way);
                if round % 2 == 0 {
                    assert_eq!((&mut told).now_or_never().is_none(), request_rate.is_some());
                }
                drop(told);
                drop(waits);
                assert_eq!(limit.load().running, 0);
                under_way = limit.permit().await.unwrap();
            }
        }
    }

    #[tokio::test]
    async fn a_connection_that_says_it_is_overloaded_is_not_opened_anew() {
        for (failed, is_alone) in [(overloaded(), false), (Failed::broken("reset"), true)] {
            let limit = limit(Protocol::Unknown, 512);
            for end in [None, Some(&failed)] {
                let permit = take(&limit, 1).pop().unwrap();
                permit.lane().answered_over(true);
                match end {
                    None => permit.answered(),
                    Some(failed) => permit.failed(failed),
                }
            }
            let _one = take(&limit, 1);
            assert_eq!(is_full(&limit), is_alone, "{}", failed.why);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_that_the_source_asks_for_holds_for_all_requests() {
        let limit = limit(Protocol::Http1, 8);
        let begun = tokio::time::Instant::now();
        let asked_for = Some(Duration::from_secs(3));
        let too_many = Failed { kind: FailureKind::Denied(429), overloaded: true, ..Failed::busy("429", asked_for) };
        take(&limit, 1).pop().unwrap().failed(&too_many);
        drop(limit.permit().await.unwrap());
        assert_eq!(begun.elapsed(), Duration::from_secs(3));
    }
}

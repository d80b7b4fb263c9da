//! The flow of data tiles: they are planned a stretch ahead, requested in order, as many at once as may be in flight, arrive in
//! any order, and are appended in order. Nothing waits for the slowest of a batch: planning, requests and the disk go on
//! side by side, and one answer that is late holds up no request until the window before it is full.

use std::collections::VecDeque;
use std::pin::pin;

use futures_util::stream::{FuturesUnordered, Stream, StreamExt as _};

use super::append::{Appender, Gone};
use super::fetch::{Fetch, Fetched, Run};
use super::tile::{Proven, Wanted};
use super::window::Window;
use crate::fault::Fault;

/// Bytes of tiles that have arrived, and wait for one before them or for the disk; those on their way are counted by the usual
/// length. A log of any size is synced in less than 250 MiB of memory, which the index takes in the end, too.
const WINDOW_BYTES: usize = 40 << 20;
/// Requests between the oldest that is not answered and the newest.
const WINDOW_PLACES: u64 = 4096;
/// What a data tile usually has, with what is made of it, until answers show it.
const USUAL_BYTES: usize = 64 << 10;
/// The next stretch is planned while no more data tiles than these are planned and not requested yet: half a stretch.
const PLANNED_AHEAD: usize = 8192;

/// How far the tiles are.
struct Flow<'a> {
    fetch: &'a Fetch<'a>,
    /// planned, and not requested yet
    planned: VecDeque<Wanted>,
    /// requested, and not next in order yet
    window: Window<Fetched>,
    /// next in order; they wait for the appender
    ready: VecDeque<Proven>,
    /// whether something failed, so that nothing more is requested
    is_failing: bool,
    /// the first fault in order: what was before it is in `ready` or appended, and nothing comes after it
    fault: Option<Fault>,
}

/// Fetches the data tiles that `plan` gives in stretches, and appends them in order; calls `on_append` with each as it is handed
/// over. Returns the fault that ended this early, when all before it is handed over. What the appender has to say, it says when it
/// finishes.
pub(super) async fn run(
    plan: impl Stream<Item = Result<Vec<Wanted>, Fault>>,
    fetch: &Fetch<'_>,
    appender: &Appender,
    mut on_append: impl FnMut(&Proven),
) -> Option<Fault> {
    let (mut plan, mut plan_ended) = (pin!(plan), None);
    let mut flow = Flow::new(fetch);
    let mut in_flight = FuturesUnordered::new();
    loop {
        while let Some((place, run)) = flow.next_run() {
            in_flight.push(async move { (place, fetch.fetch_run(run).await) });
        }
        flow.leave_window();
        if flow.is_done(plan_ended.is_some()) {
            return flow.fault.or(plan_ended.flatten());
        }
        tokio::select! {
            stretch = plan.next(), if plan_ended.is_none() && flow.planned.len() <= PLANNED_AHEAD => match stretch {
                Some(Ok(stretch)) => flow.planned.extend(stretch),
                Some(Err(fault)) => plan_ended = Some(Some(fault)),
                None => plan_ended = Some(None),
            },
            () = fetch.request_closed() => {}
            Some((place, fetched)) = in_flight.next(), if !in_flight.is_empty() => flow.arrive(place, fetched),
            room = appender.room(), if !flow.ready.is_empty() => match room {
                Ok(room) => if let Some(tile) = flow.ready.pop_front() {
                    on_append(&tile);
                    room.send(tile);
                },
                Err(Gone) => return None,
            },
        }
    }
}

impl<'a> Flow<'a> {
    fn new(fetch: &'a Fetch<'a>) -> Flow<'a> {
        let window = Window::new(WINDOW_PLACES, WINDOW_BYTES, USUAL_BYTES);
        Flow { fetch, planned: VecDeque::new(), window, ready: VecDeque::new(), is_failing: false, fault: None }
    }

    /// The next tiles to be requested, with their place, if one more request may be made.
    fn next_run(&mut self) -> Option<(u64, Run<'a>)> {
        if self.is_failing || !self.window.has_room() {
            return None;
        }
        let run = self.fetch.next_run(&mut self.planned)?;
        Some((self.window.open(), run))
    }

    fn arrive(&mut self, place: u64, fetched: Fetched) {
        self.is_failing |= fetched.fault.is_some();
        let bytes = fetched.tiles.iter().map(Proven::weight).sum();
        self.window.arrive(place, fetched, bytes);
    }

    /// Takes what is next in order out of the window, as long as the appender has nothing to do.
    fn leave_window(&mut self) {
        while self.ready.is_empty() && self.fault.is_none() {
            let Some(Fetched { tiles, fault }) = self.window.leave() else { return };
            self.ready.extend(tiles);
            self.fault = fault;
        }
    }

    /// Whether nothing more comes. `is_planned`: the plan has no more stretches.
    fn is_done(&self, is_planned: bool) -> bool {
        let has_all = is_planned && self.planned.is_empty() && self.window.is_empty();
        self.ready.is_empty() && (self.fault.is_some() || has_all)
    }
}

//! Reading ahead: what the go command will most likely ask for next is brought, and proven, before it asks.
//!
//! What comes next follows from what a client asked (`plan`). It is brought by the tasks that clients' own questions have
//! (`files`, `hints`), so nothing is brought twice, and a client that asks meanwhile waits for the rest only. In every queue it
//! comes after clients' questions ([`Peer::READ_AHEAD`]). It is bounded in requests, bytes and depth, for each client (`session`)
//! and over all, and ends soon after the client's last question. Its failures are nobody's answers. It has threads of its own
//! (`threads`), so that proving what nobody has asked for does not keep the others waiting.
//!
//! Nothing is read ahead for a private module, below one, or where the upstreams are folders or `direct`: no name leaves that a
//! client's question would not send to a public upstream, and no repository is cloned because a go.mod file names it.

mod ledger;
mod plan;
mod session;
mod threads;

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use super::expected::Route;
use super::limits::ReadAheadLimits;
use super::watched::Meter;
use super::{Denied, Inner, Mode, ProxyAnswer, files, hints};
use crate::config::settings::ReadAhead;
use crate::sumdb::gomod::GoMod;
use crate::sumdb::goproxy::ModuleRequest;
use crate::sumdb::gosum::Kind;
use crate::upstream::Peer;
use ledger::Ledger;
pub use ledger::ReadAheadCounts;
use plan::{AheadStep, beside};
use session::Sessions;
use threads::Threads;

/// The longest go.mod that is read for its requirements.
const MAX_GO_MOD_BYTES: u64 = 1 << 20;

/// What is being read ahead, and what came of it.
pub(super) struct State {
    limits: ReadAheadLimits,
    /// guards what is to be read ahead for whom; held for one step
    sessions: Mutex<Sessions>,
    /// guards what was read ahead and not asked for yet; held for one step
    ledger: Mutex<Ledger>,
    running: Semaphore,
    threads: Threads,
}

impl State {
    pub(super) fn new(limits: ReadAheadLimits) -> State {
        State {
            limits,
            sessions: Mutex::new(Sessions::new(limits)),
            ledger: Mutex::default(),
            running: Semaphore::new(limits.running),
            threads: Threads::default(),
        }
    }

    /// What was read ahead so far, and what of it was asked for.
    pub(super) fn counts(&self) -> ReadAheadCounts {
        let clients = self.sessions().driven();
        ReadAheadCounts { clients, ..self.ledger().counts() }
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock()
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock()
    }
}

/// A client waits for what is not here: what it will ask for right after is read ahead meanwhile.
pub(super) fn waits(inner: &Arc<Inner>, request: &ModuleRequest, mode: Mode) {
    if inner.read_ahead.limits.mode == ReadAhead::Off {
        return;
    }
    if let Some(next) = beside(request) {
        begin(inner, request, mode, |sessions, peer| sessions.waits(peer, next, Instant::now()));
    }
}

/// A client's question was answered: what was read ahead for it is used, and what comes next is read ahead.
pub(super) fn answered(inner: &Arc<Inner>, request: &ModuleRequest, mode: Mode, answer: &Result<ProxyAnswer, Denied>) {
    let state = &inner.read_ahead;
    if state.limits.mode == ReadAhead::Off || answer.is_err() {
        return;
    }
    state.ledger().asked(request, Instant::now());
    begin(inner, request, mode, |sessions, peer| sessions.asked(peer, request, Instant::now()));
}

/// Begins to read ahead where `follow` finds something to bring and nobody brings it yet.
fn begin(
    inner: &Arc<Inner>,
    request: &ModuleRequest,
    mode: Mode,
    follow: impl FnOnce(&mut Sessions, Peer) -> Option<Arc<Notify>>,
) {
    let state = &inner.read_ahead;
    let Some(peer) = mode.peer.filter(|_| !mode.cached_only && may_read_ahead(inner, request)) else { return };
    if let Some(more) = follow(&mut state.sessions(), peer) {
        state.threads.spawn(drive(Arc::clone(inner), peer, more));
    }
}

/// Whether something may be read ahead for a question about this module: it is public, and servers are asked.
fn may_read_ahead(inner: &Inner, request: &ModuleRequest) -> bool {
    inner.policy.now().route_of(request).is_ok_and(Route::may_read_ahead)
}

/// Reads ahead for one client until nothing is left to bring, or the client has asked nothing for a while.
async fn drive(inner: Arc<Inner>, peer: Peer, more: Arc<Notify>) {
    let state = &inner.read_ahead;
    let mut in_flight = FuturesUnordered::new();
    loop {
        while in_flight.len() < state.limits.running_per_peer {
            let Some(step) = state.sessions().next(peer) else { break };
            in_flight.push(bring(&inner, step));
        }
        if in_flight.is_empty() && state.sessions().end_if_idle(peer) {
            return;
        }
        let until = state.sessions().until(peer);
        tokio::select! {
            Some((step, brought)) = in_flight.next() => {
                let go_mod = brought.go_mod.as_ref();
                state.sessions().brought(peer, &step, brought.bytes, go_mod);
            }
            () = more.notified() => {}
            () = tokio::time::sleep_until(until) => {
                // What is in flight is dropped with this: a client that waits for a part of it keeps that part.
                if state.sessions().end_if_late(peer, Instant::now()) {
                    return;
                }
            }
        }
    }
}

/// What came of one step.
#[derive(Default)]
struct Brought {
    /// bytes that were received for it
    bytes: u64,
    /// what the go.mod says, where the step is to go on below it
    go_mod: Option<GoMod>,
}

async fn bring(inner: &Arc<Inner>, step: AheadStep) -> (AheadStep, Brought) {
    let state = &inner.read_ahead;
    // The semaphore is never closed.
    let _running = state.running.acquire().await.ok();
    let brought = match &step.request {
        ModuleRequest::File(..) => bring_file(inner, &step).await,
        request => bring_hint(inner, request).await,
    };
    (step, brought)
}

async fn bring_file(inner: &Arc<Inner>, step: &AheadStep) -> Brought {
    let (state, ModuleRequest::File(module, kind)) = (&inner.read_ahead, &step.request) else {
        return Brought::default();
    };
    if *kind == Kind::Zip && !state.ledger().has_room(state.limits.unused_bytes, Instant::now()) {
        return Brought::default();
    }
    let meter = Arc::new(Meter::new(state.limits.file_bytes));
    let _began = Begun::new(state, &step.request, &meter);
    let file = tokio::select! {
        biased;
        () = meter.over() => None,
        file = files::read_ahead(inner, module, *kind, &meter) => file,
    };
    let mut brought = Brought { bytes: meter.bytes(), go_mod: None };
    if let Some(file) = file.filter(|file| *kind == Kind::GoMod && file.len() <= MAX_GO_MOD_BYTES) {
        let read = tokio::task::spawn_blocking(move || GoMod::read(&file.read().ok()?).ok());
        brought.go_mod = read.await.ok().flatten();
    }
    brought
}

async fn bring_hint(inner: &Arc<Inner>, request: &ModuleRequest) -> Brought {
    let meter = Arc::new(Meter::new(u64::MAX));
    let _began = Begun::new(&inner.read_ahead, request, &meter);
    if let Some(text) = hints::read_ahead(inner, request).await {
        meter.count(text.bytes.len());
    }
    Brought { bytes: meter.bytes(), go_mod: None }
}

/// A request that is under way, in the ledger: dropped, it is noted what came of it.
struct Begun<'a> {
    state: &'a State,
    request: &'a ModuleRequest,
    meter: &'a Meter,
}

impl<'a> Begun<'a> {
    fn new(state: &'a State, request: &'a ModuleRequest, meter: &'a Meter) -> Begun<'a> {
        state.ledger().began(request, Instant::now());
        Begun { state, request, meter }
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        self.state.ledger().came(self.request, self.meter.bytes());
    }
}

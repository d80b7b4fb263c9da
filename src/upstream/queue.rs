//! A bounded queue in front of something scarce, fair by client. A fixed number of requests run at once; the others wait, those
//! of each client in a line of their own, and the lines take turns. No client gets all slots: some stay free for the others.
//!
//! A request is turned away ([`Busy`]) if its client's line is full, if it has waited too long, or if the whole queue is full and
//! no other client has a longer line; if one has, the newest request of the longest line goes instead. A request that is dropped
//! leaves its line at once.

pub(super) mod asker;
mod lines;
pub(super) mod peer;

use std::iter::Sum;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::oneshot;

use crate::fault::Fault;
use crate::sumdb::number::wide;
use asker::Asker;
use lines::{Lines, Waiting};
use peer::Peer;

/// How soon a client that was turned away may try again.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// What a queue holds at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// requests that run at once
    pub running: usize,
    /// requests that wait, of all clients together
    pub waiting: usize,
    /// requests that wait, of one client
    pub waiting_per_peer: usize,
    /// how long a request waits
    pub longest_wait: Duration,
}

/// A queue was full, or a request waited too long in it; the client may retry later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy;

impl Busy {
    /// The fault that this becomes: too many requests are waiting for `what`.
    pub fn fault(self, what: &str) -> Fault {
        Fault::Busy { what: format!("too many requests are waiting for {what}"), retry_after: RETRY_AFTER }
    }
}

/// How full a queue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Load {
    /// requests that wait now
    pub waiting: u64,
    /// requests that run now
    pub running: u64,
    /// requests that were turned away so far
    pub rejected: u64,
}

impl Sum for Load {
    fn sum<I: Iterator<Item = Load>>(loads: I) -> Load {
        loads.fold(Load::default(), |sum, load| Load {
            waiting: sum.waiting + load.waiting,
            running: sum.running + load.running,
            rejected: sum.rejected + load.rejected,
        })
    }
}

/// The queue.
#[derive(Debug)]
pub struct FairQueue {
    shared: Arc<QueueInner>,
}

#[derive(Debug)]
struct QueueInner {
    bounds: Bounds,
    /// guards which requests run and which wait; held for one step, never while waiting
    lines: Mutex<Lines>,
    rejected: AtomicU64,
}

/// The right to run, given back when it is dropped.
#[derive(Debug)]
#[must_use = "a slot is given back when it is dropped"]
pub struct Slot {
    shared: Arc<QueueInner>,
    peer: Option<Peer>,
}

/// A request's place in its line.
struct WaitingPlace<'a> {
    shared: &'a Arc<QueueInner>,
    peer: Option<Peer>,
    number: u64,
    slot: oneshot::Receiver<Slot>,
}

enum Entered<'a> {
    Running(Slot),
    Waiting(WaitingPlace<'a>),
}

impl FairQueue {
    /// An empty queue.
    pub fn new(bounds: Bounds) -> FairQueue {
        let lines = Mutex::new(Lines::new(bounds.running));
        FairQueue { shared: Arc::new(QueueInner { bounds, lines, rejected: AtomicU64::new(0) }) }
    }

    /// Waits for a slot. Work that several clients share waits in the line of each, and takes the first slot that any of them
    /// gets: so no client waits longer than it would alone. An asker that is already admitted waits without a time limit, and so
    /// does what is read ahead: a client that comes to wait for it too would else be turned away for it.
    ///
    /// # Errors
    /// The request was turned away.
    pub async fn enter(&self, asker: &Asker) -> Result<Slot, Busy> {
        let entered = if asker.is_admitted() || asker.clients() == [Some(Peer::READ_AHEAD)] {
            self.wait(asker.clone()).await
        } else {
            tokio::time::timeout(self.shared.bounds.longest_wait, self.wait(asker.clone())).await.unwrap_or(Err(Busy))
        };
        if entered.is_err() {
            self.shared.rejected.fetch_add(1, Ordering::Relaxed);
        }
        entered
    }

    async fn wait(&self, mut asker: Asker) -> Result<Slot, Busy> {
        let (mut places, mut entered): (Vec<WaitingPlace<'_>>, Vec<Option<Peer>>) = (Vec::new(), Vec::new());
        loop {
            let clients = asker.clients();
            places.retain(|place| clients.contains(&place.peer));
            entered.retain(|peer| clients.contains(peer));
            for peer in clients {
                if !entered.contains(&peer) {
                    entered.push(peer);
                    match self.shared.enter(peer, !asker.is_admitted()) {
                        Ok(Entered::Running(slot)) => return Ok(slot),
                        Ok(Entered::Waiting(place)) => places.push(place),
                        Err(Busy) => {}
                    }
                }
            }
            if places.is_empty() {
                return Err(Busy);
            }
            let slots = future::select_all(places.iter_mut().map(|place| &mut place.slot));
            let turned_away = tokio::select! {
                biased;
                (slot, at, _) = slots => match slot {
                    Ok(slot) => return Ok(slot),
                    Err(_) => Some(at),
                },
                () = asker.changed() => None,
            };
            if let Some(at) = turned_away {
                places.swap_remove(at);
            }
        }
    }

    /// Sets the number of slots. Where more are taken already, none is given until enough of them are back.
    pub(super) fn set_slots(&self, slots: usize) {
        self.shared.lines().slots = slots.max(1);
        self.shared.hand_out();
    }

    /// How full it is.
    pub fn load(&self) -> Load {
        let count = |number: usize| wide(number);
        let lines = self.shared.lines();
        let rejected = self.shared.rejected.load(Ordering::Relaxed);
        Load { waiting: count(lines.waiting), running: count(lines.running), rejected }
    }
}

impl QueueInner {
    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock()
    }

    /// A slot where one is free, else a place in the line.
    fn enter(self: &Arc<QueueInner>, peer: Option<Peer>, may_be_rejected: bool) -> Result<Entered<'_>, Busy> {
        let mut lines = self.lines();
        if lines.run_at_once(peer) {
            return Ok(Entered::Running(Slot { shared: Arc::clone(self), peer }));
        }
        let (sender, slot) = oneshot::channel();
        let number = lines.wait(peer, Waiting { slot: sender, may_be_rejected }, &self.bounds).ok_or(Busy)?;
        Ok(Entered::Waiting(WaitingPlace { shared: self, peer, number, slot }))
    }

    /// Gives free slots to waiting requests.
    fn hand_out(self: &Arc<QueueInner>) {
        loop {
            let Some((peer, waiting)) = self.lines().take_next() else { return };
            // Without the lock. A request that has just left does not take the slot; it is dropped here, which gives it back.
            let slot = Slot { shared: Arc::clone(self), peer };
            drop(waiting.slot.send(slot));
        }
    }
}

impl Drop for WaitingPlace<'_> {
    fn drop(&mut self) {
        self.shared.lines().remove(self.peer, self.number);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.shared.lines().done(self.peer);
        self.shared.hand_out();
    }
}

#[cfg(test)]
#[path = "queue/tests.rs"]
mod tests;

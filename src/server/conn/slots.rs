//! The open connections, how many there may be, and which of them are closed when more arrive.
//!
//! The server answers a connection only if it has a slot, except for health and metrics: so it accepts a few more connections
//! than there are slots (the reserve), also while all slots are taken. Then it closes an older connection: the oldest whose
//! client has not completed a header section; else the one that has been idle for longest, HTTP/1.1 or HTTP/2; else, if another
//! peer holds more than half of the slots, the one of that peer that has been busy for longest. Behind a reverse proxy all
//! clients are one peer; since this rule protects one peer only from another, it costs those clients nothing. If no connection
//! can be closed, the new one waits for a slot, and gets 503 after a while.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, timeout};

use super::frames::Protocol;
use super::timer::{Activity, ConnTimer};
use crate::proxy::Peer;
use crate::server::limits::SLOT_RETRY;

/// Whether a connection has been asked to close, and how soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closing {
    No,
    /// after what is in flight; cut off if it is still open when nothing is
    WhenQuiet,
    /// within a moment, whatever is in flight: its peer has more than its share
    Soon,
    /// at once
    Now,
}

/// What the server needs to know of an open connection to decide whether to close it.
#[derive(Debug)]
struct OpenConnection {
    peer: Peer,
    timer: Arc<ConnTimer>,
    closing: watch::Sender<Closing>,
    has_slot: bool,
}

impl OpenConnection {
    fn is_staying(&self) -> bool {
        *self.closing.borrow() == Closing::No
    }
}

/// The connections of the public listeners, or of the admin listeners.
#[derive(Debug)]
pub(crate) struct Slots {
    total: usize,
    slots: Arc<Semaphore>,
    /// one permit for each slot and for each connection of the reserve
    accept_permits: Arc<Semaphore>,
    /// the number of the next connection
    next: AtomicU64,
    /// guards the open connections by number; locked for one lookup or one scan and never across an await
    open: Mutex<HashMap<u64, OpenConnection>>,
}

/// The right to accept one more connection.
#[derive(Debug)]
pub(crate) struct AcceptPermit {
    _permit: OwnedSemaphorePermit,
}

/// An open connection, registered until this is dropped.
#[derive(Debug)]
pub(crate) struct Registration {
    number: u64,
    peer: Peer,
    all: Arc<Slots>,
    closing: watch::Receiver<Closing>,
    /// whether `slot` holds one, readable without the lock
    has_slot: AtomicBool,
    /// guards the slot; none while the connection waits for one
    slot: Mutex<Option<OwnedSemaphorePermit>>,
    _permit: AcceptPermit,
}

impl Slots {
    pub(crate) fn new(total: usize, reserve: usize) -> Arc<Slots> {
        Arc::new(Slots {
            total,
            slots: Arc::new(Semaphore::new(total)),
            accept_permits: Arc::new(Semaphore::new(total + reserve)),
            next: AtomicU64::new(0),
            open: Mutex::default(),
        })
    }

    /// Whether all slots are taken.
    pub(crate) fn are_all_taken(&self) -> bool {
        self.slots.available_permits() == 0
    }

    /// Waits until one more connection can be accepted. If even the reserve is used up, closes a connection in it.
    pub(crate) async fn accept_permit(self: &Arc<Slots>) -> Option<AcceptPermit> {
        loop {
            let free = Arc::clone(&self.accept_permits).acquire_owned();
            if self.accept_permits.available_permits() == 0 {
                self.clear_reserve();
            }
            if let Ok(permit) = timeout(SLOT_RETRY, free).await {
                return permit.ok().map(|permit| AcceptPermit { _permit: permit });
            }
        }
    }

    /// Registers an accepted connection. It gets a slot if one is free; else another connection is asked to close.
    pub(crate) fn register(self: &Arc<Slots>, permit: AcceptPermit, peer: Peer, timer: Arc<ConnTimer>) -> Registration {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, closing) = watch::channel(Closing::No);
        let slot = Arc::clone(&self.slots).try_acquire_owned().ok();
        let entry = OpenConnection { peer, timer, closing: sender, has_slot: slot.is_some() };
        self.open.lock().insert(number, entry);
        if slot.is_none() {
            self.make_room(number, peer);
        }
        let has_slot = AtomicBool::new(slot.is_some());
        Registration { number, peer, all: Arc::clone(self), closing, has_slot, slot: Mutex::new(slot), _permit: permit }
    }

    /// The open connections that speak `protocol`.
    pub(crate) fn count(&self, protocol: Protocol) -> usize {
        let open = self.open.lock();
        open.values().filter(|entry| entry.timer.protocol() == protocol).count()
    }

    /// Asks one connection to close so that connection `number` of `peer` gets its slot.
    fn make_room(&self, number: u64, peer: Peer) {
        let open = self.open.lock();
        // Only connections with a slot can free one.
        let others = || open.iter().filter(|(other, entry)| **other != number && entry.is_staying() && entry.has_slot);
        let first = |wanted: Activity| {
            let those = others().filter_map(|(_, entry)| match entry.timer.activity() {
                // A header section needs a moment to arrive; a connection that waits for a slot tries again.
                (Activity::ReadingHead, since) if since.elapsed() < SLOT_RETRY => None,
                (activity, since) if activity == wanted => Some((since, entry)),
                _ => None,
            });
            those.min_by_key(|(since, _)| *since).map(|(_, entry)| entry)
        };
        if let Some(slow) = first(Activity::ReadingHead) {
            slow.closing.send_replace(Closing::Now);
        } else if let Some(quiet) = first(Activity::Idle) {
            quiet.closing.send_replace(Closing::WhenQuiet);
        } else {
            let mut held: HashMap<Peer, usize> = HashMap::new();
            others()
                .filter(|(_, entry)| entry.has_slot)
                .for_each(|(_, entry)| *held.entry(entry.peer).or_default() += 1);
            let largest = held.into_iter().max_by_key(|(_, held)| *held);
            let Some((most, _)) = largest.filter(|(most, held)| *most != peer && *held > self.total / 2) else {
                return;
            };
            let of_largest = others().filter(|(_, entry)| entry.peer == most);
            if let Some((_, entry)) = of_largest.min_by_key(|(_, entry)| entry.timer.activity().1) {
                entry.closing.send_replace(Closing::Soon);
            }
        }
    }

    /// Asks the connection that has been in the reserve for longest to close.
    fn clear_reserve(&self) {
        let open = self.open.lock();
        let staying = || open.iter().filter(|(_, entry)| entry.is_staying());
        let unfinished = |entry: &OpenConnection| entry.timer.activity().0 == Activity::ReadingHead;
        let waiting = |entry: &OpenConnection| !entry.has_slot;
        let oldest = |wanted: &dyn Fn(&OpenConnection) -> bool| {
            staying().filter(|(_, entry)| wanted(entry)).min_by_key(|(number, _)| **number).map(|(_, entry)| entry)
        };
        if let Some(slow) = oldest(&unfinished) {
            slow.closing.send_replace(Closing::Now);
        } else if let Some(waits) = oldest(&waiting) {
            waits.closing.send_replace(Closing::Soon);
        }
    }
}

impl Registration {
    /// Whether the connection has a slot, and is not only in the reserve.
    pub(crate) fn has_slot(&self) -> bool {
        self.has_slot.load(Ordering::Relaxed)
    }

    /// Waits up to `within` for a slot, unless the connection is asked to close. Returns whether it has one.
    pub(crate) async fn acquire_slot(&self, within: Duration) -> bool {
        let until = Instant::now() + within;
        let mut closing = self.closing.clone();
        while !self.has_slot() {
            let left = until.saturating_duration_since(Instant::now()).min(SLOT_RETRY);
            tokio::select! {
                biased;
                slot = Arc::clone(&self.all.slots).acquire_owned() => {
                    let Ok(slot) = slot else { return false };
                    self.keep_slot(slot);
                }
                _ = closing.wait_for(|closing| *closing != Closing::No) => return false,
                () = tokio::time::sleep(left) => {
                    if Instant::now() >= until {
                        return false;
                    }
                    // Another connection may have become idle.
                    self.all.make_room(self.number, self.peer);
                }
            }
        }
        true
    }

    fn keep_slot(&self, slot: OwnedSemaphorePermit) {
        // If two requests of one connection waited, the second slot is released.
        self.slot.lock().get_or_insert(slot);
        self.has_slot.store(true, Ordering::Relaxed);
        let mut open = self.all.open.lock();
        if let Some(entry) = open.get_mut(&self.number) {
            entry.has_slot = true;
        }
    }

    /// Asks this connection to close when nothing is in flight.
    pub(crate) fn close_when_quiet(&self) {
        let open = self.all.open.lock();
        if let Some(entry) = open.get(&self.number).filter(|entry| entry.is_staying()) {
            entry.closing.send_replace(Closing::WhenQuiet);
        }
    }

    /// Changes whenever the connection is asked to close.
    pub(crate) fn closings(&self) -> watch::Receiver<Closing> {
        self.closing.clone()
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.all.open.lock().remove(&self.number);
    }
}

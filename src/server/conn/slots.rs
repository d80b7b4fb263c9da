//! The connections that are open, their bound, and which of them are closed when more come.
//!
//! A connection needs a slot to be answered, except about health and metrics: so there are some more connections than slots (the
//! reserve), and a connection is accepted also when all slots are taken. Then an older one is closed: the oldest whose client
//! has not ended the head of its request; else the one that is idle for longest, HTTP/1.1 or HTTP/2; else, if another peer holds
//! more than half of the slots, the one of that peer that was busy for longest. Behind a reverse proxy all clients are one peer;
//! since a share counts only against other peers, it takes nothing away from those. Where none of these is open, the new
//! connection waits for a slot, and gets 503 after a while.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, timeout};

use super::frames::Protocol;
use super::timer::{Activity, Clock};
use crate::proxy::Peer;
use crate::server::limits::SLOT_RETRY;

/// What a connection is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Stay,
    /// to finish what it does; cut off if it is quiet and stays
    Leave,
    /// to finish what it does within a moment: its peer has more than its share
    MakeRoom,
    /// to end now
    End,
}

#[derive(Debug)]
struct Entry {
    peer: Peer,
    clock: Arc<Clock>,
    order: watch::Sender<Order>,
    has_slot: bool,
}

impl Entry {
    fn stays(&self) -> bool {
        *self.order.borrow() == Order::Stay
    }
}

/// The connections of some listeners.
#[derive(Debug)]
pub(crate) struct Slots {
    total: usize,
    slots: Arc<Semaphore>,
    /// slots and reserve
    places: Arc<Semaphore>,
    next: AtomicU64,
    open: Mutex<HashMap<u64, Entry>>,
}

/// Room for one more connection.
#[derive(Debug)]
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
}

/// An open connection.
#[derive(Debug)]
pub(crate) struct Slot {
    number: u64,
    peer: Peer,
    all: Arc<Slots>,
    order: watch::Receiver<Order>,
    is_held: AtomicBool,
    /// none while it waits for one
    slot: Mutex<Option<OwnedSemaphorePermit>>,
    _place: Place,
}

impl Slots {
    pub(crate) fn new(total: usize, reserve: usize) -> Arc<Slots> {
        Arc::new(Slots {
            total,
            slots: Arc::new(Semaphore::new(total)),
            places: Arc::new(Semaphore::new(total + reserve)),
            next: AtomicU64::new(0),
            open: Mutex::default(),
        })
    }

    /// Whether all slots are taken.
    pub(crate) fn are_short(&self) -> bool {
        self.slots.available_permits() == 0
    }

    /// Waits until one more connection can be accepted. Where even the reserve is used up, somebody has to leave it.
    pub(crate) async fn place(self: &Arc<Slots>) -> Option<Place> {
        loop {
            let free = Arc::clone(&self.places).acquire_owned();
            if self.places.available_permits() == 0 {
                self.clear_reserve();
            }
            if let Ok(place) = timeout(SLOT_RETRY, free).await {
                return place.ok().map(|permit| Place { _permit: permit });
            }
        }
    }

    /// Enters a connection that was accepted. It gets a slot if there is one; else another one is told to make room.
    pub(crate) fn enter(self: &Arc<Slots>, place: Place, peer: Peer, clock: Arc<Clock>) -> Slot {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, order) = watch::channel(Order::Stay);
        let slot = Arc::clone(&self.slots).try_acquire_owned().ok();
        let entry = Entry { peer, clock, order: sender, has_slot: slot.is_some() };
        self.open.lock().unwrap_or_else(PoisonError::into_inner).insert(number, entry);
        if slot.is_none() {
            self.make_room(number, peer);
        }
        let is_held = AtomicBool::new(slot.is_some());
        Slot { number, peer, all: Arc::clone(self), order, is_held, slot: Mutex::new(slot), _place: place }
    }

    /// Connections that are open, by what they speak.
    pub(crate) fn count(&self, protocol: Protocol) -> usize {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.values().filter(|entry| entry.clock.protocol() == protocol).count()
    }

    /// Tells one connection to give its slot to connection `number` of `peer`.
    fn make_room(&self, number: u64, peer: Peer) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // Only those with a slot have one to give.
        let others = || open.iter().filter(|(other, entry)| **other != number && entry.stays() && entry.has_slot);
        let first = |wanted: Activity| {
            let those = others().filter_map(|(_, entry)| match entry.clock.activity() {
                // A head needs a moment to arrive; a connection that waits for a slot looks again.
                (Activity::Head, since) if since.elapsed() < SLOT_RETRY => None,
                (activity, since) if activity == wanted => Some((since, entry)),
                _ => None,
            });
            those.min_by_key(|(since, _)| *since).map(|(_, entry)| entry)
        };
        if let Some(slow) = first(Activity::Head) {
            slow.order.send_replace(Order::End);
        } else if let Some(quiet) = first(Activity::Idle) {
            quiet.order.send_replace(Order::Leave);
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
            if let Some((_, entry)) = of_largest.min_by_key(|(_, entry)| entry.clock.activity().1) {
                entry.order.send_replace(Order::MakeRoom);
            }
        }
    }

    /// Tells the connection that has waited for longest in the reserve to leave it.
    fn clear_reserve(&self) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let stay = || open.iter().filter(|(_, entry)| entry.stays());
        let unfinished = |entry: &Entry| entry.clock.activity().0 == Activity::Head;
        let waiting = |entry: &Entry| !entry.has_slot;
        let oldest = |wanted: &dyn Fn(&Entry) -> bool| {
            stay().filter(|(_, entry)| wanted(entry)).min_by_key(|(number, _)| **number).map(|(_, entry)| entry)
        };
        if let Some(slow) = oldest(&unfinished) {
            slow.order.send_replace(Order::End);
        } else if let Some(waits) = oldest(&waiting) {
            waits.order.send_replace(Order::MakeRoom);
        }
    }
}

impl Slot {
    /// Whether it has a slot, and not only a place in the reserve.
    pub(crate) fn is_held(&self) -> bool {
        self.is_held.load(Ordering::Relaxed)
    }

    /// Gets a slot within `within`, if the connection may stay for so long; gives whether it has one.
    pub(crate) async fn acquire(&self, within: Duration) -> bool {
        let until = Instant::now() + within;
        let mut order = self.order.clone();
        while !self.is_held() {
            let left = until.saturating_duration_since(Instant::now()).min(SLOT_RETRY);
            tokio::select! {
                biased;
                slot = Arc::clone(&self.all.slots).acquire_owned() => {
                    let Ok(slot) = slot else { return false };
                    self.hold(slot);
                }
                _ = order.wait_for(|order| *order != Order::Stay) => return false,
                () = tokio::time::sleep(left) => {
                    if Instant::now() >= until {
                        return false;
                    }
                    // Another connection may have become quiet.
                    self.all.make_room(self.number, self.peer);
                }
            }
        }
        true
    }

    fn hold(&self, slot: OwnedSemaphorePermit) {
        // Two requests of one connection may have waited: the second slot is given back.
        self.slot.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(slot);
        self.is_held.store(true, Ordering::Relaxed);
        let mut open = self.all.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = open.get_mut(&self.number) {
            entry.has_slot = true;
        }
    }

    /// Tells this connection to leave once it is quiet.
    pub(crate) fn leave(&self) {
        let open = self.all.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = open.get(&self.number).filter(|entry| entry.stays()) {
            entry.order.send_replace(Order::Leave);
        }
    }

    /// What it is told, from now on.
    pub(crate) fn orders(&self) -> watch::Receiver<Order> {
        self.order.clone()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.all.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
    }
}

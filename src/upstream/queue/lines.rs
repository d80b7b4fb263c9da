//! Which requests run and which wait: one line for each client, and whose turn is next. Nothing here blocks.
//!
//! What is read ahead has a line of its own, whose turn comes while no client waits that could run. It leaves a part of the slots
//! free, and takes no place from a client that waits.

use std::collections::{BTreeMap, HashMap, VecDeque};

use tokio::sync::oneshot;

use super::peer::Peer;
use super::{Bounds, Slot};

/// One slot in this many stays free for clients other than the one that has all the rest.
const RESERVE: usize = 8;
/// One slot in this many, at least one, stays free of what is read ahead.
const FREE_OF_READ_AHEAD: usize = 4;
/// The number of slots from which on one of them is reserved.
const RESERVE_FROM: usize = 4;

#[derive(Debug)]
pub(super) struct Lines {
    /// slots that there are
    pub(super) slots: usize,
    pub(super) running: usize,
    pub(super) waiting: usize,
    /// the number of the next request that waits
    next: u64,
    /// of each client that has a request here
    pub(super) of_peers: HashMap<Option<Peer>, ClientLine>,
    /// the clients that have a request waiting, the one whose turn is next first
    turns: VecDeque<Option<Peer>>,
}

#[derive(Debug, Default)]
pub(super) struct ClientLine {
    running: usize,
    waiting: BTreeMap<u64, Waiting>,
}

#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) slot: oneshot::Sender<Slot>,
    pub(super) may_be_rejected: bool,
}

impl Lines {
    pub(super) fn new(slots: usize) -> Lines {
        let (of_peers, turns) = (HashMap::new(), VecDeque::new());
        Lines { slots: slots.max(1), running: 0, waiting: 0, next: 0, of_peers, turns }
    }

    /// Takes a slot for a client, if one is free for it and none of its requests waits.
    pub(super) fn run_at_once(&mut self, peer: Option<Peer>) -> bool {
        let may_run = self.waiting_of(peer) == 0 && self.may_run(peer);
        let may_run = may_run && (!is_read_ahead(peer) || !self.clients_could_run());
        if may_run {
            self.run(peer);
        }
        may_run
    }

    /// Puts a request at the end of its client's line; gives its number. None where there is no room.
    pub(super) fn wait(&mut self, peer: Option<Peer>, waiting: Waiting, bounds: &Bounds) -> Option<u64> {
        let own = self.waiting_of(peer);
        if waiting.may_be_rejected && !self.makes_room(own, bounds) {
            return None;
        }
        let number = self.next;
        self.next += 1;
        self.waiting += 1;
        if own == 0 {
            self.turns.push_back(peer);
        }
        self.of_peers.entry(peer).or_default().waiting.insert(number, waiting);
        Some(number)
    }

    /// A request has run.
    pub(super) fn done(&mut self, peer: Option<Peer>) {
        self.running -= 1;
        if let Some(line) = self.of_peers.get_mut(&peer) {
            line.running -= 1;
        }
        self.forget_if_idle(peer);
    }

    fn waiting_of(&self, peer: Option<Peer>) -> usize {
        self.of_peers.get(&peer).map_or(0, |line| line.waiting.len())
    }

    /// Requests of clients that wait.
    fn waiting_of_clients(&self) -> usize {
        self.waiting - self.waiting_of(Some(Peer::READ_AHEAD))
    }

    /// Whether a client's request waits that could run now.
    fn clients_could_run(&self) -> bool {
        self.turns.iter().any(|peer| !is_read_ahead(*peer) && self.may_run(*peer))
    }

    fn may_run(&self, peer: Option<Peer>) -> bool {
        if is_read_ahead(peer) {
            return self.running + (self.slots / FREE_OF_READ_AHEAD).max(1) < self.slots;
        }
        let reserve = (self.slots / RESERVE).max(usize::from(self.slots >= RESERVE_FROM));
        let share = if peer.is_some() { self.slots - reserve } else { self.slots };
        self.running < self.slots && self.of_peers.get(&peer).is_none_or(|line| line.running < share)
    }

    fn run(&mut self, peer: Option<Peer>) {
        self.running += 1;
        self.of_peers.entry(peer).or_default().running += 1;
    }

    /// Whether one more request may wait, of a client that has `own` waiting; makes room for it if another client has more.
    fn makes_room(&mut self, own: usize, bounds: &Bounds) -> bool {
        if own >= bounds.waiting_per_peer {
            return false;
        }
        if self.waiting_of_clients() < bounds.waiting {
            return true;
        }
        let clients = self.of_peers.iter().filter(|(peer, _)| !is_read_ahead(**peer));
        let longest = clients.max_by_key(|(_, line)| line.waiting.len());
        let Some((peer, line)) = longest.filter(|(_, line)| line.waiting.len() > own + 1) else { return false };
        let newest = line.waiting.last_key_value().filter(|(_, newest)| newest.may_be_rejected);
        let Some((peer, number)) = newest.map(|(number, _)| (*peer, *number)) else { return false };
        self.remove(peer, number);
        true
    }

    /// Takes a request out of its line; does nothing where it has left it already.
    pub(super) fn remove(&mut self, peer: Option<Peer>, number: u64) {
        let Some(line) = self.of_peers.get_mut(&peer) else { return };
        if line.waiting.remove(&number).is_some() {
            self.waiting -= 1;
            if line.waiting.is_empty() {
                self.turns.retain(|other| *other != peer);
            }
            self.forget_if_idle(peer);
        }
    }

    /// The request whose turn it is, if there is a slot for it.
    pub(super) fn take_next(&mut self) -> Option<(Option<Peer>, Waiting)> {
        for _ in 0..self.turns.len() {
            let peer = self.turns.pop_front()?;
            if !self.may_run(peer) || is_read_ahead(peer) && self.clients_could_run() {
                self.turns.push_back(peer);
                continue;
            }
            let line = self.of_peers.get_mut(&peer)?;
            let next = line.waiting.pop_first();
            if !line.waiting.is_empty() {
                self.turns.push_back(peer);
            }
            if let Some((_, waiting)) = next {
                self.waiting -= 1;
                self.run(peer);
                return Some((peer, waiting));
            }
        }
        None
    }

    fn forget_if_idle(&mut self, peer: Option<Peer>) {
        if self.of_peers.get(&peer).is_some_and(|line| line.running == 0 && line.waiting.is_empty()) {
            self.of_peers.remove(&peer);
        }
    }
}

fn is_read_ahead(peer: Option<Peer>) -> bool {
    peer == Some(Peer::READ_AHEAD)
}

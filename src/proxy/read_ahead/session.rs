//! What is to be read ahead for each client, and how much of it may be brought. Nothing here waits.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::super::limits::ReadAheadLimits;
use super::plan::{AheadStep, Below, Questions};
use crate::config::settings::ReadAhead;
use crate::sumdb::gomod::GoMod;
use crate::sumdb::goproxy::ModuleRequest;
use crate::sumdb::gosum::Kind;
use crate::sumdb::number::wide;
use crate::upstream::Peer;

/// The clients for which something is read ahead, or was lately.
#[derive(Debug)]
pub(super) struct Sessions {
    limits: ReadAheadLimits,
    of_peers: HashMap<Peer, Session>,
}

/// One client's questions, and what follows from them.
#[derive(Debug)]
struct Session {
    last_asked: Instant,
    questions: Questions,
    /// what was asked for, by the client or for it: nothing of it is brought again
    known: HashSet<ModuleRequest>,
    /// go.mod files that are to be brought, the next first
    go_mods: VecDeque<AheadStep>,
    /// what is to be brought after them
    others: VecDeque<AheadStep>,
    requests_left: usize,
    bytes_left: u64,
    /// notified where there is more to bring
    more: Arc<Notify>,
    /// somebody brings it
    is_driven: bool,
}

impl Session {
    fn new(limits: &ReadAheadLimits, now: Instant) -> Session {
        Session {
            last_asked: now,
            questions: Questions::default(),
            known: HashSet::new(),
            go_mods: VecDeque::new(),
            others: VecDeque::new(),
            requests_left: limits.requests,
            bytes_left: limits.bytes,
            more: Arc::default(),
            is_driven: false,
        }
    }

    /// Adds a step, unless it was asked for already.
    fn add(&mut self, step: AheadStep) {
        let is_asked = step.below == Below::Asked;
        // Its own go.mod is here: it costs nothing, and tells what comes next.
        if is_asked {
            self.known.insert(step.request.clone());
            return self.go_mods.push_front(step);
        }
        if self.requests_left == 0 || self.known.contains(&step.request) || !step.take() {
            return;
        }
        self.requests_left -= 1;
        self.known.insert(step.request.clone());
        match &step.request {
            ModuleRequest::File(_, Kind::GoMod) => self.go_mods.push_back(step),
            _ => self.others.push_back(step),
        }
    }

    fn clear(&mut self) {
        self.go_mods.clear();
        self.others.clear();
        self.is_driven = false;
    }
}

impl Sessions {
    pub(super) fn new(limits: ReadAheadLimits) -> Sessions {
        Sessions { limits, of_peers: HashMap::new() }
    }

    /// A client waits for something after which it asks for `next`; as [`Sessions::asked`].
    pub(super) fn waits(&mut self, peer: Peer, next: (ModuleRequest, Below), now: Instant) -> Option<Arc<Notify>> {
        self.follow(peer, now, |_, _| vec![next])
    }

    /// A client has asked, and was answered. Gives what to wait at for more, where nobody brings what follows yet.
    pub(super) fn asked(&mut self, peer: Peer, request: &ModuleRequest, now: Instant) -> Option<Arc<Notify>> {
        self.follow(peer, now, |questions, mode| questions.follow(request, mode))
    }

    fn follow(
        &mut self,
        peer: Peer,
        now: Instant,
        next: impl FnOnce(&mut Questions, ReadAhead) -> Vec<(ModuleRequest, Below)>,
    ) -> Option<Arc<Notify>> {
        let limits = self.limits;
        self.of_peers.retain(|_, session| session.is_driven || session.last_asked + limits.patience > now);
        if !self.of_peers.contains_key(&peer) && self.of_peers.len() >= limits.peers {
            return None;
        }
        let session = self.of_peers.entry(peer).or_insert_with(|| Session::new(&limits, now));
        session.last_asked = now;
        let left = Arc::new(AtomicUsize::new(limits.per_question));
        for (request, below) in next(&mut session.questions, limits.mode) {
            session.add(AheadStep::first(request, below, &left));
        }
        if session.go_mods.is_empty() && session.others.is_empty() {
            return None;
        }
        if session.is_driven {
            session.more.notify_one();
            return None;
        }
        session.is_driven = true;
        Some(Arc::clone(&session.more))
    }

    /// The next step for a client.
    pub(super) fn next(&mut self, peer: Peer) -> Option<AheadStep> {
        let session = self.of_peers.get_mut(&peer)?;
        if session.bytes_left == 0 {
            session.go_mods.retain(|step| step.below == Below::Asked);
            session.others.clear();
        }
        session.go_mods.pop_front().or_else(|| session.others.pop_front())
    }

    /// A step has brought this many bytes, and this go.mod.
    pub(super) fn brought(&mut self, peer: Peer, step: &AheadStep, bytes: u64, go_mod: Option<&GoMod>) {
        let Some(session) = self.of_peers.get_mut(&peer) else { return };
        session.bytes_left = session.bytes_left.saturating_sub(bytes);
        let next = go_mod.map(|go_mod| step.next(go_mod, self.limits.depth));
        next.into_iter().flatten().for_each(|step| session.add(step));
    }

    /// For how many clients something is being brought.
    pub(super) fn driven(&self) -> u64 {
        let driven = self.of_peers.values().filter(|session| session.is_driven).count();
        wide(driven)
    }

    /// When reading ahead for a client ends, if it asks nothing more.
    pub(super) fn until(&self, peer: Peer) -> Instant {
        self.of_peers.get(&peer).map_or_else(Instant::now, |session| session.last_asked + self.limits.patience)
    }

    /// Ends it where nothing is left to bring.
    pub(super) fn end_if_idle(&mut self, peer: Peer) -> bool {
        let Some(session) = self.of_peers.get_mut(&peer) else { return true };
        let is_idle = session.go_mods.is_empty() && session.others.is_empty();
        session.is_driven &= !is_idle;
        is_idle
    }

    /// Ends it where the client has asked nothing for too long.
    pub(super) fn end_if_late(&mut self, peer: Peer, now: Instant) -> bool {
        let is_late = now >= self.until(peer);
        if is_late && let Some(session) = self.of_peers.get_mut(&peer) {
            session.clear();
        }
        is_late
    }
}

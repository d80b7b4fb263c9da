//! The head that everything is answered under. It moves as the timeline does (`super::super::timeline`), and in this process
//! never back: a client that was shown a tree is never shown an older one.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt as _;
use tokio::sync;

use super::super::tiles::Proven;
use super::super::timeline::Present;
use super::super::{Stop, Unavailable, missed};
use super::{Inner, QUIETLY};
use crate::fault::Fault;
use crate::sumdb::checkpoint::{Checkpoint, Tree};
use crate::sumdb::hash::Hash;
use crate::sumdb::tile::{Edge, Tile, TilePath, VerifiedTree};
use crate::upstream::{Asker, Got};

/// A remembered head is answered with for so long before the upstreams are asked for a newer one.
const HEAD_AGE: Duration = Duration::from_secs(60);
/// Someone who has a newer head than we makes us ask for it, this often at most.
const CATCH_UP_AGE: Duration = Duration::from_secs(1);
/// The upstreams have so long to say what is newest, while callers wait.
const PATIENCE: Duration = Duration::from_secs(20);
/// The longest signed note that is read: its text is bounded by 1,000,000 bytes (tlog.ParseTree), its signatures by 100.
const MAX_NOTE_BYTES: usize = 1 << 20;
/// Older heads that are remembered as compared; past that they are compared again.
const MAX_COMPARED: usize = 4096;

/// The head in force, with the right edge of its tree.
pub(super) struct Now {
    pub(super) head: Checkpoint,
    pub(super) note: Bytes,
    /// its edge and nothing else
    pub(super) tree: VerifiedTree,
}

/// The head in force, and what has been done to find a newer one.
#[derive(Default)]
pub(super) struct Heads {
    now: Mutex<Option<Arc<Now>>>,
    /// one at a time moves it
    moving: sync::Mutex<()>,
    compared: Mutex<HashSet<(u64, Hash)>>,
    /// when the upstreams were last asked for the newest head, and what became of that
    asked: sync::Mutex<Option<(Instant, Result<(), Fault>)>>,
}

impl Now {
    fn of(present: &Present) -> Option<Now> {
        let mut tree = VerifiedTree::new(present.head.tree());
        let edge: Option<Vec<_>> = tree.edge().iter().map(|tile| present.proven.tree.tile_bytes(tile)).collect();
        tree.admit_edge(&edge?).ok()?;
        Some(Now { head: present.head.clone(), note: Bytes::copy_from_slice(present.head.bytes()), tree })
    }

    pub(super) fn size(&self) -> u64 {
        self.head.tree().size
    }

    /// Whether its tree has all of a tile.
    pub(super) fn has(&self, path: &TilePath) -> bool {
        let tile = hashes_of(path);
        (tile.index() << 8) + u64::from(tile.width()) <= Edge::hashes(self.size(), tile.level())
    }

    /// Whether its tree has the tile in full.
    pub(super) fn has_full(&self, tile: &Tile) -> bool {
        self.has(&TilePath::Hashes(tile.full()))
    }
}

/// A data tile exists where its leaves do.
pub(super) fn hashes_of(path: &TilePath) -> Tile {
    match path {
        TilePath::Hashes(tile) => *tile,
        TilePath::Data(tile) => tile.hashes(),
    }
}

impl Heads {
    pub(super) fn now(&self) -> Option<Arc<Now>> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts a newer head in force; the newest stays.
    fn put(&self, new: Now) -> Arc<Now> {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = now.take().filter(|now| now.size() >= new.size()).unwrap_or_else(|| Arc::new(new));
        *now = Some(Arc::clone(&newest));
        newest
    }

    fn is_compared(&self, tree: Tree) -> bool {
        self.compared.lock().unwrap_or_else(PoisonError::into_inner).contains(&(tree.size, tree.root))
    }

    fn set_compared(&self, trees: impl Iterator<Item = Tree>) {
        let mut compared = self.compared.lock().unwrap_or_else(PoisonError::into_inner);
        if compared.len() >= MAX_COMPARED {
            compared.clear();
        }
        compared.extend(trees.map(|tree| (tree.size, tree.root)));
    }
}

impl Inner {
    /// The head in force; none where there never was one. Asks nobody unless the remembered head takes it.
    pub(super) async fn now(&self) -> Result<Option<Arc<Now>>, Stop> {
        let mirrored = self.database.mirror.held().map(|mirror| mirror.checkpoint.clone());
        self.move_on(mirrored.as_slice()).await
    }

    /// The head in force after `heads` have been looked at, each of which is older, or becomes it.
    pub(super) async fn move_on(&self, heads: &[Checkpoint]) -> Result<Option<Arc<Now>>, Stop> {
        let is_done = || heads.iter().all(|head| self.heads.is_compared(head.tree()));
        if let Some(now) = self.heads.now().filter(|_| is_done()) {
            return Ok(Some(now));
        }
        // Boxed, here and where upstreams are asked: every question would have to carry the room for it from hand to hand.
        // All who ask wait for this one: it is this server's own question, and no client's line holds it up.
        Asker::own().scope(self.compare(heads)).boxed().await
    }

    async fn compare(&self, heads: &[Checkpoint]) -> Result<Option<Arc<Now>>, Stop> {
        let is_done = || heads.iter().all(|head| self.heads.is_compared(head.tree()));
        let _turn = self.heads.moving.lock().await;
        let before = self.heads.now();
        if let Some(now) = before.as_ref().filter(|_| is_done()) {
            return Ok(Some(Arc::clone(now)));
        }
        let reused = before.as_ref().map(|now| Present {
            head: now.head.clone(),
            proven: Proven { tree: now.tree.clone(), ..Proven::nothing_of(now.head.tree()) },
            uncompared: 0,
            beyond: None,
        });
        // What was served is in the timeline, unless somebody deleted that: then it must still be one history.
        let served = before.as_ref().map(|now| now.head.clone());
        let heads: Vec<_> = heads.iter().cloned().chain(served).collect();
        let tiles = self.database.tiles(QUIETLY);
        let Some(mut present) = self.database.advance(&tiles, &heads, reused).await? else { return Ok(None) };
        self.database.keep_tiles(&mut present.proven);
        let size = present.head.tree().size;
        if let Some(miss) = present.beyond.take() {
            tracing::warn!(size, "a newer head could not be proven: {miss:?}");
        }
        self.heads.set_compared(heads.iter().map(Checkpoint::tree).filter(|tree| tree.size <= size));
        let now = Now::of(&present).ok_or_else(|| Fault::unavailable("the tree", "its right edge is not held"))?;
        let now = self.heads.put(now);
        self.tell_lag(&now);
        Ok(Some(now))
    }

    fn tell_lag(&self, now: &Now) {
        if self.database.mirror.held().is_some_and(|mirror| mirror.size() < now.size()) {
            self.lags.notify_one();
        }
    }

    /// The newest note. Where the full log is held its syncs keep it new; else the upstreams are asked now and then.
    pub(super) async fn latest(&self) -> Result<Bytes, Fault> {
        let now = self.now().await.map_err(why)?;
        if let Some(now) = now.as_ref().filter(|_| self.database.mirror.held().is_some()) {
            return Ok(now.note.clone());
        }
        let caught_up = self.catch_up(HEAD_AGE).await;
        match (self.heads.now(), caught_up) {
            // The log is caught, so what it signs is no news; anything else is no reason to have forgotten.
            (_, Err(fault @ Fault::Forked { .. })) => Err(fault),
            (Some(now), _) => Ok(now.note.clone()),
            (None, Err(fault)) => Err(fault),
            (None, Ok(())) => Err(why(Unavailable::worst(Vec::new()).into())),
        }
    }

    /// As [`Inner::catch_up`], for someone who has been shown a newer head than ours.
    pub(super) async fn catch_up_now(&self) -> Result<(), Fault> {
        self.catch_up(CATCH_UP_AGE).await
    }

    /// Asks the upstreams for the newest head and moves on to it, unless that was done lately: then says what became of it.
    async fn catch_up(&self, age: Duration) -> Result<(), Fault> {
        let mut asked = self.heads.asked.lock().await;
        if let Some((_, outcome)) = asked.as_ref().filter(|(at, _)| at.elapsed() < age) {
            return outcome.clone();
        }
        let outcome = match tokio::time::timeout(PATIENCE, Box::pin(Asker::own().scope(self.ask_newest()))).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Fault::unavailable("latest", format!("no answer within {} s", PATIENCE.as_secs()))),
        };
        *asked = Some((Instant::now(), outcome.clone()));
        outcome
    }

    async fn ask_newest(&self) -> Result<(), Fault> {
        let upstreams = &self.database.upstreams;
        let open = |note: Vec<u8>| self.database.notes.open(&note);
        let newest = match upstreams.fetch_where("latest", MAX_NOTE_BYTES, open).await {
            Ok(Got::Body(head, _)) => head,
            Ok(Got::Absent(absence)) => return Err(Fault::unavailable("latest", absence.by.join("; "))),
            Err(fault) => return Err(why(missed(upstreams, fault).into())),
        };
        self.move_on(std::slice::from_ref(&newest)).await.map_err(why)?;
        if self.heads.is_compared(newest.tree()) { Ok(()) } else { Err(unproven(newest.tree())) }
    }
}

fn unproven(tree: Tree) -> Fault {
    Fault::unavailable("latest", format!("the tree of size {} that the log signed could not be proven", tree.size))
}

/// A halt as a fault: what is not held is not available.
pub(super) fn why(halt: Stop) -> Fault {
    match halt {
        Stop::Fatal(fault) | Stop::Unavailable(Unavailable::Fault(fault)) => fault,
        Stop::Unavailable(Unavailable::NotHeld(why)) => Fault::unavailable("the data folder", why),
    }
}

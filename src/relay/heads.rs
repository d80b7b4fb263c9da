//! The head that everything is answered under. It moves as the timeline does (`database::timeline`), and in this process
//! never back: a client that was shown a tree is never shown an older one.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt as _;
use parking_lot::Mutex;
use tokio::sync;

use super::{Inner, Relay};
use crate::database::{CurrentHead, Stop, Unavailable};
use crate::fault::Fault;
use crate::sumdb::checkpoint::{Checkpoint, Tree};
use crate::sumdb::hash::Hash;
use crate::upstream::Asker;

/// How long a remembered head is served before the upstreams are asked for a newer one.
const HEAD_AGE: Duration = Duration::from_secs(60);
/// How often at most a client that has seen a newer head makes the relay ask for it.
const CATCH_UP_AGE: Duration = Duration::from_secs(1);
/// How long callers wait for the upstreams to name the newest head.
const PATIENCE: Duration = Duration::from_secs(20);
/// Older heads that are remembered as compared; past that they are compared again.
const MAX_COMPARED: usize = 4096;

/// The head in force, and what has been done to find a newer one.
#[derive(Default)]
pub(super) struct Heads {
    /// the head in force; locked for one clone or one replacement
    now: Mutex<Option<Arc<CurrentHead>>>,
    /// held while the head in force moves: one caller at a time moves it
    moving: sync::Mutex<()>,
    /// trees that were compared with the head in force; locked for one look or one insertion
    compared: Mutex<HashSet<(u64, Hash)>>,
    /// when the upstreams were last asked for the newest head, with the result; held during that request, so that there is one at
    /// a time
    asked: sync::Mutex<Option<(Instant, Result<(), Fault>)>>,
}

impl Heads {
    pub(super) fn now(&self) -> Option<Arc<CurrentHead>> {
        self.now.lock().clone()
    }

    /// Puts a newer head in force; the newest stays.
    fn put(&self, new: CurrentHead) -> Arc<CurrentHead> {
        let mut now = self.now.lock();
        let newest = now.take().filter(|now| now.size() >= new.size()).unwrap_or_else(|| Arc::new(new));
        *now = Some(Arc::clone(&newest));
        newest
    }

    pub(super) fn is_compared(&self, tree: Tree) -> bool {
        self.compared.lock().contains(&(tree.size, tree.root))
    }

    fn set_compared(&self, trees: impl Iterator<Item = Tree>) {
        let mut compared = self.compared.lock();
        if compared.len() >= MAX_COMPARED {
            compared.clear();
        }
        compared.extend(trees.map(|tree| (tree.size, tree.root)));
    }
}

impl Relay {
    /// The heads that first contact is held to, as [`Database::pins`](crate::database::Database::pins).
    pub fn pins(&self) -> &[Checkpoint] {
        self.inner.database.pins()
    }

    /// The newest signed note whose tree was proven; never older than one that was given before.
    ///
    /// # Errors
    /// `Forked`: the log is caught. `Unavailable`, `Refused`: none is known, and the upstreams give none.
    pub async fn latest(&self) -> Result<Bytes, Fault> {
        self.inner.latest().await
    }

    /// The tree that questions are answered under now; none before the first head. Asks nobody, not even the disk.
    pub fn head(&self) -> Option<Tree> {
        self.inner.head()
    }
}

impl Inner {
    /// The tree that questions are answered under now; none before the first head.
    pub(super) fn head(&self) -> Option<Tree> {
        self.heads.now().map(|now| now.tree())
    }

    /// The head in force; none where there never was one. Asks nobody unless the remembered head takes it.
    pub(super) async fn now(&self) -> Result<Option<Arc<CurrentHead>>, Stop> {
        let mirrored = self.database.mirror().map(|mirror| mirror.checkpoint().clone());
        self.move_on(mirrored.as_slice()).await
    }

    /// The head in force after `heads` have been looked at, each of which is older, or becomes it.
    pub(super) async fn move_on(&self, heads: &[Checkpoint]) -> Result<Option<Arc<CurrentHead>>, Stop> {
        let is_done = || heads.iter().all(|head| self.heads.is_compared(head.tree()));
        if let Some(now) = self.heads.now().filter(|_| is_done()) {
            return Ok(Some(now));
        }
        // Boxed, here and where upstreams are asked: every question would have to carry the room for it from hand to hand.
        // All callers wait for this one: it is the server's own request, and waits in no client's queue.
        Asker::own().scope(self.compare(heads)).boxed().await
    }

    async fn compare(&self, heads: &[Checkpoint]) -> Result<Option<Arc<CurrentHead>>, Stop> {
        let is_done = || heads.iter().all(|head| self.heads.is_compared(head.tree()));
        let _turn = self.heads.moving.lock().await;
        let before = self.heads.now();
        if let Some(now) = before.as_ref().filter(|_| is_done()) {
            return Ok(Some(Arc::clone(now)));
        }
        // What was served is in the timeline, unless somebody deleted that: then it must still be one history.
        let served = before.as_ref().map(|now| now.head().clone());
        let heads: Vec<_> = heads.iter().cloned().chain(served).collect();
        let Some(now) = self.database.move_to(&heads, before.as_deref()).await? else { return Ok(None) };
        let size = now.size();
        // That witnesses are behind the log is how it should be.
        let is_behind = |miss: &&Unavailable| matches!(miss, Unavailable::Fault(Fault::Refused { error, .. }) if error.is_of_witnesses());
        if let Some(miss) = now.beyond().filter(|miss| !is_behind(miss)) {
            tracing::warn!(size, "a newer head could not be proven: {miss:?}");
        }
        self.heads.set_compared(heads.iter().map(Checkpoint::tree).filter(|tree| tree.size <= size));
        let now = self.heads.put(now);
        self.tell_lag(&now);
        Ok(Some(now))
    }

    fn tell_lag(&self, now: &CurrentHead) {
        if self.database.mirror().is_some_and(|mirror| mirror.size() < now.size()) {
            self.lags.notify_one();
        }
    }

    /// The newest note. Where the full log is held its syncs keep it new; else the upstreams are asked now and then.
    pub(super) async fn latest(&self) -> Result<Bytes, Fault> {
        let now = self.now().await.map_err(why)?;
        if let Some(now) = now.as_ref().filter(|_| self.database.mirror().is_some()) {
            return Ok(now.note());
        }
        let caught_up = self.catch_up(HEAD_AGE).await;
        match (self.heads.now(), caught_up) {
            // The log misbehaved, so its signature proves nothing new; after any other fault the remembered head still counts.
            (_, Err(fault @ Fault::Forked { .. })) => Err(fault),
            (Some(now), _) => Ok(now.note()),
            (None, Err(fault)) => Err(fault),
            (None, Ok(())) => Err(Fault::nobody("the data folder", "there is no source to ask")),
        }
    }

    /// As [`Inner::catch_up`], for a client that has seen a newer head than ours.
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
            Err(_) => Err(Fault::timed_out("latest", format!("no answer within {} s", PATIENCE.as_secs()))),
        };
        *asked = Some((Instant::now(), outcome.clone()));
        outcome
    }

    async fn ask_newest(&self) -> Result<(), Fault> {
        let newest = self.database.fetch_latest().await?;
        self.move_on(std::slice::from_ref(&newest)).await.map_err(why)?;
        if self.heads.is_compared(newest.tree()) { Ok(()) } else { Err(unproven(newest.tree())) }
    }
}

fn unproven(tree: Tree) -> Fault {
    Fault::upstream("latest", format!("the tree of size {} that the log signed could not be proven", tree.size))
}

/// What could not be done, as a fault.
pub(super) fn why(stop: Stop) -> Fault {
    stop.into_fault("the data folder")
}

//! Removes stored files that can be had again, the coldest first, until there is room: `store::eviction` says which, and an upstream
//! is asked for each before it goes. One that no upstream has any more stays, and so does one for which none answers.
//!
//! A plan is made of how all files stand (`look`), and followed until there is room; what is used meanwhile leaves it.

mod ask;
mod look;
mod plan;

use std::ops::AddAssign;
use std::time::{Duration, Instant, SystemTime};

use futures_util::future::join_all;
use parking_lot::Mutex;
use tokio::sync::MutexGuard;

use super::blocking::blocking;
use super::policy::PublicSources;
use super::room::SharedRoom;
use crate::fault::Fault;
use crate::store::eviction::{self, Standing};
use crate::store::modules::InventoryFile;
use crate::store::usage::micros;
use crate::store::{Folder, Modules};
use crate::sumdb::module::Patterns;
use crate::sumdb::number::wide;
use ask::{Asked, Asking};
use look::KnownStore;
use plan::Plan;

/// How long another process that removes files is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// A plan is followed for so long.
const PLAN_AGE: Duration = Duration::from_secs(10 * 60);
/// After a plan of which nothing could be removed, the store is not looked at again for so long.
const BARREN_FOR: Duration = Duration::from_secs(2);
/// Batches in a row of which nothing could be removed, before others are left alone too: no upstream answers.
const MAX_IN_VAIN: usize = 32;

/// Removes files from a store.
pub struct Evictor {
    store: KnownStore,
    asking: Asking,
    /// held by who removes files
    plan: tokio::sync::Mutex<Plan>,
    /// whether this process is the one that admits files
    holds_claim: bool,
    /// what was removed since the start
    counts: Mutex<Evicted>,
}

/// What came of a removal, or of all since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Evicted {
    /// files removed
    pub files: u64,
    /// the room they took, in bytes
    pub bytes: u64,
    /// files that stay because no upstream has them any more
    pub vanished: u64,
    /// files that stay because no upstream answered, or the budget of questions is used up
    pub unanswered: u64,
}

impl AddAssign for Evicted {
    fn add_assign(&mut self, more: Evicted) {
        self.files += more.files;
        self.bytes += more.bytes;
        self.vanished += more.vanished;
        self.unanswered += more.unanswered;
    }
}

impl Evictor {
    /// Over the store in `folder`, whose files with names that match `private` all stay, with a budget of questions to upstreams.
    pub fn new(folder: &Folder, private: Patterns, checks_per_hour: u64) -> Evictor {
        Evictor::within(folder.clone(), folder.modules(), private, checks_per_hour, SharedRoom::default(), false)
    }

    pub(super) fn within(
        folder: Folder,
        modules: Modules,
        private: Patterns,
        checks_per_hour: u64,
        room: SharedRoom,
        holds_claim: bool,
    ) -> Evictor {
        let store = KnownStore::new(folder, modules, private, room);
        let (asking, plan, counts) = (Asking::new(checks_per_hour), tokio::sync::Mutex::default(), Mutex::default());
        Evictor { store, asking, plan, holds_claim, counts }
    }

    /// Replaces the patterns of the names whose files all stay.
    pub(super) fn set_private(&self, private: Patterns) {
        self.store.set_private(private);
    }

    /// How each stored file stands now, and what is left of those that went. It reads the disk: not on a thread that must not wait.
    ///
    /// # Errors
    /// `Unavailable`: the store cannot be read, or the keep list.
    pub fn standings(&self) -> Result<(Vec<Standing>, Vec<InventoryFile>), Fault> {
        self.store.standings()
    }

    /// Removes files until at most `max` bytes of the disk are taken, or nothing more may be removed; gives what was removed.
    ///
    /// # Errors
    /// As [`Evictor::make_room`].
    pub async fn shrink(&self, sources: &PublicSources, max: u64) -> Result<Evicted, Fault> {
        self.measure().await?;
        self.make_room(sources, || self.store.room.lacking(0, max)).await
    }

    /// The bytes of the disk that are taken, as they were when it was last looked; none before.
    pub fn stored(&self) -> Option<u64> {
        self.store.room.stored()
    }

    /// Removes files until `lacking` says 0, in bytes, or nothing more may be removed; gives what was removed.
    ///
    /// # Errors
    /// `Unavailable`: the store cannot be read or written, or another process is removing files from it.
    pub async fn make_room(&self, sources: &PublicSources, lacking: impl Fn() -> u64) -> Result<Evicted, Fault> {
        self.turn().await.make_room(sources, lacking).await
    }

    /// Waits until nobody else removes files.
    pub(super) async fn turn(&self) -> Turn<'_> {
        Turn { evictor: self, plan: self.plan.lock().await }
    }

    /// Looks at the store, as [`Evictor::make_room`] does when it begins, unless somebody has.
    ///
    /// # Errors
    /// As there.
    pub(super) async fn measure(&self) -> Result<(), Fault> {
        if self.stored().is_some() {
            return Ok(());
        }
        let mut plan = self.plan.lock().await;
        if self.stored().is_none() {
            *plan = self.look().await?;
        }
        Ok(())
    }

    /// Looks at the store again: other processes may have changed it.
    ///
    /// # Errors
    /// As [`Evictor::make_room`].
    pub(super) async fn measure_again(&self) -> Result<(), Fault> {
        let mut plan = self.plan.lock().await;
        self.store.outdate();
        *plan = self.look().await?;
        Ok(())
    }

    /// A new plan.
    async fn look(&self) -> Result<Plan, Fault> {
        let made_at = micros(SystemTime::now());
        let (store, unanswered) = (self.store.clone(), self.asking.lately_unanswered());
        blocking(move || {
            // Their bytes are nobody's, and count for nothing that is measured.
            store.folder.sweep_idle_arrivals();
            let walks = store.walks();
            let (mut standings, remains) = store.standings()?;
            if store.walks() != walks {
                store.forget(&standings);
            }
            standings.retain(|standing| !unanswered.contains(&standing.file.name));
            Ok(Plan::of(eviction::coldest_first(standings, remains), made_at))
        })
        .await
    }

    /// Removes those of these files that an upstream still has.
    async fn remove(&self, sources: &PublicSources, batch: Vec<Standing>) -> Result<Evicted, Fault> {
        let asked = join_all(
            batch.iter().map(|standing| self.asking.ask(sources.proxies(&standing.file.module), &standing.file)),
        );
        let (asked, mut evicted) = (asked.await, Evicted::default());
        let (mut leaving, mut vanished) = (Vec::new(), Vec::new());
        for (standing, asked) in batch.into_iter().zip(asked) {
            match asked {
                Asked::There => leaving.push(standing.file),
                Asked::Vanished => vanished.push(standing.file.name),
                Asked::Unanswered => evicted.unanswered += 1,
            }
        }
        for name in &vanished {
            tracing::warn!("no upstream has {name} any more: it stays in the store");
        }
        evicted.vanished = wide(vanished.len());
        let (own, holds_claim) = (self.store.clone(), self.holds_claim);
        // Its threads count what is freed: the client that waits for this may leave meanwhile.
        let removed = blocking(move || {
            let _lock = own.folder.lock_store(PATIENCE)?;
            own.modules.usage().note_vanished(&vanished, micros(SystemTime::now()))?;
            // Said since the plan was made.
            let kept = own.folder.keep().read()?;
            // A server that admits files beside this process keeps what is left of others.
            let claim = if holds_claim { None } else { own.modules.claim().ok() };
            let is_alone = holds_claim || claim.is_some();
            let (mut files, mut bytes) = (0, 0_u64);
            for file in leaving.iter().filter(|file| kept.covers(&file.module).is_none()) {
                let freed = match file.is_remains() {
                    true if !is_alone => 0,
                    true => own.modules.evict_remains(&file.module)?,
                    false => own.modules.evict(&file.module, file.kind)?,
                };
                own.room.freed(freed);
                if freed == 0 && !file.is_remains() {
                    own.outdate();
                }
                let is_file = freed > 0 && !file.is_remains();
                (files, bytes) = (files + u64::from(is_file), bytes.saturating_add(freed));
            }
            Ok((files, bytes))
        });
        (evicted.files, evicted.bytes) = removed.await?;
        *self.counts.lock() += evicted;
        Ok(evicted)
    }

    /// How often the whole store was walked through since the start.
    pub(super) fn walks(&self) -> u64 {
        self.store.walks()
    }

    /// What was removed since the start, and what was not.
    pub fn counts(&self) -> Evicted {
        *self.counts.lock()
    }
}

/// The right to remove files, which one has at a time.
pub(super) struct Turn<'a> {
    evictor: &'a Evictor,
    plan: MutexGuard<'a, Plan>,
}

impl Turn<'_> {
    /// As [`Evictor::make_room`].
    ///
    /// # Errors
    /// As there.
    pub(super) async fn make_room(
        mut self,
        sources: &PublicSources,
        lacking: impl Fn() -> u64,
    ) -> Result<Evicted, Fault> {
        let (evictor, plan, mut all) = (self.evictor, &mut *self.plan, Evicted::default());
        // A plan is a part of the store: as long as something goes of one, there may be more.
        let (mut has_looked, mut goes_on, mut in_vain) = (false, false, 0);
        while lacking() > 0 {
            evictor.store.keep();
            let is_old = plan.made.is_none_or(|made| made.elapsed() > PLAN_AGE);
            if plan.files.is_empty() || is_old {
                if has_looked && !goes_on || plan.barren.is_some_and(|barren| barren.elapsed() < BARREN_FOR) {
                    break;
                }
                (*plan, has_looked, goes_on) = (evictor.look().await?, true, false);
                continue;
            }
            let batch = plan.next(evictor.store.modules.usage(), lacking());
            let is_used = batch.is_empty();
            let evicted = evictor.remove(sources, batch).await?;
            in_vain = if evicted.bytes > 0 { 0 } else { in_vain + 1 };
            goes_on |= is_used || evicted.bytes > 0 || evicted.vanished + evicted.unanswered > 0;
            all += evicted;
            if in_vain == MAX_IN_VAIN {
                break;
            }
        }
        if has_looked && all.bytes == 0 && lacking() > 0 {
            plan.barren = Some(Instant::now());
        }
        Ok(all)
    }
}

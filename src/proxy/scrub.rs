//! The scrub: every stored file is hashed again, in the background, whatever it looks like. What `stored` finds by looks alone is what
//! was written since; a bit that flipped on the disk itself changes no time, and only reading finds it.
//!
//! **A file that is found to be rotten is given to nobody from that moment on**: first its proof is made to say that it was never
//! looked at, so that a client that asks for it waits for the one task that brings it; then it goes to the quarantine, and is
//! fetched. A pass goes through the trees in the order of their names and writes down how far it is; a process that starts goes on
//! from there. It reads no more than its budget allows, on a thread of low priority.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use super::blocking::blocking;
use super::{Inner, Mode, Proxy, files, stored};
use crate::fault::Fault;
use crate::relay::scrub::thread;
use crate::store::Modules;
use crate::store::modules::{Changed, InventoryFile, Tree};
use crate::store::scrub::{Passed, ScrubPace};
use crate::store::usage::micros;
use crate::sumdb::gosum::{Kind, SumHash};
use crate::sumdb::module::ModuleVersion;

/// A pass notes its place each time it has read this many bytes.
const NOTE_EVERY: u64 = 64 << 20;
/// In a second.
const MICROS_PER_SECOND: u64 = 1_000_000;
/// How long a scrub waits that failed, or has nothing to do.
const WAIT: Duration = Duration::from_secs(60);

/// What scrubs have found since the start, and where the present one is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScrubCounts {
    /// files hashed since the start
    pub files: u64,
    /// their bytes
    pub bytes: u64,
    /// those that were not what they had been
    pub rotten: u64,
    /// those of which an upstream had the right bytes
    pub healed: u64,
    /// bytes behind the pass that is under way
    pub done: u64,
    /// all of its bytes
    pub total: u64,
    /// when the last pass that is whole began, in seconds since 1970; 0 where there was none
    pub passed: u64,
}

impl Inner {
    fn count_scrubbed(&self, count: impl FnOnce(&mut ScrubCounts)) {
        count(&mut self.scrubbed.lock());
    }
}

/// Stops the thread that hashes when the scrub is dropped: it may sleep for its budget.
struct Stopping(Arc<AtomicBool>);

impl Drop for Stopping {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Proxy {
    /// Hashes every stored file again, from where the last pass that was cut off had come to, and heals what is rotten; reads at most
    /// `rate` bytes a second, where there is a limit.
    ///
    /// # Errors
    /// `Unavailable`: the store cannot be read.
    pub async fn scrub(&self, rate: Option<u64>) -> Result<ScrubCounts, Fault> {
        let inner = &self.inner;
        let place = inner.folder.scrub_place();
        let (from, modules) = (place.read(), inner.modules.clone());
        let inventory = blocking(move || modules.inventory()).await?;
        let began = from.as_ref().map_or_else(|| micros(SystemTime::now()), |from| from.began);
        let bytes = |files: &[InventoryFile]| files.iter().map(|file| file.len).sum::<u64>();
        let at = from.map_or(0, |from| inventory.files.partition_point(|file| order(&file.name) <= order(&from.name)));
        let (behind, ahead) = inventory.files.split_at(at.min(inventory.files.len()));
        inner.count_scrubbed(|counts| (counts.total, counts.done) = (bytes(&inventory.files), bytes(behind)));
        let stop = Stopping(Arc::default());
        let (pace, mut unnoted) = (inner.folder.scrub_pace(rate, Arc::clone(&stop.0)), 0_u64);
        for file in ahead {
            self.scrub_one(file, &pace).await?;
            inner.count_scrubbed(|counts| counts.done += file.len);
            unnoted = unnoted.saturating_add(file.len);
            if unnoted >= NOTE_EVERY {
                place.note(&Passed { began, name: file.name.clone() });
                unnoted = 0;
            }
        }
        place.finish(began);
        inner.count_scrubbed(|counts| counts.passed = began / MICROS_PER_SECOND);
        Ok(self.scrubbed())
    }

    /// Hashes one file, and heals it.
    async fn scrub_one(&self, file: &InventoryFile, pace: &ScrubPace) -> Result<(), Fault> {
        let inner = &self.inner;
        let (modules, tree, kind) = (inner.modules.clone(), file.tree, file.kind);
        let (of, pace) = (file.module.clone(), pace.clone());
        let Some(found) = thread(move || look(&modules, tree, &of, kind, &pace)).await? else { return Ok(()) };
        inner.count_scrubbed(|counts| (counts.files, counts.bytes) = (counts.files + 1, counts.bytes + file.len));
        let Scrubbed::Rotten(changed, got) = found else { return Ok(()) };
        inner.count_scrubbed(|counts| counts.rotten += 1);
        let path = inner.folder.root().join(&file.name);
        tracing::error!(path = %path.display(), "a stored file has rotted: it is set aside and fetched again");
        match self.heal(&file.module, *changed, got).await {
            Ok(()) => inner.count_scrubbed(|counts| counts.healed += 1),
            Err(why) => tracing::error!(path = %path.display(), "it could not be fetched again: {why}"),
        }
        Ok(())
    }

    /// Sets the file aside and fetches it again, as the first client that asks for it would.
    async fn heal(&self, module: &ModuleVersion, changed: Changed, got: Option<SumHash>) -> Result<(), String> {
        let kind = changed.kind();
        let policy = self.inner.policy.now();
        let route = policy.route(module.path(), Some(module.version()));
        let route = route.map_err(|denied| format!("{denied:?}"))?;
        if route.tree() == changed.tree() {
            stored::put_rotten_aside(&self.inner, route, module, kind, changed, got).await;
        }
        let given = files::answer(&self.inner, module, kind, Mode::default()).await;
        given.map(|_| ()).map_err(|denied| format!("{denied:?}"))
    }

    /// Scrubs without end, a pass in each `period`, and reads at most `rate` bytes a second.
    pub async fn keep_scrubbed(&self, period: Duration, rate: u64) {
        loop {
            let place = self.inner.folder.scrub_place();
            if let Some(rest) = place.rest_of(period, SystemTime::now()) {
                let passed = place.finished().unwrap_or(0) / MICROS_PER_SECOND;
                self.inner.count_scrubbed(|counts| counts.passed = passed);
                tokio::time::sleep(rest.min(WAIT)).await;
                continue;
            }
            match self.scrub(Some(rate)).await {
                Ok(counts) if counts.rotten > 0 => {
                    let ScrubCounts { files, rotten, healed, .. } = counts;
                    tracing::warn!(files, rotten, healed, "the stored modules were hashed again");
                }
                Ok(_) => {}
                Err(fault) => tracing::warn!("the stored modules are not hashed again: {fault}"),
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// The figures of scrubs since the start.
    pub fn scrubbed(&self) -> ScrubCounts {
        *self.inner.scrubbed.lock()
    }
}

/// What a file was found to be.
enum Scrubbed {
    AsProven,
    Rotten(Box<Changed>, Option<SumHash>),
}

/// Hashes a file; none where it is not here, or the scrub is stopped. One that is as it was and only looks otherwise is noted so.
fn look(
    modules: &Modules,
    tree: Tree,
    module: &ModuleVersion,
    kind: Kind,
    pace: &ScrubPace,
) -> Result<Option<Scrubbed>, Fault> {
    let Some(changed) = modules.for_scrub(tree, module, kind)? else { return Ok(None) };
    let got = match changed.hash_slowly(pace) {
        Err(_) if pace.is_stopped() => return Ok(None),
        got => got?,
    };
    if got.as_ref() != Some(changed.hash()) {
        modules.distrust(&changed)?;
        return Ok(Some(Scrubbed::Rotten(Box::new(changed), got)));
    }
    if !modules.looks_as_proven(&changed) {
        modules.confirm(&changed);
    }
    Ok(Some(Scrubbed::AsProven))
}

/// The order of a pass is that of the inventory: by folder, and by name in each.
fn order(name: &str) -> PathBuf {
    PathBuf::from(name)
}

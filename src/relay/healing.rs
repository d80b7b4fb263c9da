//! Reading the full log where some of it may be rotten: what is, is healed while the request waits.

use std::sync::Arc;

use super::{Inner, Relay};
use crate::database::Unread;
use crate::fault::Fault;
use crate::store::log::{LogHealth, Rotten, Snapshot};
use crate::sumdb::module::{ModulePath, Version};

/// Stretches that one read may need: one of each level of the highest tree, and one of records.
const MAX_STRETCHES: usize = 9;

impl Inner {
    /// What `read` gives of the full log, after what is rotten on its way was healed.
    pub(super) async fn healing<T>(&self, read: impl Fn() -> Result<T, Unread>) -> Result<T, Fault> {
        for _ in 0..MAX_STRETCHES {
            match read() {
                Ok(found) => return Ok(found),
                Err(Unread::Fault(fault)) => return Err(fault),
                Err(Unread::Rotten(rotten)) => self.heal_now(&rotten).await?,
            }
        }
        read().map_err(Unread::into_fault)
    }

    /// Heals one stretch of the full log as it is now.
    async fn heal_now(&self, rotten: &Rotten) -> Result<(), Fault> {
        let Some(mirror) = self.database.mirror() else { return Ok(()) };
        self.heal(&mirror.snapshot, rotten).await
    }

    /// Heals one stretch of `snapshot`; all who need it wait for one request.
    async fn heal(&self, snapshot: &Snapshot, rotten: &Rotten) -> Result<(), Fault> {
        let key = (snapshot.tree().size, rotten.tile);
        self.healed.join(&key, Box::pin(self.database.heal(snapshot, rotten))).await
    }
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relay").field("name", &self.name()).finish_non_exhaustive()
    }
}

impl Relay {
    /// The versions of a module that the full log has records of, pseudo-versions among them; none where it is not held. One whose
    /// record is rotten and nobody has is left out.
    ///
    /// # Errors
    /// `Unavailable`: the full log or its index cannot be read.
    pub async fn versions(&self, path: &ModulePath) -> Result<Vec<Version>, Fault> {
        let mut without_rotten = false;
        loop {
            let (inner, path) = (Arc::clone(&self.inner), path.clone());
            let read = tokio::task::spawn_blocking(move || inner.database.versions(&path, without_rotten)).await;
            match read.map_err(|error| Fault::machine("the disk", error.to_string()))? {
                // Each round heals one stretch, or is the last.
                Err(Unread::Rotten(rotten)) => without_rotten |= self.inner.heal_now(&rotten).await.is_err(),
                read => return read.map_err(Unread::into_fault),
            }
        }
    }

    /// Heals a stretch of `snapshot` that was found rotten.
    ///
    /// # Errors
    /// `Unavailable`: no upstream has it.
    pub(crate) async fn heal_in(&self, snapshot: &Snapshot, rotten: &Rotten) -> Result<(), Fault> {
        self.inner.heal(snapshot, rotten).await
    }

    /// Whether something was healed that is not in its place yet.
    pub fn has_healed(&self) -> bool {
        self.inner.database.has_healed()
    }

    /// Writes what was healed of the full log where it belongs. Waits for the disk.
    ///
    /// # Errors
    /// `Unavailable`: another process writes the log, or the disk.
    pub fn put_back_healed(&self) -> Result<(), Fault> {
        self.inner.database.put_back_healed()
    }

    /// What was found and healed in the full log since the start.
    pub fn log_health(&self) -> &LogHealth {
        self.inner.database.log_health()
    }

    /// The full log as it is now, for a scrub.
    pub(crate) fn log_snapshot(&self) -> Option<Snapshot> {
        self.inner.database.mirror().map(|mirror| mirror.snapshot.clone())
    }
}

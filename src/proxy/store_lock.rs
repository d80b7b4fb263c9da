//! The right to store modules in a data folder, which one server has at a time.
//!
//! A folder that is read-only, or on a full disk, cannot be locked. The server starts all the same: it serves what is stored and
//! proves what needs no disk, and takes the lock as soon as the disk allows it. Until then it stores nothing, so a second server
//! does no harm.

use parking_lot::Mutex;

use crate::fault::Fault;
use crate::store::lock::Lock;
use crate::store::modules::{Modules, Tree};

/// The lock, once it is taken; the mutex is held while it is being taken.
#[derive(Default)]
pub(super) struct StoreLock {
    held: Mutex<Option<Lock>>,
    /// another process has it, and this one stores only what a log proves: any number of them may
    is_beside: bool,
}

impl StoreLock {
    /// Takes the lock; none where another server has it, beside which what a log proves may be stored all the same.
    ///
    /// # Errors
    /// `Unavailable`: the disk fails.
    pub(super) fn open_or_beside(modules: &Modules) -> Result<StoreLock, Fault> {
        match modules.claim() {
            Ok(lock) => Ok(StoreLock { held: Mutex::new(Some(lock)), is_beside: false }),
            Err(fault) if fault.is_disk() => Err(fault),
            Err(_) => Ok(StoreLock { held: Mutex::default(), is_beside: true }),
        }
    }

    /// Whether another process has the lock.
    pub(super) fn is_beside(&self) -> bool {
        self.is_beside
    }

    /// Takes the lock, if the disk allows it.
    ///
    /// # Errors
    /// `Unavailable`: another server has it.
    pub(super) fn open(modules: &Modules) -> Result<StoreLock, Fault> {
        match modules.claim() {
            Ok(lock) => Ok(StoreLock { held: Mutex::new(Some(lock)), is_beside: false }),
            Err(fault) if fault.is_disk() => {
                tracing::warn!("no new modules are stored, and those that are not here get 503: {fault}");
                Ok(StoreLock::default())
            }
            Err(fault) => Err(fault),
        }
    }

    /// Whether the lock is taken.
    pub(super) fn is_held(&self) -> bool {
        self.held.lock().is_some()
    }

    /// Takes the lock now, if the disk did not allow it before. Beside another server it is not needed for what is in `tree` because
    /// a log proves it.
    ///
    /// # Errors
    /// `Unavailable`: the disk still does not, or another server has the lock.
    pub(super) fn require(&self, modules: &Modules, tree: Tree) -> Result<(), Fault> {
        if self.is_beside && tree == Tree::Proven {
            return Ok(());
        }
        let mut held = self.held.lock();
        if held.is_none() {
            *held = Some(modules.claim()?);
        }
        Ok(())
    }
}

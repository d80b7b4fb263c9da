//! The right to store modules in a data folder, which one server has at a time.
//!
//! A folder that is read-only, or on a full disk, cannot be locked. The server starts all the same: it serves what is stored and
//! proves what needs no disk, and takes the lock as soon as the disk allows it. Until then it stores nothing, so a second server
//! does no harm.

use parking_lot::Mutex;

use crate::fault::Fault;
use crate::store::lock::Lock;
use crate::store::modules::Modules;

/// The lock, once it is taken; the mutex is held while it is being taken.
#[derive(Default)]
pub(super) struct StoreLock(Mutex<Option<Lock>>);

impl StoreLock {
    /// Takes the lock, if the disk allows it.
    ///
    /// # Errors
    /// `Unavailable`: another server has it.
    pub(super) fn open(modules: &Modules) -> Result<StoreLock, Fault> {
        match modules.claim() {
            Ok(lock) => Ok(StoreLock(Mutex::new(Some(lock)))),
            Err(fault) if fault.is_disk() => {
                tracing::warn!("no new modules are stored, and those that are not here get 503: {fault}");
                Ok(StoreLock(Mutex::default()))
            }
            Err(fault) => Err(fault),
        }
    }

    /// Whether the lock is taken.
    pub(super) fn is_held(&self) -> bool {
        self.0.lock().is_some()
    }

    /// Takes the lock now, if the disk did not allow it before.
    ///
    /// # Errors
    /// `Unavailable`: the disk still does not, or another server has the lock.
    pub(super) fn require(&self, modules: &Modules) -> Result<(), Fault> {
        let mut held = self.0.lock();
        if held.is_none() {
            *held = Some(modules.claim()?);
        }
        Ok(())
    }
}

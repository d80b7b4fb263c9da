//! The right to store modules in a data folder, which one server has at a time.
//!
//! A folder that is read-only, or on a full disk, cannot be locked. The server starts all the same: it gives what is stored and
//! proves what needs no disk, and takes the lock as soon as the disk lets it. Until then it stores nothing, so no second server
//! is in its way.

use std::sync::{Mutex, PoisonError};

use crate::fault::Fault;
use crate::store::lock::Lock;
use crate::store::modules::Modules;

/// The lock, or the wish for it.
pub(super) struct Claim(Mutex<Option<Lock>>);

impl Claim {
    /// Takes the lock, if the disk lets it.
    ///
    /// # Errors
    /// `Unavailable`: another server has it.
    pub(super) fn open(modules: &Modules) -> Result<Claim, Fault> {
        match modules.claim() {
            Ok(lock) => Ok(Claim(Mutex::new(Some(lock)))),
            Err(fault) if fault.is_disk() => {
                tracing::warn!("no new modules are stored, and those that are not here get 503: {fault}");
                Ok(Claim(Mutex::default()))
            }
            Err(fault) => Err(fault),
        }
    }

    /// Takes the lock now, where the disk did not let it before.
    ///
    /// # Errors
    /// `Unavailable`: the disk still does not, or another server has the lock.
    pub(super) fn require(&self, modules: &Modules) -> Result<(), Fault> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_none() {
            *held = Some(modules.claim()?);
        }
        Ok(())
    }
}

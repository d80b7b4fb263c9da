//! One writer at a time, across processes: an advisory lock on a file, which the system drops when its holder dies.

use std::fs::{File, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use rustix::fs::OFlags;

use super::modes;
use super::words::unavailable;
use crate::fault::Fault;
use crate::files::Unfit;

/// How long to wait for another holder: a swap takes milliseconds, so a process that holds it longer is stuck.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often to look meanwhile.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// A held lock; dropping it lets the next one in.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock of the file at `path`, which is made if missing; its folder must exist.
    ///
    /// # Errors
    /// `Unavailable` where the file cannot be opened or locked, or another process keeps it for 10 s.
    pub fn acquire(path: &Path) -> Result<Lock, Fault> {
        Lock::acquire_within(path, PATIENCE)?.ok_or_else(|| {
            let why = format!("another process has held this lock for {} s; is one stuck?", PATIENCE.as_secs());
            Fault::machine(path.display().to_string(), why)
        })
    }

    /// The same, but waits no longer than `patience`; none where another process keeps the lock.
    ///
    /// # Errors
    /// `Unavailable` where the file cannot be opened or locked.
    pub fn acquire_within(path: &Path, patience: Duration) -> Result<Option<Lock>, Fault> {
        let failed = |error| unavailable(path, "open the lock", &error);
        // A pipe in its place would wait for somebody who reads it.
        let wait_for_nobody = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0);
        let file = modes::options()
            .write(true)
            .create(true)
            .truncate(false)
            .custom_flags(wait_for_nobody)
            .open(path)
            .map_err(failed)?;
        Unfit::of_type(file.metadata().map_err(failed)?.file_type())
            .map_or(Ok(()), |unfit| Err(failed(unfit.into())))?;
        let mut waited = Duration::ZERO;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(Lock { file })),
                Err(TryLockError::Error(error)) => return Err(unavailable(path, "lock", &error)),
                Err(TryLockError::WouldBlock) if waited >= patience => return Ok(None),
                Err(TryLockError::WouldBlock) => {
                    std::thread::sleep(LOOK_AGAIN);
                    waited += LOOK_AGAIN;
                }
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Not left to the closing of the file: a process that is being started has it open too, until it becomes another program.
        let _ = self.file.unlock();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_is_held_is_refused_and_a_dropped_one_is_free() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("lock");
        let held = Lock::acquire(&path).unwrap();
        assert!(Lock::acquire_within(&path, Duration::ZERO).unwrap().is_none());
        drop(held);
        assert!(Lock::acquire_within(&path, Duration::ZERO).unwrap().is_some());
    }
}

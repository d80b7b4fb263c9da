//! The verification that is under way: one at a time in a data folder (`DATA/verify/job.lock`), and how far it has come
//! (`DATA/verify/progress.json`), so that one that was killed goes on from there. The file is whole at every moment; where it cannot
//! be read, the verification begins anew.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::fault::Fault;
use crate::store::Folder;
use crate::store::cache::read_bounded;
use crate::store::lock::Lock;
use crate::store::words::unavailable;

/// The name of the file with the progress.
pub(super) const PROGRESS: &str = "progress.json";
/// The longest progress that is read, in bytes: it names the files that need a second look.
const MAX_BYTES: u64 = 64 << 20;
/// How long to wait for another verification that is about to end.
const PATIENCE: Duration = Duration::from_secs(1);

/// The one verification that works in a data folder. Dropping it lets the next one in.
#[derive(Debug)]
pub struct Job {
    folder: Folder,
    path: PathBuf,
    _alone: Lock,
}

impl Folder {
    /// Begins a verification: no other one begins before it is dropped.
    ///
    /// # Errors
    /// `Unavailable`: another verification is under way, or the disk.
    pub fn begin_job(&self) -> Result<Job, Fault> {
        let dir = self.root().join("verify");
        self.ensure(&dir, true).map_err(|error| unavailable(&dir, "create", &error))?;
        let lock = dir.join("job.lock");
        let alone = Lock::acquire_within(&lock, PATIENCE)?.ok_or_else(|| {
            let why = "another verification of this data folder is under way";
            Fault::machine(lock.display().to_string(), why)
        })?;
        Ok(Job { folder: self.clone(), path: dir.join(PROGRESS), _alone: alone })
    }
}

impl Job {
    /// How far a verification had come that was not finished; none where each was, or it cannot be read.
    pub fn progress(&self) -> Option<Value> {
        let bytes = read_bounded(&self.path, MAX_BYTES).ok().flatten()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Notes how far this one has come, in place of what was noted before. Not synced: what a power cut takes is done again.
    ///
    /// # Errors
    /// `Unavailable`: the disk.
    pub fn note(&self, progress: &Value) -> Result<(), Fault> {
        self.folder.write(&self.path, progress.to_string().as_bytes(), false)
    }

    /// Forgets how far it has come: it is finished.
    ///
    /// # Errors
    /// `Unavailable`: the disk.
    pub fn finish(&self) -> Result<(), Fault> {
        match self.folder.disk().remove(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(unavailable(&self.path, "remove", &error))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::store::failing::{FailingDisk, Moment, Then};

    #[test]
    fn two_at_once_are_refused() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::open(root.path()).unwrap();
        let first = folder.begin_job().unwrap();
        let second = folder.begin_job().map(drop).unwrap_err().to_string();
        assert!(second.contains("another verification of this data folder is under way"), "{second}");
        drop(first);
        folder.begin_job().unwrap();
    }

    #[test]
    fn progress_is_the_old_one_or_the_new_one_wherever_the_process_dies() {
        for at in 0..8 {
            for moment in [Moment::Before, Moment::Torn, Moment::After] {
                let root = tempfile::tempdir().unwrap();
                let open = || Folder::open(root.path()).unwrap();
                open().begin_job().unwrap().note(&json!({ "at": 1 })).unwrap();
                let disk = Arc::new(FailingDisk::new(at, moment, Then::Dead));
                let failing = Folder::open_on(root.path(), Box::new(disk)).unwrap();
                let noted = failing.begin_job().and_then(|job| job.note(&json!({ "at": 2 })));
                let found = open().begin_job().unwrap().progress().unwrap();
                assert!(
                    found == json!({ "at": 2 }) || noted.is_err() && found == json!({ "at": 1 }),
                    "{at} {moment:?}"
                );
            }
        }
        let root = tempfile::tempdir().unwrap();
        let job = Folder::open(root.path()).unwrap().begin_job().unwrap();
        assert_eq!(job.progress(), None);
        job.note(&json!({ "at": 1 })).unwrap();
        job.finish().unwrap();
        job.finish().unwrap();
        assert_eq!(job.progress(), None);
        std::fs::write(root.path().join("verify/progress.json"), "{").unwrap();
        assert_eq!(job.progress(), None, "it cannot be read");
    }
}

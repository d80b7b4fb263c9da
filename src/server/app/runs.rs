//! The record of verifications as it was last read: again only when the file changed.

use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;

use parking_lot::Mutex;

use super::database::ServedDatabase;
use crate::fault::Fault;
use crate::proxy::blocking::blocking;
use crate::store::runs::{BrokenChain, RunEntries, Runs};
use crate::verify::{OpenRun, RecordedRun, open_runs};

/// What tells one state of the file from another: its size, and when it changed, in nanoseconds.
type Stamp = (u64, i64, i64);

/// The record, and the state of the file that it was read from.
#[derive(Debug)]
pub(crate) struct RunsCache {
    /// none where no database is served
    runs: Option<Runs>,
    /// guards what was read; locked for a copy of the pointer
    read: Mutex<Option<(Stamp, Arc<RecordedRuns>)>>,
}

/// The record of verifications.
#[derive(Debug, Default)]
pub(crate) struct RecordedRuns {
    /// the oldest first
    pub(crate) runs: Vec<RecordedRun>,
    /// the hash of the last entry; none where there is none
    pub(crate) last_hash: Option<String>,
    /// why it cannot be read, or where it contradicts itself; then it has no runs
    pub(crate) broken: Option<String>,
}

impl RunsCache {
    /// Of the one data folder that all databases share.
    pub(crate) fn of(served: &[ServedDatabase]) -> RunsCache {
        RunsCache { runs: served.first().map(|served| served.log.runs()), read: Mutex::default() }
    }

    /// The record as it is now.
    ///
    /// # Errors
    /// `Unavailable`: the disk cannot be waited for. What is wrong with the record stands in it.
    pub(crate) async fn read(self: &Arc<RunsCache>) -> Result<Arc<RecordedRuns>, Fault> {
        let cache = Arc::clone(self);
        blocking(move || Ok(cache.wait_for())).await
    }

    fn wait_for(&self) -> Arc<RecordedRuns> {
        let Some(runs) = &self.runs else { return Arc::default() };
        let stamp = runs.path().metadata().map_or((0, 0, 0), |found| (found.size(), found.ctime(), found.ctime_nsec()));
        if let Some((of, read)) = &*self.read.lock()
            && *of == stamp
        {
            return Arc::clone(read);
        }
        let read = match runs.read() {
            Ok(read) => Arc::new(RecordedRuns::of(read)),
            // Not kept: the file may be as it was when it can be read again.
            Err(fault) => return Arc::new(RecordedRuns::unread(fault)),
        };
        *self.read.lock() = Some((stamp, Arc::clone(&read)));
        read
    }
}

impl RecordedRuns {
    fn of(read: Result<RunEntries, BrokenChain>) -> RecordedRuns {
        match read {
            Ok(read) => {
                let last_hash = (!read.entries.is_empty()).then(|| read.last.clone());
                let runs = read.entries.into_iter().map(RecordedRun::of).collect();
                RecordedRuns { runs, last_hash, broken: None }
            }
            Err(broken) => RecordedRuns { broken: Some(broken.to_string()), ..RecordedRuns::default() },
        }
    }

    fn unread(fault: Fault) -> RecordedRuns {
        let why = match fault {
            // The message names the place on the disk, which is nothing for clients.
            Fault::Unavailable { why, .. } => why,
            fault => fault.to_string(),
        };
        RecordedRuns { broken: Some(why), ..RecordedRuns::default() }
    }

    /// The last run of each database, and earlier ones with findings that no later run has cleared; the newest first.
    pub(crate) fn open(&self) -> Vec<OpenRun<'_>> {
        open_runs(&self.runs)
    }
}

//! The record of verifications as it was last read: again only when the file changed.

use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Map, Value};

use super::database::ServedDatabase;
use crate::fault::Fault;
use crate::report::integrity::Coverage;
use crate::store::runs::Runs;
use crate::verify::JobScope;

/// What tells one state of the file from another: its size, and when it changed, in nanoseconds.
type Stamp = (u64, i64, i64);

/// The record, and the state of the file that it was read from.
#[derive(Debug, Default)]
pub(crate) struct RunsCache(
    /// guards what was read; locked for a copy of the pointer
    Mutex<Option<(Stamp, Arc<RecordedRuns>)>>,
);

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

/// One entry.
#[derive(Debug)]
pub(crate) struct RecordedRun {
    fields: Map<String, Value>,
}

impl RunsCache {
    /// The record as it is now. Waits for the disk.
    pub(crate) fn read(&self, served: &[ServedDatabase]) -> Arc<RecordedRuns> {
        // All databases share one data folder.
        let Some(runs) = served.first().map(|served| served.log.runs()) else { return Arc::default() };
        let stamp = runs.path().metadata().map_or((0, 0, 0), |found| (found.size(), found.ctime(), found.ctime_nsec()));
        if let Some((of, read)) = &*self.0.lock()
            && *of == stamp
        {
            return Arc::clone(read);
        }
        let read = Arc::new(RecordedRuns::of(&runs));
        *self.0.lock() = Some((stamp, Arc::clone(&read)));
        read
    }
}

impl RecordedRuns {
    fn of(runs: &Runs) -> RecordedRuns {
        let why = match runs.read() {
            Ok(Ok(read)) => {
                let last_hash = (!read.entries.is_empty()).then(|| read.last.clone());
                let runs = read.entries.into_iter().map(|fields| RecordedRun { fields }).collect();
                return RecordedRuns { runs, last_hash, broken: None };
            }
            Ok(Err(broken)) => broken.to_string(),
            // The message names the place on the disk, which is nothing for clients.
            Err(Fault::Unavailable { why, .. }) => why,
            Err(fault) => fault.to_string(),
        };
        RecordedRuns { broken: Some(why), ..RecordedRuns::default() }
    }

    /// The last run of each database.
    pub(crate) fn last_of_each(&self) -> Vec<&RecordedRun> {
        let mut last: Vec<&RecordedRun> = Vec::new();
        for run in self.runs.iter().rev() {
            if last.iter().all(|seen| seen.text("database") != run.text("database")) {
                last.push(run);
            }
        }
        last
    }
}

impl RecordedRun {
    pub(crate) fn text(&self, name: &str) -> &str {
        self.fields.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn number(&self, name: &str) -> u64 {
        self.fields.get(name).and_then(Value::as_u64).unwrap_or(0)
    }

    /// A number in an object of the entry.
    pub(crate) fn number_in(&self, object: &[&str], name: &str) -> Option<u64> {
        let (first, rest) = object.split_first()?;
        let inner = rest.iter().try_fold(self.fields.get(*first)?, |value, key| value.get(key))?;
        inner.get(name)?.as_u64()
    }

    /// Seconds since 1970 of a time; 0 where there is none.
    pub(crate) fn seconds(&self, name: &str) -> u64 {
        let time = self.text(name).parse::<jiff::Timestamp>().ok();
        time.and_then(|time| u64::try_from(time.as_second()).ok()).unwrap_or(0)
    }

    pub(crate) fn coverage(&self) -> Option<Coverage> {
        serde_json::from_value(self.fields.get("coverage")?.clone()).ok()
    }

    pub(crate) fn scope(&self) -> Option<JobScope> {
        serde_json::from_value(self.fields.get("scope")?.clone()).ok()
    }

    /// The findings that it names.
    pub(crate) fn findings(&self) -> &[Value] {
        self.fields.get("first").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// How many findings of each kind there were.
    pub(crate) fn by_kind(&self) -> impl Iterator<Item = (&str, u64)> {
        let counts = self.fields.get("by_kind").and_then(Value::as_object);
        counts.into_iter().flatten().filter_map(|(kind, count)| Some((kind.as_str(), count.as_u64()?)))
    }
}

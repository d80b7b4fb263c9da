//! How far a verification has come, noted now and then, so that one that was killed goes on from there.
//!
//! What is noted is what was proven of whole parts: data tiles from the first one on, module files in the order of their names. Goes on
//! is what asks for the same: the same database and the same parts. It keeps the time at which the first try began, so that the next
//! verification knows what is new since.

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::passed::Passed;
use crate::report::integrity::{Coverage, ModuleFigures};
use crate::store::index::Tally;
use crate::store::runs::Job;

/// The name and version of the format.
const SCHEMA: &str = "gosumcheck.progress/1";
/// Progress is noted each time this many bytes were read: a part of a second, on a slow disk some seconds.
pub const NOTE_EVERY: u64 = 32 << 20;
/// Where a pace is set, at least each time as many bytes were read as it lets through in this many seconds.
pub(super) const NOTE_SECONDS: u64 = 5;

/// What a verification was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobScope {
    /// the verifier key of the checksum database
    pub database: String,
    /// whether it covers the log
    pub log: bool,
    /// whether it covers the index
    pub index: bool,
    /// whether it covers the modules
    pub modules: bool,
    /// whether the upstreams are asked for them
    #[serde(default)]
    pub upstreams: bool,
}

/// The progress of a verification.
#[derive(Debug)]
pub struct Resume {
    job: Job,
    /// how far it is; locked while it is noted
    state: Mutex<NotedProgress>,
    /// bytes that are read between two notes
    every: u64,
    is_continued: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct NotedProgress {
    schema: String,
    asked: JobScope,
    coverage: Coverage,
    /// when the first try began, in microseconds since 1970
    began: u64,
    log: Option<LogDone>,
    modules: Option<ModulesDone>,
}

/// What is done of the log.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct LogDone {
    /// data tiles from the first one on
    pub(super) tiles: u64,
    /// records of the head
    pub(super) size: u64,
    /// records that the index knew, and what tells its shape from others; absent where it was not compared
    pub(super) index: Option<(u64, Tally)>,
    /// what was found
    pub(super) passed: Passed,
}

/// What is done of the modules.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct ModulesDone {
    /// the last file that was checked, in the order of their names; empty where none was
    pub(super) after: String,
    /// those that need a second look
    pub(super) doubtful: Vec<String>,
    /// what was counted
    pub(super) figures: ModuleFigures,
}

impl Resume {
    /// Goes on from where a verification that was asked for the same had come to; where there is none, one begins at `began`, in
    /// microseconds since 1970, that covers `coverage`. Progress is noted after each `every` bytes.
    pub fn begin(job: Job, asked: JobScope, coverage: Coverage, began: u64, every: u64) -> Resume {
        let noted = job.progress().and_then(|noted| serde_json::from_value::<NotedProgress>(noted).ok());
        let noted = noted.filter(|state| state.schema == SCHEMA && state.asked == asked && state.began <= began);
        let is_continued = noted.is_some();
        let fresh = || NotedProgress { schema: SCHEMA.to_owned(), asked, coverage, began, log: None, modules: None };
        Resume { job, state: Mutex::new(noted.unwrap_or_else(fresh)), every: every.max(1), is_continued }
    }

    /// What it covers.
    pub fn coverage(&self) -> Coverage {
        self.state.lock().coverage
    }

    /// When the first try began, in microseconds since 1970.
    pub fn began(&self) -> u64 {
        self.state.lock().began
    }

    /// Whether it goes on from where an earlier one had come to.
    pub fn is_continued(&self) -> bool {
        self.is_continued
    }

    /// Forgets the progress: the verification is finished.
    ///
    /// # Errors
    /// `Unavailable`: the disk.
    pub fn finish(&self) -> Result<(), crate::fault::Fault> {
        self.job.finish()
    }

    /// Bytes that are read between two notes.
    pub(super) fn every(&self) -> u64 {
        self.every
    }

    pub(super) fn log(&self) -> Option<LogDone> {
        self.state.lock().log.clone()
    }

    pub(super) fn modules(&self) -> Option<ModulesDone> {
        self.state.lock().modules.clone()
    }

    pub(super) fn note_log(&self, done: LogDone) {
        self.note(|state| state.log = Some(done));
    }

    pub(super) fn note_modules(&self, done: ModulesDone) {
        self.note(|state| state.modules = Some(done));
    }

    /// Best effort: what could not be noted is done again.
    fn note(&self, change: impl FnOnce(&mut NotedProgress)) {
        let mut state = self.state.lock();
        change(&mut state);
        let noted = serde_json::to_value(&*state).map(|state| self.job.note(&state));
        if let Ok(Err(fault)) = noted {
            tracing::debug!("the progress of the verification is not noted: {fault}");
        }
    }
}

//! Writes that failed although nothing depends on them: counted by kind, remembered for warnings, and logged once a minute at
//! most, so that a full disk does not fill the logs too.
//!
//! **To store something is never a condition of an answer.** What was proven is given whether or not it could be kept; who gives
//! it notes the failure here.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::Folder;
use crate::fault::Fault;

/// Between two log lines about one kind of writes.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// What could not be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteKind {
    /// a proven lookup, tile or batch of answers
    Cache,
    /// the newest proven head: kept in memory, and written with the next one
    Head,
    /// evidence of a fork: it is shown all the same
    Evidence,
    /// a module file
    Module,
    /// a hint of an upstream: a list, a newest version, an `.info`
    Hint,
    /// bytes that proved wrong, or their report
    Refused,
    /// the row of the journal about wrong bytes
    Incident,
}

/// All kinds, in the order of [`WriteKind::place`].
const KINDS: [WriteKind; 7] = [
    WriteKind::Cache,
    WriteKind::Head,
    WriteKind::Evidence,
    WriteKind::Module,
    WriteKind::Hint,
    WriteKind::Refused,
    WriteKind::Incident,
];

impl WriteKind {
    /// Its name in metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            WriteKind::Cache => "cache",
            WriteKind::Head => "head",
            WriteKind::Evidence => "evidence",
            WriteKind::Module => "module",
            WriteKind::Hint => "hint",
            WriteKind::Refused => "refused",
            WriteKind::Incident => "incident",
        }
    }

    fn place(self) -> usize {
        match self {
            WriteKind::Cache => 0,
            WriteKind::Head => 1,
            WriteKind::Evidence => 2,
            WriteKind::Module => 3,
            WriteKind::Hint => 4,
            WriteKind::Refused => 5,
            WriteKind::Incident => 6,
        }
    }
}

/// The failed writes of one kind.
#[derive(Debug, Clone)]
pub struct FailedWrites {
    /// which kind
    pub write: WriteKind,
    /// how many, since the folder was opened
    pub count: u64,
    /// the last of them; none where there was none
    pub last: Option<Fault>,
}

/// The failed writes of one data folder.
#[derive(Debug, Default)]
pub(super) struct Failures([Mutex<WriteFailures>; KINDS.len()]);

#[derive(Debug, Default)]
struct WriteFailures {
    count: u64,
    last: Option<Fault>,
    logged: Option<Instant>,
}

impl WriteFailures {
    /// Counts one more failure; gives whether it is time to log one.
    fn add(&mut self, fault: &Fault, now: Instant) -> bool {
        self.count += 1;
        self.last = Some(fault.clone());
        let is_due = self.logged.is_none_or(|logged| now.saturating_duration_since(logged) >= LOG_EVERY);
        if is_due {
            self.logged = Some(now);
        }
        is_due
    }
}

impl Folder {
    /// Records that something could not be stored. The caller goes on without it.
    pub fn note_failure(&self, write: WriteKind, fault: &Fault) {
        let Some(kind) = self.shared.failures.0.get(write.place()) else { return };
        let mut kind = kind.lock();
        if kind.add(fault, Instant::now()) {
            let (kind, count) = (write.name(), kind.count);
            tracing::warn!(kind, count, "not stored; answers are given all the same: {fault}");
        }
    }

    /// The failed writes of every kind, those without one too.
    pub fn failures(&self) -> Vec<FailedWrites> {
        let failure = |(write, kind): (WriteKind, &Mutex<WriteFailures>)| {
            let kind = kind.lock();
            FailedWrites { write, count: kind.count, last: kind.last.clone() }
        };
        KINDS.into_iter().zip(&self.shared.failures.0).map(failure).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_logged_once_a_minute_and_always_counted() {
        let (mut kind, start) = (WriteFailures::default(), Instant::now());
        let fault = Fault::disk("/data/tmp/1", "cannot write");
        let logged = (0..=120).filter(|second| kind.add(&fault, start + Duration::from_secs(*second))).count();
        assert_eq!((logged, kind.count), (3, 121));
    }

    #[test]
    fn every_kind_has_its_place() {
        assert!(KINDS.into_iter().enumerate().all(|(place, kind)| kind.place() == place));
    }
}

//! What went wrong with a base while other bases, or later tries, made up for it: counted, with the first reason, so that
//! users learn of a mirror that sends wrong bytes even where that did no harm.

use std::fmt;

use parking_lot::Mutex;

/// What went wrong with one base.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Complaint {
    /// the base, as `Upstreams::names` has it
    pub source: String,
    /// answers whose bytes were malformed or did not prove what they claim
    pub refused: u64,
    /// requests that failed after all their tries
    pub failed: u64,
    /// requests that it answered with an absence
    pub lacked: u64,
    /// the first reason: of a refusal, else of a failure
    pub why: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [(self.refused, "answers refused"), (self.failed, "requests failed"), (self.lacked, "not held")];
        let complaint: Vec<String> =
            parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        write!(f, "{}: {}", self.source, complaint.join(", "))?;
        if self.why.is_empty() { Ok(()) } else { write!(f, "; first: {}", self.why) }
    }
}

/// The same while it is counted.
#[derive(Debug, Default)]
pub(in crate::upstream) struct SourceErrors {
    /// guards the counts and the first reason so far; `source` stays empty
    complaint: Mutex<Complaint>,
}

impl SourceErrors {
    pub(in crate::upstream) fn refused(&self, error: &impl fmt::Display) {
        let mut complaint = self.complaint.lock();
        if complaint.refused == 0 {
            complaint.why = error.to_string();
        }
        complaint.refused += 1;
    }

    pub(in crate::upstream) fn failed(&self, path: &str, why: &str) {
        let mut complaint = self.complaint.lock();
        if complaint.why.is_empty() {
            complaint.why = format!("{path}: {why}");
        }
        complaint.failed += 1;
    }

    pub(in crate::upstream) fn lacked(&self) {
        self.complaint.lock().lacked += 1;
    }

    /// How many requests failed.
    pub(in crate::upstream) fn failures(&self) -> u64 {
        self.complaint.lock().failed
    }

    /// What went wrong, if anything did.
    pub(in crate::upstream) fn complaint(&self, source: &str) -> Option<Complaint> {
        let complaint = self.complaint.lock();
        let any = complaint.refused + complaint.failed + complaint.lacked > 0;
        any.then(|| Complaint { source: source.to_owned(), ..complaint.clone() })
    }
}

//! Event counters, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Denied, ProxyAnswer, RefusalCause};

/// An event that is counted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Event {
    /// a file was here
    Hit,
    /// a file was fetched, proven and stored
    Admitted,
    /// an upstream sent other bytes than the record says
    Mismatch,
    /// a request to an upstream failed
    Failure,
    /// a hint was fresh here
    Fresh,
    /// an old hint was served, because no upstream answered
    Stale,
    /// an absence was repeated
    Repeated,
    /// answers by result
    Found,
    NotFound,
    Refused,
    Faulty,
    /// unproven bytes were served, because of `on_mismatch = "warn"`
    Unproven,
    /// a rule would have refused a request, and was only tried out
    WouldRefuse,
}

/// The names of all of them, in order.
const NAMES: [&str; 13] = [
    "file_hits",
    "files_admitted",
    "mismatches",
    "upstream_failures",
    "hints_fresh",
    "hints_stale",
    "absences_repeated",
    "answers_found",
    "answers_not_found",
    "answers_refused",
    "answers_failed",
    "unproven_served",
    "would_refuse",
];

#[derive(Debug, Default)]
pub(super) struct Counters {
    events: [AtomicU64; NAMES.len()],
    /// by the place of the cause in `RefusalCause::ALL`
    refusals: [AtomicU64; RefusalCause::ALL.len()],
}

impl Event {
    fn place(self) -> usize {
        match self {
            Event::Hit => 0,
            Event::Admitted => 1,
            Event::Mismatch => 2,
            Event::Failure => 3,
            Event::Fresh => 4,
            Event::Stale => 5,
            Event::Repeated => 6,
            Event::Found => 7,
            Event::NotFound => 8,
            Event::Refused => 9,
            Event::Faulty => 10,
            Event::Unproven => 11,
            Event::WouldRefuse => 12,
        }
    }
}

impl Counters {
    pub(super) fn count(&self, event: Event) {
        if let Some(counter) = self.events.get(event.place()) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn answered(&self, answer: &Result<ProxyAnswer, Denied>) {
        if let Err(Denied::Refused(cause, _)) = answer {
            let counters = RefusalCause::ALL.iter().zip(&self.refusals).filter(|(known, _)| *known == cause);
            counters.for_each(|(_, counter)| _ = counter.fetch_add(1, Ordering::Relaxed));
        }
        self.count(match answer {
            Ok(_) => Event::Found,
            Err(Denied::NotFound(_) | Denied::NotCached(_)) => Event::NotFound,
            Err(Denied::Refused(..)) => Event::Refused,
            Err(Denied::Fault(_)) => Event::Faulty,
        });
    }

    pub(super) fn snapshot(&self) -> Vec<(&'static str, u64)> {
        NAMES.into_iter().zip(self.events.iter().map(|counter| counter.load(Ordering::Relaxed))).collect()
    }

    pub(super) fn refusals(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.refusals.iter().map(|counter| counter.load(Ordering::Relaxed));
        RefusalCause::ALL.map(RefusalCause::name).into_iter().zip(counts)
    }
}

//! What a database answers: a proven record, an absence, or why neither could be proven. Absence is a variant, never an empty
//! list (CVE-2026-42501).

use crate::fault::Fault;
use crate::sumdb::checkpoint::Checkpoint;
use crate::sumdb::record::VerifiedRecord;

/// The answer to a lookup. `T` is what was found: by a database a record that is proven to be in the log, by its sources a
/// [`Claim`](super::Claim) that has yet to be checked against the log.
#[derive(Debug, Clone)]
pub enum Answer<T = VerifiedRecord> {
    /// what was found
    Found(T),
    /// every database that was asked says that it has no such module version
    NotInLog {
        /// the sources that say so, with their words
        by: Vec<String>,
    },
    /// no source gave an answer that proves anything
    Unknown(Unavailable),
}

/// Why something could not be had.
#[derive(Debug, Clone)]
pub enum Unavailable {
    /// the sources are folders, or offline, and do not hold it: not a log that says no
    NotHeld(String),
    /// a source failed or sent something false, or the log misbehaved
    Fault(Fault),
}

impl From<Fault> for Unavailable {
    fn from(fault: Fault) -> Unavailable {
        Unavailable::Fault(fault)
    }
}

impl Unavailable {
    /// As the fault that it is for a caller that cannot do without: what `holder` does not hold is not available.
    pub fn into_fault(self, holder: &str) -> Fault {
        match self {
            Unavailable::Fault(fault) => fault,
            Unavailable::NotHeld(why) => Fault::nobody(holder, why),
        }
    }

    /// One for many: a failure says more than an absence.
    pub(super) fn worst(mut misses: Vec<Unavailable>) -> Unavailable {
        let fault = misses.iter().position(|miss| matches!(miss, Unavailable::Fault(_))).unwrap_or(0);
        if misses.is_empty() {
            Unavailable::NotHeld("there is no source to ask".to_owned())
        } else {
            misses.swap_remove(fault)
        }
    }
}

/// Why a step could not be taken.
#[derive(Debug, Clone)]
pub enum Stop {
    /// something could not be had; other steps may do without it
    Unavailable(Unavailable),
    /// nothing can go on: the log is caught, or the data folder fails
    Fatal(Fault),
}

impl Stop {
    /// As [`Unavailable::into_fault`]; what is fatal stays so.
    pub fn into_fault(self, holder: &str) -> Fault {
        match self {
            Stop::Unavailable(why) => why.into_fault(holder),
            Stop::Fatal(fault) => fault,
        }
    }
}

impl From<Unavailable> for Stop {
    fn from(miss: Unavailable) -> Stop {
        Stop::Unavailable(miss)
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Stop {
        Stop::Fatal(fault)
    }
}

/// Answers to many questions, all proven under one head.
pub struct Batch {
    /// the answers, in the order of the questions
    pub answers: Vec<Answer>,
    /// the head; none where no record was found and no head is remembered
    pub proven_under: Option<Checkpoint>,
    /// signed heads that came along and could not be compared with it
    pub uncompared: usize,
}

/// How two heads of one log stand to each other.
#[derive(Debug, Clone)]
pub enum Comparison {
    /// one contains the other
    OneHistory,
    /// something that the decision needs could not be fetched
    Unknown(Unavailable),
}

impl Batch {
    /// Answers where no head can be had: what was claimed cannot be proven.
    pub(super) fn unproven<T>(said: Vec<Option<Answer<T>>>, why: Option<Unavailable>) -> Batch {
        let why = why.unwrap_or_else(|| Unavailable::NotHeld("no signed tree head could be had".to_owned()));
        let answers = said.into_iter().map(|said| match said {
            Some(Answer::NotInLog { by }) => Answer::NotInLog { by },
            Some(Answer::Unknown(miss)) => Answer::Unknown(miss),
            Some(Answer::Found(_)) | None => Answer::Unknown(why.clone()),
        });
        Batch { answers: answers.collect(), proven_under: None, uncompared: 0 }
    }
}

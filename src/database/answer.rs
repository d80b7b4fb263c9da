//! What a database answers: a proven record, an absence, or why nothing could be told. Absence is a variant, never an empty
//! list (CVE-2026-42501).

use super::lookups::Said;
use crate::fault::Fault;
use crate::sumdb::checkpoint::Checkpoint;
use crate::sumdb::record::VerifiedRecord;

/// What became of a question.
#[derive(Debug, Clone)]
pub enum Answer {
    /// the record, proven to be in the log
    Proven(VerifiedRecord),
    /// every database that was asked says that it has no such module version
    NotInLog {
        /// who said so, with their words
        by: Vec<String>,
    },
    /// no answer that proves anything could be had
    Unknown(Miss),
}

/// Why something could not be had.
#[derive(Debug, Clone)]
pub enum Miss {
    /// the sources are folders, or offline, and do not hold it: not a log that says no
    NotHeld(String),
    /// a source failed or lied, or the log did
    Fault(Fault),
}

impl From<Fault> for Miss {
    fn from(fault: Fault) -> Miss {
        Miss::Fault(fault)
    }
}

impl Miss {
    /// One for many: a failure tells more than an absence.
    pub(super) fn worst(mut misses: Vec<Miss>) -> Miss {
        let fault = misses.iter().position(|miss| matches!(miss, Miss::Fault(_))).unwrap_or(0);
        if misses.is_empty() {
            Miss::NotHeld("there is no source to ask".to_owned())
        } else {
            misses.swap_remove(fault)
        }
    }
}

/// Why a step could not be taken.
pub(super) enum Halt {
    /// something could not be had; other steps may do without it
    Missed(Miss),
    /// nothing can go on: the log is caught, or the data folder fails
    Stop(Fault),
}

impl From<Miss> for Halt {
    fn from(miss: Miss) -> Halt {
        Halt::Missed(miss)
    }
}

impl From<Fault> for Halt {
    fn from(fault: Fault) -> Halt {
        Halt::Stop(fault)
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
    /// what it takes to tell could not be had
    Unknown(Miss),
}

impl Batch {
    /// Answers where no head can be had: what was claimed cannot be proven.
    pub(super) fn unproven(said: Vec<Option<Said>>, why: Option<Miss>) -> Batch {
        let why = why.unwrap_or_else(|| Miss::NotHeld("no signed tree head could be had".to_owned()));
        let answers = said.into_iter().map(|said| match said {
            Some(Said::NotInLog { by }) => Answer::NotInLog { by },
            Some(Said::Missed(miss)) => Answer::Unknown(miss),
            Some(Said::Claim(_)) | None => Answer::Unknown(why.clone()),
        });
        Batch { answers: answers.collect(), proven_under: None, uncompared: 0 }
    }
}

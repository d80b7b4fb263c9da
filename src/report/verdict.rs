//! What became of one line, with the facts that belong to it.

use super::outcome::{Class, Outcome};
use super::printable;

/// What became of one line, with the facts that belong to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// the hash is the one in the record
    Verified {
        /// the record's number in the log, counted from 0
        record: u64,
    },
    /// the record gives another hash
    Differs {
        /// the record's number in the log, counted from 0
        record: u64,
        /// the hash that the line gives, or that the file of a module cache has
        in_file: String,
        /// the hash in the log
        in_log: String,
    },
    /// sources that speak for the whole log have no record of the module version
    NotInLog {
        /// who said so
        by: Vec<String>,
    },
    /// the sources hold only a part of the log, and the answer is not in it
    NotHeld {
        /// what was looked for, and where
        why: String,
    },
    /// no source could be reached
    Unavailable {
        /// which source failed, and how
        why: String,
    },
    /// an answer came, but it does not prove what it says; it was not used
    Refused {
        /// whose answer
        by: String,
        /// the rule or the proof that failed
        why: String,
    },
    /// the user exempted the module
    Skipped {
        /// the pattern that matched
        pattern: String,
    },
    /// the hash has an algorithm that is not known here, so nothing was compared
    UnknownAlgorithm {
        /// what stands before the colon
        algorithm: String,
    },
    /// the line is not a go.sum line
    Malformed {
        /// the rule that it breaks
        why: String,
    },
    /// the hash of an empty go.mod, written by an early version of Go; the go command drops the line as it reads it
    DroppedEmptyGoMod,
    /// it says which module something came from, but not with which hash
    NoHash {
        /// why not
        why: String,
    },
    /// the main module of a program or an SBOM, which has no hash because it was built from a folder
    MainModule {
        /// what it says of its version
        why: String,
    },
    /// a file of a vendor folder is not what the proven zip of its module says
    Altered {
        /// in what way
        why: String,
    },
}

impl Verdict {
    /// The outcome without its facts.
    pub fn outcome(&self) -> Outcome {
        match self {
            Verdict::Verified { .. } => Outcome::Verified,
            Verdict::Differs { .. } => Outcome::Differs,
            Verdict::NotInLog { .. } => Outcome::NotInLog,
            Verdict::NotHeld { .. } => Outcome::NotHeld,
            Verdict::Unavailable { .. } => Outcome::Unavailable,
            Verdict::Refused { .. } => Outcome::Refused,
            Verdict::Skipped { .. } => Outcome::Skipped,
            Verdict::UnknownAlgorithm { .. } => Outcome::UnknownAlgorithm,
            Verdict::Malformed { .. } => Outcome::Malformed,
            Verdict::DroppedEmptyGoMod => Outcome::DroppedEmptyGoMod,
            Verdict::NoHash { .. } => Outcome::NoHash,
            Verdict::MainModule { .. } => Outcome::MainModule,
            Verdict::Altered { .. } => Outcome::Altered,
        }
    }

    /// What it means for the conclusion.
    pub fn class(&self) -> Class {
        self.outcome().class()
    }

    /// The stable name that programs read: `not-in-log`.
    pub fn id(&self) -> &'static str {
        self.outcome().id()
    }

    /// The facts in one printable sentence without its full stop, for formats that show one line: `database` names the log.
    pub fn sentence(&self, database: &str) -> String {
        let database = printable(database);
        match self {
            Verdict::Verified { record } => format!("proven by record {record} of {database}"),
            Verdict::Differs { record, in_file, in_log } => {
                let (in_file, in_log) = (printable(in_file), printable(in_log));
                format!("the file says {in_file}, record {record} of {database} says {in_log}")
            }
            Verdict::NotInLog { by } => {
                format!("{database} has no record of this module version (asked: {})", printable(&by.join(", ")))
            }
            Verdict::NotHeld { why } | Verdict::Unavailable { why } => printable(why),
            Verdict::Refused { by, why } => {
                format!("the answer of {} was refused: {}", printable(by), printable(why))
            }
            Verdict::Skipped { pattern } => format!("exempted by {}", printable(pattern)),
            Verdict::UnknownAlgorithm { algorithm } => {
                format!("the hash algorithm {} is not known", printable(algorithm))
            }
            Verdict::Malformed { why }
            | Verdict::NoHash { why }
            | Verdict::MainModule { why }
            | Verdict::Altered { why } => printable(why),
            Verdict::DroppedEmptyGoMod => Outcome::DroppedEmptyGoMod.title().to_owned(),
        }
    }
}

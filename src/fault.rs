//! Why a command could not do its work, by who is at fault: its caller, a network or a disk, who sent certain bytes, or the log;
//! with the exit code of each.

use std::path::PathBuf;
use std::time::Duration;

use crate::sumdb;
use crate::sumdb::evidence::Evidence;

/// A failure with its culprit.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Fault {
    /// The caller asked for something that makes no sense. Exit code 2.
    #[error("{0}")]
    Usage(String),
    /// A network, a server or a disk did not do its part; trying again may help. Exit code 2.
    #[error("{source_name}: {why}")]
    Unavailable {
        /// the URL or path that failed
        source_name: String,
        /// what happened, and what to do next where that is known
        why: String,
        /// what did not do its part
        cause: Cause,
    },
    /// A source sent bytes that are malformed or prove nothing; they were not used. Exit code 2.
    #[error("{source_name} sent bytes that were refused: {error}")]
    Refused {
        /// the URL or path that the bytes came from
        source_name: String,
        /// the rule or the proof that failed
        error: sumdb::Error,
    },
    /// This server has too many requests waiting to take another one; nobody was asked. Exit code 2.
    #[error("this server is busy: {what}; try again in {} s", retry_after.as_secs())]
    Busy {
        /// what too many requests wait for
        what: String,
        /// how soon another try makes sense
        retry_after: Duration,
    },
    /// The log signed two histories. Exit code 3.
    #[error("{evidence}")]
    Forked {
        /// the two signed heads and the proof
        evidence: Box<Evidence>,
        /// where the evidence was saved
        saved: Option<PathBuf>,
    },
}

/// What did not do its part, where that decides what happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// this machine's disk: full, read-only, forbidden, or failing. No other source can help, and none is to blame
    Disk,
    /// anything else: a network, a server, another process
    Other,
}

impl Fault {
    /// An `Unavailable` fault.
    pub fn unavailable(source_name: impl Into<String>, why: impl Into<String>) -> Fault {
        Fault::Unavailable { source_name: source_name.into(), why: why.into(), cause: Cause::Other }
    }

    /// An `Unavailable` fault of this machine's disk.
    pub fn disk(source_name: impl Into<String>, why: impl Into<String>) -> Fault {
        Fault::Unavailable { source_name: source_name.into(), why: why.into(), cause: Cause::Disk }
    }

    /// Whether this machine's disk is the cause.
    pub fn is_disk(&self) -> bool {
        matches!(self, Fault::Unavailable { cause: Cause::Disk, .. })
    }

    /// A `Refused` fault.
    pub fn refused(source_name: impl Into<String>, error: sumdb::Error) -> Fault {
        Fault::Refused { source_name: source_name.into(), error }
    }

    /// The exit code of a command that ends with this fault: 3 where the log misbehaved, else 2 (could not tell).
    pub fn exit_code(&self) -> u8 {
        match self {
            Fault::Forked { .. } => 3,
            Fault::Usage(_) | Fault::Unavailable { .. } | Fault::Refused { .. } | Fault::Busy { .. } => 2,
        }
    }
}

//! Why a command could not do its work, by who is at fault: its caller, a network or a disk, the sender of certain bytes, or the log;
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

/// The part that failed. It decides the status that a client reads, whether another source is asked, and whether the same
/// one is asked again with a higher limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// this machine's disk failed an operation: full, read-only, forbidden, or broken. No other source can help, and none is to
    /// blame
    Disk,
    /// something else here: a file that is damaged, or that another process holds; a thread, a process or a port that could not
    /// be had
    Machine,
    /// an upstream: no connection, a malformed answer, or one without what it must have
    Upstream,
    /// an upstream did not answer in time
    TimedOut,
    /// an upstream's answer is longer than the limit of the request
    TooLong,
    /// no source could be asked: no upstream is set, all are folders that do not hold it, or the settings or the rules for public
    /// modules forbid it
    Nobody,
}

impl Cause {
    /// The cause of a fault in which several sources failed, each with a cause of its own; `Nobody` where there is none.
    ///
    /// A disk that failed ends all requests, so it is the cause. An answer that is too long is the one failure that a second request
    /// can mend, with a higher limit. A source that could not be asked does not count beside others. If the others differ, the
    /// cause is `Upstream`.
    #[must_use]
    pub fn of_several(causes: impl IntoIterator<Item = Cause>) -> Cause {
        causes.into_iter().fold(Cause::Nobody, |joined, cause| match (joined, cause) {
            (Cause::Disk, _) | (_, Cause::Disk) => Cause::Disk,
            (Cause::TooLong, _) | (_, Cause::TooLong) => Cause::TooLong,
            (one, Cause::Nobody) | (Cause::Nobody, one) => one,
            (one, other) if one == other => one,
            _ => Cause::Upstream,
        })
    }
}

impl Fault {
    /// An `Unavailable` fault of this cause.
    pub fn unavailable(cause: Cause, source_name: impl Into<String>, why: impl Into<String>) -> Fault {
        Fault::Unavailable { source_name: source_name.into(), why: why.into(), cause }
    }

    /// An `Unavailable` fault of this machine's disk.
    pub fn disk(source_name: impl Into<String>, why: impl Into<String>) -> Fault {
        Fault::unavailable(Cause::Disk, source_name, why)
    }

    /// An `Unavailable` fault of something else here than the disk.
    pub fn machine(source_name: impl Into<String>, why: impl Into<String>) -> Fault {
        Fault::unavailable(Cause::Machine, source_name, why)
    }

    /// An `Unavailable` fault of an upstream.
    pub fn upstream(source_name: impl Into<String>, why: impl Into<String>) -> Fault {
        Fault::unavailable(Cause::Upstream, source_name, why)
    }

    /// An `Unavailable` fault of an upstream that did not answer in time.
    pub fn timed_out(source_name: impl Into<String>, why: impl Into<String>) -> Fault {
        Fault::unavailable(Cause::TimedOut, source_name, why)
    }

    /// An `Unavailable` fault since nobody could be asked.
    pub fn nobody(source_name: impl Into<String>, why: impl Into<String>) -> Fault {
        Fault::unavailable(Cause::Nobody, source_name, why)
    }

    /// The cause of an `Unavailable` fault.
    pub fn cause(&self) -> Option<Cause> {
        match self {
            Fault::Unavailable { cause, .. } => Some(*cause),
            Fault::Usage(_) | Fault::Refused { .. } | Fault::Busy { .. } | Fault::Forked { .. } => None,
        }
    }

    /// Whether this machine's disk is the cause.
    pub fn is_disk(&self) -> bool {
        self.cause() == Some(Cause::Disk)
    }

    /// A `Refused` fault.
    pub fn refused(source_name: impl Into<String>, error: sumdb::Error) -> Fault {
        Fault::Refused { source_name: source_name.into(), error }
    }

    /// The same, of something that stands at `place`: a line of a file, a variable or a flag.
    #[must_use]
    pub fn set_at(self, place: &str) -> Fault {
        match self {
            Fault::Usage(why) => Fault::Usage(format!("{place}: {why}")),
            Fault::Unavailable { source_name, why, cause } => {
                Fault::Unavailable { source_name: format!("{place}: {source_name}"), why, cause }
            }
            other => other,
        }
    }

    /// The exit code of a command that ends with this fault: 3 where the log misbehaved, else 2 (could not tell).
    pub fn exit_code(&self) -> u8 {
        match self {
            Fault::Forked { .. } => 3,
            Fault::Usage(_) | Fault::Unavailable { .. } | Fault::Refused { .. } | Fault::Busy { .. } => 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Cause::{self, Disk, Machine, Nobody, TimedOut, TooLong, Upstream};

    #[test]
    fn causes_of_several_sources_make_one_in_any_order() {
        for (causes, one) in [
            (&[][..], Nobody),
            (&[Nobody, Nobody], Nobody),
            (&[Machine, Machine], Machine),
            (&[TimedOut, TimedOut], TimedOut),
            (&[TimedOut, Nobody], TimedOut),
            (&[TimedOut, Upstream], Upstream),
            (&[TimedOut, Machine], Upstream),
            (&[Machine, Upstream], Upstream),
            (&[TimedOut, Machine, TimedOut], Upstream),
            (&[TooLong, Upstream, TimedOut], TooLong),
            (&[TooLong, Nobody], TooLong),
            (&[TooLong, Disk, Upstream], Disk),
            (&[Machine, Disk], Disk),
        ] {
            assert_eq!(Cause::of_several(causes.iter().copied()), one, "{causes:?}");
            assert_eq!(Cause::of_several(causes.iter().rev().copied()), one, "{causes:?}");
        }
    }
}

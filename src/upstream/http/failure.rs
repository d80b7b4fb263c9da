//! Why a request to a base failed, as a type, which decides which base is asked next.

use std::fmt;

use crate::fault::Cause;

/// A request that failed after all its tries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// the base's name in messages: its URL without credentials
    pub source: String,
    /// what happened, for people; without credentials
    pub why: String,
    /// the same for programs
    pub kind: FailureKind,
}

/// The kinds of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// no connection, or one that broke off; a folder that cannot be read; a go command that failed
    Unreachable,
    /// too slow: to connect, to send a byte, or in all
    Timeout,
    /// it answered that it cannot serve the request now: 5xx
    Busy,
    /// it refused, with this status: a 4xx other than 404 and 410, which are absences and not failures
    Denied(u16),
    /// it sent an unexpected response, with this status
    Answer(u16),
    /// more bytes than the limit
    TooLong,
    /// this machine's disk could not store the bytes, or not read them back
    Disk,
    /// another fault of this machine: a command that cannot be run, or for which too many requests are waiting
    Machine,
    /// no request was made: the settings, or the rules for public modules, forbid it
    Forbidden,
    /// no request was made: the host has no known public address
    NoAddress,
    /// no request was made: the list of proxies ends with `off`
    Off,
    /// `direct` found nobody who could have a module of this path. To the go command that is an absence, whatever the reason
    /// (cmd/go/internal/modfetch, lookupDirect)
    NoRepository,
    /// it redirects to where redirects are not followed
    Redirect,
    /// no request was made: too many requests of this server's clients are already waiting for this base
    QueueFull,
}

impl FailureKind {
    /// Whether there was no answer at all.
    pub(super) fn is_silence(self) -> bool {
        matches!(self, FailureKind::Unreachable | FailureKind::Timeout | FailureKind::Machine)
    }

    /// Whether it is a policy's "no" to this module: the server works, and does not give it to us.
    pub fn is_policy(self) -> bool {
        matches!(self, FailureKind::Denied(401 | 403 | 451))
    }

    /// What did not do its part.
    pub fn cause(self) -> Cause {
        match self {
            FailureKind::Disk => Cause::Disk,
            FailureKind::Machine | FailureKind::QueueFull => Cause::Machine,
            FailureKind::Timeout => Cause::TimedOut,
            FailureKind::TooLong => Cause::TooLong,
            FailureKind::Forbidden | FailureKind::NoAddress | FailureKind::Off | FailureKind::NoRepository => {
                Cause::Nobody
            }
            FailureKind::Unreachable
            | FailureKind::Busy
            | FailureKind::Denied(_)
            | FailureKind::Answer(_)
            | FailureKind::Redirect => Cause::Upstream,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.why)
    }
}

impl std::error::Error for Failure {}

//! Why a base did not do what it was asked to, in a form that decides who is asked next.

use std::fmt;

use crate::fault::Cause;

/// A request that failed after all its tries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// the base, as it is called in messages: without credentials
    pub source: String,
    /// what happened, for people; names no credential
    pub why: String,
    /// the same for programs
    pub kind: FailureKind,
}

/// The kinds of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// no connection, or one that broke off; a folder that cannot be read; a command that could not find out
    Unreachable,
    /// too slow: to connect, to say anything, or in all
    Timeout,
    /// it says that it cannot answer now: 5xx
    Busy,
    /// it says no, with this status: 4xx, of which 404 and 410 are absences and no failures
    Denied(u16),
    /// it says what is no answer, with this status
    Answer(u16),
    /// more bytes than were asked for at most
    TooLong,
    /// this machine's disk could not keep the bytes, or not read again what was kept
    Disk,
    /// something else here: a command that cannot be run, or for which too many wait
    Machine,
    /// nobody was asked: the settings, or the rules for public modules, forbid it
    Forbidden,
    /// nobody was asked: no address is known that may be
    NoAddress,
    /// nobody was asked: the list of proxies ends here with `off`
    Off,
    /// `direct` found nobody who could have a module of this path. To the go command that is an absence, whatever the reason
    /// (cmd/go/internal/modfetch, lookupDirect)
    NoRepository,
    /// it redirects to where nobody follows
    Redirect,
    /// it was not asked: too many requests of this server's clients wait for it already
    QueueFull,
}

impl FailureKind {
    /// Whether nobody answered at all.
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

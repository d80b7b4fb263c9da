//! The answers of a module proxy, and the reasons for none.

use std::time::Duration;

use bytes::Bytes;

use crate::fault::Fault;
use crate::store::modules::{Admitted, Refused};
use crate::upstream::Peer;

/// The mode of a request.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mode {
    /// send no request to an upstream: only what is stored here (`/cached-only`, `Disable-Module-Fetch: true`)
    pub cached_only: bool,
    /// the client; `None`: this process itself
    pub peer: Option<Peer>,
}

/// An answer.
#[derive(Debug, Clone)]
pub enum ProxyAnswer {
    /// a file that is what its record says
    File(Admitted),
    /// bytes that are not what the record says, served because of `on_mismatch = "warn"`: never to be stored
    Unproven(Refused),
    /// a hint
    Text(Text),
}

/// An answer without a proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// the text
    pub bytes: Bytes,
    /// its format
    pub kind: TextKind,
    /// how long it may be cached before it is fetched again
    pub keep: Duration,
    /// whether no upstream answered, and this is an earlier answer
    pub stale: bool,
}

/// The format of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextKind {
    /// versions, one a line
    List,
    /// one version, as JSON
    Info,
}

/// Why a request is not answered. A client reads exactly these words and lines, without a prefix.
#[derive(Debug, Clone)]
pub enum Denied {
    /// every upstream says that it does not exist, in words that begin with `not found: `: 404
    NotFound(String),
    /// it is not stored here, and the mode forbids requests, in words that begin with `not cached here: `: 404
    NotCached(String),
    /// it must not be served, and why; lines that the go command shows its user: 403
    Refused(RefusalCause, Vec<String>),
    /// it could not be decided: 502, 503, 504; or this server is busy: 503
    Fault(Fault),
}

/// What a refusal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalCause {
    /// a rule of this server
    Rule,
    /// it is private, and has no upstream
    Private,
    /// no upstream has the bytes that were proven or pinned
    Mismatch,
    /// an upstream's own policy
    Upstream,
    /// the log has a hash of a kind that cannot be checked
    UnknownHash,
}

impl RefusalCause {
    /// All causes.
    pub const ALL: [RefusalCause; 5] = [
        RefusalCause::Rule,
        RefusalCause::Private,
        RefusalCause::Mismatch,
        RefusalCause::Upstream,
        RefusalCause::UnknownHash,
    ];

    /// In metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            RefusalCause::Rule => "rule",
            RefusalCause::Private => "private",
            RefusalCause::Mismatch => "mismatch",
            RefusalCause::Upstream => "upstream",
            RefusalCause::UnknownHash => "unknown_hash",
        }
    }
}

impl From<Fault> for Denied {
    fn from(fault: Fault) -> Denied {
        Denied::Fault(fault)
    }
}

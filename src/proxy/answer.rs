//! What a module proxy says, and why it does not.

use std::time::Duration;

use bytes::Bytes;

use crate::fault::Fault;
use crate::store::modules::{Admitted, Refused};
use crate::upstream::Peer;

/// How a client wants to be answered.
#[derive(Debug, Clone, Copy, Default)]
pub struct Manner {
    /// nobody is asked: only what is here (`/cached-only`, `Disable-Module-Fetch: true`)
    pub cached_only: bool,
    /// who asks; none: this process itself
    pub peer: Option<Peer>,
}

/// An answer.
#[derive(Debug, Clone)]
pub enum Found {
    /// a file that is what its record says
    File(Admitted),
    /// bytes that are not what the record says, given because the settings want it so: never to be kept
    Unproven(Refused),
    /// a hint
    Text(Text),
}

/// An answer that nobody can prove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// what it says
    pub bytes: Bytes,
    /// what it is made of
    pub kind: TextKind,
    /// for how long it may be repeated before it is asked for again
    pub keep: Duration,
    /// whether no upstream could be had, and this is what one said earlier
    pub stale: bool,
}

/// What a text is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextKind {
    /// versions, one a line
    List,
    /// one version, as JSON
    Info,
}

/// Why a question is not answered. Words and lines are the whole of what a client reads: nothing is put before them.
#[derive(Debug, Clone)]
pub enum Denied {
    /// everybody who was asked says that there is no such thing, in words that begin with `not found: `: 404
    NotFound(String),
    /// it is not here, and nobody was to be asked, in words that begin with `not cached here: `: 404
    NotCached(String),
    /// what there is must not be given; lines that the go command shows its user: 403
    Refused(Vec<String>),
    /// it could not be told: 502, 503, 504; or this server is busy: 503
    Fault(Fault),
}

impl From<Fault> for Denied {
    fn from(fault: Fault) -> Denied {
        Denied::Fault(fault)
    }
}

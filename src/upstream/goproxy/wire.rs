//! What comes of a question to a proxy, whatever kind of proxy it is, and where the bytes of a file go.

use std::io;

use crate::upstream::http::failure::FailureKind;
use crate::upstream::http::origin::Origin;
use crate::upstream::http::retry::Failed;

/// What a proxy says to a small question.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Fetched {
    /// here it is
    Body(Vec<u8>, Origin),
    /// I have no such thing, in these words
    Missing(String),
}

/// What became of a download.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Sent {
    /// the sink has all of it
    Whole(Origin),
    /// I have no such thing, in these words; the sink is as it was
    Missing(String),
}

/// Where unproven bytes go.
pub trait Sink: Send {
    /// How many bytes there are.
    fn len(&self) -> u64;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts bytes behind those that are there.
    ///
    /// # Errors
    /// Where they could not be kept.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Drops all that is there.
    ///
    /// # Errors
    /// Where that could not be done.
    fn restart(&mut self) -> io::Result<()>;
}

/// The disk did not take the bytes.
pub(super) fn disk(error: &io::Error) -> Failed {
    Failed::lasting(FailureKind::Disk, format!("cannot keep the bytes: {error}"))
}

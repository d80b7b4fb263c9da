//! The outcomes of a request to a proxy of any kind, and where the bytes of a file go.

use std::io;

use crate::upstream::http::failure::FailureKind;
use crate::upstream::http::origin::Origin;
use crate::upstream::http::retry::Failed;

/// What a proxy answered to a small request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Fetched {
    /// the bytes
    Body(Vec<u8>, Origin),
    /// it does not have them, in its words
    Missing(String),
}

/// Whether a proxy has a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Touched {
    /// it has it
    There,
    /// it does not have it, in its words
    Missing(String),
}

/// The outcome of a download.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Sent {
    /// the sink has all of it
    Whole(Origin),
    /// the proxy does not have the file, in its words; the sink is unchanged
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

    /// Says that a file of `total` bytes follows, where that is known, before its first byte.
    ///
    /// # Errors
    /// Where there is no room for it now: the download ends, and gives back its place at the upstream.
    fn announce(&mut self, total: Option<u64>) -> io::Result<()> {
        let _ = total;
        Ok(())
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// Where they could not be stored.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Drops all bytes.
    ///
    /// # Errors
    /// Where that could not be done.
    fn restart(&mut self) -> io::Result<()>;
}

/// The failure of a sink that could not store bytes.
pub(super) fn disk(error: &io::Error) -> Failed {
    Failed::lasting(FailureKind::Disk, format!("cannot store the bytes: {error}"))
}

/// Tells a sink that a file of `total` bytes follows.
pub(super) fn announce(sink: &mut dyn Sink, total: Option<u64>) -> Result<(), Failed> {
    sink.announce(total).map_err(|error| disk(&error))
}

//! An open file that a client is sent, and how its bytes are read.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use bytes::Bytes;
use tokio::task::JoinHandle;

use super::buffer::Piece;
use super::pool::Share;
use crate::store::log::Snapshot;
use crate::store::modules::{Admitted, Refused};

/// What a file is, with what it takes of the pools until the last byte of it is sent.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    Log(LogFile),
    Module { file: Admitted, _share: Arc<Share> },
    Refused { file: Refused, _share: Arc<Share> },
}

/// A file of the full log, of which only what is committed can be read.
#[derive(Debug, Clone)]
pub(crate) struct LogFile {
    pub(crate) snapshot: Snapshot,
    pub(crate) name: Arc<str>,
    pub(crate) len: u64,
    pub(crate) _export: Arc<Share>,
}

impl Source {
    /// How many bytes it has.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Source::Log(file) => file.len,
            Source::Module { file, .. } => file.len(),
            Source::Refused { file, .. } => file.len(),
        }
    }

    /// The open file.
    pub(crate) fn file(&self) -> io::Result<&File> {
        match self {
            Source::Log(file) => Ok(file.snapshot.file(&file.name).ok_or(io::ErrorKind::NotFound)?.0),
            Source::Module { file, .. } => Ok(file.file()),
            Source::Refused { file, .. } => Ok(file.file()),
        }
    }

    /// All of it: for files that are small.
    pub(crate) async fn read_whole(&self) -> io::Result<Bytes> {
        let mut bytes = vec![0; usize::try_from(self.len()).map_err(|_| io::ErrorKind::FileTooLarge)?];
        if bytes.is_empty() || read_at_once(self.file()?, &mut bytes, 0)? == Some(bytes.len()) {
            return Ok(Bytes::from(bytes));
        }
        let source = self.clone();
        let read = tokio::task::spawn_blocking(move || {
            source.file()?.read_exact_at(&mut bytes, 0)?;
            Ok(Bytes::from(bytes))
        });
        read.await.map_err(io::Error::other)?
    }

    /// Whether the system has these bytes in memory, as far as their ends tell: it brings files in long stretches.
    pub(crate) fn is_in_memory(&self, at: u64, len: usize) -> io::Result<bool> {
        let file = self.file()?;
        let is_there = |at| match read_at_once(file, &mut [0], at) {
            // There is nothing to wait for, and whoever sends it meets the end.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(true),
            read => read.map(|read| read.is_some()),
        };
        let last = at.saturating_add(u64::try_from(len).unwrap_or(u64::MAX)).saturating_sub(1);
        Ok(is_there(at)? && is_there(last)?)
    }

    /// Fills a piece, once the disk has given its bytes.
    pub(crate) fn wait_for(&self, at: u64, mut piece: Piece) -> JoinHandle<io::Result<Bytes>> {
        let source = self.clone();
        tokio::task::spawn_blocking(move || {
            source.file()?.read_exact_at(&mut piece.bytes, at)?;
            Ok(Bytes::from_owner(piece))
        })
    }
}

/// Reads without waiting for the disk; none where that cannot be.
#[cfg(target_os = "linux")]
pub(crate) fn read_at_once(file: &File, bytes: &mut [u8], at: u64) -> io::Result<Option<usize>> {
    use rustix::io::{Errno, ReadWriteFlags, preadv2};
    match preadv2(file, &mut [IoSliceMut::new(bytes)], at, ReadWriteFlags::NOWAIT) {
        Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(read) => Ok(Some(read)),
        // Not in memory; or a file system, or a kernel, that cannot say so.
        Err(Errno::AGAIN | Errno::INTR | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn read_at_once(_: &File, _: &mut [u8], _: u64) -> io::Result<Option<usize>> {
    Ok(None)
}

//! An open file that is sent to a client, and how its bytes are read.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use bytes::Bytes;
use tokio::task::JoinHandle;

use super::buffer::Buffer;
use super::data_tile::OpenDataTile;
use super::pool::PoolPermit;
use crate::relay::Relay;
use crate::store::log::Snapshot;
use crate::store::modules::{Admitted, Refused};
use crate::sumdb::number::wide;

/// Bytes that come from the disk together, as the kernel reads ahead by default, or fewer.
const READ_TOGETHER: usize = 64 << 10;

/// An open file, with the permit that it holds until its last byte has been sent.
#[derive(Debug, Clone)]
pub(crate) enum FileSource {
    Log(LogFile),
    DataTile(OpenDataTile),
    Module { file: Admitted, _permit: Arc<PoolPermit> },
    Refused { file: Refused, _permit: Arc<PoolPermit> },
}

/// A file of the full log, of which only the committed bytes can be read.
#[derive(Debug, Clone)]
pub(crate) struct LogFile {
    pub(crate) snapshot: Snapshot,
    pub(crate) name: Arc<str>,
    pub(crate) len: u64,
    /// fetches again what is rotten
    pub(crate) relay: Relay,
    pub(crate) _export: Arc<PoolPermit>,
}

impl FileSource {
    /// Where in the file its content begins.
    pub(crate) fn begin(&self) -> u64 {
        match self {
            FileSource::DataTile(tile) => tile.place().begin(),
            FileSource::Log(_) | FileSource::Module { .. } | FileSource::Refused { .. } => 0,
        }
    }

    /// Its length in bytes.
    pub(crate) fn len(&self) -> u64 {
        match self {
            FileSource::Log(file) => file.len,
            FileSource::DataTile(tile) => tile.place().len(),
            FileSource::Module { file, .. } => file.len(),
            FileSource::Refused { file, .. } => file.len(),
        }
    }

    /// The open file.
    pub(crate) fn file(&self) -> io::Result<&File> {
        match self {
            FileSource::Log(file) => Ok(file.snapshot.file(&file.name).ok_or(io::ErrorKind::NotFound)?.0),
            FileSource::DataTile(tile) => tile.file(),
            FileSource::Module { file, .. } => Ok(file.file()),
            FileSource::Refused { file, .. } => Ok(file.file()),
        }
    }

    /// Whether these bytes can be given from the file: those of the full log have to be proven first, by [`FileSource::wait_for`].
    pub(crate) fn is_proven(&self, at: u64, len: usize) -> bool {
        match self {
            FileSource::Log(file) => {
                let end = at.saturating_add(wide(len)).min(file.len);
                file.snapshot.has_proven(&file.name, &(at..end))
            }
            FileSource::DataTile(tile) => tile.is_proven(),
            FileSource::Module { .. } | FileSource::Refused { .. } => true,
        }
    }

    /// Fills `into` from `at`, proven; waits for the disk, and for an upstream where the full log is rotten.
    fn read(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        loop {
            let (read, snapshot, relay) = match self {
                FileSource::Log(file) => (file.snapshot.read_proven(&file.name, at, into), &file.snapshot, &file.relay),
                FileSource::DataTile(tile) => (tile.read(at, into)?, tile.snapshot()?, tile.relay()),
                FileSource::Module { .. } | FileSource::Refused { .. } => return self.file()?.read_exact_at(into, at),
            };
            let Err(rotten) = read else { return Ok(()) };
            let runtime = tokio::runtime::Handle::try_current().map_err(io::Error::other)?;
            runtime.block_on(relay.heal_in(snapshot, &rotten)).map_err(io::Error::other)?;
        }
    }

    /// Reads all of it, which must be small.
    ///
    /// # Errors
    /// Those of reading; `FileTooLarge`: it does not fit into memory.
    pub(crate) async fn read_whole(&self) -> io::Result<Bytes> {
        let mut bytes = vec![0; usize::try_from(self.len()).map_err(|_| io::ErrorKind::FileTooLarge)?];
        let begin = self.begin();
        let is_proven = self.is_proven(begin, bytes.len());
        if bytes.is_empty() || is_proven && read_at_once(self.file()?, &mut bytes, begin)? == Some(bytes.len()) {
            return Ok(Bytes::from(bytes));
        }
        let source = self.clone();
        let read = tokio::task::spawn_blocking(move || {
            source.read(begin, &mut bytes)?;
            Ok(Bytes::from(bytes))
        });
        read.await.map_err(io::Error::other)?
    }

    /// Whether these bytes can be given from the file and are in the page cache, judged by the last of them, and by the first where they
    /// are many: the kernel reads ahead.
    pub(crate) fn is_in_memory(&self, at: u64, len: usize) -> io::Result<bool> {
        // The beginning of a tile is sent as soon as it was looked at whether it lies there proven.
        let is_just_proven = matches!(self, FileSource::DataTile(tile) if at == tile.place().begin());
        if !is_just_proven && !self.is_proven(at, len) {
            return Ok(false);
        }
        let file = self.file()?;
        let is_there = |at| match read_at_once(file, &mut [0], at) {
            // There is nothing to wait for, and sending it reports the end.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(true),
            read => read.map(|read| read.is_some()),
        };
        let last = at.saturating_add(wide(len)).saturating_sub(1);
        Ok(is_there(last)? && (len <= READ_TOGETHER || is_there(at)?))
    }

    /// Fills a buffer from `at`, on a thread that may wait for the disk.
    pub(crate) fn wait_for(&self, at: u64, mut buffer: Buffer) -> JoinHandle<io::Result<Bytes>> {
        let source = self.clone();
        tokio::task::spawn_blocking(move || {
            source.read(at, &mut buffer.bytes)?;
            Ok(Bytes::from_owner(buffer))
        })
    }
}

/// Reads without waiting for the disk; none if that is not possible.
#[cfg(target_os = "linux")]
pub(crate) fn read_at_once(file: &File, bytes: &mut [u8], at: u64) -> io::Result<Option<usize>> {
    use rustix::io::{Errno, ReadWriteFlags, preadv2};
    match preadv2(file, &mut [IoSliceMut::new(bytes)], at, ReadWriteFlags::NOWAIT) {
        Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(read) => Ok(Some(read)),
        // The bytes are not in the page cache, or the file system or the kernel does not support the flag.
        Err(Errno::AGAIN | Errno::INTR | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn read_at_once(_: &File, _: &mut [u8], _: u64) -> io::Result<Option<usize>> {
    Ok(None)
}

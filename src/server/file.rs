//! A file on its way to a client, in pieces as the client takes them. A piece that the system has in memory is sent from there
//! if the connection has an outbox, else read where we are; one that has to come from the disk is read on a thread that may wait
//! for it, and the next one with it.

use std::fs::File;
use std::future::Future as _;
use std::io::{self, IoSliceMut};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinHandle;

use super::limits::{MAX_PIECES_BYTES, MAX_SPARE, MIN_PIECE_BYTES, PIECE_BYTES, STAND_IN_BYTES};
use super::outbox::Outbox;
use crate::store::log::Snapshot;
use crate::store::modules::{Admitted, Refused};

/// What a file is.
#[derive(Debug, Clone)]
pub(super) enum Source {
    Log(LogFile),
    Module(Admitted),
    Refused(Refused),
}

/// A file of the full log, of which only what is committed can be read.
#[derive(Debug, Clone)]
pub(super) struct LogFile {
    pub(super) snapshot: Snapshot,
    pub(super) name: Arc<str>,
    pub(super) len: u64,
    /// one of the few places for such answers, held until the body is sent
    pub(super) _place: Arc<OwnedSemaphorePermit>,
}

impl Source {
    /// How many bytes it has.
    pub(super) fn len(&self) -> u64 {
        match self {
            Source::Log(file) => file.len,
            Source::Module(file) => file.len(),
            Source::Refused(file) => file.len(),
        }
    }

    /// The open file.
    pub(super) fn file(&self) -> io::Result<&File> {
        match self {
            Source::Log(file) => Ok(file.snapshot.file(&file.name).ok_or(io::ErrorKind::NotFound)?.0),
            Source::Module(file) => Ok(file.file()),
            Source::Refused(file) => Ok(file.file()),
        }
    }

    /// All of it: for files that are small.
    pub(super) async fn read_whole(&self) -> io::Result<Bytes> {
        let len = usize::try_from(self.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
        if len == 0 {
            return Ok(Bytes::new());
        }
        match self.at_hand(0, len)? {
            Some(bytes) if bytes.len() == len => Ok(bytes),
            _ => self.wait_for(0, len).await.map_err(io::Error::other)?,
        }
    }

    /// As much of these bytes as the system has in memory: at least one, or none.
    fn at_hand(&self, at: u64, len: usize) -> io::Result<Option<Bytes>> {
        let mut piece = Piece::new(len);
        let read = read_at_once(self.file()?, &mut piece.bytes, at)?;
        piece.len = read.unwrap_or(0);
        Ok(read.map(|_| Bytes::from_owner(piece)))
    }

    /// Whether the system has these bytes in memory, as far as their ends tell: it brings files in long stretches.
    fn is_in_memory(&self, at: u64, len: usize) -> io::Result<bool> {
        let file = self.file()?;
        let is_there = |at| match read_at_once(file, &mut [0], at) {
            // There is nothing to wait for, and whoever sends it meets the end.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(true),
            read => read.map(|read| read.is_some()),
        };
        let last = at.saturating_add(u64::try_from(len).unwrap_or(u64::MAX)).saturating_sub(1);
        Ok(is_there(at)? && is_there(last)?)
    }

    /// These bytes, once the disk has given them.
    fn wait_for(&self, at: u64, len: usize) -> JoinHandle<io::Result<Bytes>> {
        let source = self.clone();
        tokio::task::spawn_blocking(move || {
            let mut piece = Piece::new(len);
            source.file()?.read_exact_at(&mut piece.bytes, at)?;
            Ok(Bytes::from_owner(piece))
        })
    }
}

/// Reads without waiting for the disk; none where that cannot be.
#[cfg(target_os = "linux")]
fn read_at_once(file: &File, bytes: &mut [u8], at: u64) -> io::Result<Option<usize>> {
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
fn read_at_once(_: &File, _: &mut [u8], _: u64) -> io::Result<Option<usize>> {
    Ok(None)
}

/// Files that are being sent.
static STREAMS: AtomicUsize = AtomicUsize::new(0);

/// A slice of a file on its way.
#[derive(Debug)]
pub(super) struct Stream {
    source: Source,
    /// what was not given yet
    left: Range<u64>,
    /// the next piece, if the disk is waited for
    piece: Option<JoinHandle<io::Result<Bytes>>>,
    /// where to note what need not be read, if the connection can send it so
    outbox: Option<Arc<Outbox>>,
}

impl Stream {
    pub(super) fn new(source: Source, range: Range<u64>) -> Stream {
        STREAMS.fetch_add(1, Ordering::Relaxed);
        Stream { source, left: range, piece: None, outbox: None }
    }

    /// The same, by way of an outbox.
    pub(super) fn by(mut self, outbox: Arc<Outbox>) -> Stream {
        self.outbox = Some(outbox);
        self
    }

    /// How many bytes are still to come.
    pub(super) fn left(&self) -> u64 {
        self.left.end.saturating_sub(self.left.start)
    }

    /// The next piece; none at the end.
    pub(super) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let len = self.next_len();
        if len == 0 {
            return Poll::Ready(None);
        }
        if self.piece.is_none() {
            match self.at_hand(len) {
                Ok(None) => {}
                Ok(Some(bytes)) => return Poll::Ready(Some(Ok(self.give(bytes)))),
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
        let (source, at) = (&self.source, self.left.start);
        let waited_for = self.piece.get_or_insert_with(|| source.wait_for(at, len));
        let read = ready!(Pin::new(waited_for).poll(cx)).map_err(io::Error::other).flatten();
        self.piece = None;
        let given = read.map(|bytes| self.give(bytes));
        // Where one piece was not in memory, the next is not either.
        let len = self.next_len();
        if len > 0 && given.is_ok() {
            self.piece = Some(self.source.wait_for(self.left.start, len));
        }
        Poll::Ready(Some(given))
    }

    /// The next piece, if the system has it in memory.
    fn at_hand(&self, len: usize) -> io::Result<Option<Bytes>> {
        let at = self.left.start;
        let Some(outbox) = &self.outbox else { return self.source.at_hand(at, len) };
        let len = usize::try_from(self.left()).unwrap_or(STAND_IN_BYTES).min(STAND_IN_BYTES);
        Ok(self.source.is_in_memory(at, len)?.then(|| outbox.put(&self.source, at, len)))
    }

    fn give(&mut self, bytes: Bytes) -> Bytes {
        self.left.start = self.left.start.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        bytes
    }

    /// The more files are being sent, the smaller are the pieces, so that all of them together take a bounded space.
    fn next_len(&self) -> usize {
        let share = MAX_PIECES_BYTES / STREAMS.load(Ordering::Relaxed).max(1);
        let most = share.clamp(MIN_PIECE_BYTES, PIECE_BYTES);
        usize::try_from(self.left()).unwrap_or(most).min(most)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        STREAMS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Pieces that were sent, to be filled again: a fresh one costs as much in zeros as half of the reading.
static SPARE: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// Bytes of a file in memory, the first `len` of them read.
struct Piece {
    bytes: Vec<u8>,
    len: usize,
}

impl Piece {
    fn new(len: usize) -> Piece {
        let spare = if len == PIECE_BYTES { SPARE.lock().unwrap_or_else(PoisonError::into_inner).pop() } else { None };
        Piece { bytes: spare.unwrap_or_else(|| vec![0; len]), len }
    }
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
        if self.bytes.len() == PIECE_BYTES && spare.len() < MAX_SPARE {
            spare.push(std::mem::take(&mut self.bytes));
        }
    }
}

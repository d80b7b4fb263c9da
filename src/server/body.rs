//! Bodies of answers: bytes that are there, or a slice of a file that is read in pieces as the client takes them.

use std::future::Future as _;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinHandle;

use super::limits::PIECE_BYTES;
use crate::store::log::Snapshot;

/// A body, sent once.
#[derive(Debug)]
pub(super) enum Body {
    Bytes(Bytes),
    File(Stream),
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

/// A slice of such a file on its way. One piece is read ahead, on a thread that may wait for the disk.
#[derive(Debug)]
pub(super) struct Stream {
    file: LogFile,
    left: Range<u64>,
    piece: Option<JoinHandle<io::Result<Bytes>>>,
}

impl Stream {
    pub(super) fn new(file: LogFile, range: Range<u64>) -> Stream {
        Stream { file, left: range, piece: None }
    }

    /// Begins to read the next piece.
    fn read_on(&mut self) {
        let len = PIECE_BYTES.min(usize::try_from(self.left.end - self.left.start).unwrap_or(PIECE_BYTES));
        if len == 0 {
            return;
        }
        let (file, at) = (self.file.clone(), self.left.start);
        self.left.start += u64::try_from(len).unwrap_or(0);
        self.piece = Some(tokio::task::spawn_blocking(move || file.read(at, len)));
    }
}

impl LogFile {
    fn read(&self, at: u64, len: usize) -> io::Result<Bytes> {
        let (file, _) = self.snapshot.file(&self.name).ok_or(io::ErrorKind::NotFound)?;
        let mut bytes = vec![0; len];
        file.read_exact_at(&mut bytes, at)?;
        Ok(bytes.into())
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let stream = match &mut *self {
            Body::Bytes(bytes) if bytes.is_empty() => return Poll::Ready(None),
            Body::Bytes(bytes) => return Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Body::File(stream) => stream,
        };
        if stream.piece.is_none() {
            stream.read_on();
        }
        let Some(piece) = &mut stream.piece else { return Poll::Ready(None) };
        let read = ready!(Pin::new(piece).poll(cx)).map_err(io::Error::other).flatten();
        stream.piece = None;
        stream.read_on();
        Poll::Ready(Some(read.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Body::Bytes(bytes) => bytes.is_empty(),
            Body::File(stream) => stream.piece.is_none() && stream.left.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Body::Bytes(bytes) => SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX)),
            Body::File(stream) if stream.piece.is_none() => SizeHint::with_exact(stream.left.end - stream.left.start),
            Body::File(_) => SizeHint::default(),
        }
    }
}

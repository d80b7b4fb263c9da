//! A file on its way to a client, in pieces as the client takes them. A piece that the system has in memory is sent from there
//! if the connection has an outbox, else read where we are; one that has to come from the disk is read on a thread that may wait
//! for it, and the next one with it. The memory of every piece is taken from the pool before the piece, and given back with it.

use std::future::Future;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::task::JoinHandle;

use crate::server::conn::buffer::Piece;
use crate::server::conn::file_source::{Source, read_at_once};
use crate::server::conn::pool::{Client, Resource, Share};
use crate::server::conn::sendfile::Outbox;
use crate::server::limits::{MIN_PIECE_BYTES, PIECE_BYTES, STAND_IN_BYTES};

/// A slice of a file on its way.
#[derive(Debug)]
pub(crate) struct Stream {
    /// none once all of it was read, so that a file is not held open for a client that takes its last bytes slowly
    source: Option<Source>,
    client: Arc<Client>,
    /// what was not given yet
    left: Range<u64>,
    /// bytes that were given
    given: u64,
    step: Step,
    /// where to note what need not be read, if the connection can send it so
    outbox: Option<Arc<Outbox>>,
}

/// What the next piece waits for.
enum Step {
    Nothing,
    /// memory; none if there was none in time
    Memory(Pin<Box<dyn Future<Output = Option<Share>> + Send + Sync>>),
    Disk(JoinHandle<io::Result<Bytes>>),
}

impl std::fmt::Debug for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Step::Nothing => "Nothing",
            Step::Memory(_) => "Memory",
            Step::Disk(_) => "Disk",
        })
    }
}

impl Stream {
    /// These bytes of a file, for a connection that accounts for them.
    pub(crate) fn new(source: Source, range: Range<u64>, client: Arc<Client>) -> Stream {
        Stream { source: Some(source), client, left: range, given: 0, step: Step::Nothing, outbox: None }
    }

    /// Goes by way of an outbox from now on.
    pub(crate) fn send_by(&mut self, outbox: Arc<Outbox>) {
        self.outbox = Some(outbox);
    }

    /// How many bytes are still to come.
    pub(crate) fn left(&self) -> u64 {
        self.left.end.saturating_sub(self.left.start)
    }

    /// The next piece; none at the end.
    pub(crate) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            let share = match &mut self.step {
                Step::Disk(read) => {
                    let read = ready!(Pin::new(read).poll(cx)).map_err(io::Error::other).flatten();
                    self.step = Step::Nothing;
                    let given = read.map(|bytes| self.give(bytes));
                    if given.is_ok() {
                        self.read_ahead();
                    }
                    return Poll::Ready(Some(given));
                }
                Step::Memory(share) => {
                    let share = ready!(share.as_mut().poll(cx));
                    self.step = Step::Nothing;
                    share.ok_or_else(|| io::Error::new(io::ErrorKind::TimedOut, "no memory for a body became free"))
                }
                Step::Nothing => match self.begin() {
                    Ok(Begun::End) => return Poll::Ready(None),
                    Ok(Begun::Piece(bytes)) => return Poll::Ready(Some(Ok(self.give(bytes)))),
                    Ok(Begun::Waits) => continue,
                    Ok(Begun::Memory(share)) => Ok(share),
                    Err(error) => Err(error),
                },
            };
            match share.and_then(|share| self.read(share)) {
                Ok(None) => {}
                Ok(Some(bytes)) => return Poll::Ready(Some(Ok(self.give(bytes)))),
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
    }

    /// Sends what need not be read, or else takes memory for the next piece.
    fn begin(&mut self) -> io::Result<Begun> {
        let Some(source) = self.source.as_ref().filter(|_| self.left() > 0) else { return Ok(Begun::End) };
        if let Some(outbox) = &self.outbox {
            let len = usize::try_from(self.left()).unwrap_or(STAND_IN_BYTES).min(STAND_IN_BYTES);
            if source.is_in_memory(self.left.start, len)? {
                return Ok(Begun::Piece(outbox.put(source, self.left.start, len)));
            }
        }
        match self.memory() {
            Some(share) => Ok(Begun::Memory(share)),
            None => {
                let (client, len) = (Arc::clone(&self.client), self.up_to(MIN_PIECE_BYTES));
                self.step = Step::Memory(Box::pin(async move { client.take_patiently(Resource::Bytes, len).await }));
                Ok(Begun::Waits)
            }
        }
    }

    /// Memory for the next piece, if there is any now. A client gets long pieces once it has taken as much: one that gives no
    /// window has no more of ours than two short ones. Over HTTP/1.1 the socket's window is the client's only one.
    fn memory(&self) -> Option<Share> {
        let proven = usize::try_from(self.given).unwrap_or(PIECE_BYTES);
        let long = if self.outbox.is_some() { PIECE_BYTES } else { proven.clamp(MIN_PIECE_BYTES, PIECE_BYTES) };
        let take = |most| self.client.try_take(Resource::Bytes, self.up_to(most));
        take(long).or_else(|| take(MIN_PIECE_BYTES))
    }

    fn up_to(&self, most: usize) -> usize {
        usize::try_from(self.left()).unwrap_or(most).min(most)
    }

    /// Reads the next piece into this memory, if the system has it; else begins to wait for the disk.
    fn read(&mut self, share: Share) -> io::Result<Option<Bytes>> {
        let Some(source) = &self.source else { return Err(io::ErrorKind::UnexpectedEof.into()) };
        let mut piece = Piece::new(share);
        // What has an outbox comes here only where the system does not have it.
        let read = match &self.outbox {
            Some(_) => None,
            None => read_at_once(source.file()?, &mut piece.bytes, self.left.start)?,
        };
        if let Some(read) = read {
            piece.len = read;
            return Ok(Some(Bytes::from_owner(piece)));
        }
        self.step = Step::Disk(source.wait_for(self.left.start, piece));
        Ok(None)
    }

    /// Where one piece was not in memory, the next is not either.
    fn read_ahead(&mut self) {
        if self.left() > 0
            && let Some(share) = self.memory()
            && let Some(source) = &self.source
        {
            self.step = Step::Disk(source.wait_for(self.left.start, Piece::new(share)));
        }
    }

    fn give(&mut self, bytes: Bytes) -> Bytes {
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.left.start = self.left.start.saturating_add(len);
        self.given = self.given.saturating_add(len);
        if self.left() == 0 {
            self.source = None;
        }
        bytes
    }
}

/// How a piece begins.
enum Begun {
    End,
    Piece(Bytes),
    Memory(Share),
    Waits,
}

//! The body of an answer that is a file, sent in chunks as fast as the client reads them. A chunk that is in the page cache is
//! sent with `sendfile` if the connection can, else read by the task itself; one that is not is read on a thread that may wait
//! for the disk, and so is the chunk after it. Before a chunk is read the pool grants its memory, which is released with it.

use std::future::Future;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::task::JoinHandle;

use crate::server::conn::buffer::Buffer;
use crate::server::conn::file_source::{FileSource, read_at_once};
use crate::server::conn::pool::{ClientQuota, PoolPermit, Resource};
use crate::server::conn::sendfile::SendfileQueue;
use crate::server::limits::{CHUNK_BYTES, MAX_SENDFILE_BYTES, MIN_CHUNK_BYTES};
use crate::sumdb::number::wide;

/// A range of a file that is being sent.
#[derive(Debug)]
pub(crate) struct FileBody {
    /// none once all of it has been read, so that the file is not held open for a client that reads the last bytes slowly
    source: Option<FileSource>,
    quota: Arc<ClientQuota>,
    /// where in the file the bytes are that hyper has not been given
    left: Range<u64>,
    /// how many bytes hyper has been given
    given: u64,
    state: ReadState,
    /// where to queue ranges that are in the page cache; none over HTTP/2
    sendfile: Option<Arc<SendfileQueue>>,
}

/// What the next chunk waits for.
enum ReadState {
    Nothing,
    /// the permit for its memory; none if the pool granted none in time
    Memory(Pin<Box<dyn Future<Output = Option<PoolPermit>> + Send + Sync>>),
    Disk(JoinHandle<io::Result<Bytes>>),
}

impl std::fmt::Debug for ReadState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            ReadState::Nothing => "Nothing",
            ReadState::Memory(_) => "Memory",
            ReadState::Disk(_) => "Disk",
        })
    }
}

impl FileBody {
    /// This range of the content; `quota` grants the memory for its chunks.
    pub(crate) fn new(source: FileSource, range: Range<u64>, quota: Arc<ClientQuota>) -> FileBody {
        let begin = source.begin();
        let left = begin.saturating_add(range.start)..begin.saturating_add(range.end);
        FileBody { source: Some(source), quota, left, given: 0, state: ReadState::Nothing, sendfile: None }
    }

    /// Sends with `sendfile` where possible from now on.
    pub(crate) fn use_sendfile(&mut self, sendfile: Arc<SendfileQueue>) {
        self.sendfile = Some(sendfile);
    }

    /// How many bytes hyper has not been given.
    pub(crate) fn left(&self) -> u64 {
        self.left.end.saturating_sub(self.left.start)
    }

    /// The next chunk; none at the end.
    pub(crate) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            let permit = match &mut self.state {
                ReadState::Disk(read) => {
                    let read = ready!(Pin::new(read).poll(cx)).map_err(io::Error::other).flatten();
                    self.state = ReadState::Nothing;
                    let given = read.map(|bytes| self.give(bytes));
                    if given.is_ok() {
                        self.read_ahead();
                    }
                    return Poll::Ready(Some(given));
                }
                ReadState::Memory(permit) => {
                    let permit = ready!(permit.as_mut().poll(cx));
                    self.state = ReadState::Nothing;
                    permit.ok_or_else(|| io::Error::new(io::ErrorKind::TimedOut, "no memory for a body became free"))
                }
                ReadState::Nothing => match self.begin() {
                    Ok(NextChunk::End) => return Poll::Ready(None),
                    Ok(NextChunk::Ready(bytes)) => return Poll::Ready(Some(Ok(self.give(bytes)))),
                    Ok(NextChunk::Waits) => continue,
                    Ok(NextChunk::Memory(permit)) => Ok(permit),
                    Err(error) => Err(error),
                },
            };
            match permit.and_then(|permit| self.read(permit)) {
                Ok(None) => {}
                Ok(Some(bytes)) => return Poll::Ready(Some(Ok(self.give(bytes)))),
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
    }

    /// Queues a range that is in the page cache, or else acquires memory for the next chunk.
    fn begin(&mut self) -> io::Result<NextChunk> {
        let Some(source) = self.source.as_ref().filter(|_| self.left() > 0) else { return Ok(NextChunk::End) };
        if let Some(sendfile) = &self.sendfile {
            let len = usize::try_from(self.left()).unwrap_or(MAX_SENDFILE_BYTES).min(MAX_SENDFILE_BYTES);
            if source.is_in_memory(self.left.start, len)? {
                return Ok(NextChunk::Ready(sendfile.push(source, self.left.start, len)));
            }
        }
        match self.memory() {
            Some(permit) => Ok(NextChunk::Memory(permit)),
            None => {
                let (quota, len) = (Arc::clone(&self.quota), self.up_to(MIN_CHUNK_BYTES));
                self.state =
                    ReadState::Memory(Box::pin(async move { quota.acquire_patiently(Resource::Bytes, len).await }));
                Ok(NextChunk::Waits)
            }
        }
    }

    /// Memory for the next chunk, if the pool grants any now. A client gets long chunks once it has read as many bytes: one that
    /// never opens its flow-control window holds no more than two short ones. HTTP/1.1 has no such window, so there the chunks
    /// are long from the start.
    fn memory(&self) -> Option<PoolPermit> {
        let proven = usize::try_from(self.given).unwrap_or(CHUNK_BYTES);
        let long = if self.sendfile.is_some() { CHUNK_BYTES } else { proven.clamp(MIN_CHUNK_BYTES, CHUNK_BYTES) };
        let take = |most| self.quota.try_acquire(Resource::Bytes, self.up_to(most));
        take(long).or_else(|| take(MIN_CHUNK_BYTES))
    }

    fn up_to(&self, most: usize) -> usize {
        usize::try_from(self.left()).unwrap_or(most).min(most)
    }

    /// Reads the next chunk if it is in the page cache; else starts to read it from the disk.
    fn read(&mut self, permit: PoolPermit) -> io::Result<Option<Bytes>> {
        let Some(source) = &self.source else { return Err(io::ErrorKind::UnexpectedEof.into()) };
        let mut buffer = Buffer::new(permit);
        // With `sendfile` only chunks that are not in the page cache get here.
        let read = match &self.sendfile {
            Some(_) => None,
            None if !source.is_proven(self.left.start, buffer.bytes.len()) => None,
            None => read_at_once(source.file()?, &mut buffer.bytes, self.left.start)?,
        };
        if let Some(read) = read {
            buffer.len = read;
            return Ok(Some(Bytes::from_owner(buffer)));
        }
        self.state = ReadState::Disk(source.wait_for(self.left.start, buffer));
        Ok(None)
    }

    /// Starts to read the next chunk: if one was not in the page cache, the next is not either.
    fn read_ahead(&mut self) {
        if self.left() > 0
            && let Some(permit) = self.memory()
            && let Some(source) = &self.source
        {
            self.state = ReadState::Disk(source.wait_for(self.left.start, Buffer::new(permit)));
        }
    }

    fn give(&mut self, bytes: Bytes) -> Bytes {
        let len = wide(bytes.len());
        self.left.start = self.left.start.saturating_add(len);
        self.given = self.given.saturating_add(len);
        if self.left() == 0 {
            self.source = None;
        }
        bytes
    }
}

/// What there is of the next chunk.
enum NextChunk {
    /// there is none
    End,
    /// its bytes, or their placeholder
    Ready(Bytes),
    /// memory to read it into
    Memory(PoolPermit),
    /// nothing: it waits for memory
    Waits,
}

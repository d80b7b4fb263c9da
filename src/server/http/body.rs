//! Bodies of answers: bytes that are there, or a slice of a file that is read as the client takes it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

use super::file_body::Stream;
use crate::server::conn::in_flight::Sending;
use crate::server::conn::pool::Share;
use crate::server::conn::sendfile::Outbox;
use crate::server::conn::transfer::{Chunk, Transfer};

/// A body, sent once.
#[derive(Debug)]
pub(crate) struct Body {
    content: Content,
    /// over HTTP/1.1 the connection knows that it is on its way
    sending: Option<Sending>,
    /// over HTTP/2 it is watched
    transfer: Option<Arc<Transfer>>,
}

#[derive(Debug)]
enum Content {
    /// and the memory that they take, where that is accounted for
    Bytes(Bytes, Option<Share>),
    /// boxed, since most bodies are bytes and are moved often
    File(Box<Stream>),
}

impl Body {
    pub(crate) fn of_bytes(bytes: Bytes, held: Option<Share>) -> Body {
        Body { content: Content::Bytes(bytes, held), sending: None, transfer: None }
    }

    pub(crate) fn of_file(stream: Stream) -> Body {
        Body { content: Content::File(Box::new(stream)), sending: None, transfer: None }
    }

    /// The same over HTTP/1.1, by way of the connection's outbox.
    pub(crate) fn over_http1(mut self, sending: Sending, outbox: &Arc<Outbox>) -> Body {
        if let Content::File(stream) = &mut self.content {
            stream.send_by(Arc::clone(outbox));
        }
        self.sending = Some(sending);
        self
    }

    /// The same over HTTP/2.
    pub(crate) fn over_http2(self, transfer: Arc<Transfer>) -> Body {
        Body { transfer: Some(transfer), ..self }
    }
}

impl hyper::body::Body for Body {
    type Data = Chunk;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Chunk>>>> {
        let (piece, held) = match &mut self.content {
            Content::Bytes(bytes, _) if bytes.is_empty() => (Poll::Ready(None), None),
            Content::Bytes(bytes, held) => (Poll::Ready(Some(Ok(std::mem::take(bytes)))), held.take()),
            Content::File(stream) => (stream.poll_piece(cx), None),
        };
        if let Some(transfer) = &self.transfer {
            transfer.waits_for_us(piece.is_pending());
        }
        piece.map_ok(|bytes| Frame::data(Chunk::new(bytes, self.transfer.clone(), held)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Bytes(bytes, _) => bytes.is_empty(),
            Content::File(stream) => stream.left() == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Bytes(bytes, _) => SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX)),
            Content::File(stream) => SizeHint::with_exact(stream.left()),
        }
    }
}

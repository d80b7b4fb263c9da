//! Bodies of answers: bytes that are there, or a slice of a file that is read as the client takes it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

use super::file::Stream;
use super::outbox::Outbox;
use super::pulse::Sending;

/// A body, sent once.
#[derive(Debug)]
pub(super) struct Body {
    content: Content,
    /// the connection knows that it is on its way
    _sending: Option<Sending>,
}

#[derive(Debug)]
enum Content {
    Bytes(Bytes),
    File(Stream),
}

impl Body {
    pub(super) fn of_bytes(bytes: Bytes) -> Body {
        Body { content: Content::Bytes(bytes), _sending: None }
    }

    pub(super) fn of_file(stream: Stream) -> Body {
        Body { content: Content::File(stream), _sending: None }
    }

    /// The same, seen by the connection until it is sent; by way of its outbox, if it has one.
    pub(super) fn sent(self, sending: Sending, outbox: Option<Arc<Outbox>>) -> Body {
        let content = match (self.content, outbox) {
            (Content::File(stream), Some(outbox)) => Content::File(stream.by(outbox)),
            (content, _) => content,
        };
        Body { content, _sending: Some(sending) }
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut self.content {
            Content::Bytes(bytes) if bytes.is_empty() => Poll::Ready(None),
            Content::Bytes(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Content::File(stream) => stream.poll_piece(cx).map_ok(Frame::data),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Bytes(bytes) => bytes.is_empty(),
            Content::File(stream) => stream.left() == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Bytes(bytes) => SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX)),
            Content::File(stream) => SizeHint::with_exact(stream.left()),
        }
    }
}

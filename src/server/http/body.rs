//! Bodies of responses: bytes in memory, or a range of a file that is read as fast as the client reads it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

use super::file_body::FileBody;
use crate::access::Admission;
use crate::server::conn::in_flight::BodyInFlight;
use crate::server::conn::pool::PoolPermit;
use crate::server::conn::sendfile::SendfileQueue;
use crate::server::conn::transfer::{BodyChunk, Transfer};
use crate::sumdb::number::wide;

/// A body, sent once.
#[derive(Debug)]
pub(crate) struct Body {
    content: BodyContent,
    /// over HTTP/1.1: counts the body as in flight
    sending: Option<BodyInFlight>,
    /// over HTTP/2: its progress
    transfer: Option<Arc<Transfer>>,
    /// counts the request as in flight
    admission: Option<Box<Admission>>,
}

#[derive(Debug)]
enum BodyContent {
    /// bytes, and the permit for their memory if they need one
    Bytes(Bytes, Option<PoolPermit>),
    /// boxed, since most bodies are bytes and are moved often
    File(Box<FileBody>),
}

impl Body {
    pub(crate) fn from_bytes(bytes: Bytes, permit: Option<PoolPermit>) -> Body {
        Body { content: BodyContent::Bytes(bytes, permit), sending: None, transfer: None, admission: None }
    }

    pub(crate) fn from_file(file: FileBody) -> Body {
        Body { content: BodyContent::File(Box::new(file)), sending: None, transfer: None, admission: None }
    }

    /// Keeps the admission of its request, if there is access control, until it is sent.
    pub(crate) fn admitted_by(&mut self, admission: Option<Admission>) {
        self.admission = admission.filter(Admission::counts).map(Box::new);
    }

    /// Sends it over HTTP/1.1; a file is sent with `sendfile` where there is a queue for it and otherwise possible.
    pub(crate) fn send_over_http1(&mut self, sending: BodyInFlight, sendfile: Option<&Arc<SendfileQueue>>) {
        if let (BodyContent::File(file), Some(sendfile)) = (&mut self.content, sendfile) {
            file.use_sendfile(Arc::clone(sendfile));
        }
        self.sending = Some(sending);
    }

    /// Sends it over HTTP/2.
    pub(crate) fn send_over_http2(&mut self, transfer: Arc<Transfer>) {
        self.transfer = Some(transfer);
    }
}

impl hyper::body::Body for Body {
    type Data = BodyChunk;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<BodyChunk>>>> {
        let (chunk, permit) = match &mut self.content {
            BodyContent::Bytes(bytes, _) if bytes.is_empty() => (Poll::Ready(None), None),
            BodyContent::Bytes(bytes, permit) => (Poll::Ready(Some(Ok(std::mem::take(bytes)))), permit.take()),
            BodyContent::File(file) => (file.poll_chunk(cx), None),
        };
        if let Some(transfer) = &self.transfer {
            transfer.set_waits_for_server(chunk.is_pending());
        }
        chunk.map_ok(|bytes| Frame::data(BodyChunk::new(bytes, self.transfer.clone(), permit)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            BodyContent::Bytes(bytes, _) => bytes.is_empty(),
            BodyContent::File(file) => file.left() == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            BodyContent::Bytes(bytes, _) => SizeHint::with_exact(wide(bytes.len())),
            BodyContent::File(file) => SizeHint::with_exact(file.left()),
        }
    }
}

//! Parts of files that a connection sends without reading them: the system moves them from its memory to the socket
//! (`sendfile`), and they never come through ours.
//!
//! hyper knows only bytes. So a body hands it a stand-in of the right length, which nobody reads, and notes here which part of
//! which file that stands for; the socket knows a stand-in by its address, and sends the file in its place. HTTP/1.1 sends what
//! bodies give in their order, so the part that was noted first is the first to be sent. HTTP/2 mixes its streams: nothing is
//! noted for it.

use std::collections::VecDeque;
use std::io;
use std::sync::{LazyLock, Mutex, PoisonError};

use bytes::Bytes;

use super::file_source::Source;
use crate::server::limits::STAND_IN_BYTES;

/// What stands for any part of any file. Nobody writes to it or reads it, so the system gives it no memory.
static STAND_IN: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(vec![0; STAND_IN_BYTES]));

/// Whether these bytes stand for a part of a file.
pub(crate) fn is_stand_in(bytes: &[u8]) -> bool {
    !bytes.is_empty() && STAND_IN.as_ptr_range().contains(&bytes.as_ptr())
}

/// The parts of files that a connection was given and has not sent.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    parts: Mutex<VecDeque<Part>>,
}

#[derive(Debug)]
struct Part {
    source: Source,
    at: u64,
    left: usize,
}

impl Outbox {
    /// Notes a part of at most [`STAND_IN_BYTES`]; gives what stands for it.
    pub(crate) fn put(&self, source: &Source, at: u64, len: usize) -> Bytes {
        let stand_in = STAND_IN.slice(..len.min(STAND_IN_BYTES));
        let part = Part { source: source.clone(), at, left: stand_in.len() };
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).push_back(part);
        stand_in
    }

    /// Sends of the first part what the socket takes of `len` bytes; gives how many these were.
    ///
    /// # Errors
    /// `WouldBlock`: the socket takes none. `UnexpectedEof`: somebody cut the file off.
    #[cfg(target_os = "linux")]
    pub(crate) fn send(&self, socket: &tokio::net::TcpStream, len: usize) -> io::Result<usize> {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let part = parts.front_mut().ok_or_else(|| io::Error::other("a stand-in for no file"))?;
        let sent = rustix::fs::sendfile(socket, part.source.file()?, Some(&mut part.at), len.min(part.left))?;
        if sent == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        part.left -= sent;
        if part.left == 0 {
            parts.pop_front();
        }
        Ok(sent)
    }

    /// There is nothing noted anywhere else.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn send(&self, _: &tokio::net::TcpStream, _: usize) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

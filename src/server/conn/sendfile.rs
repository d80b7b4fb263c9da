//! Ranges of files that a connection sends with `sendfile`: the kernel copies them from its page cache to the socket, and they
//! never pass through the memory of this process.
//!
//! hyper handles only bytes. So a body gives hyper a placeholder of the right length, which is never read, and queues here the
//! range of the file that it represents. The socket recognises a placeholder by its address, and sends the file in its place.
//! HTTP/1.1 sends the chunks of bodies in order, so the range at the front of the queue is always the next to be sent. HTTP/2
//! interleaves its streams, and TLS encrypts what it sends, so nothing is queued for either.

use std::collections::VecDeque;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::LazyLock;

use bytes::Bytes;
use parking_lot::Mutex;
use rustix::net::SendFlags;

use super::file_source::FileSource;
use crate::server::limits::MAX_SENDFILE_BYTES;

/// Represents any range of any file. It is never written or read, so the kernel allocates no memory for it.
static PLACEHOLDER: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(vec![0; MAX_SENDFILE_BYTES]));

/// Whether these bytes represent a range of a file.
pub(crate) fn is_placeholder(bytes: &[u8]) -> bool {
    !bytes.is_empty() && PLACEHOLDER.as_ptr_range().contains(&bytes.as_ptr())
}

/// Sends bytes that stand before a range of a file, so that both share a packet.
///
/// # Errors
/// Those of the socket.
pub(crate) fn send_before_file(socket: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    // Without a range after it, it would wait; only Linux queues ranges.
    #[cfg(target_os = "linux")]
    let flags = SendFlags::NOSIGNAL | SendFlags::MORE;
    #[cfg(not(target_os = "linux"))]
    let flags = SendFlags::empty();
    Ok(rustix::net::send(socket, bytes, flags)?)
}

/// The ranges of files that a connection has queued and not sent.
#[derive(Debug, Default)]
pub(crate) struct SendfileQueue {
    /// guards the ranges in the order in which they are sent; locked for one push or one `sendfile` that does not block
    ranges: Mutex<VecDeque<QueuedRange>>,
}

#[derive(Debug)]
struct QueuedRange {
    source: FileSource,
    at: u64,
    left: usize,
}

impl SendfileQueue {
    /// Queues `len` bytes of a file from `at`, at most [`MAX_SENDFILE_BYTES`]. Returns their placeholder.
    pub(crate) fn push(&self, source: &FileSource, at: u64, len: usize) -> Bytes {
        let placeholder = PLACEHOLDER.slice(..len.min(MAX_SENDFILE_BYTES));
        let range = QueuedRange { source: source.clone(), at, left: placeholder.len() };
        self.ranges.lock().push_back(range);
        placeholder
    }

    /// Sends up to `len` bytes of the first range, as many as the socket accepts. Returns how many it sent.
    ///
    /// # Errors
    /// `WouldBlock`: the socket accepts none. `UnexpectedEof`: the file has been truncated.
    #[cfg(target_os = "linux")]
    pub(crate) fn send(&self, socket: BorrowedFd<'_>, len: usize) -> io::Result<usize> {
        let mut ranges = self.ranges.lock();
        let range = ranges.front_mut().ok_or_else(|| io::Error::other("a placeholder without a queued range"))?;
        let sent = rustix::fs::sendfile(socket, range.source.file()?, Some(&mut range.at), len.min(range.left))?;
        if sent == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        range.left -= sent;
        if range.left == 0 {
            ranges.pop_front();
        }
        Ok(sent)
    }

    /// Only Linux queues ranges.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn send(&self, _: BorrowedFd<'_>, _: usize) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

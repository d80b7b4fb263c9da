//! The limits for clients. Those that an operator may want to change are in [`Limits`], with their defaults; the others are
//! constants here.

use std::time::Duration;

/// Bytes of a request's path, percent-encoded: the longest module path and version that exist are well below this.
pub(super) const MAX_PATH_BYTES: usize = 2_000;
/// Bytes of a request's header section (HTTP/1.1: hyper's buffer; HTTP/2: SETTINGS_MAX_HEADER_LIST_SIZE).
pub(super) const MAX_HEAD_BYTES: u16 = 16_384;
/// Header fields of a request.
pub(super) const MAX_HEADERS: usize = 64;
/// Requests in flight on one HTTP/2 connection.
pub(super) const MAX_STREAMS: u32 = 128;
/// Bytes that one HTTP/2 stream may have buffered before its body is polled for more.
pub(super) const MAX_STREAM_BUFFER: usize = CHUNK_BYTES;
/// Answers that are read from stored modules at once, for people and programs that look around; more wait.
pub(super) const MAX_READINGS: usize = 4;
/// Bytes of one file of a module zip that is shown.
pub(super) const MAX_SHOWN_BYTES: u64 = 4 << 20;
/// Entries of a module zip whose files are listed, and bytes of their names.
pub(super) const MAX_LISTED_FILES: usize = 200_000;
pub(super) const MAX_LISTED_NAMES: usize = 16 << 20;
/// Paths of modules that are remembered for lists and searches, in each of the two trees.
pub(super) const MAX_CATALOGUE: usize = 200_000;
/// Files of the full log that are sent at once.
pub(super) const MAX_EXPORTS: usize = 32;
/// Bytes of one chunk of a file; up to two of them are in memory.
pub(super) const CHUNK_BYTES: usize = 256 << 10;
/// Bytes of one chunk for a client that has not read more yet, or while there is no memory for a longer one.
pub(super) const MIN_CHUNK_BYTES: usize = 16 << 10;
/// Text bodies up to this many bytes need no permit over HTTP/2; over HTTP/1.1, which has one body at a time, up to
/// `MIN_CHUNK_BYTES`.
pub(super) const SMALL_BODY_BYTES: usize = 1024;
/// Bytes of bodies in flight over all connections: chunks of files, and texts that are not small.
pub(super) const MAX_BODY_BYTES: usize = 32 << 20;
/// The least that this can be set to: two short chunks for each of some hundred connections.
pub(super) const MIN_BODY_BYTES: usize = 8 << 20;
/// How long a request waits for a file, memory or a stream; then 503.
pub(super) const POOL_TIMEOUT: Duration = Duration::from_secs(5);
/// The least reserve. The reserve is a 64th of the slots: connections that send one request about health or metrics, or wait
/// for a slot.
pub(super) const MIN_RESERVE: usize = 8;
/// Slots for connections to the admin listeners.
pub(super) const ADMIN_SLOTS: usize = 16;
/// A connection that was asked to close is cut off after this if it is idle, or if its peer has more than its share.
pub(super) const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// How often a connection that waits for a slot checks whether another one can be asked to close.
pub(super) const SLOT_RETRY: Duration = Duration::from_millis(250);
/// Bytes of a file that are queued for one `sendfile`.
pub(super) const MAX_SENDFILE_BYTES: usize = 2 << 20;
/// Buffers that are kept to be filled again.
pub(super) const MAX_FREE_BUFFERS: usize = 16;
/// Bytes of a go.mod that is kept in memory; longer ones are rare, and sent from the file.
pub(super) const MAX_SMALL_BYTES: u64 = 256 << 10;
/// Bytes that the kernel buffers for a connection and has not sent (TCP_NOTSENT_LOWAT); it asks for more when half of them are
/// sent. At a quarter of this it asks so often that sending a large file takes a third more CPU.
pub(super) const MAX_UNSENT_BYTES: u32 = 2 << 20;
/// Bytes that a TLS session holds, encrypted, for a client that takes none: two records (RFC 8446 section 5.1).
pub(super) const MAX_TLS_BUFFER: usize = 32 << 10;
/// Bytes of bodies that a client must read within the write timeout while any are in flight.
pub(super) const MIN_PROGRESS_BYTES: u64 = 64 << 10;
/// The longest that a request about the checksum database may take, upstreams included.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// The longest that a request about a module may take.
pub(super) const MODULE_TIMEOUT: Duration = crate::proxy::MAX_TASK_TIME;
/// The pause after a failed accept, as when the process has no file descriptor left.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The limits that an operator can set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// concurrent connections; more wait in the listen queue of the system
    pub connections: usize,
    /// from accepting a connection, or from the first byte of a request, to the end of the request's header section
    pub header: Duration,
    /// between two requests on one connection
    pub idle: Duration,
    /// the time in which a client must read 64 KiB of the bodies in flight on its connection, and an equal part of that of each
    pub write: Duration,
    /// how long a connection waits for a slot while all are taken; then 503
    pub slot: Duration,
    /// how long the server still accepts connections after it was asked to stop, while `/readyz` answers 503
    pub drain: Duration,
    /// how long the server then waits for what is in flight
    pub stop: Duration,
    /// bytes of the response cache
    pub cache_bytes: u64,
    /// bytes of bodies in flight over all connections
    pub body_bytes: usize,
}

impl Limits {
    /// Bytes of bodies in flight beside a response cache of `cache_bytes`: half as many, within bounds.
    pub fn body_bytes(cache_bytes: u64) -> usize {
        usize::try_from(cache_bytes / 2).unwrap_or(MAX_BODY_BYTES).clamp(MIN_BODY_BYTES, MAX_BODY_BYTES)
    }

    /// The reserve: connections beyond the slots.
    pub(super) fn reserve(&self) -> usize {
        (self.connections / 64).max(MIN_RESERVE)
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 4096,
            header: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            write: Duration::from_secs(30),
            slot: Duration::from_secs(10),
            drain: Duration::ZERO,
            stop: Duration::from_secs(20),
            cache_bytes: 64 << 20,
            body_bytes: MAX_BODY_BYTES,
        }
    }
}

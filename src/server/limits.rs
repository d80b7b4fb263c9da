//! How much of everything the server grants to strangers. Those that an operator may want to change are in [`Limits`], with
//! their defaults; the others are constants here.

use std::time::Duration;

/// Bytes of a request's path, percent-escapes counted: the longest module path and version that exist are well below.
pub(super) const MAX_PATH_BYTES: usize = 2_000;
/// Bytes of a request's head, all of it (HTTP/1.1: hyper's buffer; HTTP/2: the header list).
pub(super) const MAX_HEAD_BYTES: u16 = 16_384;
/// Header fields of a request.
pub(super) const MAX_HEADERS: usize = 64;
/// Requests in flight on one HTTP/2 connection.
pub(super) const MAX_STREAMS: u32 = 128;
/// Bytes that one HTTP/2 stream may have waiting to be sent before its body is asked for more.
pub(super) const MAX_STREAM_BUFFER: usize = PIECE_BYTES;
/// Files of the full log that are streamed at once.
pub(super) const MAX_EXPORTS: usize = 32;
/// Bytes of one piece of a streamed file; up to two of them are in memory.
pub(super) const PIECE_BYTES: usize = 256 << 10;
/// Bytes of one piece to a client that has not taken more yet, or where there is no room for a longer one.
pub(super) const MIN_PIECE_BYTES: usize = 16 << 10;
/// Bytes of a text that are not accounted for over HTTP/2; over HTTP/1.1, which has one body at a time, `MIN_PIECE_BYTES`.
pub(super) const SMALL_BODY_BYTES: usize = 1024;
/// Bytes of bodies in flight over all connections: pieces of files, and texts that are not small.
pub(super) const MAX_BODY_BYTES: usize = 32 << 20;
/// The least that this can be set to: two pieces for every one of some hundred connections.
pub(super) const MIN_BODY_BYTES: usize = 8 << 20;
/// For a file, memory or a stream to become free; then 503.
pub(super) const POOL_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections beyond the slots: for one request of health or metrics, or until a slot is free. A 64th of the slots, and:
pub(super) const MIN_RESERVE: usize = 8;
/// Connections to the admin listeners.
pub(super) const ADMIN_SLOTS: usize = 16;
/// A connection that was told to leave and is quiet, or whose client holds more than its share, is cut off after this.
pub(super) const LEAVE_TIMEOUT: Duration = Duration::from_secs(1);
/// How often a connection that waits for a slot looks whether another one can be told to leave.
pub(super) const SLOT_RETRY: Duration = Duration::from_millis(250);
/// Bytes of a file that are sent in one go where they need not be read.
pub(super) const STAND_IN_BYTES: usize = 2 << 20;
/// Pieces that are kept to be filled again.
pub(super) const MAX_SPARE: usize = 16;
/// Bytes of a go.mod that is given out of memory; longer ones are rare, and streamed.
pub(super) const MAX_SMALL_BYTES: u64 = 256 << 10;
/// Bytes that the system holds for a connection and has not sent; when half of it is gone it asks for more. At a quarter of this
/// it asks so often that a large file costs a third more.
#[cfg(target_os = "linux")]
pub(super) const MAX_UNSENT_BYTES: u32 = 2 << 20;
/// Bytes of bodies that a client must take within the write timeout while some are in flight.
pub(super) const MIN_PROGRESS_BYTES: u64 = 64 << 10;
/// The longest that one question may take, upstream's part included.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// The longest that one question about modules may take: a download or a clone, tried again, from one upstream after another.
pub(super) const MODULE_TIMEOUT: Duration = Duration::from_secs(60 * 60);
/// A pause after a failed accept, such as for want of file descriptors.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What an operator can set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// connections at once; more wait in the system's queue
    pub connections: usize,
    /// from the first byte of a request's head, or from the connection's beginning, to the head's end
    pub header: Duration,
    /// between two requests on one connection
    pub idle: Duration,
    /// in which a connection with bodies in flight has to take 64 KiB of them, and each body its equal part of that
    pub write: Duration,
    /// for a connection to get a slot while all are busy; then 503
    pub slot: Duration,
    /// in which what is in flight must be finished when the server is told to stop
    pub stop: Duration,
    /// bytes of answers that are kept in memory
    pub hot_bytes: u64,
    /// bytes of bodies in flight over all connections
    pub body_bytes: usize,
}

impl Limits {
    /// Bytes of bodies in flight, next to `hot_bytes` of answers that are kept: half as many, within bounds.
    pub fn body_bytes(hot_bytes: u64) -> usize {
        usize::try_from(hot_bytes / 2).unwrap_or(MAX_BODY_BYTES).clamp(MIN_BODY_BYTES, MAX_BODY_BYTES)
    }

    /// Connections beyond the slots.
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
            stop: Duration::from_secs(20),
            hot_bytes: 64 << 20,
            body_bytes: MAX_BODY_BYTES,
        }
    }
}

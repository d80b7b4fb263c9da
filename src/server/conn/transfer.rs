//! The bodies that are being sent over HTTP/2: how much of each the client has read, and which of them have stalled.
//!
//! Only bytes of a body that were written to the socket count as progress, and they are written only while the client's
//! flow-control window has room for them; no other frame counts. HTTP/1.1 has no flow control of its own: there the socket
//! shows whether the client reads (`timer`).

use std::io::IoSlice;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use bytes::{Buf, Bytes};
use parking_lot::Mutex;

use super::in_flight::BodyInFlight;
use super::pool::PoolPermit;
use super::stream_task::StreamTask;
use crate::server::limits::MIN_PROGRESS_BYTES;
use crate::sumdb::number::wide;

/// At this many registered transfers, those that have ended are removed.
const SWEEP: usize = 256;

/// A body that is being sent. It lives until the body and every byte of it that was not sent are dropped.
#[derive(Debug)]
pub(crate) struct Transfer {
    /// bytes of the body that were written to the socket
    taken: AtomicU64,
    /// whether the body waits for the disk or for memory, so that there is nothing for the client to read
    waits_for_server: AtomicBool,
    task: Option<StreamTask>,
    _body: BodyInFlight,
    _stream: Option<PoolPermit>,
}

impl Transfer {
    pub(crate) fn new(task: Option<StreamTask>, body: BodyInFlight, stream: Option<PoolPermit>) -> Arc<Transfer> {
        let (taken, waits_for_server) = (AtomicU64::new(0), AtomicBool::new(false));
        Arc::new(Transfer { taken, waits_for_server, task, _body: body, _stream: stream })
    }

    /// Sets whether the body waits for the disk or for memory.
    pub(crate) fn set_waits_for_server(&self, waits: bool) {
        self.waits_for_server.store(waits, Ordering::Relaxed);
    }
}

/// Bytes of a body that are to be written to the socket.
#[derive(Debug)]
pub(crate) struct BodyChunk {
    bytes: Bytes,
    /// the body that they are part of, if its progress is checked
    transfer: Option<Arc<Transfer>>,
    /// the permit for their memory, if the bytes do not hold it themselves
    _permit: Option<PoolPermit>,
}

impl BodyChunk {
    pub(crate) fn new(bytes: Bytes, transfer: Option<Arc<Transfer>>, permit: Option<PoolPermit>) -> BodyChunk {
        BodyChunk { bytes, transfer, _permit: permit }
    }
}

impl Buf for BodyChunk {
    fn remaining(&self) -> usize {
        self.bytes.len()
    }

    fn chunk(&self) -> &[u8] {
        &self.bytes
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        self.bytes.chunks_vectored(slices)
    }

    fn advance(&mut self, len: usize) {
        self.bytes.advance(len);
        if let Some(transfer) = &self.transfer {
            transfer.taken.fetch_add(wide(len), Ordering::Relaxed);
        }
    }
}

/// The bodies that are being sent over one connection.
#[derive(Debug, Default)]
pub(crate) struct Transfers(
    /// guards what the last check found; locked for one check and never across an await
    Mutex<Vec<WatchedTransfer>>,
);

/// A body, and what the last check found.
#[derive(Debug)]
struct WatchedTransfer {
    transfer: Weak<Transfer>,
    /// when the current period began: at registration, or at its last progress
    since: u64,
    /// bytes that were written before then
    taken: u64,
    /// the most bodies that have shared the connection since then
    sharing: u64,
    /// whether its stream was reset; it has one more write timeout to disappear
    reset: bool,
}

/// The result of checking the bodies of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TransferCheck {
    /// the connection makes progress; this many streams that made too little were reset
    Moving { reset: usize },
    /// no body makes progress, or one cannot be reset without the connection
    Stalled,
}

impl Transfers {
    /// Registers a body.
    pub(crate) fn add(&self, transfer: &Arc<Transfer>, now: u64) {
        let mut all = self.0.lock();
        if all.len() >= SWEEP && all.len() == all.capacity() {
            all.retain(|watched| watched.transfer.strong_count() > 0);
        }
        all.push(WatchedTransfer {
            transfer: Arc::downgrade(transfer),
            since: now,
            taken: 0,
            sharing: 1,
            reset: false,
        });
    }

    /// Resets the streams whose bodies made too little progress within `limit` microseconds before `now`. A connection must
    /// take `MIN_PROGRESS_BYTES` in that time, and each body an equal part of that: h2 sends one frame of each stream in turn.
    pub(crate) fn check(&self, now: u64, limit: u64, answers_pending: bool) -> TransferCheck {
        let mut all = self.0.lock();
        all.retain(|watched| watched.transfer.strong_count() > 0);
        let sharing = wide(all.len());
        let (mut moving, mut stalled) = (answers_pending, Vec::new());
        for watched in all.iter_mut() {
            let Some(transfer) = watched.transfer.upgrade() else { continue };
            watched.sharing = watched.sharing.max(sharing);
            let taken = transfer.taken.load(Ordering::Relaxed);
            let least = (MIN_PROGRESS_BYTES / watched.sharing).max(1);
            if taken - watched.taken >= least || transfer.waits_for_server.load(Ordering::Relaxed) {
                (watched.since, watched.taken, watched.sharing, moving) = (now, taken, sharing, true);
            } else if now.saturating_sub(watched.since) < limit {
                moving = true;
            } else if watched.reset {
                // The stream was reset, and h2 still holds bytes of its body.
                return TransferCheck::Stalled;
            } else {
                (watched.since, watched.reset) = (now, true);
                stalled.push(transfer);
            }
        }
        if !stalled.is_empty() && !moving {
            return TransferCheck::Stalled;
        }
        stalled.iter().filter_map(|transfer| transfer.task.as_ref()).for_each(StreamTask::reset);
        TransferCheck::Moving { reset: stalled.len() }
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::super::in_flight::InFlight;
    use super::*;

    const LIMIT: u64 = 1_000;

    fn transfers(count: usize) -> (Transfers, Vec<Arc<Transfer>>) {
        let (all, busy) = (Transfers::default(), InFlight::new().begin());
        let each: Vec<_> = (0..count).map(|_| Transfer::new(None, busy.start_body(), None)).collect();
        each.iter().for_each(|transfer| all.add(transfer, 0));
        (all, each)
    }

    /// Reads this many bytes of a body.
    fn take(transfer: &Arc<Transfer>, bytes: u64) {
        let bytes = Bytes::from(vec![0; usize::try_from(bytes).unwrap_or(0)]);
        let mut chunk = BodyChunk::new(bytes, Some(Arc::clone(transfer)), None);
        chunk.advance(chunk.remaining());
    }

    #[test]
    fn a_body_has_the_whole_time_for_its_part() {
        let (all, each) = transfers(2);
        for look in 1..20 {
            // Half of the minimum each, in two steps.
            each.iter().for_each(|transfer| take(transfer, MIN_PROGRESS_BYTES / 4));
            assert_eq!(all.check(look * LIMIT / 2, LIMIT, false), TransferCheck::Moving { reset: 0 }, "{look}");
        }
        assert_eq!(all.check(20 * LIMIT, LIMIT, false), TransferCheck::Stalled);
    }

    #[test]
    fn one_that_stands_still_is_ended_alone_and_then_with_the_connection() {
        let (all, each) = transfers(2);
        take(&each[0], MIN_PROGRESS_BYTES);
        assert_eq!(all.check(LIMIT, LIMIT, false), TransferCheck::Moving { reset: 1 });
        take(&each[0], MIN_PROGRESS_BYTES);
        assert_eq!(all.check(LIMIT + 1, LIMIT, false), TransferCheck::Moving { reset: 0 });
        take(&each[0], MIN_PROGRESS_BYTES);
        assert_eq!(all.check(2 * LIMIT, LIMIT, false), TransferCheck::Stalled, "it is still there");
        drop(each);
        assert_eq!(all.check(3 * LIMIT, LIMIT, false), TransferCheck::Moving { reset: 0 });
    }

    #[test]
    fn a_body_that_waits_for_the_server_is_not_the_clients_delay() {
        let (all, each) = transfers(1);
        each[0].set_waits_for_server(true);
        assert_eq!(all.check(5 * LIMIT, LIMIT, false), TransferCheck::Moving { reset: 0 });
        each[0].set_waits_for_server(false);
        assert_eq!(all.check(6 * LIMIT - 1, LIMIT, false), TransferCheck::Moving { reset: 0 });
        assert_eq!(
            all.check(6 * LIMIT, LIMIT, true),
            TransferCheck::Moving { reset: 1 },
            "another request is being answered"
        );
    }

    #[test]
    fn a_last_body_is_not_permit_to_more_than_while_there_were_others() {
        let (all, mut each) = transfers(4);
        assert_eq!(all.check(1, LIMIT, false), TransferCheck::Moving { reset: 0 });
        take(&each[0], MIN_PROGRESS_BYTES / 4);
        each.truncate(1);
        assert_eq!(all.check(LIMIT, LIMIT, false), TransferCheck::Moving { reset: 0 });
    }
}

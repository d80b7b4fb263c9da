//! Bodies of HTTP/2 answers on their way: how much of each its client took, and which of them stand still.
//!
//! Progress is bytes of the body that went to the socket, which they do only where the client gave the stream a window for
//! them; no other frame counts. HTTP/1.1 has no windows: there the socket alone tells (`clock`).

use std::io::IoSlice;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::{Buf, Bytes};

use super::in_flight::Sending;
use super::pool::Share;
use super::stream_task::StreamTask;
use crate::server::limits::MIN_PROGRESS_BYTES;

/// Registered transfers after which those that ended are forgotten.
const SWEEP: usize = 256;

/// A body on its way: it lives as long as the body, or any byte of it that was not sent.
#[derive(Debug)]
pub(crate) struct Transfer {
    taken: AtomicU64,
    /// whether the body waits for the disk or for memory, so that the client cannot take anything
    waits_for_us: AtomicBool,
    task: Option<StreamTask>,
    _sending: Sending,
    _stream: Option<Share>,
}

impl Transfer {
    pub(crate) fn new(task: Option<StreamTask>, sending: Sending, stream: Option<Share>) -> Arc<Transfer> {
        let (taken, waits_for_us) = (AtomicU64::new(0), AtomicBool::new(false));
        Arc::new(Transfer { taken, waits_for_us, task, _sending: sending, _stream: stream })
    }

    /// Whether the body cannot go on for want of something of ours.
    pub(crate) fn waits_for_us(&self, waits: bool) {
        self.waits_for_us.store(waits, Ordering::Relaxed);
    }
}

/// Bytes of a body on their way to the socket.
#[derive(Debug)]
pub(crate) struct Chunk {
    bytes: Bytes,
    /// the body that they are part of, where that is watched
    transfer: Option<Arc<Transfer>>,
    /// the memory that they take, where the bytes themselves do not account for it
    _held: Option<Share>,
}

impl Chunk {
    pub(crate) fn new(bytes: Bytes, transfer: Option<Arc<Transfer>>, held: Option<Share>) -> Chunk {
        Chunk { bytes, transfer, _held: held }
    }
}

impl Buf for Chunk {
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
            transfer.taken.fetch_add(u64::try_from(len).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }
}

/// The bodies of one connection.
#[derive(Debug, Default)]
pub(crate) struct Transfers(Mutex<Vec<Watched>>);

/// A body, and what was seen of it last.
#[derive(Debug)]
struct Watched {
    transfer: Weak<Transfer>,
    /// when it made its last progress
    since: u64,
    /// bytes taken until then
    taken: u64,
    /// bodies among which the connection was divided since then
    among: u64,
    /// whether its stream was ended; it has the same time again to be gone
    ended: bool,
}

/// What a look at the bodies of a connection shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// each moves, or waits for us, or may still move in time; so many streams were ended that did not
    Moving { ended: usize },
    /// none moves, or one cannot be ended without the connection
    Stalled,
}

impl Transfers {
    /// Watches a body from now on.
    pub(crate) fn add(&self, transfer: &Arc<Transfer>, now: u64) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= SWEEP && all.len() == all.capacity() {
            all.retain(|watched| watched.transfer.strong_count() > 0);
        }
        all.push(Watched { transfer: Arc::downgrade(transfer), since: now, taken: 0, among: 1, ended: false });
    }

    /// Ends the streams whose bodies have not moved enough within `limit`. A connection must take `MIN_PROGRESS_BYTES` in that
    /// time, and each body its equal part: h2 sends a frame of one stream after another.
    pub(crate) fn look(&self, now: u64, limit: u64, answers_pending: bool) -> Look {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|watched| watched.transfer.strong_count() > 0);
        let among = u64::try_from(all.len()).unwrap_or(u64::MAX);
        let (mut moving, mut stalled) = (answers_pending, Vec::new());
        for watched in all.iter_mut() {
            let Some(transfer) = watched.transfer.upgrade() else { continue };
            watched.among = watched.among.max(among);
            let taken = transfer.taken.load(Ordering::Relaxed);
            let least = (MIN_PROGRESS_BYTES / watched.among).max(1);
            if taken - watched.taken >= least || transfer.waits_for_us.load(Ordering::Relaxed) {
                (watched.since, watched.taken, watched.among, moving) = (now, taken, among, true);
            } else if now.saturating_sub(watched.since) < limit {
                moving = true;
            } else if watched.ended {
                // h2 still has bytes of a body that has no stream to be reset.
                return Look::Stalled;
            } else {
                (watched.since, watched.ended) = (now, true);
                stalled.push(transfer);
            }
        }
        if !stalled.is_empty() && !moving {
            return Look::Stalled;
        }
        stalled.iter().filter_map(|transfer| transfer.task.as_ref()).for_each(StreamTask::end);
        Look::Moving { ended: stalled.len() }
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
        let each: Vec<_> = (0..count).map(|_| Transfer::new(None, busy.answered(), None)).collect();
        each.iter().for_each(|transfer| all.add(transfer, 0));
        (all, each)
    }

    /// Takes so many bytes of a body.
    fn take(transfer: &Arc<Transfer>, bytes: u64) {
        let bytes = Bytes::from(vec![0; usize::try_from(bytes).unwrap_or(0)]);
        let mut chunk = Chunk::new(bytes, Some(Arc::clone(transfer)), None);
        chunk.advance(chunk.remaining());
    }

    #[test]
    fn a_body_has_the_whole_time_for_its_part() {
        let (all, each) = transfers(2);
        for look in 1..20 {
            // Half of the minimum each, in two steps.
            each.iter().for_each(|transfer| take(transfer, MIN_PROGRESS_BYTES / 4));
            assert_eq!(all.look(look * LIMIT / 2, LIMIT, false), Look::Moving { ended: 0 }, "{look}");
        }
        assert_eq!(all.look(20 * LIMIT, LIMIT, false), Look::Stalled);
    }

    #[test]
    fn one_that_stands_still_is_ended_alone_and_then_with_the_connection() {
        let (all, each) = transfers(2);
        take(&each[0], MIN_PROGRESS_BYTES);
        assert_eq!(all.look(LIMIT, LIMIT, false), Look::Moving { ended: 1 });
        take(&each[0], MIN_PROGRESS_BYTES);
        assert_eq!(all.look(LIMIT + 1, LIMIT, false), Look::Moving { ended: 0 });
        take(&each[0], MIN_PROGRESS_BYTES);
        assert_eq!(all.look(2 * LIMIT, LIMIT, false), Look::Stalled, "it is still there");
        drop(each);
        assert_eq!(all.look(3 * LIMIT, LIMIT, false), Look::Moving { ended: 0 });
    }

    #[test]
    fn what_waits_for_us_is_not_the_clients_delay() {
        let (all, each) = transfers(1);
        each[0].waits_for_us(true);
        assert_eq!(all.look(5 * LIMIT, LIMIT, false), Look::Moving { ended: 0 });
        each[0].waits_for_us(false);
        assert_eq!(all.look(6 * LIMIT - 1, LIMIT, false), Look::Moving { ended: 0 });
        assert_eq!(all.look(6 * LIMIT, LIMIT, true), Look::Moving { ended: 1 }, "another request is being answered");
    }

    #[test]
    fn a_last_body_is_not_held_to_more_than_while_there_were_others() {
        let (all, mut each) = transfers(4);
        assert_eq!(all.look(1, LIMIT, false), Look::Moving { ended: 0 });
        take(&each[0], MIN_PROGRESS_BYTES / 4);
        each.truncate(1);
        assert_eq!(all.look(LIMIT, LIMIT, false), Look::Moving { ended: 0 });
    }
}

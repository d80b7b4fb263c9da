//! How much the stored modules may take, and which download may begin. A download says how long its file is before the first byte is
//! kept, and waits until there is that much room: what others have said counts as taken. Room is made by removing what can be had
//! again (`evict`).
//!
//! **The disk holds at most the limit and one download.** A file of more than a quarter of the limit, or of a length that nobody
//! knows, reserves a quarter, and there is one such download at a time. Where nothing may be removed and nothing else is arriving,
//! the download fails, as on a full disk.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::{Either, select};
use parking_lot::Mutex;
use tokio::sync::{Notify, OwnedMutexGuard};

use super::Inner;
use super::policy::PublicSources;
use crate::fault::Fault;
use crate::store::modules::STORE_NAME;
use crate::upstream::{Failure, FailureKind};

/// The part of the limit, as a divisor, above which a file is a large one.
const LARGE_PART: u64 = 4;
/// The part of the limit, as a divisor, that no download takes: what stands beside files is only estimated between measurements.
const SLACK_PART: u64 = 64;
/// Room for what stands beside a file: its hash, its proof, its `.info`, a list, folders.
const BESIDE_BYTES: u64 = 32 << 10;
/// Room is made in the background from this many hundredths of the limit on, down to the second: early, so that there is room for more
/// downloads while it is made.
const HIGH_LOW: (u64, u64) = (94, 90);

/// What is taken.
#[derive(Debug, Default, Clone, Copy)]
struct Taken {
    /// by what is stored, as it was measured last, with what was admitted and removed since
    stored: u64,
    /// by downloads that have begun
    reserved: u64,
    /// how many those are
    downloads: u64,
    /// admitted since the measurement that is under way began
    since: u64,
    is_measured: bool,
}

/// The room of one store. Threads share it.
#[derive(Debug, Default)]
pub(super) struct StoreRoom {
    taken: Mutex<Taken>,
    /// something was removed, or a download has ended
    changed: Notify,
    /// a download has taken so much that room is to be made, or has not found enough
    wanted: Notify,
    /// how often a download has not found enough
    lacked: AtomicU64,
    /// held by the one download of a large file
    large: Arc<tokio::sync::Mutex<()>>,
}

/// Room that a download has taken. When it ends, its bytes are stored or will be found to be gone by the next measurement.
#[derive(Debug)]
pub(super) struct Reservation {
    room: SharedRoom,
    bytes: u64,
    /// what it will take in all
    total: u64,
    _large: Option<OwnedMutexGuard<()>>,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut taken = self.room.taken.lock();
        taken.reserved = taken.reserved.saturating_sub(self.bytes);
        taken.downloads = taken.downloads.saturating_sub(1);
        taken.stored = taken.stored.saturating_add(self.total);
        taken.since = taken.since.saturating_add(self.total);
        drop(taken);
        self.room.changed.notify_waiters();
    }
}

impl StoreRoom {
    /// A measurement of what is stored begins.
    pub(super) fn measuring(&self) {
        self.taken.lock().since = 0;
    }

    /// A measurement has found this many bytes.
    pub(super) fn measured(&self, bytes: u64) {
        let mut taken = self.taken.lock();
        // What was admitted meanwhile may have been found or not.
        taken.stored = bytes.saturating_add(taken.since);
        taken.is_measured = true;
    }

    /// Something of this many bytes was removed.
    pub(super) fn freed(&self, bytes: u64) {
        let mut taken = self.taken.lock();
        taken.stored = taken.stored.saturating_sub(bytes);
        drop(taken);
        self.changed.notify_waiters();
    }

    /// The bytes that are stored, as last measured and counted since; none before the first measurement.
    pub(super) fn stored(&self) -> Option<u64> {
        Some(*self.taken.lock()).filter(|taken| taken.is_measured).map(|taken| taken.stored)
    }

    /// How many bytes are to be removed before `bytes` more fit under `max`; 0 where they fit.
    pub(super) fn lacking(&self, bytes: u64, max: u64) -> u64 {
        let taken = self.taken.lock();
        taken.stored.saturating_add(taken.reserved).saturating_add(bytes).saturating_sub(max)
    }

    /// How many bytes are to be removed in the background.
    pub(super) fn above_high(&self, max: u64) -> u64 {
        let (high, low) = (max / 100 * HIGH_LOW.0, max / 100 * HIGH_LOW.1);
        if self.lacking(0, high) > 0 { self.lacking(0, low) } else { 0 }
    }

    /// Has room made in the background where little is left.
    fn want(&self, max: u64) {
        if self.above_high(max) > 0 {
            self.wanted.notify_one();
        }
    }

    /// Waits until room is to be made in the background.
    pub(super) async fn wanted(&self) {
        self.wanted.notified().await;
    }

    /// How often a download has not found enough room.
    pub(super) fn lacked(&self) -> u64 {
        self.lacked.load(Ordering::Relaxed)
    }

    /// How many downloads are under way.
    fn downloads(&self) -> u64 {
        self.taken.lock().downloads
    }

    /// Takes room for a download; false where there is too little, or nobody has measured how much yet.
    fn take(&self, bytes: u64, max: u64) -> bool {
        let mut taken = self.taken.lock();
        let all = taken.stored.saturating_add(taken.reserved).saturating_add(bytes);
        let fits = all <= max && taken.is_measured;
        if fits {
            taken.reserved = taken.reserved.saturating_add(bytes);
            taken.downloads += 1;
        }
        fits
    }
}

/// The room of one download.
#[derive(Debug, Default)]
pub(super) struct RoomOfFile(Mutex<RoomState>);

#[derive(Debug, Default)]
enum RoomState {
    /// the length of the file is not known yet
    #[default]
    Unasked,
    /// there was no room for a file of that many bytes; none where that is not known
    Lacking(Option<u64>),
    /// it was waited for
    Taken(Reservation),
}

impl RoomOfFile {
    /// Takes room for a file of `total` bytes, if there is so much now.
    ///
    /// # Errors
    /// `WouldBlock`: it is to be [waited](RoomOfFile::waited) for.
    pub(super) fn announce(&self, inner: &Inner, total: Option<u64>) -> io::Result<()> {
        let Some(max) = inner.store_limits.max_size else { return Ok(()) };
        let need = Need::of(total, max);
        let mut state = self.0.lock();
        if matches!(&*state, RoomState::Taken(taken) if taken.total >= need.total) {
            return Ok(());
        }
        // What an earlier try took goes first: a download that holds room never waits for more.
        *state = RoomState::Unasked;
        let large = if need.is_large { Arc::clone(&inner.room.large).try_lock_owned().ok() } else { None };
        if need.is_large == large.is_some() && inner.room.take(need.bytes, need.max) {
            *state = RoomState::Taken(need.reservation(&inner.room, large));
            inner.room.want(max);
            return Ok(());
        }
        inner.room.wanted.notify_one();
        inner.room.lacked.fetch_add(1, Ordering::Relaxed);
        *state = RoomState::Lacking(total);
        Err(io::ErrorKind::WouldBlock.into())
    }

    /// Waits for the room that there was not; false where none is lacking.
    ///
    /// # Errors
    /// There will be none.
    pub(super) async fn waited(&self, inner: &Inner) -> Result<bool, Failure> {
        let lacking = match (&*self.0.lock(), inner.store_limits.max_size) {
            (RoomState::Lacking(total), Some(max)) => Some(Need::of(*total, max)),
            _ => None,
        };
        let Some(need) = lacking else { return Ok(false) };
        let failed = |error: io::Error| Failure {
            source: STORE_NAME.to_owned(),
            why: error.to_string(),
            kind: FailureKind::Disk,
        };
        let reserved = reserve(inner, need).await.map_err(failed)?;
        *self.0.lock() = RoomState::Taken(reserved);
        Ok(true)
    }
}

/// How much a download needs.
#[derive(Debug, Clone, Copy)]
struct Need {
    max: u64,
    /// what it reserves
    bytes: u64,
    /// what it will take in all
    total: u64,
    is_large: bool,
}

impl Need {
    fn of(total: Option<u64>, max: u64) -> Need {
        let max = max - max / SLACK_PART;
        let usual = max / LARGE_PART;
        let is_large = total.is_none_or(|total| total.saturating_add(BESIDE_BYTES) > usual);
        let total = total.unwrap_or(usual).saturating_add(BESIDE_BYTES);
        Need { max, bytes: total.min(usual), total, is_large }
    }

    fn reservation(self, room: &SharedRoom, large: Option<OwnedMutexGuard<()>>) -> Reservation {
        Reservation { room: Arc::clone(room), bytes: self.bytes, total: self.total, _large: large }
    }
}

/// Takes room once there is so much.
///
/// # Errors
/// `StorageFull`: all that is stored has to stay. Those of the disk.
async fn reserve(inner: &Inner, need: Need) -> io::Result<Reservation> {
    let (Need { max, bytes, .. }, room) = (need, &inner.room);
    let large = if need.is_large { Some(Arc::clone(&room.large).lock_owned().await) } else { None };
    let failed = |fault: Fault| io::Error::other(fault.to_string());
    inner.evictor.measure().await.map_err(failed)?;
    // It is this download's turn to remove files, or there is room that others have made: whichever comes first.
    let mut turn = pin!(inner.evictor.turn());
    loop {
        let mut changed = pin!(room.changed.notified());
        changed.as_mut().enable();
        let others = room.downloads();
        if room.take(bytes, max) {
            return Ok(need.reservation(room, large));
        }
        let freed = match select(turn.as_mut(), changed.as_mut()).await {
            Either::Left((own, _)) => own.make_room(&PublicSources::of(inner), || room.lacking(bytes, max)).await,
            Either::Right(_) => continue,
        };
        turn.set(inner.evictor.turn());
        let lacking = room.lacking(bytes, max);
        if freed.map_err(failed)?.bytes > 0 || lacking == 0 {
            continue;
        }
        // Of what others bring, some may not come, and some may go again.
        if others == 0 && room.downloads() == 0 {
            let why = format!(
                "the store is full: {lacking} bytes more than store.max_size ({max}) allow are needed, and all that is stored has to \
                 stay (`gosumcheck store stats` says why); allow more"
            );
            return Err(io::Error::new(io::ErrorKind::StorageFull, why));
        }
        changed.await;
    }
}

/// Room that is shared with the threads that remove files.
pub(super) type SharedRoom = Arc<StoreRoom>;

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn what_is_taken_is_never_counted_too_low() {
        let room = SharedRoom::default();
        assert!(!room.take(1, 1000), "nobody has looked yet");
        room.measuring();
        room.measured(400);
        assert!(room.take(500, 1000) && room.lacking(200, 1000) == 100);
        assert!(!room.take(200, 1000) && room.downloads() == 1);
        // It is stored while somebody looks: found or not, it counts.
        room.measuring();
        drop(Reservation { room: Arc::clone(&room), bytes: 500, total: 600, _large: None });
        room.measured(400);
        assert_eq!(room.stored(), Some(1000));
        room.freed(300);
        let lacking = [(0, 1000), (301, 1000)].map(|(bytes, max)| room.lacking(bytes, max));
        assert_eq!((room.stored(), lacking), (Some(700), [0, 1]));
        assert_eq!((room.above_high(700), room.above_high(1000)), (70, 0));
    }

    /// Nobody waits until the next look at the clock.
    #[test]
    fn room_is_wanted_as_soon_as_little_is_left() {
        let room = SharedRoom::default();
        room.measuring();
        room.measured(900);
        for (bytes, is_wanted) in [(40, false), (1, true), (0, true)] {
            assert!(room.take(bytes, 1000));
            room.want(1000);
            assert_eq!(room.wanted().now_or_never().is_some(), is_wanted, "{bytes} more");
        }
        room.freed(10);
        room.want(1000);
        assert!(room.wanted().now_or_never().is_none());
    }
}

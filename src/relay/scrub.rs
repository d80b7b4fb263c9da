//! The scrub of the full log: every tile and every record is read and proven anew, in the background, whatever the files look like.
//! What is rotten is healed on the spot. A pass writes down how far it is; a process that starts goes on from there.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use super::Relay;
use crate::fault::Fault;
use crate::store::log::{Rotten, Snapshot};
use crate::store::priority::{Nice, lower_priority};
use crate::store::scrub::{Passed, ScrubPace};
use crate::store::usage::micros;
use crate::sumdb::tile::TilePath;

/// Tiles that are proven before it is looked whether there is a newer head: 3 MB of records.
const AT_ONCE: usize = 64;
/// A pass notes its place each time it has read this many bytes.
const NOTE_EVERY: u64 = 64 << 20;
/// In a second.
const MICROS_PER_SECOND: u64 = 1_000_000;
/// How long a scrub waits that has nothing to do.
const WAIT: Duration = Duration::from_secs(60);

/// Where the scrub of a full log is, and what was found since the start, by it and by requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogScrubCounts {
    /// bytes proven anew by scrubs since the start
    pub bytes: u64,
    /// bytes behind the pass that is under way
    pub done: u64,
    /// all of its bytes
    pub total: u64,
    /// when the last whole pass began, in seconds since 1970; 0 where there was none
    pub passed: u64,
    /// tiles that were not what the log committed to
    pub rotten: u64,
    /// those of which the right bytes were derived or fetched
    pub healed: u64,
}

/// Stops the thread that reads when the scrub is dropped: it may sleep for its budget.
struct Stopping(Arc<AtomicBool>);

impl Drop for Stopping {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Relay {
    /// The figures of scrubs since the start.
    pub fn log_scrubbed(&self) -> LogScrubCounts {
        let (counts, health) = (*self.inner.scrubbed.lock(), self.inner.database.log_health());
        LogScrubCounts { rotten: health.rotten(), healed: health.healed(), ..counts }
    }

    /// Proves the whole full log anew, from where the last pass that was cut off had come to, and heals what is rotten; reads at most
    /// `rate` bytes a second, together with all other scrubs of the data folder. Nothing is done where there is no full log.
    ///
    /// # Errors
    /// `Unavailable`: no thread can be had.
    pub async fn scrub_log(&self, rate: Option<u64>) -> Result<LogScrubCounts, Fault> {
        let Some(first) = self.log_snapshot() else { return Ok(self.log_scrubbed()) };
        let place = self.inner.log.scrub_place();
        let from = place.read();
        let began = from.as_ref().map_or_else(|| micros(SystemTime::now()), |from| from.began);
        let tiles: Vec<TilePath> = first.tiles().collect();
        let reached = from.and_then(|from| TilePath::parse(&from.name).ok());
        let at = reached.and_then(|reached| tiles.iter().position(|tile| *tile == reached)).map_or(0, |at| at + 1);
        let (behind, ahead) = tiles.split_at(at.min(tiles.len()));
        {
            let mut counts = self.inner.scrubbed.lock();
            counts.total = first.scrub_bytes();
            counts.done = first.bytes_up_to(behind);
        }
        let stop = Stopping(Arc::default());
        let pace = self.inner.log.scrub_pace(rate, Arc::clone(&stop.0));
        let mut unnoted = 0_u64;
        for tiles in ahead.chunks(AT_ONCE) {
            // A newer head answers requests from then on, and is the one that must know what is rotten.
            let snapshot = self.log_snapshot().unwrap_or_else(|| first.clone());
            let (now, of, pace) = (tiles.to_vec(), snapshot.clone(), pace.clone());
            let (bytes, rotten) = thread(move || Ok(prove(&of, &now, &pace))).await?;
            for rotten in rotten {
                if let Err(fault) = self.heal_in(&snapshot, &rotten).await {
                    tracing::error!("the full log has rotted, and it could not be healed: {fault}");
                }
            }
            {
                let mut counts = self.inner.scrubbed.lock();
                (counts.bytes, counts.done) = (counts.bytes + bytes, counts.done + bytes);
            }
            unnoted += bytes;
            if let Some(last) = tiles.last().filter(|_| unnoted >= NOTE_EVERY) {
                place.note(&Passed { began, name: last.to_string() });
                unnoted = 0;
            }
        }
        place.finish(began);
        self.inner.scrubbed.lock().passed = began / MICROS_PER_SECOND;
        Ok(self.log_scrubbed())
    }

    /// Scrubs without end, a pass in each `period`, and reads at most `rate` bytes a second.
    pub async fn keep_log_scrubbed(&self, period: Duration, rate: u64) {
        loop {
            let place = self.inner.log.scrub_place();
            let rest = place.rest_of(period, SystemTime::now());
            self.inner.scrubbed.lock().passed = place.finished().unwrap_or(0) / MICROS_PER_SECOND;
            if rest.is_some() || self.log_snapshot().is_none() {
                tokio::time::sleep(rest.unwrap_or(WAIT).min(WAIT)).await;
                continue;
            }
            if let Err(fault) = self.scrub_log(Some(rate)).await {
                tracing::warn!("the full log is not proven anew: {fault}");
                tokio::time::sleep(WAIT).await;
            }
        }
    }
}

/// Proves tiles anew; gives their bytes, and those that are rotten.
fn prove(snapshot: &Snapshot, tiles: &[TilePath], pace: &ScrubPace) -> (u64, Vec<Rotten>) {
    let (mut bytes, mut rotten) = (0, Vec::new());
    snapshot.scrub_edge();
    for tile in tiles {
        let read = match snapshot.scrub(tile) {
            Ok(read) => {
                bytes += read;
                read
            }
            Err(found) => {
                rotten.push(found);
                snapshot.bytes_of(tile)
            }
        };
        if pace.take(usize::try_from(read).unwrap_or(0)).is_err() {
            break;
        }
    }
    (bytes, rotten)
}

/// Runs work on a thread of low priority.
pub(crate) async fn thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let (tell, done) = tokio::sync::oneshot::channel();
    let failed = |error: io::Error| Fault::machine("the system", format!("cannot start a thread: {error}"));
    let run = move || {
        lower_priority(Nice::Last);
        // Who waited has gone.
        let _ = tell.send(work());
    };
    std::thread::Builder::new().name("scrub".to_owned()).spawn(run).map_err(failed)?;
    done.await.unwrap_or_else(|_| Err(Fault::machine("the scrub", "ended without a result")))
}

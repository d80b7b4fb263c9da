//! What a scrub needs of the disk: reads that keep to a budget, and the place that it has come to, in `DATA/store/scrub`, and for
//! a full log in `DATA/store/scrub-log/NAME`:
//!
//! ```text
//! passed <when the last whole pass began, in microseconds since 1970; 0 for never>
//! began <when the pass began that was not finished>
//! at <the last file of it that was hashed, below the data folder; of a log the last tile>
//! ```
//!
//! The last two lines are missing while no pass is under way. A file that says anything else counts as missing: then a pass begins.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;

use super::cache::read_bounded;
use super::usage::micros;
use super::{Folder, Log, STORE_FOLDER};
use crate::sumdb::dirhash::ReadAt;
use crate::sumdb::number::{self, wide};

/// The longest file that is read, in bytes.
const MAX_BYTES: u64 = 64 << 10;
/// The longest that a reader sleeps before it looks whether it is to stop.
const NAP: Duration = Duration::from_millis(100);

/// How fast is read, and whether at all. Clones share both.
#[derive(Debug, Clone)]
pub struct ScrubPace {
    /// bytes a second; none for no limit
    rate: Option<u64>,
    is_stopped: Arc<AtomicBool>,
    /// when the next byte may be read
    free_at: Arc<Mutex<Option<Instant>>>,
}

impl ScrubPace {
    /// At most `rate` bytes a second, until `is_stopped` says true.
    pub fn new(rate: Option<u64>, is_stopped: Arc<AtomicBool>) -> ScrubPace {
        ScrubPace { rate, is_stopped, free_at: Arc::default() }
    }

    /// Bytes a second; none for no limit.
    pub fn rate(&self) -> Option<u64> {
        self.rate
    }

    /// Whether it is not to be read any more.
    pub fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }

    /// Waits until this many bytes may be read.
    ///
    /// # Errors
    /// `Interrupted`: nothing is to be read any more.
    pub fn take(&self, bytes: usize) -> io::Result<()> {
        let takes = self.rate.map_or(Duration::ZERO, |rate| time_for(wide(bytes), rate));
        let mut until = {
            let mut free_at = self.free_at.lock();
            // What was not used is not saved up.
            let from = free_at.map_or_else(Instant::now, |free| free.max(Instant::now()));
            *free_at = Some(from + takes);
            from.saturating_duration_since(Instant::now())
        };
        while !self.is_stopped() {
            if until.is_zero() {
                return Ok(());
            }
            let nap = until.min(NAP);
            std::thread::sleep(nap);
            until -= nap;
        }
        Err(io::Error::other("the scrub was stopped"))
    }
}

fn time_for(bytes: u64, rate: u64) -> Duration {
    let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(rate.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// A source that is read at a pace.
#[derive(Debug)]
pub struct Paced<'a, R> {
    /// what is read
    pub source: &'a R,
    /// how fast
    pub pace: &'a ScrubPace,
}

impl<R: ReadAt> ReadAt for Paced<'_, R> {
    fn size(&self) -> u64 {
        self.source.size()
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.pace.take(buf.len())?;
        self.source.read_exact_at(offset, buf)
    }
}

impl Folder {
    /// At most `rate` bytes a second, together with all other scrubs of this folder, until `is_stopped` says true.
    pub fn scrub_pace(&self, rate: Option<u64>, is_stopped: Arc<AtomicBool>) -> ScrubPace {
        ScrubPace { rate, is_stopped, free_at: Arc::clone(&self.shared.scrubs) }
    }
}

impl Log {
    /// As [`Folder::scrub_pace`], of the data folder that the log is in.
    pub fn scrub_pace(&self, rate: Option<u64>, is_stopped: Arc<AtomicBool>) -> ScrubPace {
        self.folder().scrub_pace(rate, is_stopped)
    }

    /// How far the scrub of this log is.
    pub fn scrub_place(&self) -> ScrubPlace {
        let folder = self.folder();
        ScrubPlace {
            folder: folder.clone(),
            path: folder.root().join(STORE_FOLDER).join("scrub-log").join(self.name()),
        }
    }
}

/// How far a pass has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// when it began, in microseconds since 1970
    pub began: u64,
    /// the last file that was hashed, below the data folder; of a log the last tile
    pub name: String,
}

/// Where it is written down how far a scrub is.
#[derive(Debug, Clone)]
pub struct ScrubPlace {
    folder: Folder,
    path: PathBuf,
}

impl Folder {
    /// How far the scrub of the stored modules is.
    pub fn scrub_place(&self) -> ScrubPlace {
        ScrubPlace { folder: self.clone(), path: self.root().join(STORE_FOLDER).join("scrub") }
    }
}

impl ScrubPlace {
    /// The pass that was not finished, if there is one.
    pub fn read(&self) -> Option<Passed> {
        self.lines()?.1
    }

    /// When the last whole pass began, in microseconds since 1970; none where there was none.
    pub fn finished(&self) -> Option<u64> {
        self.lines().map(|(passed, _)| passed).filter(|passed| *passed > 0)
    }

    /// How long there is nothing to do, where each file is to be hashed once in `period`.
    pub fn rest_of(&self, period: Duration, now: SystemTime) -> Option<Duration> {
        let (passed, under_way) = self.lines()?;
        let next = passed.saturating_add(number::micros(period));
        let rest = Duration::from_micros(next.saturating_sub(micros(now)));
        (under_way.is_none() && !rest.is_zero() && passed <= micros(now)).then_some(rest)
    }

    /// Notes how far a pass is. Best effort: what is lost is hashed again.
    pub fn note(&self, at: &Passed) {
        let passed = self.finished().unwrap_or(0);
        self.write(&format!("passed {passed}\nbegan {}\nat {}\n", at.began, at.name));
    }

    /// Notes that a pass is whole that began then.
    pub fn finish(&self, began: u64) {
        self.write(&format!("passed {began}\n"));
    }

    fn write(&self, text: &str) {
        let room = self.folder.take_room(text.len()).is_ok();
        if room && let Err(fault) = self.folder.write(&self.path, text.as_bytes(), false) {
            tracing::debug!("{fault}");
        }
    }

    fn lines(&self) -> Option<(u64, Option<Passed>)> {
        let bytes = read_bounded(&self.path, MAX_BYTES).ok().flatten()?;
        let text = String::from_utf8(bytes).ok()?;
        let (passed, rest) = text.strip_prefix("passed ")?.split_once('\n')?;
        let passed = passed.parse().ok()?;
        if rest.is_empty() {
            return Some((passed, None));
        }
        let (began, name) = rest.strip_prefix("began ")?.split_once("\nat ")?;
        let name = name.strip_suffix('\n')?.to_owned();
        Some((passed, Some(Passed { began: began.parse().ok()?, name })))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_goes_on_from_where_it_was() {
        let root = tempfile::tempdir().unwrap();
        let place = || Folder::open(root.path()).unwrap().scrub_place();
        let (day, now) = (Duration::from_secs(86400), SystemTime::now());
        assert_eq!((place().read(), place().finished(), place().rest_of(day, now)), (None, None, None));
        let at = Passed { began: 5, name: "modules/example.com/a/@v/v1.0.0.zip".to_owned() };
        place().note(&at);
        assert_eq!((place().read(), place().rest_of(day, now)), (Some(at.clone()), None));
        place().finish(micros(now));
        assert_eq!((place().read(), place().finished()), (None, Some(micros(now))));
        assert_eq!(place().rest_of(day, now + day / 2), Some(day / 2));
        assert_eq!(place().rest_of(day, now + day), None);
        // A clock that went back keeps no scrub waiting for years.
        assert_eq!(place().rest_of(day, now - day), None);
        place().note(&at);
        assert_eq!(place().finished(), Some(micros(now)), "the last whole pass stays known");
        std::fs::write(root.path().join("store/scrub"), "passed x\n").unwrap();
        assert_eq!((place().read(), place().rest_of(day, now)), (None, None));
    }

    #[test]
    fn what_is_stopped_reads_nothing_more_and_does_not_sleep_it_out() {
        let stop = Arc::new(AtomicBool::new(false));
        let pace = ScrubPace::new(Some(1), Arc::clone(&stop));
        assert!(pace.take(1 << 40).is_ok(), "the first read is not waited for");
        stop.store(true, Ordering::Relaxed);
        assert!(pace.take(1).is_err());
        assert_eq!(time_for(8 << 20, 8 << 20), Duration::from_secs(1));
    }
}

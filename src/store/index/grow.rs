//! The write side: how an index comes to hold what the log holds. Made in bulk where there is none, or where most of it is
//! missing; else the new records are appended.

use std::path::Path;

use super::super::lock::Lock;
use super::super::log::{Log, Snapshot};
use super::super::words::unavailable;
use super::file::{self, Meta};
use super::gather::Gathered;
use super::key::Width;
use super::oddity::Oddity;
use super::{append, build, look};
use crate::fault::Fault;

/// What became of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grown {
    /// records below this number are indexed now
    pub size: u64,
    /// what is odd about the log and was not told before
    pub findings: Vec<Oddity>,
}

/// Sizes that tests make small.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Tuning {
    /// bits of a key that come from the module's path
    pub path_bits: u32,
    /// bits of a key that come from the module version
    pub version_bits: u32,
    /// threads that read and hash
    pub threads: usize,
    /// records that are sorted at once in a bulk build, about: each takes 32 bytes of memory meanwhile
    pub part: u64,
    /// records appended in one transaction: each touches a page of 4 KiB, which goes through the WAL
    pub batch: u64,
    /// so many records are always appended; beyond that, appending `append_share` of the log costs as much as making it anew
    pub append_most: u64,
    /// see `append_most`
    pub append_share: u64,
}

impl Default for Tuning {
    fn default() -> Tuning {
        let threads = std::thread::available_parallelism().map_or(2, |found| found.get().min(8));
        let (path_bits, version_bits) = Width::USUAL.bits();
        Tuning { path_bits, version_bits, threads, part: 1 << 19, batch: 8192, append_most: 1 << 17, append_share: 32 }
    }
}

impl Tuning {
    /// Whether an index of `known` records that is to have `total` is made anew rather than appended to.
    pub(super) fn makes_anew(&self, known: u64, total: u64) -> bool {
        total.saturating_sub(known) > self.append_most.max(total / self.append_share)
    }
}

/// Indexes the records of `snapshot` that are not indexed yet. Readers go on meanwhile. `progress` is told how many of how many
/// records are done.
///
/// # Errors
/// `Unavailable`: the disk; another process is doing the same; the index is damaged, ahead of the log or of another log, which
/// [`rebuild`] helps against.
pub fn bring_up_to_date(log: &Log, snapshot: &Snapshot, progress: &dyn Fn(u64, u64)) -> Result<Grown, Fault> {
    grow(log, snapshot, None, Tuning::default(), false, progress)
}

/// [`bring_up_to_date`], where the entries of some of the records of `snapshot` have been gathered.
///
/// # Errors
/// As [`bring_up_to_date`].
pub fn bring_up_to_date_with(
    log: &Log,
    snapshot: &Snapshot,
    gathered: Option<Gathered>,
    progress: &dyn Fn(u64, u64),
) -> Result<Grown, Fault> {
    grow(log, snapshot, gathered, Tuning::default(), false, progress)
}

/// Makes the index anew, whatever there is. Readers go on with the old one meanwhile. All findings are told.
///
/// # Errors
/// `Unavailable`: the disk, the log is damaged, or another process is doing the same.
pub fn rebuild(log: &Log, snapshot: &Snapshot, progress: &dyn Fn(u64, u64)) -> Result<Grown, Fault> {
    grow_tuned(log, snapshot, Tuning::default(), true, progress)
}

/// [`bring_up_to_date`], or where `anew` is set [`rebuild`], with sizes of the caller's choice.
///
/// # Errors
/// As these two.
#[doc(hidden)]
pub fn grow_tuned(
    log: &Log,
    snapshot: &Snapshot,
    tuning: Tuning,
    anew: bool,
    progress: &dyn Fn(u64, u64),
) -> Result<Grown, Fault> {
    grow(log, snapshot, None, tuning, anew, progress)
}

fn grow(
    log: &Log,
    snapshot: &Snapshot,
    gathered: Option<Gathered>,
    tuning: Tuning,
    anew: bool,
    progress: &dyn Fn(u64, u64),
) -> Result<Grown, Fault> {
    let (path, total) = (log.index_path(), snapshot.tree().size);
    log.folder().ensure(log.dir(), false).map_err(|error| unavailable(log.dir(), "create", &error))?;
    let _lock = Lock::acquire(&log.dir().join("index.lock"))?;
    if anew || look(&path)?.is_none() {
        return Ok(Grown { size: total, findings: build::build(log, snapshot, gathered, tuning, progress)? });
    }
    let (db, meta) = file::open_to_write(&path)?;
    if meta.origin != log.name() {
        return Err(file::broken(&path, &format!("is the index of {}, not of {}", meta.origin, log.name())));
    }
    belongs(&path, &meta, snapshot)?;
    if tuning.makes_anew(meta.size, total) {
        drop(db);
        let findings = build::build(log, snapshot, gathered, tuning, progress)?;
        let is_news = |oddity: &Oddity| oddity.newest() >= meta.size;
        return Ok(Grown { size: total, findings: findings.into_iter().filter(is_news).collect() });
    }
    let findings = append::append(log, snapshot, &db, &meta, tuning, progress)?;
    Ok(Grown { size: total, findings })
}

/// That an index is of this log, and does not know more than it.
pub(super) fn belongs(path: &Path, meta: &Meta, snapshot: &Snapshot) -> Result<(), Fault> {
    let (known, size) = (meta.size, snapshot.tree().size);
    if known > size {
        let why =
            format!("the index knows {known} records and the log has {size}: was the log restored from a backup?");
        return Err(file::broken(path, &why));
    }
    let Some(last) = known.checked_sub(1) else { return Ok(()) };
    if snapshot.leaf(last)? == Some(meta.last) {
        return Ok(());
    }
    Err(file::broken(path, &format!("the index was made of another log: record {last} is not the one that it knows")))
}

/// What an index of all of `snapshot` says about itself.
pub(super) fn meta_of(log: &Log, snapshot: &Snapshot, tuning: Tuning) -> Result<Meta, Fault> {
    let width = Width::new(tuning.path_bits, tuning.version_bits);
    let width = width.ok_or_else(|| Fault::Usage("a key of the index has 2 to 63 bits".to_owned()))?;
    let size = snapshot.tree().size;
    if size > super::key::MAX_RECORDS {
        return Err(Fault::Usage(format!("a log of {size} records is larger than an index can be")));
    }
    let last = size.checked_sub(1).map_or(Ok(None), |last| snapshot.leaf(last))?;
    Ok(Meta { origin: log.name(), size, last: last.unwrap_or_default(), width })
}

//! The write side of the index: built in bulk where there is none, or where most of it is missing; otherwise the new records are
//! appended.

use std::path::Path;

use super::super::lock::Lock;
use super::super::log::{Log, Rotten, Snapshot};
use super::super::words::unavailable;
use super::anomaly::Anomaly;
use super::file::{self, Meta};
use super::gather::Gathered;
use super::tuning::Tuning;
use super::{append, build, look};
use crate::fault::Fault;

/// The result of an update of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grown {
    /// records below this number are indexed now
    pub size: u64,
    /// anomalies of the log that were not reported before
    pub findings: Vec<Anomaly>,
}

/// Indexes the records of `snapshot` that are not indexed yet. Readers go on meanwhile. `progress` gets the number of records
/// done and the total.
///
/// # Errors
/// `Unavailable`: the disk; another process is doing the same; the index is damaged, ahead of the log or of another log, which
/// [`rebuild`] helps against.
pub fn update(log: &Log, snapshot: &Snapshot, progress: &dyn Fn(u64, u64)) -> Result<Grown, Fault> {
    grow(log, snapshot, None, Tuning::default(), false, progress)
}

/// [`update`], where the entries of some of the records of `snapshot` have been gathered.
///
/// # Errors
/// As [`update`].
pub fn update_with(
    log: &Log,
    snapshot: &Snapshot,
    gathered: Option<Gathered>,
    progress: &dyn Fn(u64, u64),
) -> Result<Grown, Fault> {
    grow(log, snapshot, gathered, Tuning::default(), false, progress)
}

/// Rebuilds the index from scratch. Readers go on with the old one meanwhile. Reports all anomalies.
///
/// # Errors
/// `Unavailable`: the disk, the log is damaged, or another process is doing the same.
pub fn rebuild(log: &Log, snapshot: &Snapshot, progress: &dyn Fn(u64, u64)) -> Result<Grown, Fault> {
    grow_tuned(log, snapshot, Tuning::default(), true, progress)
}

/// [`update`], or [`rebuild`] where `from_scratch` is set, with sizes of the caller's choice.
///
/// # Errors
/// As these two.
#[doc(hidden)]
pub fn grow_tuned(
    log: &Log,
    snapshot: &Snapshot,
    tuning: Tuning,
    from_scratch: bool,
    progress: &dyn Fn(u64, u64),
) -> Result<Grown, Fault> {
    grow(log, snapshot, None, tuning, from_scratch, progress)
}

fn grow(
    log: &Log,
    snapshot: &Snapshot,
    gathered: Option<Gathered>,
    tuning: Tuning,
    from_scratch: bool,
    progress: &dyn Fn(u64, u64),
) -> Result<Grown, Fault> {
    let (path, total) = (log.index_path(), snapshot.tree().size);
    log.folder().ensure(log.dir(), false).map_err(|error| unavailable(log.dir(), "create", &error))?;
    let _lock = Lock::acquire(&log.dir().join("index.lock"))?;
    if from_scratch || look(&path)?.is_none() {
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
        let is_news = |anomaly: &Anomaly| anomaly.newest() >= meta.size;
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
    if snapshot.leaf(last).map_err(Rotten::into_fault)? == Some(meta.last) {
        return Ok(());
    }
    Err(file::broken(path, &format!("the index was made of another log: record {last} is not the one that it knows")))
}

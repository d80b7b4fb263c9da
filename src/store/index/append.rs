//! New records in an index that is there: some thousand in one transaction, each compared with what is known of its module
//! version and its module.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use rusqlite::Connection;

use super::super::log::{Log, Rotten, Snapshot};
use super::anomaly::{Anomaly, AnomalyTable};
use super::file::{self, Meta};
use super::key::{IndexEntry, Width};
use super::layout::headings;
use super::stream::Stream;
use super::tuning::Tuning;
use super::{ids, suspects};
use crate::fault::Fault;

/// Records of one range that are looked at to find another spelling of a path. The first one is of the same path, but for
/// chance: one path of 20,000 shares its range with another.
const MAX_LOOKS: usize = 64;
/// Records with one key that a new one is compared with.
const MAX_COMPARED: usize = 1000;

/// Indexes the records of `snapshot` from `meta.size` on. Gives their anomalies.
pub(super) fn append(
    log: &Log,
    snapshot: &Snapshot,
    db: &Connection,
    meta: &Meta,
    tuning: Tuning,
    progress: &dyn Fn(u64, u64),
) -> Result<Vec<Anomaly>, Fault> {
    let (path, total) = (log.index_path(), snapshot.tree().size);
    let failed = |error| file::failed(&path, &error);
    let stream = Stream::new(log, snapshot)?;
    let mut keeper = AnomalyTable::open(db).map_err(failed)?;
    let mut size = meta.size;
    while size < total {
        let end = total.min(size + tuning.batch.max(1));
        let (mut entries, mut anomalies) = (Vec::new(), Vec::new());
        stream.each(size, end, &mut |first, records| {
            let headings = headings(first, records, &mut anomalies);
            let paths = headings.iter().map(|(_, heading)| heading.path().to_owned());
            entries.extend(meta.width.entries(&headings).into_iter().zip(paths));
            Ok(())
        })?;
        entries.sort_unstable();
        let last = snapshot.leaf(end - 1).map_err(Rotten::into_fault)?.unwrap_or_default();
        let transaction = db.unchecked_transaction().map_err(failed)?;
        let mut batch = Batch { db, snapshot, width: meta.width, known: HashMap::new(), anomalies };
        for (entry, path) in entries {
            batch.add(entry, path, &failed)?;
        }
        let kept = batch.anomalies.into_iter().try_for_each(|anomaly| keeper.keep(db, anomaly));
        kept.and_then(|()| file::set_size(db, end, &last)).map_err(failed)?;
        transaction.commit().map_err(failed)?;
        size = end;
        progress(size, total);
    }
    Ok(keeper.news)
}

struct Batch<'a> {
    db: &'a Connection,
    snapshot: &'a Snapshot,
    width: Width,
    /// paths that are known to be in a range, each with a record about it
    known: HashMap<u64, Vec<(String, u64)>>,
    anomalies: Vec<Anomaly>,
}

impl Batch<'_> {
    fn add(&mut self, entry: IndexEntry, path: String, failed: &dyn Fn(rusqlite::Error) -> Fault) -> Result<(), Fault> {
        let same_key = ids(self.db, entry.key, entry.key, MAX_COMPARED).map_err(failed)?;
        for first in same_key.into_iter().filter(|id| *id < entry.id()) {
            if let Some(anomaly) = suspects::duplicate(self.snapshot, first, entry.id())? {
                self.anomalies.push(anomaly);
                break;
            }
        }
        self.compare_path(entry, path, failed)?;
        let mut insert =
            self.db.prepare_cached("INSERT OR IGNORE INTO record (key, id) VALUES (?1, ?2)").map_err(failed)?;
        insert.execute(entry.row()).map(drop).map_err(failed)
    }

    /// Whether the path of a record is known in another case.
    fn compare_path(
        &mut self,
        entry: IndexEntry,
        path: String,
        failed: &dyn Fn(rusqlite::Error) -> Fault,
    ) -> Result<(), Fault> {
        let known = match self.known.entry(self.width.prefix(entry.key)) {
            Slot::Occupied(slot) => slot.into_mut(),
            Slot::Vacant(slot) => {
                let (first, last) = self.width.range_of(entry.key);
                let ids = ids(self.db, first, last, MAX_LOOKS).map_err(failed)?;
                slot.insert(spellings(self.snapshot, &ids, &path)?)
            }
        };
        if known.iter().any(|(known, _)| *known == path) {
            return Ok(());
        }
        if let Some((twin, first)) = known.iter().find(|(known, _)| known.eq_ignore_ascii_case(&path)) {
            let paths = [twin.clone(), path.clone()];
            self.anomalies.push(Anomaly::CaseCollision { first: *first, second: entry.id(), paths });
        }
        known.push((path, entry.id()));
        Ok(())
    }
}

/// The paths that these records are about, up to the first that is `path` in some case.
fn spellings(snapshot: &Snapshot, ids: &[u64], path: &str) -> Result<Vec<(String, u64)>, Fault> {
    let mut found: Vec<(String, u64)> = Vec::new();
    for id in ids {
        let other = suspects::path(snapshot, *id)?;
        let same = other.eq_ignore_ascii_case(path);
        if !found.iter().any(|(known, _)| *known == other) {
            found.push((other, *id));
        }
        if same {
            break;
        }
    }
    Ok(found)
}

//! Which source sent which of the quarantined bytes, and whether there is room for more.
//!
//! Each source (an upstream, as it is called in messages) has a part of its own. Where all parts together are too many, the
//! **newest** of the source that has most is evicted for one that has less. So the first bytes of each source stay, however many it
//! and others send afterwards.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use parking_lot::MutexGuard;

use super::super::super::Folder;
use super::super::super::cache::read_bounded;
use crate::sumdb::number::wide;

/// Files that are kept, each with its report.
pub const MAX_REFUSED: usize = 1000;
/// Bytes that are kept, reports among them.
pub const MAX_REFUSED_BYTES: u64 = 2 << 30;
/// Files of one source that are kept.
pub const MAX_SOURCE_REFUSED: usize = 250;
/// Bytes of one source that are kept: any zip has room.
pub const MAX_SOURCE_REFUSED_BYTES: u64 = 512 << 20;
/// Files of one source that are kept for one file of a module version: a file that is different in every answer fills no more.
pub const MAX_FILE_REFUSED: usize = 4;
/// The longest report that is read, in bytes: it names a URL, some headers and two hashes.
const MAX_REPORT_BYTES: u64 = 1 << 20;

/// A folder that was changed later than that before a look may be changed again without another time of its last change.
const SETTLED: Duration = Duration::from_secs(1);

/// What is kept.
#[derive(Debug, Default)]
pub(in super::super::super) struct Ledger {
    /// by the names without `.json`
    kept: BTreeMap<String, Kept>,
    /// when the folder was last changed before it was last looked at; none where it may have been changed since
    looked: Option<SystemTime>,
}

/// A refused file with its report, or the report alone.
#[derive(Debug)]
struct Kept {
    source: String,
    since: SystemTime,
    bytes: u64,
}

/// How much of a new refusal is kept.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Retention {
    /// the bytes and the report, after these are evicted
    Whole(Vec<String>),
    /// the report, after these are evicted
    Report(Vec<String>),
    Nothing,
}

/// What a source has, or all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Share {
    files: usize,
    bytes: u64,
}

impl Share {
    fn add(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }

    fn remove(&mut self, bytes: u64) {
        self.files = self.files.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

impl Folder {
    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.shared.refused.lock()
    }
}

impl Ledger {
    /// Looks what is there now: a person may have taken some away, and an earlier process has left some.
    pub(super) fn look(&mut self, dir: &Path) {
        let changed = dir.metadata().and_then(|found| found.modified()).ok();
        if changed.is_some() && changed == self.looked {
            return;
        }
        let age = changed.and_then(|changed| SystemTime::now().duration_since(changed).ok());
        self.looked = changed.filter(|_| age.is_some_and(|age| age > SETTLED));
        let entries = fs::read_dir(dir).into_iter().flatten().flatten();
        let mut sizes = BTreeMap::<String, (u64, SystemTime)>::new();
        for entry in entries {
            let file = entry.file_name().to_string_lossy().into_owned();
            let name = file.strip_suffix(".json").unwrap_or(&file);
            if let Some(known) = self.kept.get(name) {
                sizes.insert(name.to_owned(), (known.bytes, known.since));
            } else if let Ok(found) = entry.metadata() {
                let since = found.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                let one = sizes.entry(name.to_owned()).or_insert((0, since));
                *one = (one.0.saturating_add(found.len()), one.1.max(since));
            }
        }
        self.kept.retain(|name, _| sizes.contains_key(name));
        for (name, (bytes, since)) in sizes {
            let source = || source_of(&dir.join(format!("{name}.json")));
            self.kept.entry(name.clone()).or_insert_with(|| Kept { source: source(), since, bytes });
        }
    }

    pub(super) fn add(&mut self, name: String, source: &str, bytes: u64) {
        self.kept.insert(name, Kept { source: source.to_owned(), since: SystemTime::now(), bytes });
    }

    pub(super) fn forget(&mut self, name: &str) {
        self.kept.remove(name);
    }

    /// How much is kept of something from `source` whose name begins with `file`: `whole` bytes with its report, or `report` bytes.
    pub(super) fn room(&self, source: &str, file: &str, whole: u64, report: u64) -> Retention {
        let of_file = self.kept.iter().filter(|(name, kept)| kept.source == source && name.starts_with(file)).count();
        if of_file >= MAX_FILE_REFUSED {
            return Retention::Nothing;
        }
        if let Some(leaving) = self.leaving(source, whole) {
            return Retention::Whole(leaving);
        }
        self.leaving(source, report).map_or(Retention::Nothing, Retention::Report)
    }

    /// What to evict for `bytes` more of `source`; `Nothing` where they are not kept.
    fn leaving(&self, source: &str, bytes: u64) -> Option<Vec<String>> {
        let (mut shares, mut all) = (BTreeMap::<&str, Share>::new(), Share::default());
        for kept in self.kept.values() {
            shares.entry(&kept.source).or_default().add(kept.bytes);
            all.add(kept.bytes);
        }
        let mut own = shares.remove(source).unwrap_or_default();
        own.add(bytes);
        all.add(bytes);
        if own.files > MAX_SOURCE_REFUSED || own.bytes > MAX_SOURCE_REFUSED_BYTES {
            return None;
        }
        let mut newest: Vec<_> = self.kept.iter().filter(|(_, kept)| kept.source != source).collect();
        newest.sort_by_key(|(name, kept)| (kept.since, name.as_str()));
        let mut leaving = Vec::new();
        while all.files > MAX_REFUSED || all.bytes > MAX_REFUSED_BYTES {
            let weight = |share: Share| if all.files > MAX_REFUSED { wide(share.files) } else { share.bytes };
            let (largest, share) = shares.iter_mut().max_by_key(|(_, share)| weight(**share))?;
            // It would only change places with one that has as little.
            if weight(*share) <= weight(own) {
                return None;
            }
            let at = newest.iter().rposition(|(_, kept)| kept.source == **largest)?;
            let (name, kept) = newest.remove(at);
            share.remove(kept.bytes);
            all.remove(kept.bytes);
            leaving.push(name.clone());
        }
        Some(leaving)
    }
}

/// The sender that the report names; empty where it cannot be read.
fn source_of(report: &Path) -> String {
    let bytes = read_bounded(report, MAX_REPORT_BYTES).ok().flatten().unwrap_or_default();
    let report = serde_json::from_slice::<serde_json::Value>(&bytes).unwrap_or_default();
    report.pointer("/refused/upstream").and_then(|source| source.as_str()).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger(kept: &[(&str, usize, u64)]) -> Ledger {
        let mut ledger = Ledger::default();
        for (source, files, bytes) in kept {
            (0..*files).for_each(|n| ledger.add(format!("{source}-{n:04}.zip.00000000"), source, *bytes));
        }
        ledger
    }

    #[test]
    fn a_source_has_its_part_and_no_more() {
        let full = ledger(&[("a", MAX_SOURCE_REFUSED, 1)]);
        assert_eq!(full.room("a", "x.", 1, 1), Retention::Nothing);
        assert_eq!(full.room("b", "x.", 1, 1), Retention::Whole(vec![]));
        let heavy = ledger(&[("a", 1, MAX_SOURCE_REFUSED_BYTES - 10)]);
        assert_eq!(heavy.room("a", "x.", 11, 2), Retention::Report(vec![]));
        assert_eq!(heavy.room("a", "x.", 10, 2), Retention::Whole(vec![]));
        assert_eq!(heavy.room("b", "x.", u64::MAX, 2), Retention::Report(vec![]));
    }

    /// As the store does it: what leaves is forgotten, what has room is added.
    fn lie(ledger: &mut Ledger, source: &str, n: usize) {
        let name = format!("{source}-{n:05}.zip.00000000");
        if let Retention::Whole(leaving) = ledger.room(source, &name, 1000, 100) {
            leaving.iter().for_each(|name| ledger.forget(name));
            ledger.add(name, source, 1000);
        }
    }

    #[test]
    fn the_first_lies_of_each_source_are_there_after_thousands() {
        let has = |ledger: &Ledger, source: &str, lies: usize| {
            (0..lies).all(|n| ledger.kept.contains_key(&format!("{source}-{n:05}.zip.00000000")))
        };
        let mut ledger = Ledger::default();
        (0..12_000).for_each(|n| lie(&mut ledger, "a", n));
        assert!(has(&ledger, "a", MAX_SOURCE_REFUSED) && ledger.kept.len() == MAX_SOURCE_REFUSED);
        for source in ["b", "c", "d", "e", "f"] {
            (0..1_000).for_each(|n| lie(&mut ledger, source, n));
            assert!(ledger.kept.len() <= MAX_REFUSED);
        }
        // A sixth of all that may be kept, and the first ones of each.
        assert!(["a", "b", "c", "d", "e", "f"].iter().all(|source| has(&ledger, source, MAX_REFUSED / 6 - 1)));
    }

    #[test]
    fn one_file_of_one_source_fills_no_more_than_a_few() {
        let mut ledger = Ledger::default();
        (0..MAX_FILE_REFUSED).for_each(|n| ledger.add(format!("m@v1.0.0.zip.{n:08}"), "a", 1));
        assert_eq!(ledger.room("a", "m@v1.0.0.zip.", 1, 1), Retention::Nothing);
        assert_eq!(ledger.room("a", "m@v1.0.0.mod.", 1, 1), Retention::Whole(vec![]));
        assert_eq!(ledger.room("b", "m@v1.0.0.zip.", 1, 1), Retention::Whole(vec![]));
    }

    #[test]
    fn the_newest_of_the_source_that_has_most_is_evicted() {
        let full = ledger(&[("a", 250, 1), ("b", 250, 1), ("c", 250, 1), ("d", 249, 1), ("e", 1, 1)]);
        let Retention::Whole(leaving) = full.room("e", "x.", 1, 1) else { panic!() };
        assert!(matches!(&*leaving, [name] if name.ends_with("-0249.zip.00000000")), "{leaving:?}");
        // Nothing is evicted for a source that has as many.
        let even = ledger(&[("a", 200, 1), ("b", 200, 1), ("c", 200, 1), ("d", 200, 1), ("e", 200, 1)]);
        assert_eq!(even.room("e", "x.", 1, 1), Retention::Nothing);
        let bytes = ledger(&[("a", 4, 120 << 20), ("b", 4, 120 << 20), ("c", 4, 120 << 20), ("d", 4, 120 << 20)]);
        let Retention::Whole(leaving) = bytes.room("e", "x.", 130 << 20, 1) else { panic!() };
        assert!(matches!(&*leaving, [name] if name.ends_with("-0003.zip.00000000")), "{leaving:?}");
    }
}

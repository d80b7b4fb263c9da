//! Which recorded runs are still of account: the last one of each database, and earlier ones whose findings no later run has cleared. A run
//! clears what it covered in full, whatever it found there itself; one that left a part out, or covered some of it, says nothing of the rest.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{JobScope, RecordedRun};
use crate::report::integrity::{Flaw, ReportPart};

const PARTS: [ReportPart; 4] = [ReportPart::Log, ReportPart::Index, ReportPart::Modules, ReportPart::Upstreams];
/// The exit code of a run that could not tell.
const COULD_NOT_TELL: u64 = 2;

/// A run, and what of it no later run has covered in full.
#[derive(Debug)]
pub struct OpenRun<'a> {
    /// the run
    pub run: &'a RecordedRun,
    open: Vec<ReportPart>,
}

impl<'a> OpenRun<'a> {
    /// The findings that it names and that are open.
    pub fn findings(&self) -> impl Iterator<Item = &'a Value> {
        let is_of_modules = |file: &str| file.contains("/modules/") || file.contains("/private/");
        let text = |finding: &'a Value, name: &str| finding.get(name).and_then(Value::as_str).unwrap_or_default();
        let is_open = move |finding: &&'a Value| match text(finding, "kind") {
            // Both are of the log and of modules, whose files are named with their folders.
            "permissions" | "not-a-file" if is_of_modules(text(finding, "file")) => {
                self.open.contains(&ReportPart::Modules)
            }
            kind => self.has(kind),
        };
        self.run.findings().iter().filter(is_open)
    }

    /// How many findings of each kind are open.
    pub fn by_kind(&self) -> impl Iterator<Item = (&'a str, u64)> {
        self.run.by_kind().filter(|(kind, _)| self.has(kind))
    }

    /// Whether a kind is of an open part. What this version does not know is as long as anything is.
    fn has(&self, kind: &str) -> bool {
        Flaw::of_id(kind).map_or(!self.open.is_empty(), |flaw| self.open.contains(&flaw.part()))
    }

    /// Whether it has anything to say that no later run has cleared.
    fn is_of_account(&self) -> bool {
        let found = self.run.by_kind().next().is_some();
        self.run.exit_code() != 0 && !self.open.is_empty() && (!found || self.by_kind().next().is_some())
    }
}

/// Those among `runs`, the oldest first, that are of account, the newest first; of each database its last run is.
pub fn open_runs(runs: &[RecordedRun]) -> Vec<OpenRun<'_>> {
    let mut cleared: BTreeMap<&str, Vec<ReportPart>> = BTreeMap::new();
    let mut open = Vec::new();
    for run in runs.iter().rev() {
        let database = run.text("database");
        let is_last = !cleared.contains_key(database);
        let cleared = cleared.entry(database).or_default();
        let covered = covered(run);
        let left = covered.iter().filter(|part| !cleared.contains(part)).copied().collect();
        let of = OpenRun { run, open: left };
        if is_last || of.is_of_account() {
            open.push(of);
        }
        if run.exit_code() != COULD_NOT_TELL && run.coverage().is_none_or(|coverage| coverage.is_full()) {
            cleared.extend(covered);
        }
    }
    open
}

/// How many findings of each kind are open, by database and kind.
pub fn open_counts<'a>(runs: &[OpenRun<'a>]) -> BTreeMap<(&'a str, &'a str), u64> {
    let mut counts = BTreeMap::new();
    for open in runs {
        for (kind, found) in open.by_kind() {
            // A later run that covered a part of it has counted some of them again.
            let count: &mut u64 = counts.entry((open.run.text("database"), kind)).or_default();
            *count = found.max(*count);
        }
    }
    counts
}

/// The last of `runs`, the oldest first, that covered all of at least the parts in `asked`, and could tell.
pub fn last_complete<'a>(runs: &'a [RecordedRun], asked: &JobScope) -> Option<&'a RecordedRun> {
    runs.iter().rev().find(|run| run.is_complete() && run.covers(asked))
}

/// The parts that a run was asked for; all where it does not say.
fn covered(run: &RecordedRun) -> Vec<ReportPart> {
    let Some(scope) = run.scope() else { return PARTS.to_vec() };
    let asked = [scope.log, scope.index, scope.modules, scope.upstreams];
    PARTS.into_iter().zip(asked).filter(|(_, asked)| *asked).map(|(part, _)| part).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::report::integrity::{Coverage, Since};

    /// A run over these of log, index and modules, with a finding of each of these kinds.
    fn run(asked: &str, coverage: Coverage, exit_code: u64, kinds: &[&str]) -> RecordedRun {
        let has = |part: char| asked.contains(part);
        let upstreams = has('u');
        let by_kind: serde_json::Map<_, _> = kinds.iter().map(|kind| ((*kind).to_owned(), json!(1))).collect();
        let first: Vec<_> = kinds.iter().map(|kind| json!({ "kind": kind, "file": "f" })).collect();
        let entry = json!({
            "database": "d", "exit_code": exit_code, "coverage": coverage, "by_kind": by_kind, "first": first,
            "scope": { "database": "d+1+k", "log": has('l'), "index": has('i'), "modules": has('m'), "upstreams": upstreams },
        });
        RecordedRun::of(entry.as_object().unwrap().clone())
    }

    #[test]
    fn a_finding_is_open_until_a_run_covers_its_part_in_full() {
        let part = Coverage::Part { since: Some(Since { records: 1, began: 1 }), sample: None };
        let (damaged, full) = ("records-damaged", Coverage::Full);
        let bad = || run("lim", full, 1, &[damaged, "module-damaged"]);
        let cases: [(Vec<RecordedRun>, &[&str]); 10] = [
            (vec![bad()], &[damaged, "module-damaged"]),
            // The log is left out: what was found there stays.
            (vec![bad(), run("m", full, 0, &[])], &[damaged]),
            (vec![bad(), run("m", full, 0, &[]), run("li", full, 0, &[])], &[]),
            (vec![bad(), run("lim", full, 0, &[])], &[]),
            // A part of it, or a run that could not tell, clears nothing.
            (vec![bad(), run("lim", part, 0, &[])], &[damaged, "module-damaged"]),
            (vec![bad(), run("lim", full, 2, &[])], &[damaged, "module-damaged"]),
            // What the later one found counts in place of it.
            (vec![bad(), run("lim", full, 1, &["index-wrong"])], &["index-wrong"]),
            (vec![run("lim", part, 1, &[damaged]), run("m", full, 0, &[])], &[damaged]),
            (vec![run("limu", full, 1, &["version-moved"]), run("lim", full, 0, &[])], &["version-moved"]),
            (vec![run("li", full, 1, &["index-wrong"]), run("l", full, 0, &[])], &["index-wrong"]),
        ];
        for (at, (runs, expected)) in cases.iter().enumerate() {
            let open = open_runs(runs);
            let mut kinds: Vec<&str> = open.iter().flat_map(OpenRun::by_kind).map(|(kind, _)| kind).collect();
            kinds.sort_unstable_by_key(|kind| expected.iter().position(|expected| expected == kind));
            assert_eq!(kinds, *expected, "{at}");
            let named = open.iter().flat_map(OpenRun::findings).count();
            assert_eq!(named, expected.len(), "{at}");
            assert!(std::ptr::eq(open.first().unwrap().run, runs.last().unwrap()), "{at}");
        }
        assert!(open_runs(&[]).is_empty());
    }
}

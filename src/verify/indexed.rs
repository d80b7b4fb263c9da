//! The index against the records, both ways at once: a count and a sum over all entries that there are must be those over all
//! entries that the records imply. So it lacks no record, and has no entry without a record.

use crate::fault::Fault;
use crate::report::integrity::{Finding, Flaw};
use crate::report::{Integrity, Level, Notice};
use crate::store::index::{Anomaly, Tally};
use crate::store::{Index, Log};
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::record::{Heading, heading};

/// The file, by its name in the log's folder.
const FILE: &str = "index.sqlite";
/// A record of which every index would have an entry.
const EXAMPLE: &[u8] = b"example.com/m v1.0.0 h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nexample.com/m v1.0.0/go.mod h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";

/// An index, and the records that it knew when it was opened.
#[derive(Debug)]
pub(super) struct Indexed {
    index: Index,
    size: u64,
}

impl Indexed {
    /// The index of a log of `size` records, if it can be compared with them.
    pub(super) fn open(log: &Log, size: u64, report: &mut Integrity) -> Option<Indexed> {
        let opened = match Index::open(log) {
            Ok(Some(index)) => index.size().map(|known| Indexed { index, size: known }),
            Ok(None) => {
                notice(report, "there is no index yet; `gosumcheck index` makes one");
                return None;
            }
            Err(fault) => Err(fault),
        };
        let indexed = opened.map_err(|fault| wrong(report, &fault.to_string())).ok()?;
        if indexed.size > size {
            notice(
                report,
                "the index knows more records than the head that was checked: a sync is at work; it was not compared",
            );
            return None;
        }
        Some(indexed)
    }

    /// What the index must hold for these records, given the number and the heading of each.
    pub(super) fn expected(&self, claims: &[(u64, Heading<'_>)]) -> Tally {
        let known = claims.partition_point(|(id, _)| *id < self.size);
        self.index.expected(claims.get(..known).unwrap_or(claims))
    }

    /// The records that it knew, and something that two indexes have in common whose entries are made alike.
    pub(super) fn shape(&self) -> (u64, Tally) {
        let example: Vec<_> = heading(EXAMPLE).into_iter().map(|heading| (0, heading)).collect();
        (self.size, self.index.expected(&example))
    }

    /// Whether it knew record `id`.
    pub(super) fn covers(&self, id: u64) -> bool {
        id < self.size
    }

    /// Whether it has no entry of a record, given its number and its heading.
    pub(super) fn lacks(&self, id: u64, heading: Heading<'_>) -> bool {
        let is_there = |module| self.index.candidates(&module).is_ok_and(|ids| ids.contains(&id));
        ModuleVersion::new(heading.path(), heading.version()).is_ok_and(|module| !is_there(module))
    }

    /// Reports records of which it has no entry, where not all of it was compared; `looked` records were looked up.
    pub(super) fn report_lacking(&self, looked: u64, lacking: u64, report: &mut Integrity) {
        report.figures.indexed = Some(looked);
        if lacking > 0 {
            wrong(report, &format!("has no entry of {lacking} of the {looked} records that were looked up"));
        }
    }

    /// What is in it. Reads all of it.
    pub(super) fn found(&self) -> Result<Tally, Fault> {
        self.index.tally()
    }

    /// Compares the two, and reports the anomalies that the index has stored.
    pub(super) fn compare(&self, expected: Tally, found: Result<Tally, Fault>, is_whole: bool, report: &mut Integrity) {
        match found {
            Err(fault) => wrong(report, &fault.to_string()),
            Ok(_) if !is_whole => notice(report, "the index was not compared, because records or offsets are damaged"),
            Ok(_) if self.index.size().ok() != Some(self.size) => {
                notice(report, "the index grew meanwhile and was not compared: a sync is at work");
            }
            Ok(found) if found != expected => wrong(report, "its entries are not those of the records"),
            Ok(_) => report.figures.indexed = Some(self.size),
        }
        for anomaly in self.index.anomalies().unwrap_or_default() {
            if let Anomaly::Duplicate { first, second, same: false, .. } = &anomaly {
                let what = format!("{anomaly} (the other is record {first})");
                let finding = Finding::of_file(Flaw::Duplicate, "records", what);
                report.add(Finding { records: Some(*second..*second + 1), ..finding });
            }
        }
    }
}

fn wrong(report: &mut Integrity, what: &str) {
    report.add(Finding::of_file(Flaw::IndexWrong, FILE, what));
}

fn notice(report: &mut Integrity, text: &str) {
    report.notices.push(Notice { level: Level::Note, text: text.to_owned() });
}

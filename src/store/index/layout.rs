//! What an index holds of a log: a row about itself, and of each record what it is about.

use super::super::log::{Log, Rotten, Snapshot};
use super::anomaly::{Anomaly, MAX_OF_A_KIND};
use super::file::Meta;
use super::key::{MAX_RECORDS, Width};
use super::tuning::Tuning;
use crate::fault::Fault;
use crate::sumdb::number::wide;
use crate::sumdb::record::{Heading, claimed, heading};

/// What an index of all of `snapshot` says about itself.
pub(super) fn meta_of(log: &Log, snapshot: &Snapshot, tuning: Tuning) -> Result<Meta, Fault> {
    let width = Width::new(tuning.path_bits, tuning.version_bits);
    let width = width.ok_or_else(|| Fault::Usage("a key of the index has 2 to 63 bits".to_owned()))?;
    let size = snapshot.tree().size;
    if size > MAX_RECORDS {
        return Err(Fault::Usage(format!("a log of {size} records is larger than an index can be")));
    }
    let last = size.checked_sub(1).map_or(Ok(None), |last| snapshot.leaf(last)).map_err(Rotten::into_fault)?;
    Ok(Meta { origin: log.name(), size, last: last.unwrap_or_default(), width })
}

/// What records are about, with their numbers. A malformed one is reported, and indexed by what it claims to be about.
pub(super) fn headings<'a>(first: u64, records: &[&'a [u8]], malformed: &mut Vec<Anomaly>) -> Vec<(u64, Heading<'a>)> {
    let mut headings = Vec::with_capacity(records.len());
    for (id, record) in (first..).zip(records) {
        match heading(record) {
            Ok(heading) => headings.push((id, heading)),
            Err(error) => {
                headings.extend(claimed(record).map(|heading| (id, heading)));
                if wide(malformed.len()) <= MAX_OF_A_KIND {
                    malformed.push(Anomaly::Malformed { id, why: error.to_string() });
                }
            }
        }
    }
    headings
}

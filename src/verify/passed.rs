//! What the fast pass found, which is added up over parts of the log and over runs that go on from one another.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::indexed::Indexed;
use crate::report::integrity::Coverage;
use crate::store::index::Tally;
use crate::sumdb::record::{claimed, heading};

/// Malformed records of which the numbers are kept.
const MAX_MALFORMED: usize = 100;

/// What the fast pass found.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Passed {
    /// full data tiles that need a closer look
    pub(super) bad: Vec<u64>,
    /// records that are not two well-formed lines, the first of them by number, and how many there are
    pub(super) malformed: Vec<u64>,
    pub(super) malformed_count: u64,
    /// what the index must hold for the records that were read
    pub(super) expected: Tally,
    /// records that were looked up in the index, and those of them that it lacks, where not all of it is compared
    pub(super) looked_up: u64,
    pub(super) lacking: u64,
    /// what the disk could not read
    pub(super) unreadable: Vec<(String, Range<u64>)>,
}

impl Passed {
    /// Adds what was found in later tiles.
    pub(super) fn add(&mut self, other: Passed) {
        self.bad.extend(other.bad);
        self.malformed.extend(other.malformed);
        self.malformed.truncate(MAX_MALFORMED);
        self.malformed_count += other.malformed_count;
        self.expected += other.expected;
        self.looked_up += other.looked_up;
        self.lacking += other.lacking;
        self.unreadable.extend(other.unreadable);
    }

    /// Puts the tiles in order, which those of one piece are not.
    pub(super) fn sort(&mut self) {
        self.bad.sort_unstable();
    }

    /// Adds the index entries that these records imply, the first of which is record `first`. Counts records that are not
    /// well formed.
    pub(super) fn check_records(&mut self, first: u64, records: &[&[u8]], index: Option<&Indexed>, coverage: Coverage) {
        let mut claims = Vec::with_capacity(records.len());
        for (id, record) in (first..).zip(records) {
            let claim = heading(record).ok().or_else(|| {
                self.malformed_count += 1;
                if self.malformed.len() < MAX_MALFORMED {
                    self.malformed.push(id);
                }
                claimed(record)
            });
            claims.extend(claim.map(|heading| (id, heading)));
        }
        let Some(index) = index else { return };
        if coverage.is_full() {
            self.expected += index.expected(&claims);
            return;
        }
        for (id, heading) in claims.into_iter().filter(|(id, _)| index.covers(*id)) {
            self.looked_up += 1;
            self.lacking += u64::from(index.lacks(id, heading));
        }
    }
}

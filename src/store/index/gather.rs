//! The entries of records that are on their way into the log, gathered while these are fetched, so that the index that is
//! built of the whole log afterwards need not read them again. What a crash or a full disk takes of them is read from the log
//! as if nothing had been gathered; no record waits for them.

use std::ops::Range;

use super::super::log::Log;
use super::anomaly::{Anomaly, MAX_OF_A_KIND};
use super::key::{IndexEntry, Width};
use super::layout::headings;
use super::spill::{Buffers, Spill};
use super::tuning::Tuning;
use super::{file, look};
use crate::fault::Fault;
use crate::sumdb::number::wide;

/// What an index will hold of some records in a row. Any thread makes them.
#[derive(Debug)]
pub struct Entries {
    records: Range<u64>,
    entries: Vec<IndexEntry>,
    malformed: Vec<Anomaly>,
}

/// The entries of records in a row, parted to be sorted.
#[derive(Debug)]
pub struct Gathered {
    spill: Spill,
    buffers: Buffers,
    records: Range<u64>,
    malformed: Vec<Anomaly>,
}

/// What a build takes over: the entries of these records, all in `spill`, and what is malformed among the records.
pub(super) struct Ready {
    pub(super) spill: Spill,
    pub(super) records: Range<u64>,
    pub(super) malformed: Vec<Anomaly>,
}

impl Entries {
    /// Those of `records`, the first of which has the number `first`.
    pub fn of(first: u64, records: &[&[u8]]) -> Entries {
        let mut malformed = Vec::new();
        let headings = headings(first, records, &mut malformed);
        let entries = Width::USUAL.entries(&headings);
        let end = first + wide(records.len());
        Entries { records: first..end, entries, malformed }
    }
}

impl Gathered {
    /// Begins to gather, for a log that is about to grow from `from` records to `to`; none where its index, if it can be read,
    /// will rather be appended to, or where there is no room for what is gathered.
    pub fn begin(log: &Log, from: u64, to: u64) -> Option<Gathered> {
        let (path, tuning) = (log.index_path(), Tuning::default());
        if look(&path).ok()?.is_some() && !tuning.makes_anew(file::open_to_read(&path).ok()?.1.size, to) {
            return None;
        }
        let spill = Spill::of_log(log, Width::USUAL, to, tuning.part).ok()?;
        Some(Gathered { buffers: spill.buffers(), spill, records: from..from, malformed: Vec::new() })
    }

    /// Adds the entries of the records that come next.
    ///
    /// # Errors
    /// `Unavailable`: the disk. `Usage`: they are others. What was gathered is of no use then.
    pub fn add(&mut self, entries: Entries) -> Result<(), Fault> {
        if entries.records.start != self.records.end {
            let (found, wanted) = (entries.records.start, self.records.end);
            return Err(Fault::Usage(format!(
                "entries of records from {found} on where those from {wanted} on belong"
            )));
        }
        self.buffers.add(&self.spill, &entries.entries)?;
        self.records.end = entries.records.end;
        let room = usize::try_from(MAX_OF_A_KIND).unwrap_or(usize::MAX).saturating_add(1) - self.malformed.len();
        self.malformed.extend(entries.malformed.into_iter().take(room));
        Ok(())
    }

    /// All of it, for an index of `size` records with keys of this width; none where it does not fit that index, or the disk
    /// failed.
    pub(super) fn ready(self, width: Width, size: u64) -> Option<Ready> {
        let Gathered { spill, buffers, records, malformed } = self;
        if spill.width() != width || records.end > size {
            return None;
        }
        buffers.finish(&spill).ok()?;
        Some(Ready { spill, records, malformed })
    }
}

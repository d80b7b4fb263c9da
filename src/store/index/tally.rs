//! Whether an index has just the entries that it should have, at the cost of reading both once: a count and a sum that do not
//! depend on the order.

use std::ops::{Add, AddAssign};

use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::key::Width;
use crate::sumdb::record::Heading;

/// How many entries there are, and the sum of something of each. Two sets of entries that differ have different tallies, but for
/// one chance in 2^64; somebody who may write the file can of course make them equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    count: u64,
    sum: u64,
}

impl Tally {
    /// Of the entries that records with these numbers and headings should have.
    pub(super) fn of_claims(width: Width, claims: &[(u64, Heading<'_>)]) -> Tally {
        let entries = width.entries(claims);
        entries.iter().fold(Tally::default(), |tally, entry| tally + Tally::of(entry.row()))
    }

    /// Of all entries in the table.
    pub(super) fn of_table(db: &Connection) -> rusqlite::Result<Tally> {
        let mut rows = db.prepare("SELECT key, id FROM record")?;
        let mut rows = rows.query([])?;
        let mut tally = Tally::default();
        while let Some(row) = rows.next()? {
            tally += Tally::of([row.get(0)?, row.get(1)?]);
        }
        Ok(tally)
    }

    fn of([key, id]: [i64; 2]) -> Tally {
        Tally { count: 1, sum: spread(key.cast_unsigned() ^ spread(id.cast_unsigned())) }
    }
}

impl Add for Tally {
    type Output = Tally;

    fn add(self, other: Tally) -> Tally {
        Tally { count: self.count.wrapping_add(other.count), sum: self.sum.wrapping_add(other.sum) }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        *self = *self + other;
    }
}

/// Every bit of the outcome depends on every bit of the number (the finalizer of MurmurHash3, after an odd constant).
fn spread(number: u64) -> u64 {
    let mut spread = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    spread = (spread ^ (spread >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    spread = (spread ^ (spread >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    spread ^ (spread >> 33)
}

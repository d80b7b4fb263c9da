//! Where the records are that the index on the disk does not know yet: those of the last sync, as a rule a few thousand.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use crate::fault::Fault;
use crate::store::log::Snapshot;
use crate::sumdb::record::split_records;
use crate::sumdb::tile::{DataTile, FULL};

/// Records that are read at most; 50 MiB of memory. Where the index lags further they are not looked for here.
const MAX_LAG: u64 = 1 << 20;

/// The numbers of the records from `from` on, by a hash of what they are about.
#[derive(Debug, Clone, Default)]
pub(super) struct Lag {
    from: u64,
    to: u64,
    ids: HashMap<u64, u64>,
    /// the hash of each record's path, and its number, ascending
    paths: Vec<(u64, u64)>,
    hasher: RandomState,
}

impl Lag {
    /// The records of `snapshot` from `from` on. What `before` has of them is not read again.
    pub(super) fn of(snapshot: &Snapshot, from: u64, before: &Lag) -> Result<Lag, Fault> {
        let size = snapshot.tree().size;
        let goes_on = before.from == from && before.to >= from;
        let mut lag = if goes_on { before.clone() } else { Lag { from, to: from, ..Lag::default() } };
        if size.saturating_sub(from) > MAX_LAG {
            return Ok(Lag { from, to: from, ..Lag::default() });
        }
        while lag.to < size {
            lag.add_tile(snapshot, size)?;
        }
        Ok(lag)
    }

    /// Adds what is new of the data tile that record `to` is in.
    fn add_tile(&mut self, snapshot: &Snapshot, size: u64) -> Result<(), Fault> {
        let index = self.to / FULL;
        let width = (size - index * FULL).min(FULL);
        let damaged = |error| Fault::refused("the full log", error);
        let tile = DataTile::new(index, u32::try_from(width).unwrap_or(0)).map_err(damaged)?;
        let proven = snapshot.data_tile(&tile).ok().flatten();
        // What is rotten is as good for an index, which decides nothing.
        let bytes = proven.unwrap_or_else(|| snapshot.unproven_records(index));
        let records = split_records(&bytes, u16::try_from(width).unwrap_or(0)).map_err(damaged)?;
        for (id, record) in (index * FULL..).zip(records).filter(|(id, _)| *id >= self.to) {
            if let Some(heading) = heading(record) {
                let key = self.hasher.hash_one(heading);
                self.ids.entry(key).or_insert(id);
                self.paths.push((self.hasher.hash_one(path(heading)), id));
            }
        }
        self.to = index * FULL + width;
        Ok(())
    }

    /// From which record on it knows them.
    pub(super) fn from(&self) -> u64 {
        self.from
    }

    /// The record that may be about `heading`, the `MODULE VERSION` that it begins with.
    pub(super) fn candidate(&self, heading: &str) -> Option<u64> {
        self.ids.get(&self.hasher.hash_one(heading.as_bytes())).copied()
    }

    /// The records that may be about versions of the module `path`.
    pub(super) fn versions(&self, path: &str) -> impl Iterator<Item = u64> {
        let sought = self.hasher.hash_one(path.as_bytes());
        self.paths.iter().filter(move |(key, _)| *key == sought).map(|(_, id)| *id)
    }
}

/// The first word of a heading.
fn path(heading: &[u8]) -> &[u8] {
    heading.get(..memchr::memchr(b' ', heading).unwrap_or(heading.len())).unwrap_or(heading)
}

/// The first two words of a record.
fn heading(record: &[u8]) -> Option<&[u8]> {
    let second = memchr::memchr_iter(b' ', record).nth(1)?;
    record.get(..second)
}

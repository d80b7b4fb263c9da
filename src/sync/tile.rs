//! A data tile and its proof: the records are cut out of the bytes, hashed, and their hashes compared with those that the tree has
//! there. Nothing else decides, so the sender of the bytes does not matter.

use std::ops::Range;

use crate::store::index::Entries;
use crate::sumdb::error::{Error, Result};
use crate::sumdb::hash::{Hash, leaf_hashes};
use crate::sumdb::record::{MAX_DATA_TILE_BYTES, record_ranges};
use crate::sumdb::tile::{DataTile, FULL_LEN, full_tile_hash};

/// What an index's entry takes in memory.
const ENTRY_BYTES: usize = 16;

/// A data tile that is wanted.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) tile: DataTile,
    pub(super) expected: ExpectedHash,
    /// its first records that are held already
    pub(super) skip: u64,
}

/// What the tree says about it.
#[derive(Debug, Clone)]
pub(super) enum ExpectedHash {
    /// the hash of a full tile, in the tile above
    Full(Hash),
    /// the leaf hashes of the partial tile at the end of the log
    Leaves(Vec<Hash>),
}

/// Records that are proven to be in the log.
#[derive(Debug)]
pub(super) struct Proven {
    first: u64,
    skip: usize,
    bytes: Vec<u8>,
    records: Vec<Range<usize>>,
    leaves: Vec<Hash>,
    /// what the leaf hashes of a full tile hash to
    root: Option<Hash>,
    /// what an index will hold of those that are not held yet
    entries: Option<Entries>,
}

/// Proves `bytes` to be the wanted tile. Where a partial tile is wanted, they may go on with the records after it.
///
/// # Errors
/// `Malformed`: they are not such a tile. `Unproven`: it is not the one of the log.
pub(super) fn prove(wanted: &Wanted, bytes: Vec<u8>) -> Result<Proven> {
    let unproven = |why: String| Error::unproven(wanted.tile.to_string(), why);
    let width = match &wanted.expected {
        ExpectedHash::Full(_) => FULL_LEN,
        ExpectedHash::Leaves(leaves) => leaves.len(),
    };
    let records = cut(&bytes, width).map_err(|why| Error::malformed(wanted.tile.to_string(), why))?;
    let texts: Vec<&[u8]> = records.iter().filter_map(|range| bytes.get(range.clone())).collect();
    let leaves = leaf_hashes(&texts);
    match &wanted.expected {
        ExpectedHash::Full(expected) => {
            let found = full_tile_hash(&leaves).unwrap_or_default();
            if found != *expected {
                return Err(unproven(format!("its hash is {found} where the log has {expected}")));
            }
        }
        ExpectedHash::Leaves(expected) if *expected != leaves => {
            return Err(unproven("its records do not have the leaf hashes that the log has".to_owned()));
        }
        ExpectedHash::Leaves(_) => {}
    }
    let first = wanted.tile.hashes().index() << 8;
    let root = match &wanted.expected {
        ExpectedHash::Full(root) => Some(*root),
        ExpectedHash::Leaves(_) => None,
    };
    Ok(Proven { first, skip: usize::try_from(wanted.skip).unwrap_or(0), records, leaves, root, bytes, entries: None })
}

/// Where the first `width` records are: each with its newline, parted by blank lines, the last with a blank line or without.
fn cut(bytes: &[u8], width: usize) -> std::result::Result<Vec<Range<usize>>, String> {
    if bytes.len() > MAX_DATA_TILE_BYTES {
        return Err(format!("{} bytes, more than the {MAX_DATA_TILE_BYTES} allowed", bytes.len()));
    }
    if !bytes.ends_with(b"\n") && !bytes.is_empty() {
        return Err("its last record does not end with a newline".to_owned());
    }
    let mut records = Vec::with_capacity(FULL_LEN);
    records.extend(record_ranges(bytes).take(FULL_LEN + 1));
    match records.len() {
        found if found > FULL_LEN => Err(format!("more than {FULL_LEN} records")),
        found if found < width => Err(format!("{found} records, not {width}")),
        _ => {
            records.truncate(width);
            Ok(records)
        }
    }
}

impl Proven {
    /// The number of its first record.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// The number of its first record that is not held yet.
    pub(super) fn first_new(&self) -> u64 {
        self.first + u64::try_from(self.skip).unwrap_or(0)
    }

    /// How many records it has.
    pub(super) fn len(&self) -> u64 {
        u64::try_from(self.records.len()).unwrap_or(0)
    }

    /// Bytes of its records but the first `skipped`.
    pub(super) fn bytes_from(&self, skipped: u64) -> u64 {
        let start = self.records.get(usize::try_from(skipped).unwrap_or(usize::MAX)).map_or(0, |range| range.start);
        let end = self.records.last().map_or(0, |range| range.end);
        u64::try_from(end.saturating_sub(start)).unwrap_or(0)
    }

    /// How much memory it takes, in bytes: its text, and for each record where it is, its leaf hash and an index's entry.
    pub(super) fn weight(&self) -> usize {
        self.bytes.capacity() + FULL_LEN * (size_of::<Range<usize>>() + size_of::<Hash>() + ENTRY_BYTES)
    }

    /// Makes what an index will hold of the records that are not held yet.
    pub(super) fn index(mut self) -> Proven {
        self.entries = Some(Entries::of(self.first_new(), &self.news().0));
        self
    }

    /// What was made so.
    pub(super) fn take_entries(&mut self) -> Option<Entries> {
        self.entries.take()
    }

    /// The leaf hashes and what they hash to, of a full tile of which nothing is held yet.
    pub(super) fn whole(&self) -> Option<(&[Hash; FULL_LEN], Hash)> {
        self.leaves.as_array().zip(self.root).filter(|_| self.skip == 0)
    }

    /// The texts that are not held yet, with their leaf hashes.
    pub(super) fn news(&self) -> (Vec<&[u8]>, &[Hash]) {
        let texts = self.records.iter().skip(self.skip).filter_map(|range| self.bytes.get(range.clone()));
        (texts.collect(), self.leaves.get(self.skip..).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cuts(text: &str, width: usize) -> std::result::Result<Vec<&str>, String> {
        let ranges = cut(text.as_bytes(), width)?;
        Ok(ranges.into_iter().map(|range| text.get(range).unwrap_or_default()).collect())
    }

    #[test]
    fn both_endings_are_read_and_what_follows_is_left() {
        for text in ["a\nb\n\nc\n", "a\nb\n\nc\n\n"] {
            assert_eq!(cuts(text, 2), Ok(vec!["a\nb\n", "c\n"]), "{text:?}");
            assert_eq!(cuts(text, 1), Ok(vec!["a\nb\n"]), "{text:?}");
            assert_eq!(cuts(text, 3), Err("2 records, not 3".to_owned()), "{text:?}");
        }
        assert!(cuts("a\n\nb", 2).is_err());
        assert!(cuts("", 1).is_err());
        assert!(cuts(&"a\n\n".repeat(257), 1).is_err());
        assert_eq!(cuts(&"a\n\n".repeat(256), 256).map(|records| records.len()), Ok(256));
    }
}

//! What was proven or denied lately, in memory and weighed in bytes: a hot answer is not proven twice.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::denials::{Denials, Repeated, cut, held_by};
use crate::sumdb::number::wide;
use crate::sumdb::record::VerifiedRecord;
use crate::sumdb::tile::TilePath;

/// Parts of the memory of one relay: to tiles, to records, and the rest to denials.
const TILES_PART: u64 = 4;
const RECORDS_PART: u64 = 2;
const PARTS: u64 = 7;

/// What common entries take, to size the tables.
const COMMON_TILE_BYTES: u64 = 8 << 10;
const COMMON_RECORD_BYTES: u64 = 600;
/// What an entry takes besides its key and its value: its place in the cache, what the allocator adds.
const OVERHEAD_BYTES: usize = 100;
/// Bytes of one line of a denial that are kept.
const MAX_DENIAL_LINE: usize = 160;
/// How long a denial is repeated: what is not in the log now may be in a minute.
const DENIAL_AGE: Duration = Duration::from_secs(60);

/// Proven records by lookup path.
pub(super) type Records = Cache<String, Arc<VerifiedRecord>, ByBytes>;
/// Proven tiles by path.
pub(super) type Tiles = Cache<TilePath, Bytes, ByBytes>;

/// All that one relay remembers.
pub(super) struct Recent {
    pub(super) records: Records,
    pub(super) tiles: Tiles,
    denials: Denials<Arc<[String]>>,
}

impl Recent {
    /// Nothing yet, and never more than `bytes`.
    pub(super) fn within(bytes: u64) -> Recent {
        let (tiles, records) = (bytes / PARTS * TILES_PART, bytes / PARTS * RECORDS_PART);
        let denials = bytes - tiles - records;
        let items = |bytes: u64, common: u64| usize::try_from(bytes / common).unwrap_or(usize::MAX).max(1);
        Recent {
            records: Cache::with_weighter(items(records, COMMON_RECORD_BYTES), records, ByBytes),
            tiles: Cache::with_weighter(items(tiles, COMMON_TILE_BYTES), tiles, ByBytes),
            denials: Denials::new(DENIAL_AGE, denials),
        }
    }

    /// Bytes that are taken.
    pub(super) fn bytes(&self) -> u64 {
        self.records.weight() + self.tiles.weight() + self.denials.bytes()
    }

    /// Keeps what the database said that it does not have: its lookup path, and the sources with their words.
    pub(super) fn deny(&self, path: &str, by: &[String], now: Instant) {
        let by = by.iter().map(|line| cut(line, MAX_DENIAL_LINE)).collect();
        self.denials.keep(path, by, now);
    }

    /// The sources that denied it within the last minute, with their words.
    pub(super) fn denied(&self, path: &str, now: Instant) -> Option<Vec<String>> {
        self.denials.recent(path, now).map(|by| by.to_vec())
    }
}

/// An entry weighs what it takes of memory.
#[derive(Clone)]
pub(super) struct ByBytes;

fn weight<K, V>(held: usize) -> u64 {
    wide(size_of::<(K, V)>() + OVERHEAD_BYTES + held)
}

impl Weighter<TilePath, Bytes> for ByBytes {
    fn weight(&self, _: &TilePath, bytes: &Bytes) -> u64 {
        weight::<TilePath, Bytes>(bytes.len())
    }
}

impl Weighter<String, Arc<VerifiedRecord>> for ByBytes {
    fn weight(&self, path: &String, record: &Arc<VerifiedRecord>) -> u64 {
        // The text holds its module version and its hashes, which the record has a second time.
        weight::<String, VerifiedRecord>(path.len() + 2 * record.text().len())
    }
}

impl Repeated for Arc<[String]> {
    fn held(&self) -> usize {
        held_by(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: u64 = 4 << 20;

    #[test]
    fn a_denial_is_repeated_for_a_minute() {
        let recent = Recent::within(BYTES);
        let start = Instant::now();
        recent.deny("lookup/a@v1.0.0", &["404".to_owned(), "x".repeat(4000)], start);
        let at = |seconds| recent.denied("lookup/a@v1.0.0", start + Duration::from_secs(seconds));
        assert_eq!(at(59), Some(vec!["404".to_owned(), "x".repeat(160)]));
        assert_eq!(at(60), None);
    }

    #[test]
    fn seventy_thousand_long_denials_and_tiles_take_no_more_than_the_bound() {
        let recent = Recent::within(BYTES);
        let words = vec!["https://sum.example: 404 Not Found: ".to_owned() + &"words ".repeat(200); 8];
        for number in 0..70_000 {
            recent.deny(&format!("lookup/{}{number}@v1.0.0", "a".repeat(1900)), &words, Instant::now());
        }
        let denials = recent.bytes();
        assert!((BYTES / PARTS / 2..=BYTES / PARTS + PARTS).contains(&denials), "{denials}");
        for index in 0..1000 {
            let Ok(tile) = TilePath::parse(&format!("tile/8/0/{index:03}")) else { panic!("{index}") };
            recent.tiles.insert(tile, Bytes::from(vec![0; 8192]));
        }
        assert!((BYTES / 2..=BYTES).contains(&recent.bytes()), "{}", recent.bytes());
    }
}

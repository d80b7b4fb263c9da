//! What was proven or denied lately, in memory and bounded: a hot answer is not proven twice.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::sumdb::record::VerifiedRecord;
use crate::sumdb::tile::TilePath;

/// Records in memory; about 600 bytes each with their names.
const RECORDS: usize = 32_768;
/// Bytes of tiles in memory.
const TILE_BYTES: u64 = 64 << 20;
/// Tiles that are expected to fit.
const TILES: usize = 8192;
/// Denials in memory.
const ABSENCES: usize = 8192;
/// How long a denial is repeated: what is not in the log now may be in a minute.
const ABSENCE_AGE: Duration = Duration::from_secs(60);

/// Proven records by lookup path.
pub(super) type Records = Cache<String, Arc<VerifiedRecord>>;
/// Proven tiles by path.
pub(super) type Tiles = Cache<TilePath, Bytes, ByLength>;

pub(super) fn records() -> Records {
    Cache::new(RECORDS)
}

pub(super) fn tiles() -> Tiles {
    Cache::with_weighter(TILES, TILE_BYTES, ByLength)
}

/// A tile weighs what it takes of memory.
#[derive(Clone)]
pub(super) struct ByLength;

impl Weighter<TilePath, Bytes> for ByLength {
    fn weight(&self, _: &TilePath, bytes: &Bytes) -> u64 {
        u64::try_from(bytes.len() + size_of::<(TilePath, Bytes)>()).unwrap_or(u64::MAX)
    }
}

/// What the database said that it does not have, by lookup path.
pub(super) struct Absences(Cache<String, (Instant, Vec<String>)>);

impl Default for Absences {
    fn default() -> Absences {
        Absences(Cache::new(ABSENCES))
    }
}

impl Absences {
    pub(super) fn keep(&self, path: &str, by: &[String], now: Instant) {
        self.0.insert(path.to_owned(), (now, by.to_vec()));
    }

    /// Who denied it within the last minute, with their words.
    pub(super) fn recent(&self, path: &str, now: Instant) -> Option<Vec<String>> {
        let (said, by) = self.0.get(path)?;
        (now.saturating_duration_since(said) < ABSENCE_AGE).then_some(by)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_is_repeated_for_a_minute_and_the_store_of_them_is_bounded() {
        let absences = Absences::default();
        let start = Instant::now();
        absences.keep("lookup/a@v1.0.0", &["404".to_owned()], start);
        let at = |seconds| absences.recent("lookup/a@v1.0.0", start + Duration::from_secs(seconds));
        assert_eq!(at(59), Some(vec!["404".to_owned()]));
        assert_eq!(at(60), None);
        for number in 0..ABSENCES * 2 {
            absences.keep(&format!("lookup/a{number}@v1.0.0"), &[], start);
        }
        assert!(absences.0.len() <= ABSENCES);
    }
}

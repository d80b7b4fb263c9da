//! Denials that are repeated for a while, so that nobody is asked again. A relay has those of a checksum database, a module proxy has
//! those of its upstreams.
//!
//! What is remembered is weighed in bytes. Of a path only a hash is kept, of a denial what its clients are shown.

use std::time::{Duration, Instant};

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::sumdb::hash::sha256;
use crate::sumdb::number::wide;

/// What an entry takes besides its key and its value: its place in the cache, what the allocator adds.
const OVERHEAD_BYTES: usize = 100;
/// What a common denial takes, to size the table.
const COMMON_BYTES: u64 = 400;

/// The first 128 bits of the SHA-256 of a path.
type Key = [u8; 16];

/// A denial that can be repeated.
pub(crate) trait Repeated: Clone {
    /// Bytes that it holds, besides its own size.
    fn held(&self) -> usize;
}

/// Denials, by the paths of the requests.
pub(crate) struct Denials<T: Repeated> {
    kept: Cache<Key, (Instant, T), Weight>,
    age: Duration,
}

#[derive(Clone)]
struct Weight;

impl<T: Repeated> Weighter<Key, (Instant, T)> for Weight {
    fn weight(&self, _: &Key, (_, denial): &(Instant, T)) -> u64 {
        wide(size_of::<(Key, (Instant, T))>() + OVERHEAD_BYTES + denial.held())
    }
}

impl<T: Repeated> Denials<T> {
    /// Each denial is repeated for as long as `age`; all of them together take `bytes` at most.
    pub(crate) fn new(age: Duration, bytes: u64) -> Denials<T> {
        let items = usize::try_from(bytes / COMMON_BYTES).unwrap_or(usize::MAX).max(1);
        Denials { kept: Cache::with_weighter(items, bytes, Weight), age }
    }

    /// The denial of `path`, if it was kept less than the age ago.
    pub(crate) fn recent(&self, path: &str, now: Instant) -> Option<T> {
        let (since, denial) = self.kept.get(&key(path))?;
        (now.saturating_duration_since(since) < self.age).then_some(denial)
    }

    /// Keeps the denial of `path`, which the caller has cut to what is shown of it.
    pub(crate) fn keep(&self, path: &str, denial: T, now: Instant) {
        self.kept.insert(key(path), (now, denial));
    }

    /// Repeats none of them any more.
    pub(crate) fn forget(&self) {
        self.kept.clear();
    }

    /// Bytes that are taken.
    pub(crate) fn bytes(&self) -> u64 {
        self.kept.weight()
    }
}

fn key(path: &str) -> Key {
    sha256(path.as_bytes()).0.first_chunk().copied().unwrap_or_default()
}

/// The first `most` bytes of a text, in a string that is no longer than that.
pub(crate) fn cut(words: &str, most: usize) -> String {
    words.get(..words.floor_char_boundary(most)).unwrap_or_default().to_owned()
}

/// Bytes that lines hold.
pub(crate) fn held_by(lines: &[String]) -> usize {
    lines.iter().map(|line| line.len() + size_of::<String>()).sum()
}

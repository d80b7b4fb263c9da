//! Answers that are kept in memory, bounded in bytes, by the path as clients write it: what is found here costs no parsing, no
//! look at the disk, no hash and no compression.
//!
//! Kept are what never changes (tiles, files of modules), lookups for as long as the head that they were given under is the
//! newest, and hints about modules until they are no longer fresh.

use std::time::{Duration, Instant};

use hyper::header::HeaderValue;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::answer::{Answer, Payload};
use super::route::Class;
use crate::server::limits::MAX_PATH_BYTES;

/// What an answer takes besides its bytes: its headers, its place in the cache.
const OVERHEAD_BYTES: u64 = 400;
/// What a common answer takes, to size the tables.
const COMMON_BYTES: u64 = 8 << 10;

/// A lookup is given out of memory for so long at most.
const HOLD: Duration = Duration::from_secs(30);

/// The answers of one kind of client.
type Answers = Cache<Box<str>, Kept, Weight>;

/// The head that a lookup was answered under: the newest of database number `database`, of `size` records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Under {
    pub(crate) database: usize,
    pub(crate) size: u64,
}

/// For how long an answer may be given again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    ForEver,
    /// while that head is the newest
    Under(Under),
    Until(Instant),
}

#[derive(Debug, Clone)]
struct Kept {
    since: Instant,
    class: Class,
    answer: Answer,
    holds: Holds,
}

#[derive(Debug, Clone)]
struct Weight;

impl Weighter<Box<str>, Kept> for Weight {
    fn weight(&self, path: &Box<str>, kept: &Kept) -> u64 {
        let tag = kept.answer.etag.as_ref().map_or(0, HeaderValue::len);
        kept.answer.len() + OVERHEAD_BYTES + u64::try_from(path.len() + tag).unwrap_or(0)
    }
}

/// Two caches: for clients that take gzip, and for those that do not.
#[derive(Debug)]
pub(crate) struct Hot {
    plain: Answers,
    packs: Answers,
}

impl Hot {
    /// At most `bytes` of answers.
    pub(crate) fn new(bytes: u64) -> Hot {
        let half = bytes / 2;
        let items = usize::try_from(half / COMMON_BYTES).unwrap_or(0).max(1);
        let new = || Cache::with_weighter(items, half, Weight);
        Hot { plain: new(), packs: new() }
    }

    fn of(&self, packs: bool) -> &Answers {
        if packs { &self.packs } else { &self.plain }
    }

    /// The answer at a raw path, if it is kept and holds. `holds` tells whether a head is still the newest.
    pub(crate) fn find(&self, raw: &str, packs: bool, holds: impl FnOnce(Under) -> bool) -> Option<(Class, Answer)> {
        let kept = self.of(packs).get(raw)?;
        let holds = match kept.holds {
            Holds::ForEver => true,
            // Now and then the relay is asked all the same: only so it looks for a newer head.
            Holds::Under(under) => kept.since.elapsed() < HOLD && holds(under),
            Holds::Until(end) => Instant::now() < end,
        };
        holds.then_some((kept.class, kept.answer))
    }

    /// Keeps the answer at a raw path for as long as it holds, unless it is too large, a file or a failure.
    pub(crate) fn keep(&self, raw: &str, packs: bool, class: Class, answer: Answer, holds: Holds) {
        let fits = raw.len() <= MAX_PATH_BYTES && matches!(answer.payload, Payload::Bytes(_));
        if fits && answer.status.is_success() {
            let kept = Kept { since: Instant::now(), class, answer, holds };
            self.of(packs).insert(raw.into(), kept);
        }
    }

    /// Bytes that are kept.
    pub(crate) fn bytes(&self) -> u64 {
        self.plain.weight() + self.packs.weight()
    }
}

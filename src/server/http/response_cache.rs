//! The response cache: answers in memory, bounded in bytes, by the path as clients write it. A hit costs no parsing, no access
//! to the disk, no hashing and no compression.
//!
//! It holds answers that never change (tiles, go.mod files), lookups for as long as the head that they were answered under is
//! the newest, and hints about modules until they are no longer fresh. Of a data tile that lies in a file as it is sent, it holds
//! where that is: whether it still is there is for the caller to look at.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::header::HeaderValue;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::answer::{Answer, Payload};
use super::route::RouteName;
use crate::access::Scope;
use crate::server::limits::MAX_PATH_BYTES;
use crate::sumdb::number::wide;

/// Bytes that an answer takes besides its content: its headers, its entry in the cache.
const OVERHEAD_BYTES: u64 = 400;
/// Bytes of a common answer, to size the tables.
const COMMON_BYTES: u64 = 8 << 10;

/// The longest that a lookup is answered from the cache.
const MAX_LOOKUP_AGE: Duration = Duration::from_secs(30);

/// The answers for one kind of client.
type AnswerCache = Cache<Box<str>, CachedAnswer, AnswerWeight>;

/// The head that a lookup was answered under: that of database number `database`, with `size` records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HeadRef {
    pub(crate) database: usize,
    pub(crate) size: u64,
}

/// For how long a cached answer is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Validity {
    /// the content never changes
    Forever,
    /// while that head is the newest
    WhileHead(HeadRef),
    Until(Instant),
}

/// What an answer is found by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CacheKey<'a> {
    /// the path as the client wrote it
    pub(crate) raw: &'a str,
    pub(crate) accepts_gzip: bool,
    /// the number of the rules that hold: what was answered under others may be refused now
    pub(crate) rules: u64,
}

#[derive(Debug, Clone)]
struct CachedAnswer {
    /// when it was stored
    since: Instant,
    route: RouteName,
    answer: Arc<Answer>,
    validity: Validity,
    /// the rules under which it was given
    rules: u64,
    /// what a request for it asks for, where somebody was asked who they are
    scope: Option<Arc<Scope>>,
}

/// An answer that was found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) route: RouteName,
    pub(crate) answer: Arc<Answer>,
    /// the number of the rules under which it was given
    pub(crate) rules: u64,
    /// what a request for it asks for, if that is known
    pub(crate) scope: Option<Arc<Scope>>,
}

#[derive(Debug, Clone)]
struct AnswerWeight;

impl Weighter<Box<str>, CachedAnswer> for AnswerWeight {
    fn weight(&self, path: &Box<str>, cached: &CachedAnswer) -> u64 {
        let tag = cached.answer.etag.as_ref().map_or(0, HeaderValue::len);
        cached.answer.held() + OVERHEAD_BYTES + wide(path.len() + tag)
    }
}

/// Two caches: one for clients that accept gzip, one for the others.
#[derive(Debug)]
pub(crate) struct ResponseCache {
    plain: AnswerCache,
    gzip: AnswerCache,
}

impl ResponseCache {
    /// A cache of at most `bytes` bytes.
    pub(crate) fn new(bytes: u64) -> ResponseCache {
        let half = bytes / 2;
        let items = usize::try_from(half / COMMON_BYTES).unwrap_or(0).max(1);
        let new = || Cache::with_weighter(items, half, AnswerWeight);
        ResponseCache { plain: new(), gzip: new() }
    }

    fn variant(&self, accepts_gzip: bool) -> &AnswerCache {
        if accepts_gzip { &self.gzip } else { &self.plain }
    }

    /// The valid answer. `is_newest` tells whether a head is still the newest of its database.
    pub(crate) fn find(&self, key: CacheKey<'_>, is_newest: impl FnOnce(HeadRef) -> bool) -> Option<Found> {
        let CacheKey { raw, accepts_gzip, rules } = key;
        let cached = self.variant(accepts_gzip).get(raw)?;
        let is_valid = match cached.validity {
            Validity::Forever => true,
            // After that the relay is asked again: only then does it look for a newer head.
            Validity::WhileHead(head) => cached.since.elapsed() < MAX_LOOKUP_AGE && is_newest(head),
            Validity::Until(end) => Instant::now() < end,
        };
        let CachedAnswer { route, answer, scope, .. } = cached;
        (is_valid && cached.rules == rules).then_some(Found { route, answer, rules, scope })
    }

    /// Stores an answer to a request for what `scope` says, unless it is a file or a failure, or the path is too long.
    pub(crate) fn insert(
        &self,
        key: CacheKey<'_>,
        (route, scope): (RouteName, Option<Arc<Scope>>),
        answer: Answer,
        validity: Validity,
    ) {
        let CacheKey { raw, accepts_gzip, rules } = key;
        let fits = raw.len() <= MAX_PATH_BYTES && matches!(answer.payload, Payload::Bytes(_) | Payload::DataTile(_));
        if fits && answer.status.is_success() {
            let answer = Arc::new(answer);
            let cached = CachedAnswer { since: Instant::now(), route, answer, validity, rules, scope };
            self.variant(accepts_gzip).insert(raw.into(), cached);
        }
    }

    /// Bytes in the cache.
    pub(crate) fn bytes(&self) -> u64 {
        self.plain.weight() + self.gzip.weight()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::server::http::answer::{CachePolicy, PLAIN_TEXT};

    #[test]
    fn what_was_given_under_other_rules_is_not_found() {
        let cache = ResponseCache::new(1 << 20);
        let key = |rules| CacheKey { raw: "/a.b/@v/v1.0.0.mod", accepts_gzip: false, rules };
        let answer = Answer::new(PLAIN_TEXT, CachePolicy::Immutable, Bytes::from_static(b"module a.b\n"));
        cache.insert(key(1), (RouteName::Mod, None), answer, Validity::Forever);
        assert!(cache.find(key(1), |_| true).is_some());
        assert!(cache.find(key(2), |_| true).is_none() && cache.find(key(0), |_| true).is_none());
    }
}

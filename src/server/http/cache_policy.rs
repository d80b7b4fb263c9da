//! What an answer says to caches (RFC 9111 section 5.2.2).

use std::time::Instant;

use hyper::header::HeaderValue;

/// For how long caches may store an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CachePolicy {
    /// it never changes, such as a tile
    Immutable,
    /// it may be stale for a while, such as a lookup, whose signed head does not stay the newest
    OneMinute,
    /// they may store it, and must revalidate it before each reuse
    Revalidate,
    /// they must not store it, such as a failure, which may be over soon
    NoStore,
    /// until this time, as `max-age`
    Until(Instant),
}

/// Which caches may store an answer (RFC 9111 section 5.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CacheScope {
    /// shared caches too
    Public,
    /// only the cache of the client: a private module, or an answer that not every client may have
    Private,
}

impl CachePolicy {
    /// The value of `Cache-Control`. Those that are fixed are checked when this is compiled, not for each request.
    pub(super) fn header(self, cache_scope: CacheScope) -> HeaderValue {
        use CacheScope::{Private, Public};
        match (self, cache_scope) {
            (CachePolicy::Immutable, Public) => {
                const { HeaderValue::from_static("public, max-age=31536000, immutable") }
            }
            (CachePolicy::Immutable, Private) => {
                const { HeaderValue::from_static("private, max-age=31536000, immutable") }
            }
            (CachePolicy::OneMinute, Public) => const { HeaderValue::from_static("public, max-age=60") },
            (CachePolicy::OneMinute, Private) => const { HeaderValue::from_static("private, max-age=60") },
            (CachePolicy::Revalidate, _) => const { HeaderValue::from_static("no-cache") },
            (CachePolicy::NoStore, _) => const { HeaderValue::from_static("no-store") },
            (CachePolicy::Until(end), scope) => {
                let left = end.saturating_duration_since(Instant::now()).as_secs();
                let word = if scope == Public { "public" } else { "private" };
                HeaderValue::try_from(format!("{word}, max-age={left}"))
                    .unwrap_or_else(|_| HeaderValue::from_static("no-store"))
            }
        }
    }
}

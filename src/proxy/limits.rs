//! How much work a proxy does at once, how much of it waits and for how long, and what it remembers.

use std::time::Duration;

use crate::upstream::Bounds;

/// The longest that one task may take: a download or a clone, tried again, from one upstream after another.
pub const MAX_TASK_TIME: Duration = Duration::from_secs(60 * 60);
/// Files that are fetched from upstreams at once, with those that no client waits for any more.
const MAX_DOWNLOADS: usize = 64;
/// Lists, newest versions and the like that are fetched from upstreams at once.
const MAX_QUESTIONS: usize = 64;
/// Requests that wait for one of these, of all clients; each takes some 3 KB.
const MAX_WAITING: usize = 4096;
/// Requests of one client that wait. A reverse proxy is one client.
const MAX_WAITING_PER_PEER: usize = 1024;
/// How long a request waits for its turn before it is refused with 503.
const MAX_QUEUE_WAIT: Duration = Duration::from_secs(30);
/// Bytes of remembered refusals.
const REFUSAL_BYTES: u64 = 8 << 20;

/// The bounds of a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProxyLimits {
    /// downloads that run and wait
    pub downloads: Bounds,
    /// requests for hints that run and wait
    pub questions: Bounds,
    /// the longest that one task may take, its wait included
    pub deadline: Duration,
    /// bytes of remembered refusals
    pub refusal_bytes: u64,
}

impl Default for ProxyLimits {
    fn default() -> ProxyLimits {
        let bounds = |running| Bounds {
            running,
            waiting: MAX_WAITING,
            waiting_per_peer: MAX_WAITING_PER_PEER,
            longest_wait: MAX_QUEUE_WAIT,
        };
        ProxyLimits {
            downloads: bounds(MAX_DOWNLOADS),
            questions: bounds(MAX_QUESTIONS),
            deadline: MAX_TASK_TIME,
            refusal_bytes: REFUSAL_BYTES,
        }
    }
}

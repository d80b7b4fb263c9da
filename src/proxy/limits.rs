//! How much work a proxy does at once, how much of it waits and for how long, and what it remembers.

use std::time::Duration;

use crate::config::settings::ReadAhead;
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
    /// what is read ahead, and how far
    pub read_ahead: ReadAheadLimits,
    /// how much is stored
    pub store: StoreLimits,
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
            read_ahead: ReadAheadLimits::default(),
            store: StoreLimits::default(),
        }
    }
}

/// How much the stored modules may take, and how they are looked after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreLimits {
    /// bytes on the disk; none where there is no limit
    pub max_size: Option<u64>,
    /// how full the disk may get, in hundredths of it; none where nothing is removed for that
    pub max_disk: Option<u8>,
    /// questions to upstreams in an hour whether they still have what is to be removed
    pub checks_per_hour: u64,
    /// how often all is hashed again, and the bytes a second that are read for that; none for never
    pub scrub: Option<(Duration, u64)>,
}

impl Default for StoreLimits {
    fn default() -> StoreLimits {
        StoreLimits { max_size: None, max_disk: None, checks_per_hour: 36_000, scrub: None }
    }
}

/// How far is read ahead at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadAheadLimits {
    /// what is read ahead
    pub mode: ReadAhead,
    /// requests at once, over all clients
    pub running: usize,
    /// requests at once because of one client
    pub running_per_peer: usize,
    /// clients for which something is read ahead at once
    pub peers: usize,
    /// requests because of one client, until it asks nothing for a while
    pub requests: usize,
    /// bytes because of one client, until it asks nothing for a while
    pub bytes: u64,
    /// bytes of one file; a longer one is given up, unless a client waits for it by then
    pub file_bytes: u64,
    /// bytes that were read ahead and not asked for yet, over all clients
    pub unused_bytes: u64,
    /// go.mod files below the one that a client asked for, each required by the one before
    pub depth: u8,
    /// requests that follow from one question
    pub per_question: usize,
    /// how long after a client's last question its reading ahead ends
    pub patience: Duration,
}

impl Default for ReadAheadLimits {
    fn default() -> ReadAheadLimits {
        ReadAheadLimits {
            mode: ReadAhead::Off,
            running: 96,
            running_per_peer: 64,
            peers: 32,
            requests: 4096,
            bytes: 1 << 30,
            file_bytes: 64 << 20,
            unused_bytes: 4 << 30,
            depth: 16,
            per_question: 1024,
            patience: Duration::from_secs(20),
        }
    }
}

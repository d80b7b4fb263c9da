//! The limits of requests to one upstream, with their defaults.

use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use super::access::Access;

/// For a connection, TLS included.
const CONNECT: Duration = Duration::from_secs(10);
/// Without a byte. Long, because the log fetches a module that is new to it before it responds.
const SILENCE: Duration = Duration::from_secs(40);
/// For one try, redirects and body included.
const TOTAL: Duration = Duration::from_secs(120);
/// Tries of one request.
const TRIES: usize = 3;
/// Before the second try, jitter apart; doubled before the next.
const FIRST_DELAY: Duration = Duration::from_millis(250);
/// Between two tries, jitter apart.
const LONGEST_DELAY: Duration = Duration::from_secs(5);
/// A request is not retried where the server asks for a longer pause (Retry-After).
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// For a file of any size that is streamed, all tries and pauses included.
const FILE_TOTAL: Duration = Duration::from_secs(30 * 60);
/// How long a streamed file is watched before its speed is judged, in time spent waiting for bytes.
const WINDOW: Duration = Duration::from_secs(30);
/// The fewest bytes in one such window: 1 KiB a second.
const SLOWEST: u64 = 30 << 10;
/// Requests at once to one base. How many there are is found out; over HTTP/1.1 there are never more than 128.
const CONCURRENCY: usize = 1024;

/// Limits of the requests, and what they carry.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// longest time for a connection, TLS included
    pub connect: Duration,
    /// longest time without a byte
    pub silence: Duration,
    /// longest time for one try, redirects and body included
    pub total: Duration,
    /// longest time for a streamed file, all tries and pauses included
    pub file_total: Duration,
    /// how long a streamed file is watched before its speed is judged, in time spent waiting for bytes
    pub window: Duration,
    /// the fewest bytes of it that must come in one `window`
    pub slowest: u64,
    /// tries of one request, at least 1; only 429, 5xx and broken connections are tried again
    pub tries: usize,
    /// pause before the second try, jitter apart; doubled before each next one
    pub first_delay: Duration,
    /// longest pause between two tries, jitter apart
    pub longest_delay: Duration,
    /// longest pause that a server may ask for with Retry-After
    pub longest_wait: Duration,
    /// the most requests at once to one base; at least 1
    pub concurrency: usize,
    /// the most requests a second to one base
    pub request_rate: Option<NonZero<u32>>,
    /// the User-Agent header
    pub user_agent: String,
    /// the file with passwords of hosts, `~/.netrc`; read before the first request
    pub netrc: Option<PathBuf>,
    /// token, certificates and outbound proxy
    pub access: Access,
}

impl Default for HttpSettings {
    fn default() -> HttpSettings {
        HttpSettings {
            connect: CONNECT,
            silence: SILENCE,
            total: TOTAL,
            file_total: FILE_TOTAL,
            window: WINDOW,
            slowest: SLOWEST,
            tries: TRIES,
            first_delay: FIRST_DELAY,
            longest_delay: LONGEST_DELAY,
            longest_wait: LONGEST_WAIT,
            concurrency: CONCURRENCY,
            request_rate: None,
            user_agent: concat!("gosumcheck/", env!("CARGO_PKG_VERSION")).to_owned(),
            netrc: None,
            access: Access::default(),
        }
    }
}

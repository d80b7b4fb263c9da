//! The bounds of the door outwards, with the figures used unless told otherwise.

use std::path::PathBuf;
use std::time::Duration;

/// For a connection, TLS included.
const CONNECT: Duration = Duration::from_secs(10);
/// Without a byte. Long, because the log fetches a module that is new to it before it answers.
const SILENCE: Duration = Duration::from_secs(40);
/// For one try, redirects and body included.
const TOTAL: Duration = Duration::from_secs(120);
/// Tries of one request.
const TRIES: usize = 3;
/// Before the second try, jitter apart; doubled before the next.
const FIRST_DELAY: Duration = Duration::from_millis(250);
/// Between two tries, jitter apart.
const LONGEST_DELAY: Duration = Duration::from_secs(5);
/// A server that asks for a longer pause (Retry-After) is not asked again.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Requests at once to one base. HTTP/2 servers allow 100 streams; HTTP/1.1 takes as many connections.
const CONCURRENCY: usize = 64;

/// Bounds and manners of the requests.
#[derive(Debug, Clone)]
pub struct Settings {
    /// longest time for a connection, TLS included
    pub connect: Duration,
    /// longest time without a byte
    pub silence: Duration,
    /// longest time for one try, redirects and body included
    pub total: Duration,
    /// tries of one request, at least 1; only 429, 5xx and broken connections are tried again
    pub tries: usize,
    /// pause before the second try, jitter apart; doubled before each next one
    pub first_delay: Duration,
    /// longest pause between two tries, jitter apart
    pub longest_delay: Duration,
    /// longest pause that a server may ask for with Retry-After
    pub longest_wait: Duration,
    /// requests at once to one base, and idle connections kept to it; at least 1
    pub concurrency: usize,
    /// the User-Agent header
    pub user_agent: String,
    /// the file with passwords of hosts, `~/.netrc`; read when the first request is made
    pub netrc: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            connect: CONNECT,
            silence: SILENCE,
            total: TOTAL,
            tries: TRIES,
            first_delay: FIRST_DELAY,
            longest_delay: LONGEST_DELAY,
            longest_wait: LONGEST_WAIT,
            concurrency: CONCURRENCY,
            user_agent: concat!("gosumcheck/", env!("CARGO_PKG_VERSION")).to_owned(),
            netrc: None,
        }
    }
}

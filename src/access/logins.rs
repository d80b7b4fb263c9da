//! Failed logins of one client are slowed: after a few, each next password is verified only after a pause that doubles. Passwords
//! that were verified lately are not slowed, nor are tokens, which nobody can guess.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use quick_cache::sync::Cache;

use crate::upstream::Peer;

/// Clients that are watched at once; those that fail most lately stay.
const MAX_CLIENTS: usize = 16_384;
/// Failures without a pause.
const FREE: u32 = 5;
/// The pause after the first failure beyond those.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Without an attempt for so long, failures are forgotten.
const FORGOTTEN: Duration = Duration::from_secs(15 * 60);

/// The failed logins of all clients.
#[derive(Debug)]
pub(super) struct Logins(Cache<Peer, Arc<Mutex<Failures>>>);

#[derive(Debug, Default)]
struct Failures {
    count: u32,
    last: Option<Instant>,
    pause_ends: Option<Instant>,
}

/// A login that is being verified. It counts as failed until it is known to be good.
#[derive(Debug)]
pub(super) struct Attempt(Arc<Mutex<Failures>>);

impl Logins {
    pub(super) fn new() -> Logins {
        Logins(Cache::new(MAX_CLIENTS))
    }

    /// Begins a login of `client` at `now`.
    ///
    /// # Errors
    /// How long it must wait.
    pub(super) fn begin(&self, client: Peer, now: Instant) -> Result<Attempt, Duration> {
        let Ok(failures) = self.0.get_or_insert_with(&client, || Ok::<_, ()>(Arc::default())) else {
            return Err(FIRST_PAUSE);
        };
        let mut state = failures.lock();
        if state.last.is_some_and(|last| now.saturating_duration_since(last) >= FORGOTTEN) {
            *state = Failures::default();
        }
        if let Some(left) =
            state.pause_ends.map(|end| end.saturating_duration_since(now)).filter(|left| !left.is_zero())
        {
            return Err(left);
        }
        state.count = state.count.saturating_add(1);
        state.last = Some(now);
        if let Some(beyond) = state.count.checked_sub(FREE) {
            let pause = FIRST_PAUSE.saturating_mul(1 << beyond.min(10)).min(LONGEST_PAUSE);
            state.pause_ends = Some(now + pause);
        }
        drop(state);
        Ok(Attempt(failures))
    }
}

impl Attempt {
    /// The password was right.
    pub(super) fn succeeded(self) {
        let mut state = self.0.lock();
        state.count = state.count.saturating_sub(1);
        state.pause_ends = None;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn peer(last: u8) -> Peer {
        Peer::of(std::net::IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn guessing_gets_slower_and_others_do_not_wait() {
        let (logins, start) = (Logins::new(), Instant::now());
        (0..FREE).for_each(|_| drop(logins.begin(peer(1), start).unwrap()));
        assert_eq!(logins.begin(peer(1), start).unwrap_err(), Duration::from_secs(1));
        assert!(logins.begin(peer(2), start).is_ok(), "another client");
        // How many passwords can be tried in an hour.
        let tried =
            (0..3600).filter(|second| logins.begin(peer(1), start + Duration::from_secs(*second)).is_ok()).count();
        assert!((60..75).contains(&tried), "{tried}");
        assert!(logins.begin(peer(1), start + Duration::from_secs(3600) + FORGOTTEN).is_ok(), "forgotten");
    }

    #[test]
    fn a_good_login_costs_nothing_and_forgives_nothing() {
        let (logins, now) = (Logins::new(), Instant::now());
        for _ in 0..100 {
            logins.begin(peer(1), now).unwrap().succeeded();
        }
        // An account of one's own does not help to guess another's password.
        for _ in 1..FREE {
            drop(logins.begin(peer(1), now).unwrap());
            logins.begin(peer(1), now).unwrap().succeeded();
        }
        drop(logins.begin(peer(1), now).unwrap());
        assert!(logins.begin(peer(1), now).is_err());
    }
}

//! From credentials to an identity. What was verified lately, and tokens of ours, need no waiting; a password is verified on a thread
//! of its own, a few at once, and once for all requests that bring it meanwhile.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::Semaphore;

use super::credentials::Credentials;
use super::identity::{Identity, Name};
use super::issuers::{self, BadSigned, Issuer};
use super::known_login::KNOWN_TIME;
use super::logins::Logins;
use super::memo::{Memo, PASSWORD_TIME, SIGNED_TIME};
use super::refused::Refused;
use super::tokens::{BadToken, Tokens};
use super::users::Users;
use super::watched::Watched;
use crate::fault::Fault;
use crate::upstream::{Http, Peer};

/// Passwords that are verified at once: each may take a processor, and as much memory as its hash says.
const MAX_VERIFICATIONS: usize = 2;
/// Passwords that wait for that.
const MAX_WAITING: usize = 64;
/// When to try again where too many wait.
const BUSY_PAUSE: Duration = Duration::from_secs(2);

/// How clients sign in.
pub(super) struct SignIn {
    pub(super) users: Option<Watched<Users>>,
    pub(super) tokens: Watched<Tokens>,
    pub(super) issuers: Vec<Issuer>,
    memo: Memo,
    logins: Logins,
    running: Arc<Semaphore>,
    /// running and waiting
    admitted: Arc<Semaphore>,
}

/// What is known of credentials without waiting.
pub(super) enum Known {
    /// none came
    Nobody,
    /// this one, until then
    Is(Arc<Identity>, Instant),
    Refused(Refused),
    /// a password to verify
    Unverified {
        user: String,
        password: String,
    },
}

impl SignIn {
    pub(super) fn new(
        users: Option<Watched<Users>>,
        tokens: Watched<Tokens>,
        issuers: Vec<Issuer>,
    ) -> Result<SignIn, Fault> {
        Ok(SignIn {
            users,
            tokens,
            issuers,
            memo: Memo::new()?,
            logins: Logins::new(),
            running: Arc::new(Semaphore::new(MAX_VERIFICATIONS)),
            admitted: Arc::new(Semaphore::new(MAX_VERIFICATIONS + MAX_WAITING)),
        })
    }

    /// What is known of `credentials` at `now`.
    pub(super) fn known(&self, credentials: Credentials<'_>, now: Instant) -> Known {
        match credentials {
            Credentials::None => Known::Nobody,
            Credentials::Unusable(why) => Known::Refused(Refused::sign_in(why)),
            Credentials::Token(token) => match self.tokens.said().find(&token, unix_now()) {
                Ok((identity, end)) => Known::Is(Arc::clone(identity), until(end, KNOWN_TIME, now)),
                Err(BadToken::Unknown) => Known::Refused(Refused::sign_in("the token is unknown, or was revoked")),
                Err(BadToken::Expired) => Known::Refused(Refused::sign_in("the token has expired")),
            },
            Credentials::Signed(token) => self.signed(&token, now),
            Credentials::Password { user, password } => {
                let digest = self.memo.digest(&[&user, &password]);
                match self.memo.get(&digest, now) {
                    Some((identity, until)) => Known::Is(identity, until),
                    None => Known::Unverified { user, password },
                }
            }
        }
    }

    fn signed(&self, token: &str, now: Instant) -> Known {
        let digest = self.memo.digest(&[token]);
        if let Some((identity, until)) = self.memo.get(&digest, now) {
            return Known::Is(identity, until);
        }
        let generation = self.memo.generation();
        match issuers::verify(&self.issuers, token) {
            Ok((identity, end)) => {
                let identity = Arc::new(identity);
                let until = until(i64::try_from(end).ok(), SIGNED_TIME, now);
                self.memo.valid.insert(digest, Memo::remember(&identity, until, generation));
                Known::Is(identity, until)
            }
            Err(BadSigned::Refused(why)) => Known::Refused(Refused::sign_in(&why)),
            Err(BadSigned::NoKeys(why)) => Known::Refused(Refused::Unavailable { why, after: BUSY_PAUSE }),
        }
    }

    /// Verifies a password that `client` sent.
    ///
    /// # Errors
    /// Why there is no identity.
    pub(super) async fn verify(&self, client: Peer, user: &str, password: &str) -> Result<Arc<Identity>, Refused> {
        let digest = self.memo.digest(&[user, password]);
        // The first request verifies; the others wait for it, and take over where it does not succeed.
        let guard = match self.memo.valid.get_value_or_guard_async(&digest).await {
            Ok(_) => {
                let known = self.memo.get(&digest, Instant::now());
                return known
                    .map(|(identity, _)| identity)
                    .ok_or_else(|| Refused::busy("the password file changed just now", BUSY_PAUSE));
            }
            Err(guard) => guard,
        };
        let generation = self.memo.generation();
        let wrong = || Refused::sign_in("the user or the password is wrong");
        let Some((record, exists)) = self.users.as_ref().and_then(|users| users.said().record(user)) else {
            return Err(wrong());
        };
        let attempt = self.logins.begin(client, Instant::now()).map_err(|wait| Refused::TooMany {
            why: "too many failed logins from this address".to_owned(),
            after: wait,
        })?;
        let busy = || Refused::busy("too many logins are being verified", BUSY_PAUSE);
        let admitted = Arc::clone(&self.admitted).try_acquire_owned().map_err(|_| busy())?;
        let running = Arc::clone(&self.running).acquire_owned().await.map_err(|_| busy())?;
        let password = password.to_owned();
        let verified = tokio::task::spawn_blocking(move || {
            // Held here, and not by the request: a client that goes away does not make room for another verification.
            let _held = (admitted, running);
            record.matches(&password)
        });
        if !(verified.await.unwrap_or(false) && exists) {
            return Err(wrong());
        }
        attempt.succeeded();
        let identity = Arc::new(Identity::named(Name::User(user.to_owned())));
        let _ = guard.insert(Memo::remember(&identity, Instant::now() + PASSWORD_TIME, generation)); // else verified again
        Ok(identity)
    }

    /// The state of what is verified with; no other one has its number. Read before a verification begins.
    pub(super) fn generation(&self) -> u64 {
        self.memo.generation()
    }

    /// Reads files again that changed. Reads the disk.
    pub(super) fn refresh_files(&self) {
        let users = self.users.iter().map(Watched::refresh);
        let keys = self.issuers.iter().map(Issuer::refresh_file);
        let mut changed = false;
        for refreshed in users.chain(std::iter::once(self.tokens.refresh())).chain(keys) {
            match refreshed {
                Ok(is_new) => changed |= is_new,
                Err(fault) => tracing::error!("access: what was read before goes on: {fault}"),
            }
        }
        if changed {
            self.memo.forget();
            tracing::info!("access: users, tokens or keys were read again");
        }
    }

    /// Fetches keys of issuers that are due.
    pub(super) async fn refresh_keys(&self, http: &Http) {
        for issuer in &self.issuers {
            match issuer.refresh_fetched(http, Instant::now()).await {
                Ok(true) => self.memo.forget(),
                Ok(false) => {}
                Err(fault) => tracing::warn!("access: keys that were fetched before, if any, go on: {fault}"),
            }
        }
    }
}

/// When what ends at `end`, in seconds since 1970, has to be verified again: `most` after `now`, or then.
fn until(end: Option<i64>, most: Duration, now: Instant) -> Instant {
    let left = end.map(|end| Duration::from_secs(u64::try_from(end.saturating_sub(unix_now())).unwrap_or(0)));
    now + left.map_or(most, |left| left.min(most))
}

/// Seconds since 1970.
fn unix_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

//! What was verified is remembered for a short while, under a keyed hash: the key is random, and leaves this process nowhere, so
//! that nothing here can be used to guess a password.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aws_lc_rs::hmac::{self, HMAC_SHA256, Key, Tag};
use aws_lc_rs::rand::SystemRandom;
use quick_cache::sync::Cache;

use super::identity::Identity;
use crate::fault::Fault;

/// Credentials that are remembered at once.
const MAX_REMEMBERED: usize = 8192;
/// How long a verified password is remembered.
pub(super) const PASSWORD_TIME: Duration = Duration::from_secs(5 * 60);
/// How long a verified token of an issuer is remembered, at most.
pub(super) const SIGNED_TIME: Duration = Duration::from_secs(60);

/// The keyed hash of credentials.
pub(super) type Digest = [u8; 32];

/// Credentials that were found valid.
#[derive(Debug, Clone)]
pub(super) struct Remembered {
    pub(super) identity: Arc<Identity>,
    until: Instant,
    /// the state of the files that it was verified with
    generation: u64,
}

/// What was verified.
#[derive(Debug)]
pub(super) struct Memo {
    key: Key,
    pub(super) valid: Cache<Digest, Remembered>,
    generation: AtomicU64,
}

/// The number of the next state of what is verified with, over all memories of this process: a reload makes another.
static NEXT_GENERATION: AtomicU64 = AtomicU64::new(1);

fn next_generation() -> u64 {
    NEXT_GENERATION.fetch_add(1, Ordering::AcqRel)
}

impl Memo {
    /// Nothing is remembered yet.
    ///
    /// # Errors
    /// `Unavailable`: the system has no random numbers.
    pub(super) fn new() -> Result<Memo, Fault> {
        let key = Key::generate(HMAC_SHA256, &SystemRandom::new())
            .map_err(|_| Fault::machine("the system", "has no random numbers"))?;
        Ok(Memo { key, valid: Cache::new(MAX_REMEMBERED), generation: AtomicU64::new(next_generation()) })
    }

    /// The keyed hash of these parts, whose lengths are hashed too.
    pub(super) fn digest(&self, parts: &[&str]) -> Digest {
        let mut context = hmac::Context::with_key(&self.key);
        for part in parts {
            context.update(&crate::sumdb::number::wide(part.len()).to_le_bytes());
            context.update(part.as_bytes());
        }
        let tag: Tag = context.sign();
        let mut digest = Digest::default();
        digest.copy_from_slice(tag.as_ref());
        digest
    }

    /// The identity that is remembered, if it still counts at `now`, and until when it does.
    pub(super) fn get(&self, digest: &Digest, now: Instant) -> Option<(Arc<Identity>, Instant)> {
        let remembered = self.valid.get(digest)?;
        if now < remembered.until && remembered.generation == self.generation() {
            return Some((remembered.identity, remembered.until));
        }
        self.valid.remove(digest);
        None
    }

    /// What to remember until `until`, verified in the state `generation`.
    pub(super) fn remember(identity: &Arc<Identity>, until: Instant, generation: u64) -> Remembered {
        Remembered { identity: Arc::clone(identity), until, generation }
    }

    /// The state of what is verified with. Read before a verification begins.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Forgets everything: what it was verified with has changed.
    pub(super) fn forget(&self) {
        self.generation.store(next_generation(), Ordering::Release);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::identity::Name;
    use super::*;

    #[test]
    fn what_is_remembered_ends_with_its_time_and_with_the_files() {
        let (memo, now) = (Memo::new().unwrap(), Instant::now());
        let identity = Arc::new(Identity::named(Name::User("alice".to_owned())));
        let digest = memo.digest(&["alice", "pw"]);
        assert_ne!(digest, memo.digest(&["alicep", "w"]));
        assert_ne!(digest, Memo::new().unwrap().digest(&["alice", "pw"]), "keys differ");
        let insert = || memo.valid.insert(digest, Memo::remember(&identity, now + PASSWORD_TIME, memo.generation()));
        insert();
        assert!(memo.get(&digest, now).is_some() && memo.get(&digest, now + PASSWORD_TIME).is_none());
        insert();
        memo.forget();
        assert!(memo.get(&digest, now).is_none());
        assert_ne!(memo.generation(), Memo::new().unwrap().generation(), "no two have one");
    }
}

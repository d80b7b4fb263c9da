//! The credentials that a connection brought last, and whose they are. Most connections bring the same with every request, and are
//! not looked up anew each time: for a while, and until something changes of what they were verified with.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use parking_lot::Mutex;

use super::identity::Identity;

/// How long credentials are known, at most.
pub(super) const KNOWN_TIME: Duration = Duration::from_secs(60);
/// The longest `Authorization` header that is kept, in bytes: a connection may keep one.
const MAX_HEADER_BYTES: usize = 2048;

/// The credentials that one connection brought last.
#[derive(Default)]
pub struct KnownLogin(
    /// guards what is known; locked for a comparison
    Mutex<Option<Login>>,
);

struct Login {
    /// the whole header
    header: Box<[u8]>,
    identity: Arc<Identity>,
    until: Instant,
    /// the state of what it was verified with
    generation: u64,
}

// Nothing prints it.
impl fmt::Debug for KnownLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KnownLogin")
    }
}

impl KnownLogin {
    /// Whose header this is, if it is the one that came last and still counts at `now`.
    pub(super) fn identity(&self, header: &[u8], generation: u64, now: Instant) -> Option<Arc<Identity>> {
        let known = self.0.lock();
        let login = known.as_ref().filter(|login| login.generation == generation && now < login.until)?;
        verify_slices_are_equal(&login.header, header).ok()?;
        Some(Arc::clone(&login.identity))
    }

    /// This header was verified in the state `generation`, and counts until then.
    pub(super) fn learn(&self, header: &[u8], identity: &Arc<Identity>, until: Instant, generation: u64) {
        let fits = header.len() <= MAX_HEADER_BYTES;
        let login = || Login { header: header.into(), identity: Arc::clone(identity), until, generation };
        *self.0.lock() = fits.then(login);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::identity::Name;
    use super::*;

    #[test]
    fn a_login_is_known_by_every_byte_until_its_end_and_in_its_state() {
        let (login, now) = (KnownLogin::default(), Instant::now());
        let identity = Arc::new(Identity::named(Name::Token("a".to_owned())));
        let header = b"Bearer gst_x_y";
        assert!(login.identity(header, 7, now).is_none());
        login.learn(header, &identity, now + KNOWN_TIME, 7);
        assert!(login.identity(header, 7, now).is_some());
        assert!(login.identity(header, 8, now).is_none() && login.identity(header, 6, now).is_none());
        assert!(login.identity(header, 7, now + KNOWN_TIME).is_none());
        for at in 0..header.len() {
            let mut other = *header;
            *other.get_mut(at).unwrap() ^= 1;
            assert!(login.identity(&other, 7, now).is_none(), "{at}");
        }
        assert!(login.identity(b"", 7, now).is_none() && login.identity(b"Bearer gst_x_yy", 7, now).is_none());
        // Another one takes its place, also where it is too long to be kept.
        login.learn(b"Basic eDp5", &identity, now + KNOWN_TIME, 7);
        assert!(login.identity(header, 7, now).is_none() && login.identity(b"Basic eDp5", 7, now).is_some());
        login.learn(&[b'a'; MAX_HEADER_BYTES + 1], &identity, now + KNOWN_TIME, 7);
        assert!(login.identity(&[b'a'; MAX_HEADER_BYTES + 1], 7, now).is_none());
        assert!(login.identity(b"Basic eDp5", 7, now).is_none());
        assert_eq!(format!("{login:?}"), "KnownLogin");
    }
}

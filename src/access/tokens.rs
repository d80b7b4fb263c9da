//! Our own tokens, as requests need them: found by their id, compared as hashes in constant time.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::identity::{Identity, Name, Scopes};
use super::token_file::{PREFIX, StoredToken, TokenFile};
use crate::config::settings::{self, Action};
use crate::fault::Fault;

/// The tokens, by id.
#[derive(Default)]
pub(super) struct Tokens(HashMap<String, Token>);

struct Token {
    sha256: [u8; 32],
    /// seconds since 1970
    expires: Option<i64>,
    identity: Arc<Identity>,
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadToken {
    /// it was never made here, or is revoked
    Unknown,
    /// its time is over
    Expired,
}

impl Tokens {
    /// The tokens of the file at `path`; none where there is none.
    ///
    /// # Errors
    /// `Usage`: what is wrong with the file.
    pub(super) fn read(path: &Path) -> Result<Tokens, Fault> {
        let tokens = TokenFile::at(path).read()?.into_iter().map(|stored| {
            let id = stored.id.clone();
            let name = stored.name.clone();
            let wrong = |why: String| Fault::Usage(format!("{}: token {name:?}: {why}", path.display()));
            Token::of(stored).map(|token| (id, token)).map_err(wrong)
        });
        tokens.collect::<Result<_, Fault>>().map(Tokens)
    }

    /// Whose token this is at `now`, and when it ends, in seconds since 1970.
    pub(super) fn find(&self, token: &str, now: i64) -> Result<(&Arc<Identity>, Option<i64>), BadToken> {
        let id = token.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_')).map(|(id, _)| id);
        let found = id.and_then(|id| self.0.get(id)).ok_or(BadToken::Unknown)?;
        let sha256 = Sha256::digest(token);
        verify_slices_are_equal(&sha256, &found.sha256).map_err(|_| BadToken::Unknown)?;
        if found.expires.is_some_and(|end| now >= end) {
            return Err(BadToken::Expired);
        }
        Ok((&found.identity, found.expires))
    }

    /// Whether one has this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.values().any(|token| matches!(&token.identity.name, Name::Token(own) if own == name))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Token {
    fn of(stored: StoredToken) -> Result<Token, String> {
        let mut sha256 = [0; 32];
        hex::decode_to_slice(&stored.sha256, &mut sha256)
            .map_err(|_| "sha256 is not 64 hexadecimal digits".to_owned())?;
        let may = stored.may.iter().map(|word| Action::parse(word)).collect::<Result<Vec<_>, String>>()?;
        let modules = match stored.modules.as_slice() {
            [] => None,
            patterns => Some(settings::patterns(&patterns.join(","))?),
        };
        let identity = Identity { scopes: Some(Scopes { may, modules }), ..Identity::named(Name::Token(stored.name)) };
        Ok(Token { sha256, expires: stored.expires.map(Timestamp::as_second), identity: Arc::new(identity) })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::super::token_file::NewToken;
    use super::*;

    #[test]
    fn a_token_is_known_by_all_of_it_and_until_its_end() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("tokens.toml");
        let expires = Some(Timestamp::new(100, 0).unwrap());
        let new = NewToken { name: "a".to_owned(), may: vec!["read".to_owned()], modules: Vec::new(), expires };
        let file = TokenFile::at(&path);
        let secret = file.create(new, Timestamp::UNIX_EPOCH).unwrap();
        let tokens = Tokens::read(&path).unwrap();
        assert_eq!(tokens.find(&secret, 99).unwrap().0.name().as_ref(), "token:a");
        assert_eq!(tokens.find(&secret, 100).unwrap_err(), BadToken::Expired);
        for at in 0..secret.len() {
            let mut other = secret.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(tokens.find(&String::from_utf8(other).unwrap(), 0).unwrap_err(), BadToken::Unknown, "{at}");
        }
        for other in ["", "gst_", "gst__", &secret[..secret.len() - 1], &format!("{secret}A")] {
            assert_eq!(tokens.find(other, 0).unwrap_err(), BadToken::Unknown, "{other}");
        }
        file.revoke("a").unwrap();
        assert_eq!(Tokens::read(&path).unwrap().find(&secret, 0).unwrap_err(), BadToken::Unknown);
    }
}

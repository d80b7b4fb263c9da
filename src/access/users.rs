//! The password file, as `htpasswd -B` writes it: on each line a name, a colon and a hash. Only bcrypt and argon2 are accepted: the
//! others are too fast to keep a password that somebody stole the file of.

use std::collections::HashMap;
use std::path::Path;

use argon2::Argon2;
use argon2::password_hash::PasswordVerifier as _;
use argon2::password_hash::phc::PasswordHash;

use super::watched::{self, Readers};
use crate::fault::Fault;

/// The longest file that is read, in bytes.
const MAX_BYTES: u64 = 4 << 20;
/// The most work of one verification: bcrypt's cost. At 16 it takes seconds.
const MAX_BCRYPT_COST: u32 = 16;
/// The most memory of one verification with argon2, in KiB.
const MAX_ARGON2_KIB: u32 = 256 << 10;
/// The most passes of argon2 over its memory.
const MAX_ARGON2_PASSES: u32 = 64;

/// The hash of a password.
#[derive(Clone)]
pub(super) enum PasswordRecord {
    Bcrypt(String),
    Argon2(Box<PasswordHash>),
}

/// The users, by name.
#[derive(Default)]
pub(super) struct Users(HashMap<String, PasswordRecord>);

impl Users {
    /// The users of the file at `path`.
    ///
    /// # Errors
    /// `Usage`: the file cannot be read, others may write it, or a line is wrong. No message has a hash.
    pub(super) fn read(path: &Path) -> Result<Users, Fault> {
        Users::parse(&watched::read(path, MAX_BYTES, Readers::Anybody)?, path)
    }

    fn parse(text: &str, path: &Path) -> Result<Users, Fault> {
        let mut users = HashMap::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |why: String| Fault::Usage(format!("{}:{number}: {why}", path.display()));
            let (name, hash) = line.split_once(':').ok_or_else(|| {
                wrong("not a user; write NAME:HASH, as htpasswd -B does (the line is not shown)".to_owned())
            })?;
            let record = PasswordRecord::parse(hash)
                .map_err(|why| wrong(format!("user {name:?}: {why}; write the line anew with htpasswd -B")))?;
            if name.is_empty() || users.insert(name.to_owned(), record).is_some() {
                return Err(wrong(format!("user {name:?} has no name, or has a line already")));
            }
        }
        Ok(Users(users))
    }

    /// What to verify a password of `name` with, and whether there is such a user. For a name that nobody has it is the record of
    /// somebody else, so that the time of the answer does not tell.
    pub(super) fn record(&self, name: &str) -> Option<(PasswordRecord, bool)> {
        match self.0.get(name) {
            Some(record) => Some((record.clone(), true)),
            None => self.0.values().next().map(|other| (other.clone(), false)),
        }
    }
}

impl PasswordRecord {
    /// Understands a hash.
    ///
    /// # Errors
    /// Which kind it is that is not accepted, in words, without the hash.
    fn parse(hash: &str) -> Result<PasswordRecord, String> {
        let kind = |start: &[&str]| start.iter().any(|start| hash.starts_with(start));
        if kind(&["$2y$", "$2a$", "$2b$"]) {
            let parts: bcrypt::HashParts = hash.parse().map_err(|_| "its bcrypt hash is malformed".to_owned())?;
            if parts.get_cost() > MAX_BCRYPT_COST {
                return Err(format!(
                    "bcrypt with a cost above {MAX_BCRYPT_COST} is not accepted: each login would take seconds"
                ));
            }
            return Ok(PasswordRecord::Bcrypt(hash.to_owned()));
        }
        if kind(&["$argon2"]) {
            let malformed = || "its argon2 hash is malformed".to_owned();
            let record = PasswordHash::new(hash).map_err(|_| malformed())?;
            let params = argon2::Params::try_from(&record).map_err(|_| malformed())?;
            argon2::Algorithm::try_from(record.algorithm.as_str()).map_err(|_| malformed())?;
            if record.hash.is_none() || record.salt.is_none() {
                return Err(malformed());
            }
            if params.m_cost() > MAX_ARGON2_KIB || params.t_cost() > MAX_ARGON2_PASSES {
                return Err(format!(
                    "argon2 with more than {} MiB or {MAX_ARGON2_PASSES} passes is not accepted",
                    MAX_ARGON2_KIB >> 10
                ));
            }
            return Ok(PasswordRecord::Argon2(Box::new(record)));
        }
        let refused = if kind(&["$apr1$"]) {
            "Apache's MD5 ($apr1$) is"
        } else if kind(&["{SHA}"]) {
            "SHA-1 ({SHA}) is"
        } else if kind(&["$1$", "$5$", "$6$"]) {
            "crypt's MD5 or SHA ($1$, $5$, $6$) is"
        } else {
            "a password that is not hashed, or only by crypt, is"
        };
        Err(format!("{refused} not accepted; only bcrypt and argon2 are"))
    }

    /// Whether this is the hash of `password`. Takes as long, and as much memory, as the hash says.
    pub(super) fn matches(&self, password: &str) -> bool {
        match self {
            // Bcrypt reads 72 bytes, a NUL at the end among them: a longer password would be the same as its beginning.
            PasswordRecord::Bcrypt(hash) => bcrypt::non_truncating_verify(password, hash).unwrap_or(false),
            PasswordRecord::Argon2(record) => {
                Argon2::default().verify_password(password.as_bytes(), record.as_ref()).is_ok()
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// As htpasswd -nbB -C 4 writes it.
    const BCRYPT: &str = "$2y$04$zB0EnzPYzCpqBO6nNFbNcO4SGCVwmOJQKQ8L0V5K7FBFZQ0vTSjzC";

    fn parse(text: &str) -> Result<Users, String> {
        Users::parse(text, Path::new("users")).map_err(|fault| fault.to_string())
    }

    #[test]
    fn bcrypt_and_argon2_are_accepted() {
        use argon2::password_hash::PasswordHasher as _;
        let bcrypt = bcrypt::hash_with_salt("pw", 4, [7; 16]).unwrap().format_for_version(bcrypt::Version::TwoY);
        let params = argon2::Params::new(64, 1, 1, None).unwrap();
        let argon = Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
        let argon: PasswordHash = argon.hash_password_with_salt(b"pw", b"salt of sixteen.").unwrap();
        let users = parse(&format!("# us\n\nalice:{bcrypt}\r\nbob:{argon}\n")).unwrap();
        for name in ["alice", "bob"] {
            let (record, exists) = users.record(name).unwrap();
            assert!(exists && record.matches("pw") && !record.matches("pW") && !record.matches(""));
        }
        let (record, exists) = users.record("carol").unwrap();
        assert!(!exists, "verified against another's hash, and refused whatever comes of it");
        assert!(!record.matches("x"));
        // Bcrypt reads 72 bytes, the NUL at the end of the password among them.
        let hashed = |len: usize| {
            let hash = bcrypt::hash_with_salt("p".repeat(len), 4, [7; 16]).unwrap().to_string();
            PasswordRecord::parse(&hash).unwrap()
        };
        assert!(hashed(71).matches(&"p".repeat(71)) && !hashed(72).matches(&"p".repeat(73)));
        assert!(parse("").unwrap().record("alice").is_none());
    }

    #[test]
    fn what_is_not_accepted_is_named_and_not_shown() {
        for (line, words) in [
            ("a:$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/", "Apache's MD5"),
            ("a:{SHA}fEqNCco3Yq9h5ZUglD3CZJT4lBs=", "SHA-1"),
            ("a:$6$saltsalt$secret", "crypt's MD5 or SHA"),
            ("a:$5$saltsalt$secret", "crypt's MD5 or SHA"),
            ("a:opensesame", "not hashed"),
            ("opensesame", "not a user"),
            ("a:$2y$31$zB0EnzPYzCpqBO6nNFbNcO4SGCVwmOJQKQ8L0V5K7FBFZQ0vTSjzC", "a cost above 16"),
            ("a:$2y$04$short", "malformed"),
            ("a:$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0", "malformed"),
            ("a:$argon2id$v=19$m=4194304,t=1,p=1$c2FsdHNhbHRzYWx0$c2FsdHNhbHRzYWx0c2FsdA", "more than 256 MiB"),
            ("a:$argon9$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0$c2FsdHNhbHRzYWx0c2FsdA", "not hashed"),
        ] {
            let why = parse(&format!("# one\n{line}\n")).err().unwrap();
            assert!(why.starts_with("users:2: ") && why.contains(words), "{why}");
            let secret = line.rsplit(['$', ':']).next().unwrap();
            assert!(!why.contains(secret), "{why}");
        }
        let twice = format!("a:{BCRYPT}\na:{BCRYPT}\n");
        assert!(parse(&twice).err().unwrap().starts_with("users:2: user \"a\""));
    }
}

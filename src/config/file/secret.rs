//! Passwords and tokens: read from files that only their owner need be able to read, shown nowhere.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// The longest secret, in bytes, its line end included.
const LIMIT: u64 = 16 << 10;

/// A password or a token.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The first and only line of a file.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub(super) fn read(path: &Path) -> Result<Secret, String> {
        let mut text = String::new();
        let read = File::open(path).and_then(|file| file.take(LIMIT).read_to_string(&mut text));
        read.map_err(|error| format!("{}: cannot be read: {error}", path.display()))?;
        let secret = text.trim_end_matches(['\n', '\r']);
        if secret.is_empty() || !secret.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
            return Err(format!("{}: is not one line of printable ASCII", path.display()));
        }
        Ok(Secret(secret.to_owned()))
    }

    /// The secret, for the one who sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

// Nothing prints it.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

//! Passwords and tokens: read from files that only their owner need be able to read, and that nobody else may write; shown nowhere.

use std::fmt;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::values::unread;
use crate::files;
use crate::sumdb::number::wide;

/// The longest secret, in bytes, its line end included.
const LIMIT: u64 = 16 << 10;
/// Permission to write for the group and for all others.
const OTHERS_WRITE: u32 = 0o022;

/// A password or a token.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The first and only line of a file.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub(super) fn read(path: &Path) -> Result<Secret, String> {
        let failed = |error| format!("{}: {}", path.display(), unread(&error));
        let file = files::open_named(path).map_err(failed)?;
        let found = file.metadata().map_err(failed)?;
        if found.is_file() && found.permissions().mode() & OTHERS_WRITE != 0 {
            // A user who can write the file chooses the identity that this server signs in with.
            let name = path.display();
            return Err(format!("{name}: others than its owner may write it; take that from them: chmod 600 {name}"));
        }
        let bytes = files::read_bounded(file, LIMIT).map_err(failed)?;
        let text = String::from_utf8(bytes).unwrap_or_default();
        let secret = text.trim_end_matches(['\n', '\r']);
        if secret.is_empty()
            || wide(text.len()) > LIMIT
            || !secret.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
        {
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

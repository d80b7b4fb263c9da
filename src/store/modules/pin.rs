//! The hash that stands beside a file: `h1:` and 44 characters, as the go command writes its `.ziphash`.

use std::io;
use std::path::Path;

use super::super::cache::read_bounded;
use crate::sumdb::gosum::SumHash;

/// The longest file that is read for a hash, in bytes.
const PIN_LIMIT: u64 = 256;

/// What stands where a hash belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pin {
    Missing,
    /// something, but no hash
    Damaged,
    Is(SumHash),
}

impl Pin {
    pub(super) fn read(path: &Path) -> io::Result<Pin> {
        use io::ErrorKind::{InvalidFilename, NotADirectory, NotFound};
        match path.symlink_metadata() {
            Ok(found) if found.is_file() => {}
            Ok(_) => return Ok(Pin::Damaged),
            Err(error) if matches!(error.kind(), NotFound | NotADirectory | InvalidFilename) => {
                return Ok(Pin::Missing);
            }
            Err(error) => return Err(error),
        }
        let bytes = read_bounded(path, PIN_LIMIT)?.unwrap_or_default();
        let hash = str::from_utf8(&bytes).ok().and_then(|text| SumHash::parse(text.trim_ascii_end()).ok());
        Ok(hash.map_or(Pin::Damaged, Pin::Is))
    }
}

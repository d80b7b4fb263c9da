//! A file of the data folder that is read whole.

use std::io::ErrorKind;
use std::path::Path;

use super::words::unavailable;
use crate::fault::Fault;
use crate::files;
use crate::sumdb::number::wide;

/// All bytes of the file at `path`; none where there is no file.
///
/// # Errors
/// `Unavailable`: it cannot be read, or has more than `limit` bytes: nothing may go by the first part of it.
pub(super) fn whole(path: &Path, limit: u64) -> Result<Vec<u8>, Fault> {
    let failed = |error| unavailable(path, "read", &error);
    let bytes = match files::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        opened => files::read_bounded(opened.map_err(failed)?, limit).map_err(failed)?,
    };
    if wide(bytes.len()) > limit {
        let why = format!("is longer than the {limit} bytes that are read; move it away");
        return Err(Fault::machine(path.display().to_string(), why));
    }
    Ok(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_longer_than_the_limit_is_not_cut() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("x");
        assert_eq!(whole(&path, 3).unwrap(), b"");
        std::fs::write(&path, "abc").unwrap();
        assert_eq!(whole(&path, 3).unwrap(), b"abc");
        std::fs::write(&path, "abcd").unwrap();
        assert!(whole(&path, 3).unwrap_err().to_string().contains("is longer than the 3 bytes"));
    }
}

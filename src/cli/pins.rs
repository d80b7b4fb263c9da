//! What `heads.pin` names: signed heads in files, to which first contact is held in place of the head that the program carries.

use std::path::PathBuf;

use crate::database::Database;
use crate::fault::Fault;
use crate::files;
use crate::sumdb::checkpoint::{Checkpoint, Policy};
use crate::sumdb::note::VerifierKey;

/// The longest note that is read, in bytes.
const MAX_NOTE_BYTES: u64 = 1 << 20;

/// The heads of the log with this key in `paths`, which are named at `place`; those of `others` may be among the files.
///
/// # Errors
/// `Usage`: a file cannot be read, or holds no head that one of the keys signed.
pub(super) fn read(
    paths: &[PathBuf],
    place: &str,
    key: &VerifierKey,
    others: &[VerifierKey],
) -> Result<Vec<Checkpoint>, Fault> {
    let mut pinned = Vec::new();
    for path in paths {
        let refused = |why: String| Fault::Usage(format!("{place}: {}: {why}", path.display()));
        let read = files::open_named(path).and_then(|file| files::read_bounded(file, MAX_NOTE_BYTES));
        let note = read.map_err(|error| refused(format!("cannot be read: {}", files::explain(&error))))?;
        let opened = |key: &VerifierKey| Checkpoint::open(&note, &Policy::log(key.clone()));
        match opened(key) {
            Ok(head) => pinned.push(head),
            Err(_) if others.iter().any(|other| opened(other).is_ok()) => {}
            Err(error) => return Err(refused(format!("is not a signed tree head of {}: {error}", key.name()))),
        }
    }
    Ok(pinned)
}

/// The same database, held to `heads` at first contact, where there are any, in place of the head that the program carries.
pub(super) fn hold(database: Database, heads: Vec<Checkpoint>) -> Database {
    if heads.is_empty() { database } else { database.pinned(heads) }
}

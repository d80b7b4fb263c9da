//! `--pin-head`: signed heads in files, to which first contact is held in place of the head that the program carries.

use std::path::PathBuf;

use crate::fault::Fault;
use crate::files;
use crate::sumdb::checkpoint::{Checkpoint, Policy};
use crate::sumdb::note::VerifierKey;

/// The longest note that is read, in bytes.
const MAX_NOTE_BYTES: u64 = 1 << 20;

/// The heads in `paths`, those of each of `keys` by itself.
///
/// # Errors
/// `Usage`: a file cannot be read, or holds no head that one of the keys signed.
pub(super) fn read(paths: &[PathBuf], keys: &[&VerifierKey]) -> Result<Vec<Vec<Checkpoint>>, Fault> {
    let mut pinned = vec![Vec::new(); keys.len()];
    for path in paths {
        let refused = |why: String| Fault::Usage(format!("--pin-head: {}: {why}", path.display()));
        let read = files::open_named(path).and_then(|file| files::read_bounded(file, MAX_NOTE_BYTES));
        let note = read.map_err(|error| refused(format!("cannot be read: {}", files::explain(&error))))?;
        let mut why = "there is no database".to_owned();
        let mut is_taken = false;
        for (key, heads) in keys.iter().zip(&mut pinned) {
            match Checkpoint::open(&note, &Policy::log((*key).clone())) {
                Ok(head) => {
                    heads.push(head);
                    is_taken = true;
                }
                Err(error) => why = format!("is not a signed tree head of {}: {error}", key.name()),
            }
        }
        if !is_taken {
            return Err(refused(why));
        }
    }
    Ok(pinned)
}

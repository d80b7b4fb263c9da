//! A file with one secret key that signs notes: made once, for its owner alone, and read only where nobody else can read it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use crate::fault::Fault;
use crate::files;
use crate::sumdb::note::SignerKey;
use crate::sumdb::number::wide;

/// A key has about a hundred bytes, and a name.
const MAX_BYTES: u64 = 4 << 10;
/// What the mode of the file may not have: anything for the group or for others.
const OTHERS: u32 = 0o077;

/// The key in the file at `path`.
///
/// # Errors
/// `Unavailable`: it cannot be read, other users can read it, or it holds no key. No message has any of its bytes.
pub fn read(path: &Path) -> Result<SignerKey, Fault> {
    let unfit = |why: String| Fault::machine(path.display().to_string(), why);
    let failed = |error: io::Error| unfit(format!("cannot be read: {}", files::explain(&error)));
    let file = files::open_named(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode();
    if mode & OTHERS != 0 {
        let why = format!(
            "is a secret key, and its mode {:04o} lets other users at it; set it with chmod 600",
            mode & 0o7777
        );
        return Err(unfit(why));
    }
    let bytes = files::read_bounded(file, MAX_BYTES).map_err(failed)?;
    let text = std::str::from_utf8(&bytes).ok().filter(|_| wide(bytes.len()) <= MAX_BYTES);
    let text = text.ok_or_else(|| unfit("is not a secret key: `gosumcheck key generate` makes one".to_owned()))?;
    SignerKey::parse(text.trim()).map_err(|error| unfit(format!("holds no key that signs: {error}")))
}

/// Writes `key` to a new file at `path`, durably.
///
/// # Errors
/// `Unavailable`: something has that name, or the disk failed; then there is no file.
pub fn create(path: &Path, key: &SignerKey) -> Result<(), Fault> {
    let unfit = |why: String| Fault::machine(path.display().to_string(), why);
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = opened.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            unfit("is there already: a key is never written over; name a new file".to_owned())
        }
        _ => unfit(format!("cannot be made: {}", files::explain(&error))),
    })?;
    let written =
        writeln!(file, "{}", key.secret_text()).and_then(|()| file.sync_all()).and_then(|()| sync_parent(path));
    written.map_err(|error| {
        // A key that may be lost with the next power cut is not used.
        let _ = std::fs::remove_file(path);
        unfit(format!("cannot be written: {}", files::explain(&error)))
    })
}

fn sync_parent(path: &Path) -> io::Result<()> {
    File::open(files::folder_of(path))?.sync_all()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs::{Permissions, set_permissions};

    use super::*;
    use crate::sumdb::note::KeyKind;

    #[test]
    fn a_key_is_made_once_for_its_owner_and_read_back() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("key");
        let key = SignerKey::of_kind(KeyKind::Witness, "w.example", [3; 32]).unwrap();
        create(&path, &key).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
        assert_eq!(read(&path).unwrap().secret_text(), key.secret_text());
        let other = SignerKey::of_kind(KeyKind::Witness, "w.example", [4; 32]).unwrap();
        assert!(create(&path, &other).unwrap_err().to_string().contains("is there already"));
        assert_eq!(read(&path).unwrap().secret_text(), key.secret_text(), "it stays as it was");
        for mode in [0o640, 0o604, 0o660, 0o644] {
            set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert!(read(&path).unwrap_err().to_string().contains("chmod 600"), "{mode:o}");
        }
    }

    #[test]
    fn no_message_about_a_damaged_key_has_a_part_of_it() {
        let root = tempfile::tempdir().unwrap();
        let key = SignerKey::from_seed("n.example", [5; 32]).unwrap().secret_text();
        let secret = key.splitn(5, '+').nth(4).unwrap();
        for (number, text) in [
            key.replace(secret, secret.get(4..).unwrap()),
            key.replace("n.example", "o.example"),
            key.to_lowercase(),
            key.repeat(99),
        ]
        .into_iter()
        .enumerate()
        {
            let path = root.path().join(number.to_string());
            std::fs::write(&path, &text).unwrap();
            set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            let said = read(&path).unwrap_err().to_string();
            assert!(!said.contains(secret.get(..8).unwrap()) && !said.contains("PRIVATE+KEY+n"), "{said}");
        }
    }
}

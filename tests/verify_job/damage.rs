//! Ways in which a stored file can be damaged.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

/// One way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Damage {
    /// a bit of the byte at this part of the file, in thousandths of its length, flips
    Flip(usize),
    /// it ends after so many thousandths
    Cut(usize),
    /// bytes are added at its end
    Grown,
    Removed,
    /// its bytes and those of another file change places
    Swapped,
    /// all of it is zeros
    Zeroed,
    /// its mode
    Mode(u32),
    /// a link to the same bytes elsewhere
    Linked,
}

/// The ways of the matrix.
pub(crate) const ALL: [Damage; 13] = [
    Damage::Flip(0),
    Damage::Flip(500),
    Damage::Flip(333),
    Damage::Flip(999),
    Damage::Cut(0),
    Damage::Cut(700),
    Damage::Grown,
    Damage::Removed,
    Damage::Swapped,
    Damage::Zeroed,
    Damage::Mode(0o000),
    Damage::Mode(0o666),
    Damage::Linked,
];

impl Damage {
    /// Does it to the file at `path`; `neighbour` is another one, and `elsewhere` a place for what a link leads to. Says whether
    /// anything is different then.
    pub(crate) fn does(self, path: &Path, neighbour: &Path, elsewhere: &Path) -> bool {
        let bytes = fs::read(path).unwrap();
        let part = |thousandths: usize| (bytes.len() * thousandths / 1000).min(bytes.len().saturating_sub(1));
        let write = |damaged: &[u8]| fs::write(path, damaged).unwrap();
        match self {
            Damage::Flip(_) if bytes.is_empty() => return false,
            Damage::Flip(thousandths) => {
                let (mut damaged, at) =
                    (bytes.clone(), if thousandths == 999 { bytes.len() - 1 } else { part(thousandths) });
                damaged[at] ^= 1 << (at % 8);
                write(&damaged);
            }
            Damage::Cut(thousandths) => write(&bytes[..part(thousandths)]),
            Damage::Grown => write(&[&bytes[..], b"grown"].concat()),
            Damage::Removed => fs::remove_file(path).unwrap(),
            Damage::Swapped => {
                let other = fs::read(neighbour).unwrap();
                if other == bytes {
                    return false;
                }
                write(&other);
                fs::write(neighbour, &bytes).unwrap();
            }
            Damage::Zeroed => write(&vec![0; bytes.len()]),
            Damage::Mode(mode) => fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap(),
            Damage::Linked => {
                fs::write(elsewhere, &bytes).unwrap();
                fs::remove_file(path).unwrap();
                symlink(elsewhere, path).unwrap();
            }
        }
        true
    }
}

/// A file as it is, to be put back.
pub(crate) struct Kept {
    bytes: Vec<u8>,
    mode: u32,
}

impl Kept {
    pub(crate) fn of(path: &Path) -> Kept {
        let mode = path.metadata().unwrap().permissions().mode();
        Kept { bytes: fs::read(path).unwrap(), mode }
    }

    /// Whether the file is as it was, to the byte, and no link.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        let Ok(found) = path.symlink_metadata() else { return false };
        found.is_file() && found.permissions().mode() == self.mode && fs::read(path).unwrap() == self.bytes
    }

    /// Whether the file begins as it was: what is beyond the tree is cut off by the next commit.
    pub(crate) fn begins(&self, path: &Path) -> bool {
        path.symlink_metadata().is_ok_and(|found| found.is_file()) && fs::read(path).unwrap().starts_with(&self.bytes)
    }

    pub(crate) fn put_back(&self, path: &Path) {
        let _ = fs::remove_file(path);
        fs::write(path, &self.bytes).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(self.mode)).unwrap();
    }
}

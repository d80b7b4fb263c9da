//! Opening files that somebody else may have put there. Only regular files are opened, no open waits for another process, and a
//! name below a [`Tree`] does not lead out of it.

mod certificate;
mod pem;
mod tree;

use std::fs::{File, FileType};
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::retry_on_intr;

pub use certificate::CertificatePeriod;
pub use pem::{NO_CERTIFICATES, read_certificates};
pub use tree::{Links, Tree, open_below};

/// How a file is opened for reading: a pipe or a device does not block, and no terminal becomes the process's own.
const READ: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// The folder that `path` is in: of a relative path of one element, the working folder.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Why something is not read, though it is there. In an [`io::Error`], see [`Unfit::of`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// a FIFO: opening it could wait for ever
    #[error("is a named pipe (FIFO), not a regular file")]
    Pipe,
    /// a Unix socket
    #[error("is a socket, not a regular file")]
    Socket,
    /// a character or block device
    #[error("is a device, not a regular file")]
    Device,
    /// a directory
    #[error("is a folder, not a regular file")]
    Folder,
    /// a symbolic link, where none is followed
    #[error("is a link, not a regular file")]
    Link,
    /// a symbolic link to an absolute path, or with `..` above the root of its tree
    #[error("is a link that leads out of the folder, so it was not read")]
    Leaves,
    /// anything else
    #[error("is not a regular file")]
    Other,
}

impl Unfit {
    /// What keeps a file of this type from being read; none for a regular file.
    pub fn of_type(found: FileType) -> Option<Unfit> {
        match found {
            found if found.is_file() => None,
            found if found.is_dir() => Some(Unfit::Folder),
            found if found.is_symlink() => Some(Unfit::Link),
            found if found.is_fifo() => Some(Unfit::Pipe),
            found if found.is_socket() => Some(Unfit::Socket),
            found if found.is_char_device() || found.is_block_device() => Some(Unfit::Device),
            _ => Some(Unfit::Other),
        }
    }

    /// The reason that `error` carries; none where the system failed.
    pub fn of(error: &io::Error) -> Option<Unfit> {
        error.get_ref()?.downcast_ref().copied()
    }
}

impl From<Unfit> for io::Error {
    fn from(unfit: Unfit) -> io::Error {
        io::Error::other(unfit)
    }
}

/// What `error` says, fit to stand behind `cannot be read: `.
pub fn explain(error: &io::Error) -> String {
    Unfit::of(error).map_or_else(|| error.to_string(), |unfit| format!("it {unfit}"))
}

/// Opens the regular file at `path` for reading. Links are followed.
///
/// # Errors
/// Those of the system, and an [`Unfit`].
pub fn open(path: &Path) -> io::Result<File> {
    // Looked at before: the mere opening of a device can do something.
    require_regular(path.metadata()?.file_type())?;
    let file = File::from(retry_on_intr(|| openat(CWD, path, READ, Mode::empty()))?);
    // Something else may have taken its place.
    require_regular(file.metadata()?.file_type())?;
    Ok(file)
}

/// Opens what the user named for reading: a regular file, links followed, or whatever a shell opened for this process
/// (`/dev/stdin`, `/dev/fd/N` as in `<(...)`, `/proc/self/fd/N`).
///
/// # Errors
/// Those of the system, and an [`Unfit`].
pub fn open_named(path: &Path) -> io::Result<File> {
    if is_own_descriptor(path) { File::open(path) } else { open(path) }
}

/// The bytes that `from` gives, but not more than `limit` + 1 of them: a caller that gets more than `limit` refuses them.
///
/// # Errors
/// Those of `from`.
pub fn read_bounded(from: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether a path names an open file of this process, as a shell passes it.
pub fn is_own_descriptor(path: &Path) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let text = path.to_str().unwrap_or_default();
    ["/dev/stdin", "/dev/stdout", "/dev/stderr"].contains(&text)
        || ["/dev/fd/", "/proc/self/fd/"].iter().any(|folder| text.strip_prefix(folder).is_some_and(number))
}

fn require_regular(found: FileType) -> io::Result<()> {
    Unfit::of_type(found).map_or(Ok(()), |unfit| Err(unfit.into()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use rustix::fs::{FileType as Kind, mknodat};

    use super::*;

    #[test]
    fn only_regular_files_are_opened_and_nothing_is_waited_for() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        std::fs::write(at("file"), "x").unwrap();
        symlink("file", at("link")).unwrap();
        mknodat(CWD, at("pipe"), Kind::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        symlink("pipe", at("to-pipe")).unwrap();
        let _listener = UnixListener::bind(at("socket")).unwrap();
        symlink("/dev/zero", at("zero")).unwrap();
        for open in [open, open_named] {
            for path in [at("file"), at("link")] {
                assert_eq!(read_bounded(open(&path).unwrap(), 9).unwrap(), b"x");
            }
            let unfit = |name: &str| Unfit::of(&open(&at(name)).unwrap_err());
            assert_eq!(unfit("pipe"), Some(Unfit::Pipe));
            assert_eq!(unfit("to-pipe"), Some(Unfit::Pipe));
            assert_eq!(unfit("socket"), Some(Unfit::Socket));
            assert_eq!(unfit("zero"), Some(Unfit::Device));
            assert_eq!(unfit(""), Some(Unfit::Folder));
            assert_eq!(open(&at("none")).unwrap_err().kind(), io::ErrorKind::NotFound);
        }
    }

    #[test]
    fn a_bounded_read_shows_that_there_is_more() {
        assert_eq!(read_bounded(&b"abc"[..], 3).unwrap(), b"abc");
        assert_eq!(read_bounded(&b"abcdef"[..], 3).unwrap(), b"abcd");
    }

    #[test]
    fn what_a_shell_opened_is_known_by_its_path() {
        for path in ["/dev/stdin", "/dev/fd/0", "/dev/fd/63", "/proc/self/fd/3"] {
            assert!(is_own_descriptor(path.as_ref()), "{path}");
        }
        for path in ["/dev/fd/", "/dev/fd/x", "/dev/fd/../tty", "dev/fd/3", "/proc/1/fd/0", "/dev/zero", ""] {
            assert!(!is_own_descriptor(path.as_ref()), "{path}");
        }
    }
}

//! A file in the place of a link, so that what is below the data folder is all of it.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::Folder;
use super::lock::Lock;
use super::words::unavailable;
use crate::fault::Fault;
use crate::files::{self, Unfit};
use crate::sumdb::number::wide;

/// Bytes that are copied at a time.
const COPIED_AT_ONCE: usize = 1 << 20;

impl Folder {
    /// Puts a file with the same bytes in the place of a link, durably; says whether a link was there. What the link led to stays as it
    /// is. A link to nothing, or to what is not a file, is removed. The caller keeps away who writes there.
    ///
    /// # Errors
    /// `Unavailable`: the disk, or what the link leads to cannot be read; then the link is still there.
    pub fn replace_link(&self, path: &Path) -> Result<bool, Fault> {
        if !path.symlink_metadata().is_ok_and(|found| found.is_symlink()) {
            return Ok(false);
        }
        let disk = self.disk();
        let dir = path.parent().unwrap_or(path);
        match files::open(path) {
            Ok(from) => {
                let copy = self.copied(&from, path)?;
                disk.rename(&copy, path).map_err(|error| unavailable(path, "write", &error))?;
            }
            Err(error) if leads_nowhere(&error) => {
                disk.remove(path).map_err(|error| unavailable(path, "remove", &error))?;
            }
            Err(error) => return Err(unavailable(path, "read", &error)),
        }
        disk.sync_folder(dir).map_err(|error| unavailable(dir, "sync", &error))?;
        Ok(true)
    }

    /// The same of a file that is kept beside log and modules, while nobody writes there.
    ///
    /// # Errors
    /// As [`Folder::replace_link`]; `Unavailable` also where another process keeps the lock.
    pub fn replace_kept_link(&self, path: &Path) -> Result<bool, Fault> {
        if !path.symlink_metadata().is_ok_and(|found| found.is_symlink()) {
            return Ok(false);
        }
        // A server has its journal open for as long as it runs.
        let is_journal = path.parent() == Some(self.root());
        let (_server, _writer) = match path.extension().and_then(|extension| extension.to_str()) {
            _ if is_journal => (Some(self.modules().claim()?), None),
            Some("jsonl") if path.with_extension("lock").exists() => {
                (None, Some(Lock::acquire(&path.with_extension("lock"))?))
            }
            _ => (None, Some(Lock::acquire(&path.with_file_name("lock"))?)),
        };
        self.replace_link(path)
    }

    /// A durable copy of `from` beside `path`, under a name of its own.
    fn copied(&self, from: &File, path: &Path) -> Result<PathBuf, Fault> {
        let disk = self.disk();
        let copy = path.with_extension("copy");
        let failed = |error: io::Error| unavailable(&copy, "write", &error);
        match disk.remove(&copy) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(unavailable(&copy, "remove", &error)),
            _ => {}
        }
        let to = disk.open(&copy).map_err(failed)?;
        let mut bytes = vec![0; COPIED_AT_ONCE];
        let mut at = 0;
        loop {
            let read = from.read_at(&mut bytes, at).map_err(|error| unavailable(path, "read", &error))?;
            if read == 0 {
                break;
            }
            disk.write_at(&to, bytes.get(..read).unwrap_or_default(), at).map_err(failed)?;
            at += wide(read);
        }
        disk.sync(&to).map_err(failed)?;
        Ok(copy)
    }
}

/// Whether a link that cannot be opened for this leads to no file. Where it cannot be told, its bytes may be all that there is.
fn leads_nowhere(error: &io::Error) -> bool {
    let is_loop = Errno::from_io_error(error) == Some(Errno::LOOP);
    is_loop || matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) || Unfit::of(error).is_some()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_a_link_that_leads_nowhere_is_removed() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::open(root.path()).unwrap();
        let at = |name: &str| root.path().join(name);
        fs::write(at("there"), "bytes").unwrap();
        fs::create_dir(at("folder")).unwrap();
        for (name, target, left) in [
            ("file", "there", Some("bytes")),
            ("nothing", "absent", None),
            ("below", "there/absent", None),
            ("itself", "itself", None),
            ("no-file", "folder", None),
        ] {
            symlink(target, at(name)).unwrap();
            assert!(folder.replace_link(&at(name)).unwrap(), "{name}");
            assert!(!at(name).is_symlink() && fs::read_to_string(at(name)).ok().as_deref() == left, "{name}");
        }
        // The system gives no answer.
        symlink("x".repeat(300), at("untold")).unwrap();
        assert!(matches!(folder.replace_link(&at("untold")), Err(Fault::Unavailable { .. })));
        assert!(at("untold").is_symlink());
    }
}

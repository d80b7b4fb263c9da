//! Files that change under a running server: read whole, and read again when they look otherwise. Where what they say is wrong, what
//! they said before goes on.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::RwLock;

use crate::fault::Fault;
use crate::files;
use crate::sumdb::number::wide;

/// Permission to write for the group and for all others.
const OTHERS_WRITE: u32 = 0o022;
/// Permission to read for the group and for all others.
const OTHERS_READ: u32 = 0o044;

/// Which users of this machine may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readers {
    /// its owner
    Owner,
    /// those that its mode lets
    Anybody,
}

/// How a file looks: another look means other content.
type Look = Option<(u64, u64, i64, i64, u64)>;

/// A file, and what it says.
pub(super) struct Watched<T> {
    path: PathBuf,
    read: fn(&Path) -> Result<T, Fault>,
    state: RwLock<(Look, Arc<T>)>,
}

impl<T> Watched<T> {
    /// Reads the file.
    ///
    /// # Errors
    /// Those of `read`.
    pub(super) fn open(path: &Path, read: fn(&Path) -> Result<T, Fault>) -> Result<Watched<T>, Fault> {
        // Before it is read: a change meanwhile is seen the next time.
        let look = look(path);
        let said = Arc::new(read(path)?);
        Ok(Watched { path: path.to_path_buf(), read, state: RwLock::new((look, said)) })
    }

    /// What it says.
    pub(super) fn said(&self) -> Arc<T> {
        Arc::clone(&self.state.read().1)
    }

    /// Reads it again if it looks otherwise; gives whether it says something new.
    ///
    /// # Errors
    /// Those of reading it; what it said before goes on.
    pub(super) fn refresh(&self) -> Result<bool, Fault> {
        let look = look(&self.path);
        if look == self.state.read().0 {
            return Ok(false);
        }
        let said = (self.read)(&self.path);
        let mut state = self.state.write();
        state.0 = look; // one complaint a change
        state.1 = Arc::new(said?);
        Ok(true)
    }
}

fn look(path: &Path) -> Look {
    let found: Metadata = path.metadata().ok()?;
    Some((found.dev(), found.ino(), found.ctime(), found.ctime_nsec(), found.len()))
}

/// The text of a file that only its owner may write, and only `readers` read.
///
/// # Errors
/// `Usage`: what is wrong with the file.
pub(super) fn read(path: &Path, limit: u64, readers: Readers) -> Result<String, Fault> {
    let name = path.display();
    let failed = |error: io::Error| Fault::Usage(format!("{name}: cannot be read: {}", files::explain(&error)));
    let file = files::open_named(path).map_err(failed)?;
    let found = file.metadata().map_err(failed)?;
    let mode = found.permissions().mode();
    if found.is_file() && mode & OTHERS_WRITE != 0 {
        return Err(Fault::Usage(format!(
            "{name}: others than its owner may write it, and could let themselves in; chmod 600 {name}"
        )));
    }
    if found.is_file() && readers == Readers::Owner && mode & OTHERS_READ != 0 {
        return Err(Fault::Usage(format!("{name}: others than its owner may read it; chmod 600 {name}")));
    }
    let bytes = files::read_bounded(file, limit).map_err(failed)?;
    if wide(bytes.len()) > limit {
        return Err(Fault::Usage(format!("{name}: has more than {limit} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| Fault::Usage(format!("{name}: is not text in UTF-8")))
}

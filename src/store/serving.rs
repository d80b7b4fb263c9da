//! Which process serves from a data folder: a file that the server keeps locked, with its process id and what came of its last
//! reload. `gosumcheck serve --reload` finds the server by it.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::words::unavailable;
use super::{Folder, modes};
use crate::fault::Fault;
use crate::files;
use crate::sumdb::number::wide;

/// The file below the data folder.
const NAME: &str = "serving";
/// The longest that is read of it, in bytes.
const LIMIT: usize = 64 << 10;
/// How often it is read while the server writes it, which takes two calls of the system.
const TRIES: usize = 100;
/// How long to wait between two tries.
const PAUSE: Duration = Duration::from_millis(10);

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerState {
    /// its process id
    pub pid: i32,
    /// how many reloads it has tried
    pub reloads: u64,
    /// whether the last one changed nothing, since something was wrong
    pub refused: bool,
    /// what came of the last one, in one line
    pub last: String,
    /// the files of settings that it reads; none where it does not say
    #[serde(default)]
    pub settings: Option<Vec<PathBuf>>,
}

/// The file of a running server, which is locked until this is dropped.
#[derive(Debug)]
pub struct ServingFile {
    file: File,
    path: PathBuf,
}

impl ServingFile {
    /// Writes what the server says of itself.
    ///
    /// # Errors
    /// `Unavailable`: the disk does not take it.
    pub fn write(&self, state: &ServerState) -> Result<(), Fault> {
        let failed = |error| unavailable(&self.path, "write", &error);
        let text = serde_json::to_string(state).map_err(io::Error::other).map_err(failed)?;
        // The reader tries again where it finds half of it.
        self.file.write_all_at(text.as_bytes(), 0).map_err(failed)?;
        self.file.set_len(wide(text.len())).map_err(failed)
    }
}

impl Folder {
    /// Takes the place of the server of this data folder; none where another process has it.
    ///
    /// # Errors
    /// `Unavailable`: the file cannot be made or locked.
    pub fn serve(&self) -> Result<Option<ServingFile>, Fault> {
        let path = self.root().join(NAME);
        let failed = |error| unavailable(&path, "open", &error);
        self.ensure(self.root(), false).map_err(failed)?;
        let file = modes::options().write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(ServingFile { file, path })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(unavailable(&path, "lock", &error)),
        }
    }

    /// What the running server of this data folder says of itself; none where none runs. Waits while it writes.
    ///
    /// # Errors
    /// `Unavailable`: the file cannot be read, or has something else.
    pub fn server(&self) -> Result<Option<ServerState>, Fault> {
        let path = self.root().join(NAME);
        let failed = |error| unavailable(&path, "read", &error);
        let file = match files::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        if file.try_lock_shared().is_ok() {
            return Ok(None); // no process has it: what it says is of a server that ended
        }
        for _ in 0..TRIES {
            let mut bytes = vec![0; LIMIT];
            let len = file.read_at(&mut bytes, 0).map_err(failed)?;
            if let Ok(state) = serde_json::from_slice(bytes.get(..len).unwrap_or_default()) {
                return Ok(Some(state));
            }
            std::thread::sleep(PAUSE);
        }
        Err(failed(io::Error::new(io::ErrorKind::InvalidData, "it does not say which server has it")))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_found_while_it_runs() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::open(root.path()).unwrap();
        assert_eq!(folder.server().unwrap(), None);
        let serving = folder.serve().unwrap().unwrap();
        let long = ServerState { pid: 7, reloads: 1, refused: true, last: "a long line".repeat(9), settings: None };
        serving.write(&long).unwrap();
        assert_eq!(Folder::look(root.path()).unwrap().server().unwrap(), Some(long));
        let short = ServerState { pid: 7, reloads: 2, refused: false, last: String::new(), settings: None };
        serving.write(&short).unwrap();
        assert_eq!(folder.server().unwrap(), Some(short));
        assert!(folder.serve().unwrap().is_none(), "two at once");
        drop(serving);
        assert_eq!(folder.server().unwrap(), None);
        assert!(folder.serve().unwrap().is_some());
    }
}

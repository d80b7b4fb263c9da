//! The folders below the data folder: which are known to be there, and which this process made whose names a power cut may still take.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use super::Folder;
use crate::files::folder_of;

/// What this process knows of them.
#[derive(Debug, Default)]
pub(super) struct MadeFolders {
    /// they exist, so that 1,400 small files do not cost 1,400 looks at their parents
    there: HashSet<PathBuf>,
    /// it made them, and has not synced their names
    unsynced: HashSet<PathBuf>,
}

impl Folder {
    /// Forgets which folders exist: somebody else has changed them.
    pub(super) fn forget(&self) {
        self.shared.made.lock().there.clear();
    }

    /// Makes `folder` and what is missing above it; `durable` also syncs the folders that got a new entry, now or earlier.
    pub(super) fn ensure(&self, folder: &Path, durable: bool) -> io::Result<()> {
        if self.shared.made.lock().there.contains(folder) && !(durable && self.is_unsynced(folder)) {
            return Ok(());
        }
        let mut made = self.disk().create_folder(folder);
        if made.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            self.ensure(folder.parent().ok_or(io::ErrorKind::NotFound)?, durable)?;
            made = self.disk().create_folder(folder);
        }
        match made {
            Ok(()) => drop(self.shared.made.lock().unsynced.insert(folder.to_path_buf())),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let why = format!("{} is not a folder", folder.display());
                return Err(io::Error::new(io::ErrorKind::NotADirectory, why));
            }
            // A folder such as `/` on a read-only file system is there all the same.
            Err(_) if folder.is_dir() => {}
            Err(error) => return Err(error),
        }
        if durable && self.is_unsynced(folder) {
            let parent = folder_of(folder);
            if self.is_unsynced(parent) {
                self.ensure(parent, true)?;
            }
            self.disk().sync_folder(parent)?;
            self.shared.made.lock().unsynced.remove(folder);
        }
        self.shared.made.lock().there.insert(folder.to_path_buf());
        Ok(())
    }

    fn is_unsynced(&self, folder: &Path) -> bool {
        self.shared.made.lock().unsynced.contains(folder)
    }
}

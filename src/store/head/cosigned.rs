//! The newest head that a cosigner of this machine signed: `DATA/heads/NAME/cosigned.ID`, by the id of its key.
//!
//! A cosignature is a promise that is never taken back: no other history will be signed, and what is signed is held here. So what was
//! signed is on the disk, durably, before anybody gets the signature, and the next one is made in view of it, under a lock.

use std::path::{Path, PathBuf};

use super::super::Folder;
use super::super::lock::Lock;
use super::super::words::unavailable;
use super::{HeadFile, StoredHead, load};
use crate::fault::Fault;

/// What the names of these files begin with, before the key's id in hex.
const PREFIX: &str = "cosigned.";

/// The file of one cosigner's newest head.
#[derive(Debug, Clone)]
pub struct CosignedHead {
    folder: Folder,
    path: PathBuf,
    /// the full log's folder, whose committed head is signed
    log: PathBuf,
}

impl HeadFile {
    /// The newest head that the key of this id signed here.
    pub fn cosigned(&self, key_id: u32) -> CosignedHead {
        let path = self.dir.join(format!("{PREFIX}{key_id:08x}"));
        CosignedHead { folder: self.folder.clone(), path, log: self.log.clone() }
    }

    /// The file of another database's heads here that the key of this id signed; none where there is none.
    ///
    /// # Errors
    /// `Unavailable`: the folder of the heads cannot be read.
    pub fn cosigned_elsewhere(&self, key_id: u32) -> Result<Option<PathBuf>, Fault> {
        let (own, top) = (self.cosigned(key_id).path, self.folder.root().join("heads"));
        let name = own.file_name();
        for entry in walkdir::WalkDir::new(&top) {
            match entry {
                Ok(entry) if Some(entry.file_name()) == name && entry.path() != own => {
                    return Ok(Some(entry.into_path()));
                }
                Ok(_) => {}
                Err(error) => match error.into_io_error() {
                    Some(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    Some(error) => return Err(unavailable(&top, "read", &error)),
                    None => {}
                },
            }
        }
        Ok(None)
    }

    /// The newest heads that any key signed here, of those files that can be read.
    pub fn cosigned_notes(&self) -> Vec<Vec<u8>> {
        let entries = std::fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let is_one = |name: &str| name.strip_prefix(PREFIX).is_some_and(|id| id.len() == 8 && !id.contains('.'));
        let paths = entries.filter(|entry| entry.file_name().to_str().is_some_and(is_one));
        paths.filter_map(|entry| load(&entry.path()).ok().flatten()).collect()
    }
}

impl CosignedHead {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The note that was signed last, or none.
    ///
    /// # Errors
    /// `Unavailable`: the file cannot be read, or is empty, which no crash leaves behind.
    pub fn load(&self) -> Result<Option<StoredHead>, Fault> {
        Ok(load(&self.path)?.map(|note| StoredHead { path: self.path.clone(), note }))
    }

    /// Gives the note to show: the one that `sign` makes in view of the last one, or the last one where it makes none. Either is on
    /// the disk for good, and so is the committed head of the full log that `sign` read.
    ///
    /// # Errors
    /// Those of `sign`. `Unavailable`: the disk, or another process keeps the lock; then nobody may be given a signature.
    pub fn advance(
        &self,
        sign: impl FnOnce(Option<&StoredHead>) -> Result<Option<Vec<u8>>, Fault>,
    ) -> Result<Option<Vec<u8>>, Fault> {
        let dir = self.path.parent().unwrap_or(&self.path);
        self.folder.ensure(dir, true).map_err(|error| unavailable(dir, "create", &error))?;
        let _alone = Lock::acquire(&self.path.with_extension("lock"))?;
        // A rename that another process made is seen before it is durable.
        let synced =
            |folder: &Path| self.folder.disk().sync_folder(folder).map_err(|error| unavailable(folder, "sync", &error));
        let last = self.load()?;
        let made = sign(last.as_ref())?;
        match (made, last) {
            (Some(note), _) => {
                synced(&self.log)?;
                self.folder.write(&self.path, &note, true)?;
                Ok(Some(note))
            }
            (None, Some(last)) => {
                synced(dir)?;
                Ok(Some(last.note))
            }
            (None, None) => Ok(None),
        }
    }
}

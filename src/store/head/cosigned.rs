//! The newest head that a cosigner of this machine signed: `DATA/heads/NAME/cosigned.ID`, by the id of its key.
//!
//! A cosignature is a promise that is never taken back: no other history will be signed, and what is signed is held here. So what was
//! signed is on the disk, durably, before anybody gets the signature, and the next one is made in view of it, under a lock.

use std::path::{Path, PathBuf};

use super::super::Folder;
use super::super::lock::Lock;
use super::super::words::unavailable;
use super::{HEAD_LIMIT, HeadFile, StoredHead, load};
use crate::fault::Fault;
use crate::files;

/// What the names of these files begin with, before the key's id in hex.
const PREFIX: &str = "cosigned.";
/// What bytes that are replaced are called as a source.
const SOURCE: &str = "the memory of what was cosigned";

/// The file of one cosigner's newest head.
#[derive(Debug, Clone)]
pub struct CosignedHead {
    folder: Folder,
    path: PathBuf,
    key_id: u32,
    /// the full log's folder, whose committed head is signed
    log: PathBuf,
}

impl HeadFile {
    /// The newest head that the key of this id signed here.
    pub fn cosigned(&self, key_id: u32) -> CosignedHead {
        let path = self.dir.join(format!("{PREFIX}{key_id:08x}"));
        CosignedHead { folder: self.folder.clone(), path, key_id, log: self.log.clone() }
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

    /// The files with what keys signed here, in the order of their ids.
    ///
    /// # Errors
    /// `Unavailable`: the folder of the heads cannot be read.
    pub fn cosigners(&self) -> Result<Vec<CosignedHead>, Fault> {
        let failed = |error| unavailable(&self.dir, "read", &error);
        let entries = match std::fs::read_dir(&self.dir) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        let mut ids = Vec::new();
        for entry in entries {
            ids.extend(entry.map_err(failed)?.file_name().to_str().and_then(key_id));
        }
        ids.sort_unstable();
        Ok(ids.into_iter().map(|id| self.cosigned(id)).collect())
    }

    /// The newest heads that any key signed here, of those files that can be read.
    pub fn cosigned_notes(&self) -> Vec<Vec<u8>> {
        let entries = std::fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let paths = entries.filter(|entry| entry.file_name().to_str().and_then(key_id).is_some());
        paths.filter_map(|entry| load(&entry.path()).ok().flatten()).collect()
    }
}

/// The id of the key whose file has this name; none where it is another file.
fn key_id(name: &str) -> Option<u32> {
    let id = name.strip_prefix(PREFIX)?;
    u32::from_str_radix(id, 16).ok().filter(|found| format!("{found:08x}") == id)
}

impl CosignedHead {
    /// The id of the key that signed.
    pub fn key_id(&self) -> u32 {
        self.key_id
    }

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

    /// The bytes of the file as they are, be they damaged; of one that is longer than any note only the beginning.
    ///
    /// # Errors
    /// `Unavailable`: it cannot be read, is not there, or is not a file.
    pub fn as_it_is(&self) -> Result<Vec<u8>, Fault> {
        let read = files::open(&self.path).and_then(|file| files::read_bounded(file, HEAD_LIMIT));
        read.map_err(|error| unavailable(&self.path, "read", &error))
    }

    /// Puts a file with the same bytes in the place of a link, durably; says whether one was there. What leads to no file stays: it keeps a
    /// cosigner from beginning anew.
    ///
    /// # Errors
    /// `Unavailable`: the disk, or a cosigner keeps the lock.
    pub fn replace_link(&self) -> Result<bool, Fault> {
        if !self.path.symlink_metadata().is_ok_and(|found| found.is_symlink()) {
            return Ok(false);
        }
        let _alone = Lock::acquire(&self.path.with_extension("lock"))?;
        self.as_it_is()?;
        self.folder.replace_link(&self.path)
    }

    /// Puts `note`, which is proven to be what was signed last, in the place of `damaged`, durably; the damaged bytes are kept in `refused/`
    /// first. Says whether it did: a cosigner may have written there meanwhile.
    ///
    /// # Errors
    /// `Unavailable`: the disk, or a cosigner keeps the lock; then the damaged file is where it was.
    pub fn restore(&self, damaged: &[u8], note: &[u8]) -> Result<bool, Fault> {
        let _alone = Lock::acquire(&self.path.with_extension("lock"))?;
        if self.as_it_is()? != damaged {
            return Ok(false);
        }
        self.folder.keep_damaged(&self.path, 0, (damaged, note), SOURCE)?;
        self.folder.write(&self.path, note, true)?;
        Ok(true)
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

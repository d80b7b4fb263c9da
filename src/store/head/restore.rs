//! Putting a signed head in the place of one that is damaged. What was damaged is replaced, never removed before another stands there:
//! a data folder without a remembered head would take the next one as at first contact.

use std::io::ErrorKind;

use super::super::lock::Lock;
use super::super::words::unavailable;
use super::{HEAD_LIMIT, HeadFile, StoredHead};
use crate::fault::Fault;
use crate::files;

/// What the bytes that are replaced are called as a source: this program's own memory.
const SOURCE: &str = "the remembered head";

impl HeadFile {
    /// The files in which an accepted head is remembered, with their bytes as they are, be they damaged: those that are there. Of one that
    /// is longer than any note only the beginning is read.
    ///
    /// # Errors
    /// `Unavailable`: one of them cannot be read, or is not a file.
    pub fn as_they_are(&self) -> Result<Vec<StoredHead>, Fault> {
        let mut found = Vec::new();
        for path in [self.path(), self.earlier.clone()] {
            let failed = |error| unavailable(&path, "read", &error);
            match files::open(&path) {
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
                opened => {
                    let note = files::read_bounded(opened.map_err(failed)?, HEAD_LIMIT).map_err(failed)?;
                    found.push(StoredHead { path, note });
                }
            }
        }
        Ok(found)
    }

    /// Makes `new` the remembered head, durably, in the place of `damaged`, whose bytes are kept in `refused/` first; says whether it did:
    /// another process may have written there meanwhile.
    ///
    /// # Errors
    /// `Unavailable`: the disk, or another process keeps the lock; then the damaged file is where it was.
    pub fn restore(&self, damaged: &StoredHead, new: &[u8]) -> Result<bool, Fault> {
        self.folder.ensure(&self.dir, true).map_err(|error| unavailable(&self.dir, "create", &error))?;
        let _alone = Lock::acquire(&self.dir.join("lock"))?;
        if !self.as_they_are()?.contains(damaged) {
            return Ok(false);
        }
        self.folder.keep_damaged(&damaged.path, 0, (&damaged.note, new), SOURCE)?;
        let is_earlier = damaged.path == self.earlier;
        // Where it is remembered besides, that one is left alone.
        if !is_earlier || self.path().symlink_metadata().is_err() {
            self.folder.write(&self.path(), new, true)?;
        }
        if is_earlier {
            self.folder.disk().remove(&damaged.path).map_err(|error| unavailable(&damaged.path, "remove", &error))?;
        }
        Ok(true)
    }
}

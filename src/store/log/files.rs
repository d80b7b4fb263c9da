//! The files of a log, opened for reading or for writing, and the few ways in which they are read.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::super::words::unavailable;
use crate::fault::Fault;
use crate::sumdb::hash::Hash;

/// Bytes of one entry of `offsets`.
pub(super) const OFFSET_BYTES: u64 = 8;
/// Bytes of one hash.
pub(super) const HASH_BYTES: u64 = 32;

/// One open file with its path, for messages.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) file: File,
    pub(super) path: PathBuf,
}

impl Named {
    pub(super) fn read(path: PathBuf) -> Result<Named, Fault> {
        let file = File::open(&path).map_err(|error| unavailable(&path, "open", &error))?;
        Ok(Named { file, path })
    }

    /// For reading and writing; made where it is missing.
    pub(super) fn write(path: PathBuf) -> Result<Named, Fault> {
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = opened.map_err(|error| unavailable(&path, "open", &error))?;
        Ok(Named { file, path })
    }

    pub(super) fn len(&self) -> Result<u64, Fault> {
        self.file.metadata().map(|found| found.len()).map_err(|error| unavailable(&self.path, "read", &error))
    }

    /// Exactly these bytes.
    pub(super) fn bytes(&self, at: u64, len: usize) -> Result<Vec<u8>, Fault> {
        let mut bytes = vec![0; len];
        self.file.read_exact_at(&mut bytes, at).map_err(|error| unavailable(&self.path, "read", &error))?;
        Ok(bytes)
    }

    pub(super) fn hashes(&self, first: u64, count: usize) -> Result<Vec<Hash>, Fault> {
        let bytes = self.bytes(first * HASH_BYTES, count * size_of::<Hash>())?;
        Ok(bytes.as_chunks().0.iter().copied().map(Hash).collect())
    }

    pub(super) fn offset(&self, index: u64) -> Result<u64, Fault> {
        let bytes = self.bytes(index * OFFSET_BYTES, size_of::<u64>())?;
        Ok(bytes.as_chunks().0.first().copied().map_or(0, u64::from_le_bytes))
    }

    /// At least `needed` bytes long?
    pub(super) fn require(&self, needed: u64) -> Result<(), Fault> {
        let len = self.len()?;
        if len >= needed {
            return Ok(());
        }
        let why = format!(
            "has {len} bytes where the committed head needs {needed}: it was cut off; restore it from a backup, or delete the \
             folder {} and sync anew",
            self.path.parent().unwrap_or(Path::new("")).display()
        );
        Err(Fault::unavailable(self.path.display().to_string(), why))
    }
}

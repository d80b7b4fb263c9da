//! The files of a log as they are on the disk, for verification: a missing file reads as empty, and a short read is not an error.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use super::super::words::unavailable;
use super::Log;
use super::files::read_at;
use super::read_buffer::{ReadBuffer, open_if_large};
use crate::fault::Fault;
use crate::files;

/// One file of a log, whatever state it is in.
#[derive(Debug)]
pub struct LogFile {
    name: String,
    path: PathBuf,
    file: Option<File>,
    /// the same file for reads past the cache
    direct: Option<File>,
    len: u64,
}

impl Log {
    /// The file `name` of this log (`records`, `offsets`, `hashes.0`, `heads`), be it there or not.
    ///
    /// # Errors
    /// `Unavailable`: it is there and cannot be opened.
    pub fn open_file(&self, name: &str) -> Result<LogFile, Fault> {
        let path = self.dir().join(name);
        let file = match files::open(&path) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(unavailable(&path, "open", &error)),
        };
        let len = match &file {
            Some(file) => file.metadata().map_err(|error| unavailable(&path, "read", &error))?.len(),
            None => 0,
        };
        let direct = open_if_large(&path, len);
        Ok(LogFile { name: name.to_owned(), path, file, direct, len })
    }
}

impl LogFile {
    /// Its name in the log's folder.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its path, for messages.
    pub fn path(&self) -> String {
        self.path.display().to_string()
    }

    /// Whether it is there.
    pub fn is_there(&self) -> bool {
        self.file.is_some()
    }

    /// Its length when it was opened.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether it has no bytes, or is not there.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Fills `into` from `at` on; says how many bytes there were, fewer at the end of the file.
    ///
    /// # Errors
    /// What the system says, a bad sector for instance.
    pub fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        self.file.as_ref().map_or(Ok(0), |file| read_at(file, at, into))
    }

    /// Reads `len` bytes from `at` on, in large pieces and once; says whether there were so many.
    ///
    /// # Errors
    /// As [`LogFile::read_at`].
    pub fn read_range(&self, at: u64, len: usize, into: &mut ReadBuffer) -> io::Result<bool> {
        let Some(file) = &self.file else { return Ok(len == 0) };
        let past_the_cache = self.direct.as_ref().map(|direct| into.read_pages(direct, at, len));
        if !matches!(past_the_cache, Some(Ok(()))) {
            into.read(file, at, len)?;
        }
        Ok(into.bytes().len() == len)
    }

    /// Up to `len` bytes from `at` on; what cannot be read ends them as the end of the file does.
    pub fn bytes(&self, at: u64, len: usize) -> Vec<u8> {
        let there = usize::try_from(self.len.saturating_sub(at)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; len.min(there)];
        let count = self.read_at(at, &mut bytes).unwrap_or(0);
        bytes.truncate(count);
        bytes
    }
}

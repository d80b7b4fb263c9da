//! A file on disk as the bytes of a zip. It must not change while it is read: what is hashed is what was read, but a
//! file that shrinks meanwhile is an error.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::sumdb::dirhash::ReadAt;

/// An open file and its size when it was opened.
#[derive(Debug)]
pub struct ZipFile {
    file: File,
    size: u64,
}

impl ZipFile {
    /// Opens the file at `path` for reading.
    ///
    /// # Errors
    /// Those of the system.
    pub fn open(path: &Path) -> io::Result<ZipFile> {
        ZipFile::new(File::open(path)?)
    }

    /// Takes an open file.
    ///
    /// # Errors
    /// If its size cannot be read.
    pub fn new(file: File) -> io::Result<ZipFile> {
        let size = file.metadata()?.len();
        Ok(ZipFile::first(file, size))
    }

    /// Takes the first `size` bytes of an open file.
    pub fn first(file: File, size: u64) -> ZipFile {
        ZipFile { file, size }
    }
}

impl ReadAt for ZipFile {
    fn size(&self) -> u64 {
        self.size
    }

    #[cfg(unix)]
    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.file, buf, offset)
    }

    #[cfg(windows)]
    fn read_exact_at(&self, mut offset: u64, mut buf: &mut [u8]) -> io::Result<()> {
        while !buf.is_empty() {
            match std::os::windows::fs::FileExt::seek_read(&self.file, buf, offset) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    offset = offset.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
                    buf = buf.get_mut(read..).unwrap_or_default();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

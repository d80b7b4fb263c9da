//! A part of a file, and its headers as the crate `object` reads them: no more of these is in memory than a bound, whatever they
//! claim.

use std::cell::Cell;
use std::io;
use std::ops::Range;

use object::ReadRef;
use object::read::{ReadCache, ReadCacheOps};

use crate::sumdb::dirhash::ReadAt;
use crate::sumdb::number::wide;

/// Bytes of headers and names at most.
const MAX_HEADERS: u64 = 16 << 20;
/// Bytes of one name, as `object` bounds them.
const MAX_NAME: u64 = 4096;

/// A part of a file.
pub(super) struct FilePart<'a, R: ?Sized> {
    pub file: &'a R,
    pub start: u64,
    pub size: u64,
}

impl<R: ?Sized> Clone for FilePart<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R: ?Sized> Copy for FilePart<'_, R> {}

impl<R: ReadAt + ?Sized> FilePart<'_, R> {
    /// Fills `buf` with the bytes from `offset` on.
    pub(super) fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(wide(buf.len())).filter(|end| *end <= self.size);
        end.ok_or(io::ErrorKind::UnexpectedEof)?;
        self.file.read_exact_at(self.start.saturating_add(offset), buf)
    }
}

/// The file as `object` reads it: what was read stays in memory, up to [`MAX_HEADERS`].
pub(super) struct Headers<'a, R: ReadAt + ?Sized> {
    cache: ReadCache<Positioned<'a, R>>,
    left: Cell<u64>,
}

impl<'a, R: ReadAt + ?Sized> Headers<'a, R> {
    /// What the disk fails with is put into `failure`.
    pub(super) fn new(file: FilePart<'a, R>, failure: &'a Cell<Option<io::Error>>) -> Headers<'a, R> {
        Headers { cache: ReadCache::new(Positioned { file, at: 0, failure }), left: Cell::new(MAX_HEADERS) }
    }

    /// Takes `size` bytes off what may still be read.
    fn take(&self, size: u64) -> Result<(), ()> {
        self.left.set(self.left.get().checked_sub(size).ok_or(())?);
        Ok(())
    }
}

impl<'d, R: ReadAt + ?Sized> ReadRef<'d> for &'d Headers<'_, R> {
    fn len(self) -> Result<u64, ()> {
        self.cache.len()
    }

    fn read_bytes_at(self, offset: u64, size: u64) -> Result<&'d [u8], ()> {
        self.take(size)?;
        self.cache.read_bytes_at(offset, size)
    }

    fn read_bytes_at_until(self, range: Range<u64>, delimiter: u8) -> Result<&'d [u8], ()> {
        self.take(range.end.saturating_sub(range.start).min(MAX_NAME))?;
        self.cache.read_bytes_at_until(range, delimiter)
    }
}

/// A window with a place to read at.
struct Positioned<'a, R: ?Sized> {
    file: FilePart<'a, R>,
    at: u64,
    failure: &'a Cell<Option<io::Error>>,
}

impl<R: ReadAt + ?Sized> ReadCacheOps for Positioned<'_, R> {
    fn len(&mut self) -> Result<u64, ()> {
        Ok(self.file.size)
    }

    fn seek(&mut self, at: u64) -> Result<u64, ()> {
        self.at = at;
        Ok(at)
    }

    fn read(&mut self, buf: &mut [u8]) -> Result<usize, ()> {
        let room = usize::try_from(self.file.size.saturating_sub(self.at)).unwrap_or(usize::MAX).min(buf.len());
        let buf = buf.get_mut(..room).ok_or(())?;
        self.read_exact(buf)?;
        Ok(room)
    }

    fn read_exact(&mut self, buf: &mut [u8]) -> Result<(), ()> {
        self.file.read_exact_at(self.at, buf).map_err(|error| {
            // A file that is too short is damaged; the disk did not fail.
            self.failure.set((error.kind() != io::ErrorKind::UnexpectedEof).then_some(error));
        })?;
        self.at = self.at.saturating_add(wide(buf.len()));
        Ok(())
    }
}

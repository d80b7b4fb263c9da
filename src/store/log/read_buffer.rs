//! A range of a file that is read once and not again soon, as when a log is derived again from its first byte to its last. Of a
//! large file it is read past the system's cache (`O_DIRECT`): nothing is copied, and what a server beside us needs stays in the
//! cache. Where a file system cannot do that, it is read as any file.

use std::fs::File;
use std::io;
use std::path::Path;

use super::files::read_at;
use crate::sumdb::number::wide;

/// A smaller file is read through the cache: it may well be there, and takes nobody's place.
const DIRECT_FROM: u64 = 1 << 30;
/// Where reads past the cache begin and end, in the file and in memory: a page, and no less than a sector of any disk.
const PAGE: usize = 4096;

/// Opens a file of `len` bytes for reads past the cache, where these are worth it and can be had.
pub(super) fn open_if_large(path: &Path, len: u64) -> Option<File> {
    if len >= DIRECT_FROM { open(path) } else { None }
}

#[cfg(target_os = "linux")]
fn open(path: &Path) -> Option<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let flags = i32::try_from(rustix::fs::OFlags::DIRECT.bits()).ok()?;
    File::options().read(true).custom_flags(flags).open(path).ok()
}

#[cfg(not(target_os = "linux"))]
fn open(_: &Path) -> Option<File> {
    None
}

/// Bytes of a file, in room that is used again.
#[derive(Debug, Default)]
pub struct ReadBuffer {
    room: Vec<u8>,
    start: usize,
    end: usize,
}

impl ReadBuffer {
    /// What was read last.
    pub fn bytes(&self) -> &[u8] {
        self.room.get(self.start..self.end).unwrap_or_default()
    }

    /// Empties it; the room stays.
    pub fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
    }

    /// Reads `len` bytes from `at` on, or as many as there are.
    pub(super) fn read(&mut self, file: &File, at: u64, len: usize) -> io::Result<()> {
        self.clear();
        self.grow(len);
        self.end = read_at(file, at, self.room.get_mut(..len).unwrap_or_default())?;
        Ok(())
    }

    /// The same by whole pages.
    pub(super) fn read_pages(&mut self, file: &File, at: u64, len: usize) -> io::Result<()> {
        self.clear();
        let page = wide(PAGE);
        let ahead = usize::try_from(at % page).unwrap_or(0);
        let whole = (ahead + len).next_multiple_of(PAGE);
        self.grow(whole + PAGE);
        let aligned = self.room.as_ptr().align_offset(PAGE);
        let room = self.room.get_mut(aligned..aligned + whole).unwrap_or_default();
        let read = read_at(file, at - at % page, room)?;
        self.start = aligned + ahead;
        self.end = aligned + read.clamp(ahead, ahead + len);
        Ok(())
    }

    fn grow(&mut self, needed: usize) {
        if self.room.len() < needed {
            self.room.resize(needed, 0);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_way_reads_the_same_and_stops_at_the_end() {
        let bytes: Vec<u8> = (0..3 * PAGE + 77).map(|n| u8::try_from(n % 251).unwrap_or(0)).collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, &bytes).unwrap();
        let file = File::open(&path).unwrap();
        let (mut plain, mut pages, mut direct) = (ReadBuffer::default(), ReadBuffer::default(), ReadBuffer::default());
        for at in [0, 1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE + 5, 3 * PAGE, 3 * PAGE + 76, 3 * PAGE + 77, 9 * PAGE] {
            for len in [0, 1, 76, 77, PAGE, PAGE + 1, 4 * PAGE] {
                let expected = bytes.get(at..bytes.len().min(at + len)).unwrap_or_default();
                let from = u64::try_from(at).unwrap();
                plain.read(&file, from, len).unwrap();
                pages.read_pages(&file, from, len).unwrap();
                assert_eq!((plain.bytes(), pages.bytes()), (expected, expected), "{len} from {at}");
                // Not every file system can.
                if let Some(file) = open(&path)
                    && direct.read_pages(&file, from, len).is_ok()
                {
                    assert_eq!(direct.bytes(), expected, "{len} from {at}, past the cache");
                }
            }
        }
    }

    #[test]
    fn small_files_are_read_through_the_cache() {
        assert!(open_if_large(Path::new("/"), DIRECT_FROM - 1).is_none());
    }
}

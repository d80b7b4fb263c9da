//! The files of a module zip, to be read: their names and sizes, and the content of one of them.

use super::directory::Entry;
use super::{ModuleZip, ReadAt, ZipError, content};

/// The content of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileContent {
    /// all of it
    Whole(Vec<u8>),
    /// it has this many bytes, more than the caller takes
    TooLong(u64),
}

impl<R: ReadAt + ?Sized> ModuleZip<'_, R> {
    /// The files in the order of the directory, each with its name as stored and its size in bytes; folders are left out.
    pub fn files(&self) -> impl Iterator<Item = (&[u8], u64)> {
        let files = self.archive.entries().iter().filter(|entry| !entry.is_folder);
        files.map(|entry| (self.archive.name(entry), entry.unpacked))
    }

    /// The content of the file with this name, of at most `limit` bytes packed or not; none where no file has that name. What is read
    /// has the size and the CRC-32 that the directory declares.
    ///
    /// # Errors
    /// `Refused(Malformed)` if it is not what the directory says, `Read` if the source fails.
    pub fn content(&self, name: &[u8], limit: u64) -> Result<Option<FileContent>, ZipError> {
        let is_named = |entry: &Entry| !entry.is_folder && self.archive.name(entry) == name;
        match self.archive.entries().iter().position(is_named) {
            Some(number) => self.content_of(number, limit),
            None => Ok(None),
        }
    }

    /// The same of the entry with this number in [`ModuleZip::h1_and_files`], counted from 0.
    ///
    /// # Errors
    /// As [`ModuleZip::content`].
    pub fn content_of(&self, number: usize, limit: u64) -> Result<Option<FileContent>, ZipError> {
        let Some(entry) = self.archive.entries().get(number) else { return Ok(None) };
        let bounded = |bytes: u64| usize::try_from(bytes).ok().filter(|_| bytes <= limit);
        let (Some(size), Some(packed)) = (bounded(entry.unpacked), bounded(entry.packed)) else {
            return Ok(Some(FileContent::TooLong(entry.unpacked)));
        };
        content::read_one(self.source, &self.archive, entry, packed, size).map(|bytes| Some(FileContent::Whole(bytes)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::{Cursor, Write as _};

    use zip::write::SimpleFileOptions;
    use zip::{CompressionMethod, ZipWriter};

    use super::*;

    fn zip() -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, method) in [("a", CompressionMethod::Stored), ("b/c", CompressionMethod::Deflated)] {
            zip.start_file(format!("m@v1.0.0/{name}"), SimpleFileOptions::default().compression_method(method))
                .unwrap();
            zip.write_all(name.repeat(100).as_bytes()).unwrap();
        }
        zip.add_directory("m@v1.0.0/empty", SimpleFileOptions::default()).unwrap();
        zip.finish().unwrap().into_inner()
    }

    #[test]
    fn files_are_listed_and_read_up_to_a_limit() {
        let bytes = zip();
        let zip = ModuleZip::read(&bytes[..]).unwrap();
        let files: Vec<_> = zip.files().collect();
        assert_eq!(files, [(&b"m@v1.0.0/a"[..], 100), (b"m@v1.0.0/b/c", 300)]);
        let read = |name: &str, limit| zip.content(name.as_bytes(), limit).unwrap();
        assert_eq!(read("m@v1.0.0/a", 1000), Some(FileContent::Whole("a".repeat(100).into_bytes())));
        assert_eq!(read("m@v1.0.0/b/c", 300), Some(FileContent::Whole("b/c".repeat(100).into_bytes())));
        assert_eq!(read("m@v1.0.0/b/c", 299), Some(FileContent::TooLong(300)));
        assert_eq!(read("m@v1.0.0/empty/", 300), None);
        assert_eq!(read("a", 300), None);
    }

    #[test]
    fn a_file_whose_bytes_changed_is_refused() {
        let mut bytes = zip();
        // Behind the name, of which the local header is not believed.
        let at = bytes.windows(4).position(|four| four == b"aaaa").unwrap() + 1;
        *bytes.get_mut(at).unwrap() = b'x';
        let zip = ModuleZip::read(&bytes[..]).unwrap();
        assert!(matches!(zip.content(b"m@v1.0.0/a", 300), Err(ZipError::Refused(_))));
    }
}

//! Zips as honest writers write them: entries in, bytes out, and back.

use std::io::{Cursor, Read as _, Write as _};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// One entry of a zip; a folder's name ends in `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// the whole name, `M@V/...`
    pub name: String,
    /// what is in it
    pub content: Vec<u8>,
    /// kept as it is and not deflated
    pub stored: bool,
}

/// A zip of these entries in this order, whatever their names are.
pub fn write_zip(entries: &[Entry]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for entry in entries {
        let method = if entry.stored { CompressionMethod::Stored } else { CompressionMethod::Deflated };
        let options = SimpleFileOptions::default().compression_method(method);
        if entry.name.ends_with('/') {
            zip.add_directory(entry.name.as_str(), options).unwrap();
        } else {
            zip.start_file(entry.name.as_str(), options).unwrap();
            zip.write_all(&entry.content).unwrap();
        }
    }
    zip.finish().unwrap().into_inner()
}

/// The entries of a zip.
pub fn read_zip(bytes: &[u8]) -> Vec<Entry> {
    let mut zip = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let entries = (0..zip.len()).map(|at| {
        let mut file = zip.by_index(at).unwrap();
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        let name = String::from_utf8(file.name_raw().to_vec()).unwrap();
        Entry { name, content, stored: file.compression() == CompressionMethod::Stored }
    });
    entries.collect()
}

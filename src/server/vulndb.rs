//! A Go vulnerability database (go.dev/doc/security/vuln/database) on the disk: a folder, or a `vulndb.zip`, as vuln.go.dev has them.
//! Its files are read when they are asked for, so that a newer copy counts at once.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::fault::Fault;
use crate::files;
use crate::store::zipfile::ZipFile;
use crate::sumdb::dirhash::{FileContent, ModuleZip, ZipError};

/// Bytes of one file of the database: the longest, `index/modules.json`, has some 600 KB.
const MAX_FILE_BYTES: u64 = 64 << 20;
/// What the name of a compressed file ends with.
const GZ: &str = ".gz";
/// The names of the indexes.
const INDEXES: [&str; 3] = ["db", "modules", "vulns"];

/// A vulnerability database.
#[derive(Debug, Clone)]
pub struct VulnDatabase {
    path: PathBuf,
    is_zip: bool,
}

/// One of its files.
#[derive(Debug)]
pub(crate) struct VulnFile {
    pub(crate) bytes: Bytes,
    pub(crate) is_gzip: bool,
    /// when it, or the zip that it is in, was written
    pub(crate) modified: Option<SystemTime>,
}

impl VulnDatabase {
    /// The database in this folder or zip.
    ///
    /// # Errors
    /// `Usage`: there is no `index/db.json` in it. `Unavailable`: it cannot be read.
    pub fn open(path: &Path) -> Result<VulnDatabase, Fault> {
        let missing = |error: io::Error| {
            let why = format!("{error}; vulndb.path is to be a copy of https://vuln.go.dev/vulndb.zip, or its folder");
            Fault::machine(path.display().to_string(), why)
        };
        let found = path.metadata().map_err(missing)?;
        let database = VulnDatabase { path: path.to_owned(), is_zip: !found.is_dir() };
        match database.read("index/db.json")? {
            Some(_) => Ok(database),
            None => Err(Fault::Usage(format!(
                "{}: no vulnerability database: it has no index/db.json; take a copy of https://vuln.go.dev/vulndb.zip",
                path.display()
            ))),
        }
    }

    /// The file of this name, as `index/modules.json.gz`; none where no database has such a file, or this one has not. Reads the disk:
    /// not for a thread that must not wait.
    ///
    /// # Errors
    /// `Unavailable`: it cannot be read.
    pub(crate) fn read(&self, name: &str) -> Result<Option<VulnFile>, Fault> {
        let (plain, is_gzip) = name.strip_suffix(GZ).map_or((name, false), |plain| (plain, true));
        if !is_name(plain) {
            return Ok(None);
        }
        let failed = |error: &io::Error| Fault::disk(self.path.display().to_string(), format!("{name}: {error}"));
        let found = if self.is_zip { self.read_zip(plain) } else { self.read_folder(plain) };
        let Some((bytes, modified)) = found.map_err(|error| failed(&error))? else { return Ok(None) };
        let bytes = if is_gzip { compressed(&bytes).map_err(|error| failed(&error))? } else { bytes };
        Ok(Some(VulnFile { bytes: bytes.into(), is_gzip, modified }))
    }

    fn read_folder(&self, name: &str) -> io::Result<Option<(Vec<u8>, Option<SystemTime>)>> {
        match files::open_below(&self.path, Path::new(name)) {
            Ok((file, found)) => Ok(Some((files::read_bounded(file, MAX_FILE_BYTES)?, found.modified().ok()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn read_zip(&self, name: &str) -> io::Result<Option<(Vec<u8>, Option<SystemTime>)>> {
        let file = files::open(&self.path)?;
        let modified = file.metadata()?.modified().ok();
        let zip = ZipFile::new(file)?;
        let unread = |error: ZipError| match error {
            ZipError::Read(error) => error,
            ZipError::Refused(why) => io::Error::other(why.to_string()),
        };
        match ModuleZip::read(&zip).and_then(|zip| zip.content(name.as_bytes(), MAX_FILE_BYTES)).map_err(unread)? {
            Some(FileContent::Whole(bytes)) => Ok(Some((bytes, modified))),
            Some(FileContent::TooLong(len)) => Err(io::Error::other(format!("{len} bytes are too long"))),
            None => Ok(None),
        }
    }
}

/// Whether a database has files of such a name: `index/db.json`, `ID/GO-2021-0113.json`.
fn is_name(name: &str) -> bool {
    let Some((folder, Some(stem))) = name.split_once('/').map(|(folder, file)| (folder, file.strip_suffix(".json")))
    else {
        return false;
    };
    let is_id = |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    match folder {
        "index" => INDEXES.contains(&stem),
        "ID" => is_id(stem),
        _ => false,
    }
}

fn compressed(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in
            [("index/db.json", "{\"modified\":\"2026-01-02T03:04:05Z\"}"), ("ID/GO-2026-0001.json", "{}")]
        {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn a_folder_and_its_zip_have_the_same_files() {
        let folder = folder();
        let zipped = folder.path().join("vulndb.zip");
        let mut zip = zip::ZipWriter::new(std::fs::File::create(&zipped).unwrap());
        for name in ["index/db.json", "ID/GO-2026-0001.json"] {
            zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(&std::fs::read(folder.path().join(name)).unwrap()).unwrap();
        }
        zip.finish().unwrap();
        for path in [folder.path(), &zipped] {
            let database = VulnDatabase::open(path).unwrap();
            let read = |name: &str| database.read(name).unwrap();
            assert_eq!(&*read("ID/GO-2026-0001.json").unwrap().bytes, b"{}");
            let packed = read("index/db.json.gz").unwrap();
            let mut text = String::new();
            flate2::read::GzDecoder::new(&*packed.bytes).read_to_string(&mut text).unwrap();
            assert_eq!((packed.is_gzip, text.as_bytes()), (true, &*read("index/db.json").unwrap().bytes));
            for name in
                ["index/modules.json", "ID/GO-2026-0002.json", "vulndb.zip", "index/../index/db.json", "ID/.json"]
            {
                assert!(read(name).is_none(), "{name}");
            }
        }
    }

    #[test]
    fn what_is_no_database_is_named() {
        let empty = tempfile::tempdir().unwrap();
        assert!(matches!(VulnDatabase::open(empty.path()), Err(Fault::Usage(why)) if why.contains("index/db.json")));
        assert!(VulnDatabase::open(&empty.path().join("none")).is_err());
        let file = empty.path().join("file");
        std::fs::write(&file, "no zip").unwrap();
        assert!(VulnDatabase::open(&file).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_read_through_a_link_that_leads_out() {
        let (folder, other) = (folder(), tempfile::tempdir().unwrap());
        std::fs::write(other.path().join("secret"), "secret").unwrap();
        std::os::unix::fs::symlink(other.path().join("secret"), folder.path().join("ID/GO-1.json")).unwrap();
        let read = VulnDatabase::open(folder.path()).unwrap().read("ID/GO-1.json");
        assert!(!matches!(read, Ok(Some(_))), "{read:?}");
    }
}

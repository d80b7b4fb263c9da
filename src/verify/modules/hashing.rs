//! Reads an admitted file and hashes it, at the pace of the verification.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::scan::Stored;
use crate::files;
use crate::store::scrub::{Paced, ScrubPace};
use crate::store::zipfile::ZipFile;
use crate::sumdb::dirhash::{ModuleZip, ReadAt, ZipError, h1_go_mod};
use crate::sumdb::gosum::Kind;
use crate::sumdb::hash::Hash;
use crate::sumdb::modzip::{MAX_GO_MOD, check_module_zip};
use crate::sumdb::number::wide;

/// How a file is read.
#[derive(Clone, Copy)]
pub(super) struct ReadBudget<'a> {
    /// threads that hash it
    pub(super) threads: usize,
    /// how fast; none for no limit
    pub(super) pace: Option<&'a ScrubPace>,
}

/// Why a file has no hash.
#[derive(Clone)]
pub(super) enum Bad {
    /// it is not there
    Gone,
    /// the disk, or its rights
    Unreadable(String),
    /// its bytes
    Refused(String),
}

/// The file's hash, and which rule for module zips it breaks, if any.
pub(super) fn hash(file: &Stored, opened: &File, reading: ReadBudget<'_>) -> Result<(Hash, Option<String>), Bad> {
    match file.kind {
        Kind::GoMod => {
            if let Some(pace) = reading.pace {
                pace.take(usize::try_from(file.len).unwrap_or(usize::MAX)).map_err(unreadable)?;
            }
            let mut bytes = Vec::with_capacity(usize::try_from(file.len).unwrap_or(0).min(4096));
            opened.take(MAX_GO_MOD + 1).read_to_end(&mut bytes).map_err(unreadable)?;
            if wide(bytes.len()) > MAX_GO_MOD {
                return Err(Bad::Refused("is a go.mod of more than 16 MiB".to_owned()));
            }
            Ok((h1_go_mod(&bytes), None))
        }
        Kind::Zip => {
            let zip = opened.try_clone().and_then(ZipFile::new).map_err(unreadable)?;
            match reading.pace {
                Some(pace) => zip_hash(file, &Paced { source: &zip, pace }, reading.threads),
                None => zip_hash(file, &zip, reading.threads),
            }
        }
    }
}

fn zip_hash(file: &Stored, zip: &impl ReadAt, threads: usize) -> Result<(Hash, Option<String>), Bad> {
    let zip = ModuleZip::read(zip).map_err(bad_zip)?;
    let hash = zip.h1(threads).map_err(bad_zip)?;
    let (path, version) = (file.module.path().as_str(), file.module.version().as_str());
    Ok((hash, check_module_zip(&zip, path, version).err().map(|error| error.to_string())))
}

/// Opens a regular file. Fails if something else has taken its place since the scan.
pub(super) fn open(path: &Path) -> Result<File, Bad> {
    match path.symlink_metadata() {
        Ok(found) if found.is_file() => files::open(path).map_err(unreadable),
        Ok(_) => Err(Bad::Refused("is not a regular file".to_owned())),
        Err(error) => Err(unreadable(error)),
    }
}

/// Whether `path` is the name of this open file, whose inode no other file can have meanwhile.
pub(super) fn is_named(opened: &File, path: &Path) -> bool {
    let inode = |found: Metadata| (found.dev(), found.ino());
    opened.metadata().map(inode).ok() == path.symlink_metadata().map(inode).ok()
}

fn unreadable(error: io::Error) -> Bad {
    if error.kind() == io::ErrorKind::NotFound {
        Bad::Gone
    } else {
        Bad::Unreadable(format!("cannot be read: {error}"))
    }
}

fn bad_zip(error: ZipError) -> Bad {
    match error {
        ZipError::Read(error) => unreadable(error),
        ZipError::Refused(error) => Bad::Refused(error.to_string()),
    }
}

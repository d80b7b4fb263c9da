//! h1, the hash by which go.sum knows a module: of a module zip, and of a go.mod file.
//!
//! It is "h1:" and the base64 of SHA-256 over one line a file, sorted by name byte by byte:
//! the file's SHA-256 in lower-case hexadecimal, two spaces, its name, a newline. A name with a newline is refused.
//! Of a zip, all entries count, folders too, with their names as stored; how they are compressed, their times, modes,
//! comments and order do not. (golang.org/x/mod/sumdb/dirhash, Hash1 and HashZip)
//!
//! A zip is read as Go's archive/zip reads it, for a zip that two readers read differently has two hashes. Where this
//! reader refuses what Go would take, it says so: an entry listed twice, entries that share bytes, sizes beyond `Limits`.

mod archive;
mod content;
mod directory;
mod inflate;
mod listing;
mod source;

use std::io;

use sha2::{Digest as _, Sha256};

pub(in crate::sumdb) use archive::Archive;
pub(in crate::sumdb) use directory::Entry;
pub use listing::FileContent;
pub use source::{ReadAt, sha256_of};

use super::error::{Error, Result};
use super::hash::{Hash, sha256};

/// How many characters of a name from a stranger's zip an error shows.
const MAX_SHOWN_NAME: usize = 120;

/// Bytes of a module zip at most, and of all its files (x/mod/zip, MaxZipFile).
pub const MAX_ZIP: u64 = 500 << 20;

/// What a module zip may hold at most. The default is Go's own where Go has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the zip itself (x/mod/zip, MaxZipFile: 500 MiB).
    pub packed: u64,
    /// Bytes of all files together, as declared; each is then held to what it declared (the same constant).
    pub unpacked: u64,
    /// Files and folders. Go has no limit; the largest module of 2026 has under 50,000.
    pub entries: usize,
    /// Bytes of all names together, which are held in memory. Go has no limit.
    pub names: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { packed: MAX_ZIP, unpacked: MAX_ZIP, entries: 1 << 20, names: 128 << 20 }
    }
}

/// Why a zip has no h1: its bytes could not be read, or they are not a module zip.
#[derive(Debug, thiserror::Error)]
pub enum ZipError {
    /// The disk's fault (or that of whatever else is behind `ReadAt`); says nothing about the zip.
    #[error("reading the zip: {0}")]
    Read(#[from] io::Error),
    /// The zip's fault.
    #[error(transparent)]
    Refused(#[from] Error),
}

/// The names of a zip as stored, each with the SHA-256 of its content.
pub type HashedFiles<'a> = Vec<(&'a [u8], Hash)>;

/// A module zip whose central directory was read, once for all that is asked of it: the list of a million entries takes 90 MB.
#[derive(Debug)]
pub struct ModuleZip<'a, R: ReadAt + ?Sized> {
    source: &'a R,
    archive: Archive,
    limits: Limits,
}

impl<'a, R: ReadAt + ?Sized> ModuleZip<'a, R> {
    /// Reads the central directory of `source`, and no content, with the default limits.
    ///
    /// # Errors
    /// `Refused(Malformed)` if Go finds no directory there or a limit is broken, `Read` if the source fails.
    pub fn read(source: &'a R) -> std::result::Result<ModuleZip<'a, R>, ZipError> {
        ModuleZip::read_within(source, &Limits::default())
    }

    /// As `read`, with other limits than the default.
    ///
    /// # Errors
    /// As `read`.
    pub fn read_within(source: &'a R, limits: &Limits) -> std::result::Result<ModuleZip<'a, R>, ZipError> {
        Ok(ModuleZip { source, archive: Archive::read(source, limits)?, limits: *limits })
    }

    /// Its h1, by up to `threads` threads. Each holds under 4 MiB; all together 36 bytes for each entry.
    ///
    /// # Errors
    /// `Refused(Malformed)` naming the entry and the rule that it breaks, `Read` if the source fails.
    pub fn h1(&self, threads: usize) -> std::result::Result<Hash, ZipError> {
        Ok(self.h1_and_hashes(threads)?.0)
    }

    /// Its h1, and what that was made of: each name as stored, with the SHA-256 of the content.
    ///
    /// # Errors
    /// As `h1`.
    pub fn h1_and_files(&self, threads: usize) -> std::result::Result<(Hash, HashedFiles<'_>), ZipError> {
        let (h1, hashes) = self.h1_and_hashes(threads)?;
        let names = self.archive.entries().iter().map(|entry| self.archive.name(entry));
        Ok((h1, names.zip(hashes).collect()))
    }

    /// Its h1, and the hashes of the entries in their order.
    fn h1_and_hashes(&self, threads: usize) -> std::result::Result<(Hash, Vec<Hash>), ZipError> {
        let archive = &self.archive;
        // Numbers and not names: of a million entries they take 4 MB and not 24.
        let mut sorted: Vec<u32> = (0..).take(archive.entries().len()).collect();
        sorted.sort_unstable_by_key(|&number| archive.name_of(number));
        check_names(sorted.iter().map(|&number| archive.name_of(number)))?;
        let hashes = content::hash_all(self.source, archive, threads, &self.limits)?;
        let hash_of = |number: u32| hashes.get(usize::try_from(number).ok()?).copied();
        let h1 = summary(sorted.into_iter().filter_map(|number| Some((archive.name_of(number), hash_of(number)?))));
        Ok((h1, hashes))
    }

    /// What its directory lists.
    pub(in crate::sumdb) fn archive(&self) -> &Archive {
        &self.archive
    }

    /// What it was read with.
    pub(in crate::sumdb) fn limits(&self) -> &Limits {
        &self.limits
    }
}

/// h1 of a module zip, with the default limits, by up to `threads` threads.
///
/// # Errors
/// As `ModuleZip::read` and `ModuleZip::h1`.
pub fn h1_zip<R: ReadAt + ?Sized>(source: &R, threads: usize) -> std::result::Result<Hash, ZipError> {
    ModuleZip::read(source)?.h1(threads)
}

/// As `h1_zip`, with other limits than the default.
///
/// # Errors
/// As `h1_zip`.
pub fn h1_zip_within<R: ReadAt + ?Sized>(
    source: &R,
    threads: usize,
    limits: &Limits,
) -> std::result::Result<Hash, ZipError> {
    ModuleZip::read_within(source, limits)?.h1(threads)
}

/// Bytes of a zip from the beginning of its central directory to the end: what is held of it while it is hashed grows with that.
/// Reads some 64 KB of it at most.
///
/// # Errors
/// As `h1_zip` where Go finds no directory.
pub fn directory_bytes<R: ReadAt + ?Sized>(source: &R) -> std::result::Result<u64, ZipError> {
    archive::directory_bytes(source)
}

/// h1 of a go.mod file: of a tree with the one file `go.mod`.
pub fn h1_go_mod(bytes: &[u8]) -> Hash {
    summary([(b"go.mod".as_slice(), sha256(bytes))])
}

/// h1 of files by their names and the SHA-256 of their contents, in any order.
///
/// # Errors
/// `Malformed` for a name with a newline or one that comes twice.
pub fn h1_files<'a>(files: impl IntoIterator<Item = (&'a [u8], Hash)>) -> Result<Hash> {
    let mut files: Vec<_> = files.into_iter().collect();
    files.sort_unstable_by_key(|&(name, _)| name);
    check_names(files.iter().map(|&(name, _)| name))?;
    Ok(summary(files))
}

/// Refuses what the summary cannot tell apart; `names` are sorted.
fn check_names<'a>(names: impl Iterator<Item = &'a [u8]>) -> Result<()> {
    let mut last = None;
    for name in names {
        if name.contains(&b'\n') {
            return Err(Error::malformed(entry_named(name), "its name contains a newline"));
        }
        if last == Some(name) {
            return Err(Error::malformed(entry_named(name), "it is listed twice"));
        }
        last = Some(name);
    }
    Ok(())
}

/// The hash of the lines of `files`, which are sorted by name.
fn summary<'a>(files: impl IntoIterator<Item = (&'a [u8], Hash)>) -> Hash {
    let mut sha = Sha256::new();
    let mut hex_digits = [0; 64];
    for (name, hash) in files {
        // 64 digits for 32 bytes: the one error that this has, a buffer of another size, cannot come.
        let written = hex::encode_to_slice(hash.0, &mut hex_digits);
        debug_assert!(written.is_ok());
        sha.update(hex_digits);
        sha.update(b"  ");
        sha.update(name);
        sha.update(b"\n");
    }
    Hash(sha.finalize().into())
}

/// `zip entry "name"`, the name escaped and cut: it is a stranger's.
pub(in crate::sumdb) fn entry_named(name: &[u8]) -> String {
    format!("zip entry \"{}\"", shown(name))
}

/// A name fit for a message: escaped and cut.
pub(in crate::sumdb) fn shown(name: &[u8]) -> String {
    let bounded = name.get(..MAX_SHOWN_NAME.saturating_mul(4)).unwrap_or(name);
    let text = String::from_utf8_lossy(bounded);
    let mut shown: String = text.chars().take(MAX_SHOWN_NAME).flat_map(char::escape_debug).collect();
    if bounded.len() < name.len() || text.chars().count() > MAX_SHOWN_NAME {
        shown.push_str("...");
    }
    shown
}

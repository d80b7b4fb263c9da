//! Proven answers kept on demand, in the go command's own layout: `lookup/M@V`, `tile/8/L/K[.p/W]`. Those that come by
//! the dozen are kept together in one file, `pack`, by the same names; an entry of it goes before the file of its name.
//!
//! The disk is trusted for nothing: every reader proves an entry again. So an entry that is empty, too long or not
//! a file simply counts as missing, as it does for the go command, and is fetched and written again.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

mod pack;

use pack::Pack;

use super::failures::WriteKind;
use super::words::unavailable;
use super::{Folder, below};
use crate::fault::Fault;
use crate::files::{self, Unfit};

/// The longest entry that is read, in bytes: a data tile of 256 records of 16 KiB.
pub const ENTRY_LIMIT: u64 = 4 << 20;
/// What damaged bytes are called as a source: this program's own cache.
const SOURCE: &str = "the cache";
/// Entries that are packed together; fewer are files of their own.
pub const GROUP: usize = 64;

/// The cache of one database.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: Folder,
    dir: PathBuf,
    pack: Arc<Pack>,
}

impl Cache {
    pub(super) fn new(folder: Folder, dir: PathBuf) -> Cache {
        let pack = Arc::new(Pack::new(dir.join("pack")));
        Cache { folder, dir, pack }
    }

    /// Where it is: `DATA/cache/NAME`.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether nothing was ever kept here, so that nothing need be looked for: an entry that is written meanwhile is then fetched.
    pub fn is_empty(&self) -> bool {
        let is_missing = |top: &str| {
            let found = std::fs::symlink_metadata(self.dir.join(top));
            found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
        };
        ["lookup", "tile", "pack"].into_iter().all(is_missing)
    }

    /// Makes its folder where there is none.
    ///
    /// # Errors
    /// `Unavailable` where the disk fails or forbids.
    pub fn create(&self) -> Result<(), Fault> {
        self.folder.ensure(&self.dir, false).map_err(|error| unavailable(&self.dir, "create", &error))
    }

    /// The bytes kept for `path` (`lookup/...`, `tile/8/...`), or none.
    ///
    /// # Errors
    /// `Usage` for a path that leads out of the cache; `Unavailable` where the disk fails or forbids.
    pub fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Fault> {
        let file = below(&self.dir, path)?;
        let packed = self.pack.read(path).map_err(|error| self.unreadable(&error))?;
        let read = packed.map_or_else(|| read_bounded(&file, ENTRY_LIMIT), |bytes| Ok(Some(bytes)));
        read.map_err(|error| unavailable(&file, "read", &error))
    }

    /// The names of all tiles and answers that are kept, sorted: those of files, and those in the pack. Links are not followed.
    ///
    /// # Errors
    /// `Unavailable` where the disk fails or forbids.
    pub fn names(&self) -> Result<Vec<String>, Fault> {
        let mut names = self.pack.names().map_err(|error| self.unreadable(&error))?;
        for top in ["lookup", "tile"] {
            let dir = self.dir.join(top);
            for entry in walkdir::WalkDir::new(&dir) {
                match entry {
                    Ok(entry) if entry.file_type().is_dir() => {}
                    Ok(entry) => {
                        let below = entry.path().strip_prefix(&self.dir).ok().and_then(Path::to_str);
                        names.extend(below.map(str::to_owned));
                    }
                    Err(error) => match error.into_io_error() {
                        // It is not there, or left meanwhile.
                        Some(error) if error.kind() == io::ErrorKind::NotFound => {}
                        Some(error) => return Err(unavailable(&dir, "read", &error)),
                        None => {}
                    },
                }
            }
        }
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    /// Keeps `bytes`, which the caller has proven, for `path`. An entry that is already equal is left alone.
    ///
    /// # Errors
    /// `Usage` for a path that leads out of the cache; `Unavailable` where the disk fails; then nothing is visible.
    pub fn write(&self, path: &str, bytes: &[u8]) -> Result<(), Fault> {
        let file = below(&self.dir, path)?;
        if matches!(self.read(path), Ok(Some(kept)) if kept == bytes) {
            return Ok(());
        }
        self.folder.take_room(bytes.len()).map_err(|error| unavailable(&file, "write", &error))?;
        match self.pack.holds(path) {
            Ok(true) => self.append(&[(path.to_owned(), bytes.to_vec())]),
            _ => self.folder.write(&file, bytes, false),
        }
    }

    /// Keeps `bytes`, which the caller has proven, in the place of `damaged` ones, which go to `refused/`, for a person.
    ///
    /// # Errors
    /// As [`Cache::write`].
    pub fn replace(&self, path: &str, damaged: &[u8], bytes: &[u8]) -> Result<(), Fault> {
        self.folder.keep_damaged(&below(&self.dir, path)?, 0, (damaged, bytes), SOURCE)?;
        self.write(path, bytes)
    }

    /// Keeps many entries, as [`Cache::write`] does one.
    ///
    /// # Errors
    /// As [`Cache::write`]; then some may be kept and some not.
    pub fn write_all(&self, entries: &[(String, Vec<u8>)]) -> Result<(), Fault> {
        let is_full = || self.pack.is_full().map_err(|error| self.unreadable(&error));
        let groups = if entries.len() < GROUP || is_full()? { 0 } else { entries.len() / GROUP };
        let (packed, few) = entries.split_at(groups * GROUP);
        if !packed.is_empty() {
            let bytes = packed.iter().map(|(_, bytes)| bytes.len()).sum();
            self.folder.take_room(bytes).map_err(|error| unavailable(&self.dir, "write", &error))?;
            self.append(packed)?;
        }
        few.iter().try_for_each(|(path, bytes)| self.write(path, bytes))
    }

    /// Keeps an entry as [`Cache::write`] does, if the disk lets it: an answer that is proven is given whether or not it is kept. A
    /// failure is noted with the folder. Nothing is written in a folder that is only looked at.
    pub fn keep(&self, path: &str, bytes: &[u8]) {
        self.note(|| self.write(path, bytes));
    }

    /// Keeps many entries, as [`Cache::keep`] does one.
    pub fn keep_all(&self, entries: &[(String, Vec<u8>)]) {
        self.note(|| self.write_all(entries));
    }

    fn note(&self, write: impl FnOnce() -> Result<(), Fault>) {
        if self.folder.reads_only() {
            return;
        }
        if let Err(fault) = write() {
            self.folder.note_failure(WriteKind::Cache, &fault);
        }
    }

    fn append(&self, entries: &[(String, Vec<u8>)]) -> Result<(), Fault> {
        entries.iter().try_for_each(|(path, _)| below(&self.dir, path).map(drop))?;
        // Somebody may have deleted the folder: look again.
        self.folder.forget();
        self.folder.ensure(&self.dir, false).map_err(|error| unavailable(&self.dir, "write", &error))?;
        self.pack.append(self.folder.disk(), entries)
    }

    fn unreadable(&self, error: &io::Error) -> Fault {
        unavailable(&self.dir.join("pack"), "read", error)
    }
}

/// A file's bytes; none where it is missing, empty, not a file, or longer than `limit`.
pub(super) fn read_bounded(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    use io::ErrorKind::{NotADirectory, NotFound};
    let mut file = match files::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), NotFound | NotADirectory) => return Ok(None),
        Err(error) if Unfit::of(&error).is_some() => return Ok(None),
        Err(error) => return Err(error),
    };
    let found = file.metadata()?;
    if found.len() > limit {
        return Ok(None);
    }
    // One read is enough for a file that keeps its length; one that grows meanwhile is cut, and proves nothing.
    let mut bytes = vec![0; usize::try_from(found.len()).unwrap_or(0)];
    let mut filled = 0;
    while let Some(room) = bytes.get_mut(filled..).filter(|room| !room.is_empty()) {
        match file.read(room)? {
            0 => break,
            read => filled += read,
        }
    }
    bytes.truncate(filled);
    Ok(Some(bytes).filter(|bytes| !bytes.is_empty()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs::File;

    use super::*;

    fn cache() -> (tempfile::TempDir, Cache) {
        let root = tempfile::tempdir().unwrap();
        let cache = Folder::open(&root.path().join("data")).unwrap().cache("sum.golang.org").unwrap();
        (root, cache)
    }

    #[test]
    fn what_is_written_is_read_in_the_go_layout() {
        let (root, cache) = cache();
        let path = "lookup/github.com/!burnt!sushi/toml@v1.0.0";
        assert_eq!((cache.read(path).unwrap(), cache.is_empty()), (None, true));
        cache.write(path, b"one").unwrap();
        assert!(!cache.is_empty());
        assert_eq!(cache.read(path).unwrap().unwrap(), b"one");
        let file = root.path().join("data/cache/sum.golang.org").join(path);
        assert_eq!(std::fs::read(file).unwrap(), b"one");
        cache.write(path, b"two").unwrap();
        assert_eq!(cache.read(path).unwrap().unwrap(), b"two");
        assert_eq!(std::fs::read_dir(root.path().join("data/tmp")).unwrap().count(), 0);
    }

    #[test]
    fn an_equal_entry_is_left_alone() {
        let (root, cache) = cache();
        cache.write("latest-like", b"same").unwrap();
        let file = root.path().join("data/cache/sum.golang.org/latest-like");
        let old = std::time::SystemTime::UNIX_EPOCH;
        File::options().write(true).open(&file).unwrap().set_modified(old).unwrap();
        cache.write("latest-like", b"same").unwrap();
        assert_eq!(file.metadata().unwrap().modified().unwrap(), old);
    }

    #[test]
    fn entries_that_are_empty_or_long_or_no_files_count_as_missing() {
        let (_root, cache) = cache();
        cache.write("tile/8/0/000", b"x").unwrap();
        std::fs::write(cache.dir().join("tile/8/0/001"), "").unwrap();
        File::create(cache.dir().join("tile/8/0/002")).unwrap().set_len(ENTRY_LIMIT + 1).unwrap();
        let pipe = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, cache.dir().join("tile/8/0/003"), pipe, rustix::fs::Mode::RUSR, 0)
            .unwrap();
        for path in ["tile/8/0/001", "tile/8/0/002", "tile/8/0/003", "tile/8/0", "tile/8/0/000/below"] {
            assert_eq!(cache.read(path).unwrap(), None, "{path}");
        }
        cache.write("tile/8/0/001", b"y").unwrap();
        assert_eq!(cache.read("tile/8/0/001").unwrap().unwrap(), b"y");
    }

    #[test]
    fn a_path_out_of_the_cache_is_refused() {
        let (_root, cache) = cache();
        assert!(matches!(cache.read("../latest"), Err(Fault::Usage(_))));
        assert!(matches!(cache.write("lookup/../../x", b"x"), Err(Fault::Usage(_))));
    }

    #[test]
    fn a_deleted_folder_is_made_again() {
        let (root, cache) = cache();
        cache.write("tile/8/0/000", b"x").unwrap();
        std::fs::remove_dir_all(root.path().join("data")).unwrap();
        cache.write("tile/8/0/001", b"y").unwrap();
        assert_eq!(cache.read("tile/8/0/001").unwrap().unwrap(), b"y");
    }

    #[test]
    fn a_file_in_the_way_is_named() {
        let (_root, cache) = cache();
        cache.write("lookup/a", b"x").unwrap();
        let text = cache.write("lookup/a/b", b"y").unwrap_err().to_string();
        assert!(text.contains("lookup/a/b: cannot write: ") && text.contains("move it away"), "{text}");
    }
}

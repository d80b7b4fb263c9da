//! The signed heads that a data folder remembers of one database. The remembered head is the largest of them.
//!
//! ```text
//! heads/NAME/latest     the newest head that was accepted, changed by compare-and-swap
//! heads/NAME/cosigned.* the newest head that a key of ours cosigned (`cosigned`)
//! heads/NAME/pending    heads of others that wait to be compared (`pending`)
//! heads/NAME/pinned     which pinned heads the timeline is known to contain (`pinned`)
//! heads/NAME/seen.jsonl when each accepted head was first seen, and by which route (`sightings`)
//! cache/NAME/latest     the same, where earlier versions kept it; only read
//! log/NAME/head         the committed head of the full log
//! log/NAME/heads        every head that was committed to the full log, the newest last
//! ```
//!
//! A head cannot be proven again, and losing it means to trust the next one as at first contact. So it does not lie in a folder
//! called cache, which people clear, and where one of the files is lost the others still tell what was accepted. `latest` is
//! durable: the new file is synced, renamed over the old one, and the folder is synced, all under a file lock. After a crash at
//! any moment the file is the old head or the new one, whole.

mod append;
mod cosigned;
mod pending;
mod pinned;
mod restore;
mod sightings;

use std::path::{Path, PathBuf};

pub use cosigned::CosignedHead;
pub use sightings::Sighting;

use super::cache::read_bounded;
use super::lock::Lock;
use super::log::newest_head;
use super::words::unavailable;
use super::{Folder, below};
use crate::fault::Fault;

/// The longest head that is read, in bytes (x/mod bounds a tree note's text to 10^6 bytes).
const HEAD_LIMIT: u64 = 2 << 20;

/// The files of one database's heads.
#[derive(Debug, Clone)]
pub struct HeadFile {
    folder: Folder,
    dir: PathBuf,
    /// where earlier versions kept it
    earlier: PathBuf,
    log: PathBuf,
}

/// A signed note of the data folder, and where it is. It is for the caller to open it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredHead {
    /// the file
    pub path: PathBuf,
    /// the note
    pub note: Vec<u8>,
}

/// What became of a swap.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Swap {
    /// the file holds the new head, durably
    Done,
    /// another process was faster: the file holds this head, and was not changed
    Conflict(Vec<u8>),
}

impl HeadFile {
    pub(super) fn new(folder: Folder, name: &str) -> Result<HeadFile, Fault> {
        let within = |top: &str| below(&folder.root().join(top), name);
        let (dir, earlier, log) = (within("heads")?, within("cache")?.join("latest"), within("log")?);
        Ok(HeadFile { folder, dir, earlier, log })
    }

    /// Where the newest accepted head is: `DATA/heads/NAME/latest`.
    pub fn path(&self) -> PathBuf {
        self.dir.join("latest")
    }

    /// The note in `latest`, or none. (For the go command an empty file is none too; here nothing ever empties it, so an empty one
    /// was damaged, and taking it for none would forget the timeline.)
    ///
    /// # Errors
    /// `Unavailable` where the file cannot be read or cannot be a note by its size: a head that is there but unreadable must
    /// not become a first contact.
    pub fn load(&self) -> Result<Option<Vec<u8>>, Fault> {
        load(&self.path())
    }

    /// The note in `latest` and the one where earlier versions kept it.
    ///
    /// # Errors
    /// As [`HeadFile::load`].
    pub fn accepted(&self) -> Result<Vec<StoredHead>, Fault> {
        self.each_accepted().into_iter().collect()
    }

    /// As [`HeadFile::accepted`], each file by itself: one that cannot be read hides no other.
    pub fn each_accepted(&self) -> Vec<Result<StoredHead, Fault>> {
        let stored = |path: PathBuf| Some(load(&path).transpose()?.map(|note| StoredHead { path, note }));
        [self.path(), self.earlier.clone()].into_iter().filter_map(stored).collect()
    }

    /// All notes of which one may be the largest head that was accepted here. None at first contact only.
    ///
    /// # Errors
    /// As [`HeadFile::load`], of any of the files.
    pub fn all(&self) -> Result<Vec<StoredHead>, Fault> {
        let mut found = self.accepted()?;
        let (head, heads) = (self.log.join("head"), self.log.join("heads"));
        found.extend(load(&head)?.map(|note| StoredHead { path: head, note }));
        let newest = newest_head(&heads, found.is_empty())?;
        found.extend(newest.map(|note| StoredHead { path: heads, note }));
        Ok(found)
    }

    /// Puts `new` in place of `old`, unless another head is there by now. `old` is what `load` gave, none at first contact.
    ///
    /// A file that has vanished does not conflict: there is no other timeline to protect.
    ///
    /// # Errors
    /// `Unavailable` where the disk fails or another process keeps the lock; then the file holds `old` or `new`, whole.
    pub fn swap(&self, old: Option<&[u8]>, new: &[u8]) -> Result<Swap, Fault> {
        if !self.dir.is_dir() {
            self.folder.forget();
        }
        self.folder.ensure(&self.dir, true).map_err(|error| unavailable(&self.dir, "create", &error))?;
        let _lock = Lock::acquire(&self.dir.join("lock"))?;
        match self.load()? {
            Some(current) if Some(current.as_slice()) != old => Ok(Swap::Conflict(current)),
            _ => self.folder.write(&self.path(), new, true).map(|()| Swap::Done),
        }
    }
}

fn load(path: &Path) -> Result<Option<Vec<u8>>, Fault> {
    // Looked for first: another process may put its first head there meanwhile, which is not damage.
    let there = path.symlink_metadata().is_ok();
    let found = read_bounded(path, HEAD_LIMIT).map_err(|error| unavailable(path, "read", &error))?;
    if found.is_none() && there {
        let why = "is empty or not a file: the signed tree head that was remembered there is lost. Restore it from a \
                   backup; or delete it, to trust the database's next head as on first contact";
        return Err(Fault::machine(path.display().to_string(), why));
    }
    Ok(found)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn head() -> (tempfile::TempDir, HeadFile) {
        let root = tempfile::tempdir().unwrap();
        let head = Folder::open(&root.path().join("data")).unwrap().head("localhost.localdev/sumdb").unwrap();
        (root, head)
    }

    #[test]
    fn swaps_and_conflicts() {
        let (root, head) = head();
        assert_eq!(head.load().unwrap(), None);
        assert_eq!(head.swap(None, b"one").unwrap(), Swap::Done);
        assert_eq!(head.swap(None, b"two").unwrap(), Swap::Conflict(b"one".to_vec()));
        assert_eq!(head.swap(Some(b"zero"), b"two").unwrap(), Swap::Conflict(b"one".to_vec()));
        assert_eq!(head.swap(Some(b"one"), b"two").unwrap(), Swap::Done);
        assert_eq!(head.load().unwrap().unwrap(), b"two");
        assert_eq!(head.path(), root.path().join("data/heads/localhost.localdev/sumdb/latest"));
    }

    #[test]
    fn a_vanished_file_is_first_contact() {
        let (_root, head) = head();
        assert_eq!(head.swap(Some(b"gone"), b"one").unwrap(), Swap::Done);
        std::fs::remove_file(head.path()).unwrap();
        assert_eq!(head.load().unwrap(), None);
        assert_eq!(head.swap(None, b"two").unwrap(), Swap::Done);
    }

    #[test]
    fn a_head_that_cannot_be_one_is_a_fault_and_not_first_contact() {
        let (_root, head) = head();
        assert_eq!(head.swap(None, b"one").unwrap(), Swap::Done);
        std::fs::File::options().write(true).open(head.path()).unwrap().set_len(HEAD_LIMIT + 1).unwrap();
        assert!(matches!(head.load(), Err(Fault::Unavailable { .. })));
        assert!(matches!(head.swap(None, b"two"), Err(Fault::Unavailable { .. })));
        std::fs::write(head.path(), "").unwrap();
        assert!(matches!(head.load(), Err(Fault::Unavailable { .. })));
        std::fs::remove_file(head.path()).unwrap();
        std::fs::create_dir(head.path()).unwrap();
        assert!(matches!(head.load(), Err(Fault::Unavailable { .. })));
    }

    #[test]
    fn many_threads_lose_no_update() {
        let (root, _) = head();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let head = Folder::open(&root.path().join("data")).unwrap().head("log").unwrap();
                    for _ in 0..10 {
                        count_up(&head);
                    }
                });
            }
        });
        let head = Folder::open(&root.path().join("data")).unwrap().head("log").unwrap();
        assert_eq!(head.load().unwrap().unwrap(), b"40");
    }

    fn count_up(head: &HeadFile) {
        let mut old = head.load().unwrap();
        loop {
            let number: u32 = old.as_deref().map_or(0, |text| str::from_utf8(text).unwrap().parse().unwrap());
            match head.swap(old.as_deref(), (number + 1).to_string().as_bytes()).unwrap() {
                Swap::Done => return,
                Swap::Conflict(current) => old = Some(current),
            }
        }
    }
}

//! The only module that writes to the disk: the full log (`log`) and its index, module files (`modules`, `private`), the journal of
//! the module proxy, quarantined bytes (`refused`), proven answers (`cache`), the remembered head, and evidence of forks.
//!
//! Every file appears whole or not at all: it is written under `DATA/tmp`, which is on the same file system, and renamed to its
//! name. The pack of a cache and the full log grow by parts, each of which is whole or counts as missing. What can be proven
//! again (lookups, tiles) is not synced to the disk one by one, since a file that a power cut emptied is refused at the next
//! read and fetched again. What nothing can prove again (the head, evidence) is synced: file, rename, folder. Nothing is
//! created before the first write.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

use crate::fault::Fault;

pub mod cache;
pub mod disk;
pub mod eviction;
pub mod evidence;
pub mod failing;
pub mod failures;
pub mod head;
pub mod index;
pub mod journal;
pub mod keep;
mod links;
pub mod lock;
pub mod log;
mod made;
mod modes;
pub mod modules;
pub mod priority;
pub mod runs;
pub mod scrub;
pub mod serving;
pub mod space;
mod sqlite;
pub mod usage;
mod whole;
mod words;
pub mod zipfile;

pub use cache::Cache;
pub use head::{HeadFile, StoredHead, Swap};
pub use index::Index;
pub use journal::Journal;
pub use log::Log;
pub use modules::Modules;
pub use usage::{Usage, Use, UseCounter};

use disk::{Disk, NoDisk, NotedDisk, RealDisk};
use failures::Failures;
use made::MadeFolders;
use space::FreeSpace;
use words::unavailable;

/// A file in `DATA/tmp` older than this belongs to a process that died: no write takes that long.
const LEFTOVER_AGE: Duration = Duration::from_secs(60 * 60);
/// Below the data folder, what is noted of the store as a whole: uses, what a person keeps, how far a scrub is.
const STORE_FOLDER: &str = "store";
/// Names tried for one temporary file before giving up: another process may have chosen the same.
const NAME_TRIES: u32 = 100;

/// The data folder. Cheap to clone; clones share what they know about it.
#[derive(Debug, Clone)]
pub struct Folder {
    shared: Arc<FolderState>,
}

#[derive(Debug)]
struct FolderState {
    root: PathBuf,
    disk: NotedDisk,
    made: Mutex<MadeFolders>,
    /// makes the names of temporary files of this process differ
    serial: AtomicU64,
    /// makes the names of temporary files of processes with one process id (in two containers) differ
    born: u32,
    /// whether this process only looks at it
    reads_only: bool,
    /// writes that failed although nothing depends on them
    failures: Failures,
    /// how much may still be stored
    room: Mutex<FreeSpace>,
    /// when the next byte may be read by a scrub
    scrubs: Arc<Mutex<Option<Instant>>>,
    appends: Arc<log::OwnWrites>, // what this process appended to full logs
    /// the senders of quarantined bytes
    refused: Mutex<modules::Ledger>,
}

impl Folder {
    /// The data folder at `root`, which need not exist yet. Leftovers of processes that died are swept from its `tmp`, and it is
    /// closed to other users.
    ///
    /// # Errors
    /// `Unavailable` where `root` exists and is not a folder.
    pub fn open(root: &Path) -> Result<Folder, Fault> {
        Folder::open_on(root, Box::new(RealDisk))
    }

    /// The same for a command that looks and changes nothing: nothing is swept, and every write is refused.
    ///
    /// # Errors
    /// As `open`.
    pub fn look(root: &Path) -> Result<Folder, Fault> {
        Folder::found(root, Box::new(NoDisk), true)
    }

    /// The same over another disk: tests pass one that fails.
    ///
    /// # Errors
    /// As `open`.
    pub fn open_on(root: &Path, disk: Box<dyn Disk>) -> Result<Folder, Fault> {
        let folder = Folder::found(root, disk, false)?;
        modes::close(root);
        folder.sweep(SystemTime::now());
        Ok(folder)
    }

    fn found(root: &Path, disk: Box<dyn Disk>, reads_only: bool) -> Result<Folder, Fault> {
        match root.metadata() {
            Ok(found) if !found.is_dir() => {
                return Err(Fault::machine(
                    root.display().to_string(),
                    "is a file where the data folder should be; name another folder with --data",
                ));
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unavailable(root, "open", &error)),
            _ => {}
        }
        let born = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.subsec_nanos());
        let (made, serial, failures, room, scrubs, appends, refused) = Default::default();
        let (root, disk) = (root.into(), NotedDisk::over(disk));
        let shared =
            FolderState { root, disk, made, serial, born, reads_only, failures, room, scrubs, appends, refused };
        Ok(Folder { shared: Arc::new(shared) })
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.shared.root
    }

    /// The cache of proven answers of the database `name`: `DATA/cache/NAME`.
    ///
    /// # Errors
    /// `Usage` where `name` is not fit to be a folder's name.
    pub fn cache(&self, name: &str) -> Result<Cache, Fault> {
        Ok(Cache::new(self.clone(), self.cache_folder(name)?))
    }

    /// The remembered heads of the database `name`: `DATA/heads/NAME/latest`, and what the full log has.
    ///
    /// # Errors
    /// `Usage` where `name` is not fit to be a folder's name.
    pub fn head(&self, name: &str) -> Result<HeadFile, Fault> {
        HeadFile::new(self.clone(), name)
    }

    /// The full log of the database `name`: `DATA/log/NAME`.
    ///
    /// # Errors
    /// `Usage` where `name` is not fit to be a folder's name.
    pub fn log(&self, name: &str) -> Result<Log, Fault> {
        Ok(Log::new(self.clone(), below(&self.shared.root.join("log"), name)?))
    }

    /// The files of modules that were proven: `DATA/modules`.
    pub fn modules(&self) -> Modules {
        Modules::new(self.clone())
    }

    /// What a module proxy remembers beside its files: `DATA/proxy.sqlite`. Nothing is opened or made before it is needed.
    ///
    /// # Errors
    /// None so far: a file that cannot be used is the fault of the calls that would use it.
    pub fn journal(&self) -> Result<Journal, Fault> {
        Ok(Journal::new(self.clone()))
    }

    fn cache_folder(&self, name: &str) -> Result<PathBuf, Fault> {
        below(&self.shared.root.join("cache"), name)
    }

    fn tmp(&self) -> PathBuf {
        self.shared.root.join("tmp")
    }

    fn disk(&self) -> &dyn Disk {
        &self.shared.disk
    }

    /// Writes `bytes` to `path`, whole or not at all; `durable` also survives a power cut from here on.
    fn write(&self, path: &Path, bytes: &[u8], durable: bool) -> Result<(), Fault> {
        match self.try_write(path, bytes, durable) {
            // Somebody deleted a folder that was there (`go clean`, `rm -r`): look again, once.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.forget();
                self.try_write(path, bytes, durable).map_err(|error| unavailable(path, "write", &error))
            }
            other => other.map_err(|error| unavailable(path, "write", &error)),
        }
    }

    fn try_write(&self, path: &Path, bytes: &[u8], durable: bool) -> io::Result<()> {
        let parent = path.parent().ok_or(io::ErrorKind::InvalidFilename)?;
        self.ensure(parent, durable)?;
        let temporary = self.write_temporary(bytes, durable)?;
        if let Err(error) = disk::name(self.disk(), &temporary, path) {
            // Best effort: what stays is swept at a later start.
            let _ = self.disk().remove(&temporary);
            return Err(error);
        }
        if durable { self.disk().sync_folder(parent) } else { Ok(()) }
    }

    fn write_temporary(&self, bytes: &[u8], durable: bool) -> io::Result<PathBuf> {
        let tmp = self.tmp();
        self.ensure(&tmp, false)?;
        for _ in 0..NAME_TRIES {
            let serial = self.shared.serial.fetch_add(1, Ordering::Relaxed);
            let path = tmp.join(format!("{}-{}-{serial}", std::process::id(), self.shared.born));
            match self.disk().write_new(&path, bytes, durable) {
                Ok(()) => return Ok(path),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    let _ = self.disk().remove(&path);
                    return Err(error);
                }
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Removes temporary files that were left more than an hour before `now`, best effort. Opening the folder does it too.
    pub fn sweep(&self, now: SystemTime) {
        let Ok(entries) = std::fs::read_dir(self.tmp()) else { return };
        for entry in entries.flatten() {
            let age = entry.metadata().and_then(|m| m.modified()).ok().and_then(|time| now.duration_since(time).ok());
            if age.is_some_and(|age| age > LEFTOVER_AGE) {
                let _ = self.disk().remove(&entry.path());
            }
        }
    }
}

/// `folder` + `name`, where `name` is made of plain `/`-separated elements and cannot lead out of `folder`.
fn below(folder: &Path, name: &str) -> Result<PathBuf, Fault> {
    let plain =
        |element: &str| !matches!(element, "" | "." | "..") && !element.bytes().any(|byte| matches!(byte, b'\\' | 0));
    if !name.split('/').all(plain) {
        return Err(Fault::Usage(format!("{name:?} is not a name for a file below {}", folder.display())));
    }
    Ok(folder.join(name))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_below_their_folder() {
        let root = Path::new("/data");
        assert_eq!(below(root, "tile/8/0/x001/000.p/3").unwrap(), Path::new("/data/tile/8/0/x001/000.p/3"));
        for name in ["", "/", "..", "a/../b", "a//b", "/etc/passwd", "a/", "./a", "a/.", "a\\..\\b", "a\0b"] {
            assert!(matches!(below(root, name), Err(Fault::Usage(_))), "{name:?}");
        }
    }

    #[test]
    fn old_leftovers_are_swept_and_young_ones_stay() {
        let root = tempfile::tempdir().unwrap();
        let tmp = root.path().join("tmp");
        std::fs::create_dir(&tmp).unwrap();
        for (name, age) in [("old", LEFTOVER_AGE * 2), ("young", LEFTOVER_AGE / 2)] {
            let file = std::fs::File::create(tmp.join(name)).unwrap();
            file.set_modified(SystemTime::now() - age).unwrap();
        }
        Folder::open(root.path()).unwrap();
        assert!(!tmp.join("old").exists());
        assert!(tmp.join("young").exists());
    }

    #[test]
    fn who_only_looks_sweeps_nothing_and_writes_nothing() {
        let root = tempfile::tempdir().unwrap();
        let old = root.path().join("tmp/old");
        std::fs::create_dir(root.path().join("tmp")).unwrap();
        let file = std::fs::File::create(&old).unwrap();
        file.set_modified(SystemTime::now() - LEFTOVER_AGE * 2).unwrap();
        let folder = Folder::look(root.path()).unwrap();
        assert!(old.exists() && folder.reads_only());
        let refused = folder.cache("sum.golang.org").unwrap().write("tile/8/0/000", b"x").unwrap_err();
        assert!(refused.to_string().contains("read-only"), "{refused}");
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 1);
    }

    #[test]
    fn opening_creates_nothing_and_a_file_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let data = root.path().join("data");
        Folder::open(&data).unwrap();
        assert!(!data.exists());
        std::fs::write(&data, "x").unwrap();
        assert!(matches!(Folder::open(&data), Err(Fault::Unavailable { .. })));
    }
}

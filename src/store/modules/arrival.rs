//! Unproven bytes on their way: a file in `tmp` that grows, and that a later process goes on with where this one died.
//!
//! Its name follows from what it is to become, and the process that has it open holds a lock on it. A process that finds it
//! locked takes another name, so that two of them never write into one file; nothing is lost but the second download.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use super::super::words::unavailable;
use super::super::zipfile::ZipFile;
use super::super::{Folder, LEFTOVER_AGE};
use super::loose::Refused;
use crate::fault::Fault;
use crate::sumdb::goproxy::ModuleRequest;
use crate::sumdb::gosum::Kind;
use crate::sumdb::hash::sha256;
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::number::wide;

/// What the name of the file begins with.
const PREFIX: &str = "arrival-";
/// Bytes of the hash that the file is named after.
const NAME_BYTES: usize = 16;
/// Bytes that take the disk so long that they had better not wait until they are proven.
const WRITE_BACK_FROM: u64 = 1 << 20;

/// The bytes of one file so far. Dropped, they stay in `tmp` for the next try, unless it is a passing one.
#[derive(Debug)]
pub struct Arrival {
    folder: Folder,
    module: ModuleVersion,
    kind: Kind,
    path: PathBuf,
    file: File,
    len: u64,
    resumed: bool,
    /// nothing of it stays when it is dropped
    is_passing: bool,
    /// it has another name by now, or none
    left: bool,
}

impl Arrival {
    pub(super) fn open(folder: &Folder, module: &ModuleVersion, kind: Kind) -> Result<Arrival, Fault> {
        let tmp = folder.tmp();
        if folder.has_room().is_err() {
            // A file that no process continues takes the room of one that a client waits for.
            folder.sweep_idle_arrivals();
            folder.has_room().map_err(|error| unavailable(&tmp, "write", &error))?;
        }
        if !tmp.is_dir() {
            folder.forget();
        }
        folder.ensure(&tmp, false).map_err(|error| unavailable(&tmp, "create", &error))?;
        let digest = sha256(ModuleRequest::File(module.clone(), kind).to_string().as_bytes()).0;
        let digits: String = digest.iter().take(NAME_BYTES).map(|byte| format!("{byte:02x}")).collect();
        let mut path = tmp.join(format!("{PREFIX}{digits}"));
        let failed = |path: &Path, error: &io::Error| unavailable(path, "open", error);
        let file = match hold(folder, &path).map_err(|error| failed(&path, &error))? {
            Some(file) => file,
            None => {
                let serial = folder.shared.serial.fetch_add(1, Ordering::Relaxed);
                let own = format!("{PREFIX}{digits}-{}-{}-{serial}", std::process::id(), folder.shared.born);
                path = tmp.join(own);
                let taken = || Fault::machine(path.display().to_string(), "is held by another process");
                hold(folder, &path).map_err(|error| failed(&path, &error))?.ok_or_else(taken)?
            }
        };
        let found = file.metadata().map_err(|error| failed(&path, &error))?;
        let (folder, module) = (folder.clone(), module.clone());
        let (len, is_passing, left) = (found.len(), false, false);
        let mut arrival = Arrival { folder, module, kind, path, file, len, resumed: len > 0, is_passing, left };
        let age = found.modified().ok().and_then(|time| SystemTime::now().duration_since(time).ok());
        if age.is_some_and(|age| age > LEFTOVER_AGE) {
            arrival.restart().map_err(|error| failed(&arrival.path, &error))?;
        }
        Ok(arrival)
    }

    /// Which file it is to become.
    pub fn file(&self) -> (&ModuleVersion, Kind) {
        (&self.module, self.kind)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes have arrived.
    #[expect(clippy::len_without_is_empty, reason = "what has arrived is counted, and none is a number")]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether it begins with bytes of an earlier try. If it then proves wrong nobody is to blame yet: a power cut may have taken
    /// some of them, or they came from a mirror whose zip has other bytes of the same hash. The download must then start over.
    pub fn resumed(&self) -> bool {
        self.resumed
    }

    /// From now on it is one that begins with bytes of an earlier try, if there are any.
    pub fn resume(&mut self) {
        self.resumed = self.len > 0;
    }

    /// Whether nothing of it stays when it is dropped.
    pub fn set_passing(&mut self, is_passing: bool) {
        self.is_passing = is_passing;
    }

    /// Adds bytes to the end.
    ///
    /// # Errors
    /// Those of the system, with the path; then it is as long as before. Where the disk is full, or down to its floor, nothing of
    /// it stays, so that its room is free at once; also that of others' unfinished arrivals that nobody goes on with.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let disk = self.folder.disk();
        let written = self.folder.take_room(bytes.len()).and_then(|()| disk.write_at(&self.file, bytes, self.len));
        if let Err(error) = written {
            if is_full(&error) {
                self.len = 0;
                self.folder.sweep_idle_arrivals();
            }
            // What was written of it is not counted; it goes so that no later process counts it either.
            let _ = disk.truncate(&self.file, self.len);
            return Err(self.named("write", &error));
        }
        self.len += wide(bytes.len());
        Ok(())
    }

    /// Discards what has arrived and starts over.
    ///
    /// # Errors
    /// Those of the system, with the path; then it is as long as before.
    pub fn restart(&mut self) -> io::Result<()> {
        self.folder.disk().truncate(&self.file, 0).map_err(|error| self.named("cut off", &error))?;
        (self.len, self.resumed) = (0, false);
        Ok(())
    }

    /// What has arrived so far, as a zip.
    ///
    /// # Errors
    /// Those of the system.
    pub fn zip(&self) -> io::Result<ZipFile> {
        Ok(ZipFile::first(self.file.try_clone()?, self.len))
    }

    /// What has arrived so far, in memory.
    ///
    /// # Errors
    /// Those of the system, with the path.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(self.len).map_err(|_| io::ErrorKind::FileTooLarge)?];
        self.file.read_exact_at(&mut bytes, 0).map_err(|error| self.named("read", &error))?;
        Ok(bytes)
    }

    /// Starts to write what has arrived to the disk, so that admitting it need not wait for that. Errors are reported then.
    pub fn write_back(&self) {
        if self.len >= WRITE_BACK_FROM {
            let _ = self.folder.disk().sync(&self.file);
        }
    }

    /// Throws it away.
    pub fn discard(mut self) {
        self.remove();
    }

    /// What has arrived so far, open for reading also after the file has lost its name.
    ///
    /// # Errors
    /// Those of the system.
    pub fn loose(&self) -> io::Result<Refused> {
        Ok(Refused::of(self.file.try_clone()?, self.len))
    }

    /// Moves it, synced, to `path`, whose folder is there, and syncs its name.
    pub(super) fn leave_for(&mut self, path: &Path) -> Result<(), Fault> {
        self.settle().map_err(|error| unavailable(&self.path, "sync", &error))?;
        let disk = self.folder.disk();
        disk.rename(&self.path, path).map_err(|error| unavailable(path, "write", &error))?;
        self.has_left();
        let parent = path.parent().unwrap_or(path);
        self.folder.disk().sync_folder(parent).map_err(|error| unavailable(path, "sync", &error))
    }

    /// Brings the file to the disk, as long as it should be; gives it as it is open, since under its new name it may be removed at
    /// once, to make room.
    pub(super) fn settle(&self) -> io::Result<File> {
        if self.file.metadata()?.len() != self.len {
            self.folder.disk().truncate(&self.file, self.len)?;
        }
        self.folder.disk().sync(&self.file)?;
        self.file.try_clone()
    }

    /// It has another name now.
    pub(super) fn has_left(&mut self) {
        self.left = true;
    }

    /// Throws it away, before it is dropped.
    pub(super) fn remove(&mut self) {
        if !self.left {
            self.left = true;
            // Best effort: what stays is swept at a later start.
            let _ = self.folder.disk().remove(&self.path);
        }
    }

    fn named(&self, doing: &str, error: &io::Error) -> io::Error {
        io::Error::new(error.kind(), unavailable(&self.path, doing, error).to_string())
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        // An empty file is of no use to a later process, and clients request many files that do not exist.
        if self.len == 0 || self.is_passing {
            self.remove();
        }
        // Not left to the closing of the file: a process that is being started has it open too, until it becomes another program.
        let _ = self.file.unlock();
    }
}

/// Whether the disk says that it is full, for this user at least.
fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

impl Folder {
    /// Removes arrivals that no process has open. Best effort.
    pub fn sweep_idle_arrivals(&self) {
        let Ok(entries) = std::fs::read_dir(self.tmp()) else { return };
        let arrivals = entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
        for path in arrivals.map(|entry| entry.path()) {
            // A process that opens it after that sees that its name is gone, see `hold`.
            if path.is_file()
                && let Ok(Some(_held)) = hold(self, &path)
            {
                let _ = self.disk().remove(&path);
            }
        }
    }
}

/// The file at `path`, which is made if missing, locked; none where another has it, and where no file stands there.
fn hold(folder: &Folder, path: &Path) -> io::Result<Option<File>> {
    let file = match folder.disk().open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => return Ok(None),
        Err(error) => return Err(error),
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    // Between the two calls the last holder may have given the file its name: then it is not ours to write.
    let found = file.metadata()?;
    let here = path.symlink_metadata().is_ok_and(|named| (named.dev(), named.ino()) == (found.dev(), found.ino()));
    Ok(Some(file).filter(|_| here && found.is_file()))
}

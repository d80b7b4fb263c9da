//! The disk as the store writes to it: ten calls, and one that says how much room there is, behind a trait so that tests can make
//! any one of them fail.

use std::fmt::Debug;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::modes;
use super::space::Space;

mod noted;

pub(super) use noted::{ChangedPaths, NotedDisk};

/// Every way in which the store changes the disk.
pub trait Disk: Debug + Send + Sync {
    /// Makes one folder, whose parent exists.
    ///
    /// # Errors
    /// As `mkdir`; `AlreadyExists` and `NotFound` are told apart by the caller.
    fn create_folder(&self, path: &Path) -> io::Result<()>;
    /// Makes a new file of `bytes`; `durable` syncs it to the disk.
    ///
    /// # Errors
    /// `AlreadyExists` where something has that name.
    fn write_new(&self, path: &Path, bytes: &[u8], durable: bool) -> io::Result<()>;
    /// Opens a file for reading and writing, and makes it, empty, where it is missing.
    ///
    /// # Errors
    /// As `open`.
    fn open(&self, path: &Path) -> io::Result<File>;
    /// Writes `bytes` at the offset `at` of an open file, whole.
    ///
    /// # Errors
    /// As `pwrite`; some of the bytes may be written.
    fn write_at(&self, file: &File, bytes: &[u8], at: u64) -> io::Result<()>;
    /// Cuts an open file off at `len` bytes.
    ///
    /// # Errors
    /// As `ftruncate`.
    fn truncate(&self, file: &File, len: u64) -> io::Result<()>;
    /// Syncs the content of an open file to the disk.
    ///
    /// # Errors
    /// As `fdatasync`.
    fn sync(&self, file: &File) -> io::Result<()>;
    /// Gives the file `from` the name `to`, in place of what had it.
    ///
    /// # Errors
    /// As `rename`.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Syncs the names in a folder to the disk.
    ///
    /// # Errors
    /// As `fsync`.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
    /// Removes a file.
    ///
    /// # Errors
    /// As `unlink`.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Removes an empty folder.
    ///
    /// # Errors
    /// As `rmdir`: it is not empty.
    fn remove_folder(&self, path: &Path) -> io::Result<()>;

    /// How much room there is on the file system of the folder at `path`. Changes nothing.
    ///
    /// # Errors
    /// As `statvfs`.
    fn space(&self, path: &Path) -> io::Result<Space> {
        let found = rustix::fs::statvfs(path)?;
        Ok(Space {
            free: found.f_bavail.saturating_mul(found.f_frsize),
            size: found.f_blocks.saturating_mul(found.f_frsize),
            free_files: found.f_favail,
            files: found.f_files,
        })
    }
}

/// Gives the file `from` the name `to`. An empty folder in its place is nobody's work; one that is not empty is not removed.
pub(super) fn name(disk: &dyn Disk, from: &Path, to: &Path) -> io::Result<()> {
    let renamed = disk.rename(from, to);
    if renamed.is_err() && to.is_dir() && disk.remove_folder(to).is_ok() { disk.rename(from, to) } else { renamed }
}

/// The disk of this machine. What is made is its owner's alone.
#[derive(Debug, Clone, Copy)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        modes::create_folder(path)
    }

    fn write_new(&self, path: &Path, bytes: &[u8], durable: bool) -> io::Result<()> {
        let mut file = modes::options().write(true).create_new(true).open(path)?;
        file.write_all(bytes)?;
        if durable { file.sync_all() } else { Ok(()) }
    }

    fn open(&self, path: &Path) -> io::Result<File> {
        modes::options().read(true).write(true).create(true).truncate(false).open(path)
    }

    fn write_at(&self, file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
        file.write_all_at(bytes, at)
    }

    fn truncate(&self, file: &File, len: u64) -> io::Result<()> {
        file.set_len(len)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        // A folder cannot be opened as a file on Windows, and need not be: renames are journalled there.
        if cfg!(windows) { Ok(()) } else { File::open(path)?.sync_all() }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }
}

/// The disk of a read-only command: every change of it is refused.
#[derive(Debug, Clone, Copy)]
pub struct NoDisk;

/// The error of every change.
fn refused<T>() -> io::Result<T> {
    Err(io::ErrorKind::ReadOnlyFilesystem.into())
}

impl Disk for NoDisk {
    fn create_folder(&self, _path: &Path) -> io::Result<()> {
        refused()
    }

    fn write_new(&self, _path: &Path, _bytes: &[u8], _durable: bool) -> io::Result<()> {
        refused()
    }

    fn open(&self, _path: &Path) -> io::Result<File> {
        refused()
    }

    fn write_at(&self, _file: &File, _bytes: &[u8], _at: u64) -> io::Result<()> {
        refused()
    }

    fn truncate(&self, _file: &File, _len: u64) -> io::Result<()> {
        refused()
    }

    fn sync(&self, _file: &File) -> io::Result<()> {
        refused()
    }

    fn rename(&self, _from: &Path, _to: &Path) -> io::Result<()> {
        refused()
    }

    fn sync_folder(&self, _path: &Path) -> io::Result<()> {
        refused()
    }

    fn remove(&self, _path: &Path) -> io::Result<()> {
        refused()
    }

    fn remove_folder(&self, _path: &Path) -> io::Result<()> {
        refused()
    }
}

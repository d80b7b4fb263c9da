//! For tests: a disk that fails at change number k, before, in the middle of, or after it. What it leaves behind is what
//! a full disk, or a process killed at that moment, leaves behind.

use std::fs::File;
use std::io;
use std::path::Path;

use parking_lot::Mutex;

use super::disk::{Disk, RealDisk};
use super::space::Space;

/// The moment of the failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// nothing of the change is on the disk
    Before,
    /// half of the bytes are on the disk (a change without bytes: as `Before`)
    Torn,
    /// the change is on the disk, but the caller gets an error
    After,
}

/// What follows the failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// every later change fails too: the process is dead
    Dead,
    /// later changes work: the disk was full for a moment
    Recovers,
}

/// A real disk that fails once, or for ever from then on. It counts syncs and makes none: what a killed process leaves behind is
/// the same, and a matrix of a thousand runs would wait for the disk and for nothing else.
#[derive(Debug)]
pub struct FailingDisk {
    at: usize,
    moment: Moment,
    then: Then,
    error: io::ErrorKind,
    is_broken: bool,
    /// what the disk says about its room; none for the truth
    space: Mutex<Option<Space>>,
    calls: Mutex<Vec<String>>,
}

impl FailingDisk {
    /// Fails at change number `at`, counted from 0.
    pub fn new(at: usize, moment: Moment, then: Then) -> FailingDisk {
        let (error, space) = (io::ErrorKind::StorageFull, Mutex::default());
        FailingDisk { at, moment, then, error, is_broken: false, space, calls: Mutex::default() }
    }

    /// Refuses every change, each with this error.
    pub fn refusing(error: io::ErrorKind) -> FailingDisk {
        FailingDisk::new(0, Moment::Before, Then::Dead).failing_with(error)
    }

    /// The same, with another error than that of a full disk.
    #[must_use]
    pub fn failing_with(self, error: io::ErrorKind) -> FailingDisk {
        FailingDisk { error, ..self }
    }

    /// The same, with the error of a disk that is broken: EIO.
    #[must_use]
    pub fn broken(self) -> FailingDisk {
        FailingDisk { is_broken: true, ..self }
    }

    /// Says that it has that much room.
    pub fn set_space(&self, space: Space) {
        *self.space.lock() = Some(space);
    }

    /// Never fails; only counts.
    pub fn never() -> FailingDisk {
        FailingDisk::new(usize::MAX, Moment::Before, Then::Recovers)
    }

    /// Every change that was asked for so far, in order: `write_new durable`, `rename`, ...
    pub fn calls(&self) -> Vec<String> {
        self.calls.lock().clone()
    }

    fn change<T>(
        &self,
        name: &str,
        whole: impl FnOnce() -> io::Result<T>,
        half: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<T> {
        let number = {
            let mut calls = self.calls.lock();
            calls.push(name.to_owned());
            calls.len() - 1
        };
        if number < self.at || (number > self.at && self.then == Then::Recovers) {
            return whole();
        }
        if number == self.at {
            match self.moment {
                Moment::Before => {}
                Moment::Torn => half()?,
                Moment::After => drop(whole()?),
            }
        }
        Err(if self.is_broken { rustix::io::Errno::IO.into() } else { self.error.into() })
    }
}

impl Disk for std::sync::Arc<FailingDisk> {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.change("create_folder", || RealDisk.create_folder(path), || Ok(()))
    }

    fn write_new(&self, path: &Path, bytes: &[u8], durable: bool) -> io::Result<()> {
        let (half, _) = bytes.split_at(bytes.len() / 2);
        let name = if durable { "write_new durable" } else { "write_new" };
        self.change(name, || RealDisk.write_new(path, bytes, false), || RealDisk.write_new(path, half, false))
    }

    fn open(&self, path: &Path) -> io::Result<File> {
        // To open a file that is there changes nothing.
        if path.exists() { RealDisk.open(path) } else { self.change("open", || RealDisk.open(path), || Ok(())) }
    }

    fn write_at(&self, file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
        let (half, _) = bytes.split_at(bytes.len() / 2);
        self.change("write_at", || RealDisk.write_at(file, bytes, at), || RealDisk.write_at(file, half, at))
    }

    fn truncate(&self, file: &File, len: u64) -> io::Result<()> {
        self.change("truncate", || RealDisk.truncate(file, len), || Ok(()))
    }

    fn sync(&self, _: &File) -> io::Result<()> {
        self.change("sync", || Ok(()), || Ok(()))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change("rename", || RealDisk.rename(from, to), || Ok(()))
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.change("sync_folder", || File::open(path).map(drop), || Ok(()))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.change("remove", || RealDisk.remove(path), || Ok(()))
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.change("remove_folder", || RealDisk.remove_folder(path), || Ok(()))
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        let planted = *self.space.lock();
        planted.map_or_else(|| RealDisk.space(path), Ok)
    }
}

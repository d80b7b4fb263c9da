//! A disk that loses power: what was written and not synced is lost, in part or whole, or is there as zeros or other bytes; so are
//! names.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use gosumcheck::store::disk::{Disk, RealDisk};

/// What became of the bytes that were not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsynced {
    /// neither they nor the names that were not synced are there
    Lost,
    /// the second half is lost
    Half,
    /// the files are long enough, but have zeros there
    Zeros,
    /// or what was on the disk before
    Garbage,
    /// the bytes are there, and so is what was renamed; the names of new files are not
    NewNames,
}

#[allow(dead_code, reason = "not all test programs try all")]
pub(crate) const KINDS: [Unsynced; 5] =
    [Unsynced::Lost, Unsynced::Half, Unsynced::Zeros, Unsynced::Garbage, Unsynced::NewNames];

/// A change that is not on the disk for sure.
#[derive(Debug)]
enum Pending {
    Bytes {
        path: PathBuf,
        at: u64,
        len: usize,
        old: Vec<u8>,
        old_len: u64,
    },
    Made(PathBuf),
    MadeFolder(PathBuf),
    /// `path` was replaced or removed
    Gone {
        path: PathBuf,
        old: Option<Vec<u8>>,
    },
}

impl Pending {
    fn is_name_in(&self, dir: &Path) -> bool {
        match self {
            Pending::Bytes { .. } => false,
            Pending::Made(path) | Pending::MadeFolder(path) | Pending::Gone { path, .. } => path.parent() == Some(dir),
        }
    }
}

#[derive(Debug, Default)]
struct State {
    changes: usize,
    pending: Vec<Pending>,
    names: HashMap<u64, PathBuf>,
}

/// A disk that keeps what was not synced apart, and loses power at a change.
#[derive(Debug, Clone)]
pub(crate) struct PowerDisk {
    cut_at: usize,
    state: Arc<Mutex<State>>,
}

impl PowerDisk {
    /// Fails from the change after so many on.
    pub(crate) fn new(cut_at: usize) -> PowerDisk {
        PowerDisk { cut_at, state: Arc::default() }
    }

    /// Whether nothing failed so far.
    #[allow(dead_code, reason = "not all test programs ask")]
    pub(crate) fn is_on(&self) -> bool {
        self.state.lock().unwrap().changes <= self.cut_at
    }

    /// The same disk, in the state that it is in, for the next process: this one died, and power stays.
    #[allow(dead_code, reason = "one of the test programs has two processes")]
    pub(crate) fn goes_on(&self) -> PowerDisk {
        PowerDisk { cut_at: usize::MAX, state: Arc::clone(&self.state) }
    }

    /// Counts a change; fails from the power cut on.
    fn change(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state.lock().unwrap();
        state.changes += 1;
        if state.changes > self.cut_at { Err(io::Error::other("no power")) } else { Ok(state) }
    }

    /// Leaves the disk as it is when power comes back.
    pub(crate) fn come_back(&self, unsynced: Unsynced) {
        for pending in self.state.lock().unwrap().pending.drain(..).rev() {
            match pending {
                Pending::Bytes { path, at, len, old, old_len } => {
                    let Ok(file) = File::options().write(true).open(&path) else { continue };
                    match unsynced {
                        Unsynced::Lost => {
                            file.write_all_at(&old, at).unwrap();
                            file.set_len(old_len).unwrap();
                        }
                        Unsynced::Half => {
                            let half = at + len as u64 / 2;
                            let kept = old.get(len / 2..).unwrap_or_default();
                            file.write_all_at(kept, half).unwrap();
                            file.set_len(old_len.max(half)).unwrap();
                        }
                        Unsynced::Zeros => file.write_all_at(&vec![0; len], at).unwrap(),
                        Unsynced::Garbage => {
                            let garbage: Vec<u8> = (0..len).map(|n| (n * 7919 + len) as u8).collect();
                            file.write_all_at(&garbage, at).unwrap();
                        }
                        Unsynced::NewNames => {}
                    }
                }
                Pending::Made(path) if unsynced == Unsynced::NewNames => drop(fs::remove_file(path)),
                _ if unsynced != Unsynced::Lost => {}
                Pending::Made(path) => drop(fs::remove_file(path)),
                Pending::MadeFolder(path) => drop(fs::remove_dir_all(path)),
                Pending::Gone { path, old: Some(old) } => fs::write(path, old).unwrap(),
                Pending::Gone { path, old: None } => drop(fs::remove_file(path)),
            }
        }
    }
}

fn inode(file: &File) -> u64 {
    file.metadata().unwrap().ino()
}

impl Disk for PowerDisk {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        let mut state = self.change()?;
        RealDisk.create_folder(path)?;
        state.pending.push(Pending::MadeFolder(path.to_owned()));
        Ok(())
    }

    fn write_new(&self, path: &Path, bytes: &[u8], durable: bool) -> io::Result<()> {
        let mut state = self.change()?;
        RealDisk.write_new(path, bytes, false)?;
        state.pending.push(Pending::Made(path.to_owned()));
        if !durable {
            let (path, len) = (path.to_owned(), bytes.len());
            state.pending.push(Pending::Bytes { path, at: 0, len, old: Vec::new(), old_len: 0 });
        }
        Ok(())
    }

    fn open(&self, path: &Path) -> io::Result<File> {
        let there = path.exists();
        let mut state = if there { self.state.lock().unwrap() } else { self.change()? };
        let file = RealDisk.open(path)?;
        state.names.insert(inode(&file), path.to_owned());
        if !there {
            state.pending.push(Pending::Made(path.to_owned()));
        }
        Ok(file)
    }

    fn write_at(&self, file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
        let mut state = self.change()?;
        let path = state.names[&inode(file)].clone();
        let content = fs::read(&path).unwrap();
        let end = content.len().min(at as usize + bytes.len());
        let old = content.get(at as usize..end).unwrap_or_default().to_vec();
        state.pending.push(Pending::Bytes { path, at, len: bytes.len(), old, old_len: content.len() as u64 });
        RealDisk.write_at(file, bytes, at)
    }

    fn truncate(&self, file: &File, len: u64) -> io::Result<()> {
        let mut state = self.change()?;
        let path = state.names[&inode(file)].clone();
        let content = fs::read(&path).unwrap();
        let old = content[len as usize..].to_vec();
        state.pending.push(Pending::Bytes { path, at: len, len: old.len(), old, old_len: content.len() as u64 });
        RealDisk.truncate(file, len)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        let mut state = self.change()?;
        let synced = state.names[&inode(file)].clone();
        state.pending.retain(|pending| !matches!(pending, Pending::Bytes { path, .. } if *path == synced));
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.change()?;
        let gone = Pending::Gone { path: to.to_owned(), old: fs::read(to).ok() };
        RealDisk.rename(from, to)?;
        // What was not synced of the file is not there under its new name either.
        for pending in &mut state.pending {
            if let Pending::Bytes { path, .. } = pending
                && path == from
            {
                to.clone_into(path);
            }
        }
        state.names.values_mut().filter(|path| *path == from).for_each(|path| to.clone_into(path));
        state.pending.push(gone);
        Ok(())
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.change()?.pending.retain(|pending| !pending.is_name_in(path));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.change()?;
        let gone = Pending::Gone { path: path.to_owned(), old: fs::read(path).ok() };
        RealDisk.remove(path)?;
        state.pending.push(gone);
        Ok(())
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        let _state = self.change()?;
        RealDisk.remove_folder(path)
    }
}

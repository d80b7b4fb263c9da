//! What this process changes below a data folder, for who keeps in memory what is there: the disk as all of the store writes to it,
//! which notes each path once the change is made. What other processes change is not noted.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use parking_lot::{Mutex, RwLock};

use super::super::space::Space;
use super::Disk;

/// Paths that are noted for one follower until it takes them: about 10 MB. Where there are more, it has to look at everything.
const MAX_NOTED: usize = 1 << 16;

/// A disk that notes its changes.
#[derive(Debug)]
pub(in crate::store) struct NotedDisk {
    disk: Box<dyn Disk>,
    followers: RwLock<Vec<Weak<ChangedPaths>>>,
}

/// The paths of files and folders that were made, renamed or removed since they were last taken.
#[derive(Debug)]
pub(in crate::store) struct ChangedPaths {
    /// only those below one of these folders, and these themselves
    roots: Vec<PathBuf>,
    /// none: there were too many
    noted: Mutex<Option<HashSet<PathBuf>>>,
}

impl ChangedPaths {
    /// Takes the paths that were noted; none where there were too many.
    pub(in crate::store) fn take(&self) -> Option<HashSet<PathBuf>> {
        self.noted.lock().replace(HashSet::new())
    }

    fn note(&self, path: &Path) {
        if self.roots.iter().any(|root| path.starts_with(root)) {
            let mut noted = self.noted.lock();
            if noted.as_mut().is_some_and(|paths| paths.insert(path.to_path_buf()) && paths.len() > MAX_NOTED) {
                *noted = None;
            }
        }
    }
}

impl NotedDisk {
    pub(in crate::store) fn over(disk: Box<dyn Disk>) -> NotedDisk {
        NotedDisk { disk, followers: RwLock::default() }
    }

    /// Notes what is changed below these folders from now on, for as long as the paths are kept.
    pub(in crate::store) fn follow(&self, roots: Vec<PathBuf>) -> Arc<ChangedPaths> {
        let paths = Arc::new(ChangedPaths { roots, noted: Mutex::new(Some(HashSet::new())) });
        let mut followers = self.followers.write();
        followers.retain(|follower| follower.strong_count() > 0);
        followers.push(Arc::downgrade(&paths));
        paths
    }

    /// Notes a change that was tried: also one that failed may have been made. Only afterwards: who looks in between finds it or not,
    /// and looks again.
    fn tried<T>(&self, paths: &[&Path], outcome: T) -> T {
        let followers = self.followers.read();
        for follower in followers.iter().filter_map(Weak::upgrade) {
            paths.iter().for_each(|path| follower.note(path));
        }
        outcome
    }
}

impl Disk for NotedDisk {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.tried(&[path], self.disk.create_folder(path))
    }

    fn write_new(&self, path: &Path, bytes: &[u8], durable: bool) -> io::Result<()> {
        self.tried(&[path], self.disk.write_new(path, bytes, durable))
    }

    fn open(&self, path: &Path) -> io::Result<File> {
        self.tried(&[path], self.disk.open(path))
    }

    fn write_at(&self, file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
        self.disk.write_at(file, bytes, at)
    }

    fn truncate(&self, file: &File, len: u64) -> io::Result<()> {
        self.disk.truncate(file, len)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        self.disk.sync(file)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.tried(&[from, to], self.disk.rename(from, to))
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.disk.sync_folder(path)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.tried(&[path], self.disk.remove(path))
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.tried(&[path], self.disk.remove_folder(path))
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        self.disk.space(path)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::RealDisk;
    use super::*;

    #[test]
    fn changes_are_noted_for_who_follows_and_too_many_are_none() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let disk = NotedDisk::over(Box::new(RealDisk));
        disk.create_folder(&at("a")).unwrap();
        let paths = disk.follow(vec![at("a")]);
        disk.write_new(&at("tmp"), b"1", false).unwrap();
        disk.rename(&at("tmp"), &at("a/1")).unwrap();
        disk.create_folder(&at("b")).unwrap();
        assert!(disk.remove(&at("a/2")).is_err());
        assert_eq!(paths.take().unwrap(), HashSet::from([at("a/1"), at("a/2")]));
        assert_eq!(paths.take().unwrap(), HashSet::new());
        (0..=MAX_NOTED).for_each(|number| paths.note(&at("a").join(number.to_string())));
        assert_eq!(paths.take(), None);
        disk.remove(&at("a/1")).unwrap();
        assert_eq!(paths.take().unwrap(), HashSet::from([at("a/1")]));
        drop(paths);
        disk.follow(vec![at("b")]);
        assert_eq!(disk.followers.read().len(), 1);
    }
}

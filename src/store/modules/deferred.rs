//! Names that become durable later. Who brings many files and says only at the end that they are here need not wait for the name of
//! each: the bytes of a file and its hash are on the disk before it has its name, as ever (`naming`), and a folder is synced once for
//! all names that it got meanwhile, as are those above it. A power cut before that takes files of which nobody was told. A server,
//! which tells nobody, leaves names to the system: ext4 makes every change of a file system wait for a folder that is synced.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::super::Folder;
use super::super::words::unavailable;
use super::{Modules, Tree};
use crate::fault::Fault;
use crate::files::folder_of;
use crate::sumdb::module::ModuleVersion;

/// Whose names become durable later, and when.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Deferred {
    /// nobody's: each name becomes durable at once
    #[default]
    None,
    /// those of files that a database proved, when the system writes them, which is within half a minute: what a power cut takes of them
    /// is brought and proven again. What came first of a private module is kept nowhere else, and is durable at once
    Proven,
    /// all, with [`Modules::settle_names`]
    All,
}

/// The folders with names that are not durable yet. Cheap to clone; clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct DeferredNames {
    noted: Arc<Mutex<Noted>>,
    /// held while folders are synced, so that who comes second also waits for what the first one took
    settling: Arc<Mutex<()>>,
}

#[derive(Debug, Default)]
struct Noted {
    whose: Deferred,
    folders: BTreeSet<PathBuf>,
}

impl DeferredNames {
    /// Whether the names of this tree are deferred.
    pub(super) fn of(&self, tree: Tree) -> bool {
        match self.noted.lock().whose {
            Deferred::None => false,
            Deferred::Proven => tree == Tree::Proven,
            Deferred::All => true,
        }
    }

    /// Notes a folder of this tree below that of the data, and those above it, where it is to be synced later: another process may have
    /// made them and died before it synced them. Gives whether the names of this tree are deferred.
    pub(super) fn note(&self, tree: Tree, root: &Path, folder: &Path) -> bool {
        let mut noted = self.noted.lock();
        let folders = match noted.whose {
            Deferred::None => return false,
            Deferred::Proven => return tree == Tree::Proven,
            Deferred::All => &mut noted.folders,
        };
        let above = folder.ancestors().take_while(|above| above.starts_with(root));
        // Where one is noted, those above it are.
        let new: Vec<&Path> = above.take_while(|above| !folders.contains(*above)).collect();
        folders.extend(new.into_iter().map(Path::to_path_buf));
        true
    }

    /// Syncs what was noted, so many folders at a time.
    fn settle(&self, folder: &Folder, threads: usize) -> Result<(), Fault> {
        let _alone = self.settling.lock();
        let folders = std::mem::take(&mut self.noted.lock().folders);
        if folders.is_empty() {
            return Ok(());
        }
        let all: Vec<&Path> =
            std::iter::once(folder_of(folder.root())).chain(folders.iter().map(PathBuf::as_path)).collect();
        let (next, failed) = (AtomicUsize::new(0), Mutex::new(None));
        let work = || {
            while let Some(path) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                if let Err(error) = sync(folder, path) {
                    *failed.lock() = Some(unavailable(path, "sync", &error));
                    next.store(all.len(), Ordering::Relaxed);
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..threads.min(all.len()) {
                scope.spawn(work);
            }
            work();
        });
        let failed = failed.into_inner();
        if failed.is_some() {
            // Nobody who asks later is told that they are durable.
            self.noted.lock().folders.extend(folders);
        }
        failed.map_or(Ok(()), Err)
    }
}

impl Modules {
    /// From now on [`Modules::admit`] gives files of `whose` names when these are not durable yet: their bytes and their hash are.
    pub fn defer_names(&self, whose: Deferred) {
        self.deferred.noted.lock().whose = whose;
    }

    /// Where names are deferred, those of a module version's files that were found here are too: the process that admitted them may have
    /// died before they were durable.
    ///
    /// # Errors
    /// `Usage` where they cannot be names of files.
    pub fn defer_name(&self, tree: Tree, module: &ModuleVersion) -> Result<(), Fault> {
        let path = self.named(tree, module, "mod")?;
        self.deferred.note(tree, self.folder.root(), path.parent().unwrap_or(&path));
        Ok(())
    }

    /// Makes all names durable that were deferred until now; syncs so many folders at a time.
    ///
    /// # Errors
    /// `Unavailable` where the disk fails; then any of these names may be missing after a power cut.
    pub fn settle_names(&self, threads: usize) -> Result<(), Fault> {
        self.deferred.settle(&self.folder, threads)
    }
}

/// Syncs a folder. One that is gone has no names to lose; and the data folder may lie in one that belongs to somebody else and
/// cannot be read.
fn sync(folder: &Folder, path: &Path) -> io::Result<()> {
    use io::ErrorKind::{NotFound, PermissionDenied};
    match folder.disk().sync_folder(path) {
        Err(error) if error.kind() == NotFound => Ok(()),
        Err(error) if error.kind() == PermissionDenied && path == folder_of(folder.root()) => Ok(()),
        synced => synced,
    }
}

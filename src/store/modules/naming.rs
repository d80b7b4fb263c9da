//! A file gets its name, and before it what proves it. What has to survive a power cut is on the disk before the first of them has a
//! name, and one sync of their folder makes all names durable. A power cut before that leaves some of the names: a hash without its
//! file says nothing, and a file without a hash does not count. Where names are deferred, that sync comes later (`deferred`).

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::super::words::unavailable;
use super::super::{Folder, disk};
use super::deferred::DeferredNames;
use super::{Arrival, Modules, Tree};
use crate::fault::Fault;

/// The files of one folder that are to get their names.
pub(super) struct Naming<'a> {
    folder: &'a Folder,
    deferred: &'a DeferredNames,
    tree: Tree,
    /// the file that arrived gets this name
    file: &'a Path,
    /// what will stand beside it: where that is in `tmp`, and its name
    beside: Vec<(PathBuf, PathBuf)>,
}

impl<'a> Naming<'a> {
    /// Makes the folder of `file`, durably unless names are deferred, whichever process makes it.
    pub(super) fn of(modules: &'a Modules, tree: Tree, file: &'a Path) -> Result<Naming<'a>, Fault> {
        let naming = Naming { folder: &modules.folder, deferred: &modules.deferred, tree, file, beside: Vec::new() };
        naming.ensure().map_err(|error| unavailable(naming.parent(), "create", &error))?;
        Ok(naming)
    }

    /// Writes what is to be named `path` before the file is; `durable` survives a power cut with its name.
    pub(super) fn add(&mut self, path: &Path, bytes: &[u8], durable: bool) -> Result<(), Fault> {
        let written = match self.folder.write_temporary(bytes, durable) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Somebody deleted `tmp`: look again, once.
                self.folder.forget();
                self.folder.write_temporary(bytes, durable)
            }
            written => written,
        };
        let written = written.map_err(|error| unavailable(path, "write", &error))?;
        self.beside.push((written, path.to_owned()));
        Ok(())
    }

    /// Gives all of them their names, durably, that of the file to `arrival` and last; gives the file, open.
    pub(super) fn name(mut self, arrival: &mut Arrival) -> Result<File, Fault> {
        let file = arrival.settle().map_err(|error| unavailable(arrival.path(), "sync", &error))?;
        while let Some((from, to)) = self.beside.first() {
            self.give(from, to).map_err(|error| unavailable(to, "write", &error))?;
            self.beside.remove(0);
        }
        self.give(arrival.path(), self.file).map_err(|error| unavailable(self.file, "write", &error))?;
        arrival.has_left();
        // Not before: a folder that is synced between the two is not noted again.
        if !self.deferred.note(self.tree, self.folder.root(), self.parent()) {
            let synced = self.folder.disk().sync_folder(self.parent());
            synced.map_err(|error| unavailable(self.file, "sync", &error))?;
        }
        Ok(file)
    }

    fn give(&self, from: &Path, to: &Path) -> io::Result<()> {
        match disk::name(self.folder.disk(), from, to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Somebody deleted the folder (`go clean`, `rm -r`): look again, once.
                self.folder.forget();
                self.ensure()?;
                disk::name(self.folder.disk(), from, to)
            }
            named => named,
        }
    }

    fn ensure(&self) -> io::Result<()> {
        self.folder.ensure(self.parent(), !self.deferred.of(self.tree))
    }

    fn parent(&self) -> &'a Path {
        self.file.parent().unwrap_or(self.file)
    }
}

impl Drop for Naming<'_> {
    fn drop(&mut self) {
        for (from, _) in &self.beside {
            // Best effort: what stays is swept at a later start.
            let _ = self.folder.disk().remove(from);
        }
    }
}

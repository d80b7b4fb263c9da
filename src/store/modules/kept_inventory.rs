//! An inventory that is kept in memory. All is looked at once; then only the places that this process has changed since, as the disk
//! has noted them (`store::disk`). What other processes change is not seen: who keeps one takes a new one now and then.

use std::collections::HashMap;
use std::io::ErrorKind::{NotADirectory, NotFound};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::disk::ChangedPaths;
use super::super::words::unavailable;
use super::inventory::{TREES, room};
use super::walk::VERSIONS;
use super::{Inventory, InventoryFile, Modules, Tree};
use crate::fault::Fault;

/// What is in the two trees.
#[derive(Debug)]
pub struct KeptInventory {
    modules: Modules,
    changed: Arc<ChangedPaths>,
    /// each folder with the versions of a module, and each other entry, by its path
    parts: HashMap<PathBuf, Inventory>,
    /// the files in all parts, and what is left of others
    len: usize,
    bytes: u64,
}

impl Modules {
    /// An [inventory](Modules::inventory) that is to be kept.
    ///
    /// # Errors
    /// `Unavailable`: a folder cannot be read.
    pub fn keep_inventory(&self) -> Result<KeptInventory, Fault> {
        let (dirs, modules) = (TREES.map(|tree| self.dir_of(tree).to_path_buf()), self.clone());
        let changed = self.folder.shared.disk.follow(dirs.to_vec());
        let mut kept = KeptInventory { modules, changed, parts: HashMap::new(), len: 0, bytes: 0 };
        for tree in TREES {
            self.each_part(tree, |path, part| kept.put(path, Some(part)))?;
        }
        Ok(kept)
    }
}

impl KeptInventory {
    /// Looks again where this process changed something since the last time; false where that was too much: a new one is needed.
    ///
    /// # Errors
    /// `Unavailable`: a folder cannot be read; a new one is needed.
    pub fn renew(&mut self) -> Result<bool, Fault> {
        let Some(paths) = self.changed.take() else { return Ok(false) };
        let mut parts: HashMap<&Path, Tree> = HashMap::new();
        for path in &paths {
            let Some(tree) = TREES.into_iter().find(|tree| path.starts_with(self.modules.dir_of(*tree))) else {
                continue;
            };
            let dir = self.modules.dir_of(tree);
            let within = |above: &&Path| above.starts_with(dir);
            // The outermost folder of versions, or the entry for itself. One above that got an entry may take more room.
            let part = path.ancestors().take_while(within).filter(|above| is_versions(above)).last().unwrap_or(path);
            parts.extend(part.ancestors().take_while(within).map(|above| (above, tree)));
        }
        for (path, tree) in parts {
            let part = self.look(tree, path)?;
            self.put(path.to_path_buf(), part);
        }
        Ok(true)
    }

    /// What is there now; none where nothing is.
    fn look(&self, tree: Tree, path: &Path) -> Result<Option<Inventory>, Fault> {
        match path.symlink_metadata() {
            Ok(found) if found.is_dir() && is_versions(path) => self.modules.part(tree, path).map(Some),
            Ok(found) => Ok(Some(Inventory { bytes: room(&found), ..Inventory::default() })),
            Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Ok(None),
            Err(error) => Err(unavailable(path, "read", &error)),
        }
    }

    fn put(&mut self, path: PathBuf, part: Option<Inventory>) {
        let count = |part: &Inventory| part.files.len() + part.remains.len();
        let (len, bytes) = part.as_ref().map_or((0, 0), |part| (count(part), part.bytes));
        let old = match part {
            Some(part) => self.parts.insert(path, part),
            None => self.parts.remove(&path),
        };
        let (old_len, old_bytes) = old.as_ref().map_or((0, 0), |old| (count(old), old.bytes));
        self.len = self.len.saturating_sub(old_len).saturating_add(len);
        self.bytes = self.bytes.saturating_sub(old_bytes).saturating_add(bytes);
    }

    /// How many files there are, and versions whose files were removed.
    #[expect(clippy::len_without_is_empty, reason = "nobody asks whether there are none")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The room that all of it takes on the disk, in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The files and what is left of others, as in an [`Inventory`], in no order.
    pub fn files(&self) -> (Vec<InventoryFile>, Vec<InventoryFile>) {
        all_of(self.parts.values().cloned())
    }

    /// The same, where it is kept no longer.
    pub fn into_files(self) -> (Vec<InventoryFile>, Vec<InventoryFile>) {
        all_of(self.parts.into_values())
    }
}

fn all_of(parts: impl Iterator<Item = Inventory>) -> (Vec<InventoryFile>, Vec<InventoryFile>) {
    let (mut files, mut remains) = (Vec::new(), Vec::new());
    for mut part in parts {
        files.append(&mut part.files);
        remains.append(&mut part.remains);
    }
    (files, remains)
}

fn is_versions(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == VERSIONS)
}

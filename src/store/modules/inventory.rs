//! What is in the two trees and how much room it takes, found by looking at names and sizes alone: no file is opened.

use std::collections::{HashMap, HashSet};
use std::fs::Metadata;
use std::io::ErrorKind::NotFound;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use walkdir::{DirEntry, WalkDir};

use super::proof::proof_extension;
use super::walk::{VERSIONS, parse};
use super::{Modules, Tree};
use crate::fault::Fault;
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::ModuleVersion;

/// Bytes that `stat` counts blocks in.
const BLOCK_BYTES: u64 = 512;
/// The trees, in the order of an inventory.
pub(super) const TREES: [Tree; 2] = [Tree::Proven, Tree::FirstUse];

/// A module's file in the store.
#[derive(Debug, Clone)]
pub struct InventoryFile {
    /// which tree it is in
    pub tree: Tree,
    /// of which module version
    pub module: ModuleVersion,
    /// which file of it
    pub kind: Kind,
    /// the name that its uses are counted under
    pub name: String,
    /// the room it takes on the disk, in bytes
    pub bytes: u64,
    /// its size in bytes
    pub len: u64,
    /// when it arrived
    pub admitted: SystemTime,
    /// whether a database's proof stands beside it: what an older version stored without one may be private
    pub has_proof: bool,
}

impl InventoryFile {
    /// Whether it stands for what is left of a version whose files went.
    pub fn is_remains(&self) -> bool {
        !self.name.ends_with(".zip") && !self.name.ends_with(".mod")
    }
}

/// All of them, each tree sorted by path.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// the files
    pub files: Vec<InventoryFile>,
    /// what stands there of public versions whose files were removed: their hashes, proofs and `.info`, as one each
    pub remains: Vec<InventoryFile>,
    /// the room that all below both trees takes on the disk, in bytes: proofs, hashes and lists too
    pub bytes: u64,
}

impl Modules {
    /// What is in the two trees now. Links are not followed; what leaves meanwhile is left out.
    ///
    /// # Errors
    /// `Unavailable`: a folder cannot be read.
    pub fn inventory(&self) -> Result<Inventory, Fault> {
        let mut inventory = Inventory::default();
        for tree in TREES {
            self.each_part(tree, |_, mut part| {
                inventory.files.append(&mut part.files);
                inventory.remains.append(&mut part.remains);
                inventory.bytes = inventory.bytes.saturating_add(part.bytes);
            })?;
        }
        Ok(inventory)
    }

    /// Gives what is in a tree part by part, with their paths: each folder with the versions of a module, and each other entry for
    /// itself, which is nothing but the room it takes.
    pub(super) fn each_part(&self, tree: Tree, mut each: impl FnMut(PathBuf, Inventory)) -> Result<(), Fault> {
        let dir = self.dir_of(tree);
        let mut walk = WalkDir::new(dir).sort_by_file_name().into_iter();
        while let Some(entry) = walk.next() {
            let Some((entry, found)) = seen(dir, entry)? else { continue };
            if found.is_dir() && entry.file_name() == VERSIONS {
                walk.skip_current_dir();
                each(entry.path().to_path_buf(), self.part(tree, entry.path())?);
            } else {
                each(entry.into_path(), Inventory { bytes: room(&found), ..Inventory::default() });
            }
        }
        Ok(())
    }

    /// What is in the folder `@v` of a module, and how much room that takes.
    pub(super) fn part(&self, tree: Tree, versions: &Path) -> Result<Inventory, Fault> {
        let dir = self.dir_of(tree);
        let (mut part, mut proofs, mut beside) = (Inventory::default(), HashSet::new(), Vec::new());
        let proof_ends = [Kind::GoMod, Kind::Zip].map(proof_extension);
        for entry in WalkDir::new(versions).sort_by_file_name() {
            let Some((entry, found)) = seen(dir, entry)? else { continue };
            let bytes = room(&found);
            part.bytes = part.bytes.saturating_add(bytes);
            let below = entry.path().strip_prefix(dir).ok().and_then(Path::to_str);
            let Some((module, ending)) = below.filter(|_| found.is_file()).and_then(parse) else { continue };
            if proof_ends.contains(&ending) {
                proofs.insert(entry.path().to_path_buf());
            }
            let name = self.usage.name(entry.path());
            let (len, admitted) = (found.len(), found.modified().unwrap_or(SystemTime::UNIX_EPOCH));
            let Some(kind) = [Kind::GoMod, Kind::Zip].into_iter().find(|kind| kind.extension() == ending) else {
                let kind = Kind::Zip;
                beside.push(InventoryFile { tree, module, kind, name, bytes, len, admitted, has_proof: true });
                continue;
            };
            part.files.push(InventoryFile { tree, module, kind, name, bytes, len, admitted, has_proof: false });
        }
        for file in &mut part.files {
            let proof = self.folder.root().join(&file.name).with_extension(proof_extension(file.kind));
            file.has_proof = proofs.contains(&proof);
        }
        if tree == Tree::Proven {
            part.remains = remains(beside, &part.files);
        }
        Ok(part)
    }
}

/// An entry of a walk and what it is; none for one that was removed meanwhile.
fn seen(dir: &Path, entry: walkdir::Result<DirEntry>) -> Result<Option<(DirEntry, Metadata)>, Fault> {
    match entry.and_then(|entry| entry.metadata().map(|found| (entry, found))) {
        Ok(seen) => Ok(Some(seen)),
        Err(error) if error.io_error().is_some_and(|error| error.kind() == NotFound) => Ok(None),
        Err(error) => {
            let path = error.path().unwrap_or(dir).display().to_string();
            Err(Fault::machine(path, format!("cannot be read: {error}")))
        }
    }
}

/// What stands beside no file, as one for each version.
fn remains(beside: Vec<InventoryFile>, files: &[InventoryFile]) -> Vec<InventoryFile> {
    let held: HashSet<&ModuleVersion> = files.iter().map(|file| &file.module).collect();
    let mut remains: HashMap<ModuleVersion, InventoryFile> = HashMap::new();
    for more in beside.into_iter().filter(|more| !held.contains(&more.module)) {
        match remains.get_mut(&more.module) {
            None => drop(remains.insert(more.module.clone(), more)),
            Some(one) => {
                one.bytes = one.bytes.saturating_add(more.bytes);
                one.admitted = one.admitted.max(more.admitted);
            }
        }
    }
    remains.into_values().collect()
}

/// The room that a file takes: a file that was just written may have no blocks yet.
pub(super) fn room(found: &Metadata) -> u64 {
    found.blocks().saturating_mul(BLOCK_BYTES).max(found.len())
}

//! What is in the two trees and how much room it takes, found by looking at names and sizes alone: no file is opened.

use std::collections::{HashMap, HashSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use walkdir::WalkDir;

use super::proof::proof_extension;
use super::walk::parse;
use super::{Modules, Tree};
use crate::fault::Fault;
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::ModuleVersion;

/// Bytes that `stat` counts blocks in.
const BLOCK_BYTES: u64 = 512;

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
        for tree in [Tree::Proven, Tree::FirstUse] {
            self.take_inventory(tree, &mut inventory)?;
        }
        Ok(inventory)
    }

    fn take_inventory(&self, tree: Tree, inventory: &mut Inventory) -> Result<(), Fault> {
        let dir = self.dir_of(tree);
        let (mut proofs, mut beside, from) = (HashSet::new(), Vec::new(), inventory.files.len());
        let proof_ends = [Kind::GoMod, Kind::Zip].map(proof_extension);
        for entry in WalkDir::new(dir).sort_by_file_name() {
            let gone = |error: &walkdir::Error| {
                error.io_error().is_some_and(|error| error.kind() == std::io::ErrorKind::NotFound)
            };
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) if gone(&error) => continue,
                Err(error) => return Err(unreadable(dir, &error)),
            };
            let found = match entry.metadata() {
                Ok(found) => found,
                Err(error) if gone(&error) => continue,
                Err(error) => return Err(unreadable(dir, &error)),
            };
            let bytes = room(&found);
            inventory.bytes = inventory.bytes.saturating_add(bytes);
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
            inventory.files.push(InventoryFile { tree, module, kind, name, bytes, len, admitted, has_proof: false });
        }
        for file in inventory.files.iter_mut().skip(from) {
            let proof = self.folder.root().join(&file.name).with_extension(proof_extension(file.kind));
            file.has_proof = proofs.contains(&proof);
        }
        if tree == Tree::Proven {
            inventory.remains = remains(beside, &inventory.files);
        }
        Ok(())
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
pub(super) fn room(found: &std::fs::Metadata) -> u64 {
    found.blocks().saturating_mul(BLOCK_BYTES).max(found.len())
}

fn unreadable(dir: &Path, error: &walkdir::Error) -> Fault {
    let path: PathBuf = error.path().unwrap_or(dir).to_path_buf();
    Fault::machine(path.display().to_string(), format!("cannot be read: {error}"))
}

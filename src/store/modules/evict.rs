//! The removal of a proven file that can be had again. What says what it was stays: its hash and its proof, which a new download must
//! match. A client that is being sent the file keeps it; a crash leaves the file there or gone, and a list of versions that names one
//! more than are here, which the next change of it puts right.

use super::place::FilePaths;
use super::{Modules, Tree, inventory, walk};
use crate::fault::Fault;
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::ModuleVersion;

impl Modules {
    /// Removes the file of a public module, durably; gives the room that it took on the disk, in bytes: 0 where it was not here.
    ///
    /// # Errors
    /// `Unavailable` where the disk fails; then it may still be here.
    pub fn evict(&self, module: &ModuleVersion, kind: Kind) -> Result<u64, Fault> {
        self.remove_file(Tree::Proven, module, kind)
    }

    /// Removes what is left of a public version whose files are not here: its hashes, proofs and `.info`, and folders that are empty
    /// then. The caller holds the [claim](Modules::claim), so that no other process admits a file of it meanwhile. Gives the room that
    /// it took; 0 where a file is here again.
    ///
    /// # Errors
    /// `Unavailable` where the disk fails; then some of it may still be here.
    pub fn evict_remains(&self, module: &ModuleVersion) -> Result<u64, Fault> {
        let _alone = self.admitting.write();
        let kinds = [Kind::GoMod, Kind::Zip];
        let places = kinds.map(|kind| FilePaths::of(self, Tree::Proven, module, kind));
        let [go_mod, zip] = places;
        let (go_mod, zip) = (go_mod?, zip?);
        if [&go_mod, &zip].iter().any(|place| place.file.symlink_metadata().is_ok()) {
            return Ok(0);
        }
        // A hash without a proof says that an older version wrote it: each goes before its proof.
        let info = self.named(Tree::Proven, module, "info")?;
        let mut freed = 0;
        for path in [&info, &go_mod.pin, &go_mod.proof, &zip.pin, &zip.proof] {
            let Ok(found) = path.symlink_metadata() else { continue };
            self.clear_file(path)?;
            freed += inventory::room(&found);
        }
        self.remove_empty(module);
        Ok(freed)
    }

    /// Removes the folders of a module that nothing is in, and its list of no version. Best effort: they are in nobody's way.
    fn remove_empty(&self, module: &ModuleVersion) {
        let Ok(folder) = self.named(Tree::Proven, module, "zip") else { return };
        let Some(versions) = folder.parent() else { return };
        let is_list =
            |entry: std::io::Result<std::fs::DirEntry>| entry.is_ok_and(|entry| entry.file_name() == walk::LIST);
        let Ok(mut entries) = std::fs::read_dir(versions) else { return };
        if entries.all(is_list) {
            let _ = self.clear_file(&versions.join(walk::LIST));
        }
        for folder in versions.ancestors().take_while(|folder| *folder != self.dir()) {
            if self.folder.disk().remove_folder(folder).is_err() {
                break;
            }
        }
        self.folder.forget();
    }

    /// The room that a file takes on the disk, in bytes; 0 where it is not here.
    ///
    /// # Errors
    /// `Usage`: no file has such a name.
    pub fn room_of(&self, tree: Tree, module: &ModuleVersion, kind: Kind) -> Result<u64, Fault> {
        let place = FilePaths::of(self, tree, module, kind)?;
        Ok(place.file.symlink_metadata().map_or(0, |found| inventory::room(&found)))
    }

    /// The same of a file in either tree. The pin of a private one stays: only the same bytes may come again.
    ///
    /// # Errors
    /// As [`Modules::evict`].
    pub fn remove_file(&self, tree: Tree, module: &ModuleVersion, kind: Kind) -> Result<u64, Fault> {
        let place = FilePaths::of(self, tree, module, kind)?;
        let Ok(found) = place.file.symlink_metadata() else { return Ok(0) };
        self.clear_file(&place.file)?;
        self.known.remove(&place.file);
        if tree == Tree::Proven && kind == Kind::Zip {
            // Best effort: a list may lag, and a full disk must not keep room from being made.
            self.write_list(module.path()).unwrap_or_else(|fault| tracing::debug!("{fault}"));
        }
        Ok(inventory::room(&found))
    }
}

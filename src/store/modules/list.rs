//! The list of the versions of a public module that are here: `@v/list`, for clients that read the tree as a module proxy
//! (`GOPROXY=file://DATA/modules`).

use super::super::words::unavailable;
use super::{Modules, Tree, below, read_below, walk};
use crate::fault::Fault;
use crate::sumdb::goproxy::list;
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::ModulePath;

/// The longest list that is read, in bytes.
const LIST_LIMIT: u64 = 16 << 20;

impl Modules {
    /// Writes down the versions of which the zip is here with its hash, pseudo-versions too: the tree has no `@latest`. Processes may do so at once: the last one to look
    /// sees what all have.
    ///
    /// # Errors
    /// `Unavailable` where the disk fails.
    pub fn write_list(&self, module: &ModulePath) -> Result<(), Fault> {
        let folder = below(&self.dir, &format!("{}/@v", module.escaped()))?;
        let path = folder.join(walk::LIST);
        loop {
            let held = self.listed(module)?;
            if self.read_list(module)?.as_deref() == Some(&*held) || held.is_empty() && !folder.is_dir() {
                return Ok(());
            }
            self.folder.take_room(held.len()).map_err(|error| unavailable(&path, "write", &error))?;
            self.folder.write(&path, &held, false)?;
        }
    }

    /// The list as it is written down; none where there is none.
    ///
    /// # Errors
    /// `Unavailable` where the disk fails or forbids.
    pub fn read_list(&self, module: &ModulePath) -> Result<Option<Vec<u8>>, Fault> {
        let path = below(&self.dir, &format!("{}/@v/{}", module.escaped(), walk::LIST))?;
        match path.symlink_metadata() {
            // Earlier releases left pseudo-versions out, and `read_bounded` takes an empty file for one that was never written.
            Ok(found) if found.is_file() && found.len() == 0 => Ok(Some(Vec::new())),
            Ok(found) if found.is_file() => {
                read_below(&self.dir, &path, LIST_LIMIT).map_err(|error| unavailable(&path, "read", &error))
            }
            _ => Ok(None),
        }
    }

    /// What the list is to say.
    ///
    /// # Errors
    /// `Unavailable` where the disk fails or forbids.
    pub fn listed(&self, module: &ModulePath) -> Result<Vec<u8>, Fault> {
        let folder = below(self.dir_of(Tree::Proven), &format!("{}/@v", module.escaped()))?;
        Ok(list::write(&walk::versions(&folder, module, &[Kind::Zip])?.into_iter().collect()))
    }
}

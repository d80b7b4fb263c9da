//! The `.info` of a version: when it was made. Nothing proves it.

use super::super::words::unavailable;
use super::{INFO_LIMIT, Modules, Tree, read_below};
use crate::fault::Fault;
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::number::wide;

impl Modules {
    /// The `.info` that is kept in one of the trees; nothing proves it. An empty one, one that is too long and one that is not a file
    /// count as missing.
    ///
    /// # Errors
    /// `Unavailable` where the disk fails or forbids.
    pub fn read_info(&self, tree: Tree, module: &ModuleVersion) -> Result<Option<Vec<u8>>, Fault> {
        let path = self.named(tree, module, "info")?;
        if tree == Tree::FirstUse {
            self.take_over_info(module, &path);
        }
        let read = read_below(self.dir_of(tree), &path, wide(INFO_LIMIT));
        read.map_err(|error| unavailable(&path, "read", &error))
    }

    /// Keeps an `.info`, whole or not at all. What a power cut makes of it is empty, or can be asked for again. One that is already
    /// equal is left alone.
    ///
    /// # Errors
    /// `Usage` for more than [`INFO_LIMIT`] bytes; `Unavailable` where the disk fails; then nothing is visible.
    pub fn write_info(&self, tree: Tree, module: &ModuleVersion, bytes: &[u8]) -> Result<(), Fault> {
        if bytes.len() > INFO_LIMIT {
            let text = format!("the .info of {module} has {} bytes, more than {INFO_LIMIT}", bytes.len());
            return Err(Fault::Usage(text));
        }
        if matches!(self.read_info(tree, module), Ok(Some(kept)) if kept == bytes) {
            return Ok(());
        }
        let path = self.named(tree, module, "info")?;
        self.folder.take_room(bytes.len()).map_err(|error| unavailable(&path, "write", &error))?;
        self.folder.write(&path, bytes, false)
    }
}

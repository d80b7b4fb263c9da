//! The paths of the modules in one of the trees, found by its folders alone: no file is looked at.

use std::ffi::OsStr;
use std::path::Path;

use walkdir::WalkDir;

use super::walk::VERSIONS;
use super::{Modules, Tree};
use crate::fault::Fault;
use crate::sumdb::module::ModulePath;

impl Modules {
    /// The paths of the first `limit` modules of a tree, sorted; one whose versions were all removed may be among them. Links are not
    /// followed. Reads every folder of the tree but those of versions.
    ///
    /// # Errors
    /// `Unavailable`: a folder cannot be read.
    pub fn paths(&self, tree: Tree, limit: usize) -> Result<Vec<ModulePath>, Fault> {
        let dir = self.dir_of(tree);
        let mut paths = Vec::new();
        let mut walk = WalkDir::new(dir).into_iter();
        while let Some(entry) = walk.next() {
            let entry = match entry {
                Ok(entry) => entry,
                // Nothing was ever stored, or the folder was removed meanwhile.
                Err(error) if error.io_error().is_some_and(|error| error.kind() == std::io::ErrorKind::NotFound) => {
                    continue;
                }
                Err(error) => {
                    let path = error.path().unwrap_or(dir).display().to_string();
                    return Err(Fault::machine(path, format!("cannot be read: {error}")));
                }
            };
            if !entry.file_type().is_dir() || entry.file_name() != OsStr::new(VERSIONS) {
                continue;
            }
            walk.skip_current_dir();
            let escaped = entry.path().parent().and_then(|path| path.strip_prefix(dir).ok()).and_then(Path::to_str);
            paths.extend(escaped.and_then(|escaped| ModulePath::unescape(escaped).ok()));
            if paths.len() >= limit {
                break;
            }
        }
        paths.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
        Ok(paths)
    }
}

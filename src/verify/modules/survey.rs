//! What lies below `DATA/modules` and `DATA/private`: the admitted files, their hashes, the `.info` files, and what is none of ours.

use std::path::{Path, PathBuf};

use crate::report::Integrity;
use crate::report::integrity::{Finding, Flaw, OfModule};
use crate::store::Modules;
use crate::store::modules::{Found, Tree};
use crate::sumdb::goproxy::Asked;
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::{ModulePath, ModuleVersion};

/// An admitted file as it was come upon, or the place of one that has left and whose hash is still kept.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) tree: Tree,
    pub(super) module: ModuleVersion,
    pub(super) kind: Kind,
    pub(super) path: PathBuf,
    /// its bytes; 0 where it has left
    pub(super) len: u64,
}

/// The store at one moment.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// the admitted files, by their paths
    pub(super) files: Vec<Stored>,
    /// what is kept about versions
    pub(super) about: Vec<(Tree, ModuleVersion, PathBuf)>,
    /// the lists of versions
    pub(super) lists: Vec<(ModulePath, PathBuf)>,
}

impl Survey {
    /// Walks the store, and tells what is no part of it.
    pub(super) fn of(store: &Modules, report: &mut Integrity) -> Survey {
        let mut survey = Survey::default();
        for found in store.walk() {
            match found {
                Ok(Found::File { tree, module, kind, path, len, .. }) => {
                    survey.files.push(Stored { tree, module, kind, path, len });
                }
                Ok(Found::HashOnly { tree, module, kind, path, .. }) => {
                    let path = path.with_extension(kind.extension());
                    match path.symlink_metadata() {
                        // Folders are walked and not told, and this one is in a file's place.
                        Ok(found) if found.is_dir() => report.add(stray(store.dir_of(tree), &path)),
                        // A link is told by itself.
                        Ok(found) if !found.is_file() => {}
                        _ => survey.files.push(Stored { tree, module, kind, path, len: 0 }),
                    }
                }
                Ok(Found::Info { tree, module, path }) => survey.about.push((tree, module, path)),
                Ok(Found::List { module, path }) => survey.lists.push((module, path)),
                // Looked at again: it may have been there for a moment only.
                Ok(Found::Stray(path)) if path.symlink_metadata().is_ok() => {
                    let tree = if path.starts_with(store.dir()) { Tree::Proven } else { Tree::FirstUse };
                    report.add(stray(store.dir_of(tree), &path));
                }
                Ok(Found::Stray(_)) => {}
                Err(fault) => {
                    let next = "make it readable to the user that verifies, and verify again".to_owned();
                    let finding =
                        Finding::of_file(Flaw::ModuleUnreadable, store.dir().display().to_string(), fault.to_string());
                    report.add(Finding { next: Some(next), ..finding });
                }
            }
        }
        survey
    }
}

/// What stands in the place of a module's file is told as that file's damage.
fn stray(dir: &Path, path: &Path) -> Finding {
    let shown = path.display().to_string();
    let relative = path.strip_prefix(dir).ok().and_then(Path::to_str);
    let is = match path.symlink_metadata() {
        Ok(found) if found.is_symlink() => "a link",
        Ok(found) if found.is_dir() => "a folder",
        Ok(found) if found.is_file() => "a file",
        _ => "something",
    };
    let next = Some(format!("move {shown} away"));
    match relative.map(Asked::parse) {
        Some(Ok(Asked::File(module, _))) => {
            let what = format!("is {is} where a module's file belongs; gosumcheck neither makes nor follows any");
            let (path, version) = (module.path().to_string(), module.version().to_string());
            let module = Some(OfModule { path, version, expected: None, got: None });
            Finding { module, next, ..Finding::of_file(Flaw::ModuleDamaged, shown, what) }
        }
        _ => {
            let what =
                format!("is {is} that is neither a module's file nor its hash nor what is kept about its version");
            Finding { next, ..Finding::of_file(Flaw::Stray, shown, what) }
        }
    }
}

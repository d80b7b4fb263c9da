//! The contents of `DATA/modules` and `DATA/private`: admitted files, their hashes, `.info` files, and unknown files.

use std::path::{Path, PathBuf};

use super::super::places;
use crate::report::Integrity;
use crate::report::integrity::{Finding, Flaw, OfModule};
use crate::store::Modules;
use crate::store::modules::{StoredItem, Tree, pin_extension, proof_extension};
use crate::sumdb::goproxy::ModuleRequest;
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::{ModulePath, ModuleVersion};

/// An admitted file, in walk order, or the place of one that is missing and whose hash is still stored.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) tree: Tree,
    pub(super) module: ModuleVersion,
    pub(super) kind: Kind,
    pub(super) path: PathBuf,
    /// its bytes; 0 where it is missing
    pub(super) len: u64,
}

/// The store at one moment.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// the admitted files, by their paths
    pub(super) files: Vec<Stored>,
    /// what is kept about versions
    pub(super) about: Vec<(Tree, ModuleVersion, PathBuf)>,
    /// the lists of versions
    pub(super) lists: Vec<(ModulePath, PathBuf)>,
}

impl Scan {
    /// Walks the store, and reports what does not belong to it.
    pub(super) fn of(store: &Modules, report: &mut Integrity) -> Scan {
        let mut scan = Scan::default();
        for found in store.walk() {
            if let Ok(item) = &found {
                modes(item, report);
            }
            match found {
                Ok(StoredItem::File { tree, module, kind, path, len, .. }) => {
                    scan.files.push(Stored { tree, module, kind, path, len });
                }
                Ok(StoredItem::HashOnly { tree, module, kind, path, .. }) => {
                    let path = path.with_extension(kind.extension());
                    match path.symlink_metadata() {
                        // Folders are walked and not reported, and this one is in a file's place.
                        Ok(found) if found.is_dir() => report.add(stray(store.dir_of(tree), &path)),
                        // A link is reported on its own.
                        Ok(found) if !found.is_file() => {}
                        _ => scan.files.push(Stored { tree, module, kind, path, len: 0 }),
                    }
                }
                Ok(StoredItem::Info { tree, module, path }) => scan.about.push((tree, module, path)),
                Ok(StoredItem::List { module, path }) => scan.lists.push((module, path)),
                // Looked at again: it may have been there for a moment only.
                Ok(StoredItem::Stray(path)) if path.symlink_metadata().is_ok() => {
                    let tree = if path.starts_with(store.dir()) { Tree::Proven } else { Tree::FirstUse };
                    report.add(stray(store.dir_of(tree), &path));
                }
                Ok(StoredItem::Stray(_)) => {}
                Err(fault) => {
                    let next = "make it readable to the user that verifies, and verify again".to_owned();
                    let finding =
                        Finding::of_file(Flaw::ModuleUnreadable, store.dir().display().to_string(), fault.to_string());
                    report.add(Finding { next: Some(next), ..finding });
                }
            }
        }
        scan
    }
}

/// Checks the modes of a file and of what stands beside it.
fn modes(item: &StoredItem, report: &mut Integrity) {
    let mut check = |path: &Path| places::of_mode(path, &path.display().to_string(), report);
    match item {
        StoredItem::File { kind, path, .. } => {
            let beside = [pin_extension(*kind), proof_extension(*kind)].map(|ending| path.with_extension(ending));
            check(path);
            beside.iter().for_each(|path| check(path));
        }
        StoredItem::HashOnly { path, .. } | StoredItem::Info { path, .. } | StoredItem::List { path, .. } => {
            check(path)
        }
        StoredItem::Stray(_) => {}
    }
}

/// Something in the place of a module's file is reported as damage of that file.
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
    match relative.map(ModuleRequest::parse) {
        Some(Ok(ModuleRequest::File(module, _))) => {
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

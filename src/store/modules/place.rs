//! Where one file of a module is, and what stands beside it.

use std::path::PathBuf;

use super::proof::proof_extension;
use super::{Modules, Tree, pin_extension, stamp_extension};
use crate::fault::Fault;
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::ModuleVersion;

/// The places of one file and of what stands beside it.
#[derive(Debug, Clone)]
pub(super) struct FilePaths {
    pub(super) file: PathBuf,
    pub(super) pin: PathBuf,
    pub(super) proof: PathBuf,
    /// in the tree of first uses, which has no proofs
    pub(super) stamp: Option<PathBuf>,
}

impl FilePaths {
    pub(super) fn of(modules: &Modules, tree: Tree, module: &ModuleVersion, kind: Kind) -> Result<FilePaths, Fault> {
        let named = |suffix| modules.named(tree, module, suffix);
        Ok(FilePaths {
            file: named(kind.extension())?,
            pin: named(pin_extension(kind))?,
            proof: named(proof_extension(kind))?,
            stamp: if tree == Tree::FirstUse { Some(named(stamp_extension(kind))?) } else { None },
        })
    }
}

//! What `verify --repair` asks of the store: what a file hashes to whatever stands beside it, its hash and its proof written again,
//! and wrong bytes moved to the quarantine, or left where they are when there is no room for them.

use std::path::Path;

use super::super::Folder;
use super::super::words::unavailable;
use super::pin::Pin;
use super::place::FilePaths;
use super::proof::{self, Proof, ProofFile};
use super::{Admitted, Changed, Modules, Tree, quarantine};
use crate::fault::Fault;
use crate::store::modes;
use crate::sumdb::gosum::{Kind, SumHash};
use crate::sumdb::module::ModuleVersion;

impl Modules {
    /// What the file hashes to now; none where it is missing, reached through a link, or a zip that is none any more.
    ///
    /// # Errors
    /// `Unavailable` where the disk fails or forbids.
    pub fn hash_at(&self, tree: Tree, module: &ModuleVersion, kind: Kind) -> Result<Option<SumHash>, Fault> {
        let place = FilePaths::of(self, tree, module, kind)?;
        // The hash that it is opened with is compared with nothing.
        let unproven = SumHash::H1(crate::sumdb::hash::Hash::default());
        let opened = Admitted::open(self.dir_of(tree), &place.file, unproven);
        let Some(file) = opened.map_err(|error| unavailable(&place.file, "open", &error))? else { return Ok(None) };
        let changed = Changed { tree, module: module.clone(), kind, file, by: None, is_proven: false };
        changed.hash_now(1)
    }

    /// Writes `hash` and `proof` beside a file whose bytes have just been found to have that hash, which is that of its record (or,
    /// in the tree of first uses, what it is pinned to); says whether anything else stood there.
    ///
    /// # Errors
    /// `Unavailable` where the disk fails.
    pub fn vouch(
        &self,
        tree: Tree,
        module: &ModuleVersion,
        kind: Kind,
        hash: &SumHash,
        proof: Option<&Proof>,
    ) -> Result<bool, Fault> {
        let place = FilePaths::of(self, tree, module, kind)?;
        let opened = Admitted::open(self.dir_of(tree), &place.file, hash.clone());
        let Some(file) = opened.map_err(|error| unavailable(&place.file, "open", &error))? else { return Ok(false) };
        let mut changed = false;
        for path in [&place.file, &place.pin, &place.proof] {
            changed |= modes::mend(path).unwrap_or(false);
        }
        // The proof first: a hash without one is what older versions wrote.
        if let Some(proof) = proof {
            let there = ProofFile::read(&place.proof).map_err(|error| unavailable(&place.proof, "read", &error))?;
            if !matches!(&there, ProofFile::Is(known, by, _) if known == hash && by == proof) {
                let text = proof::text(hash, proof, Some(&file.stamp()));
                self.put(&place.proof, text.as_bytes())?;
                changed = true;
            }
        }
        let pin = Pin::read(&place.pin).map_err(|error| unavailable(&place.pin, "read", &error))?;
        if pin != Pin::Is(hash.clone()) {
            self.put(&place.pin, hash.to_string().as_bytes())?;
            changed = true;
        }
        self.known.remove(&place.file);
        Ok(changed)
    }

    /// Moves what stands in the place of a file to the quarantine, after its `report` (JSON that names the store as
    /// `refused.upstream`), so that the right bytes can take its place. What stands beside a public one goes too: it is written
    /// again with them. The pin of a private one stays.
    ///
    /// # Errors
    /// `Unavailable`: the disk fails, or the quarantine has no room; then it is where it was.
    pub fn set_aside(&self, tree: Tree, module: &ModuleVersion, kind: Kind, report: &[u8]) -> Result<(), Fault> {
        let place = FilePaths::of(self, tree, module, kind)?;
        quarantine::move_there(&self.folder, &place.file, module, kind.extension(), report)?;
        self.known.remove(&place.file);
        if tree == Tree::Proven {
            self.clear_file(&place.pin)?;
            self.clear_file(&place.proof)?;
        }
        Ok(())
    }

    /// The same of what is kept about a version.
    ///
    /// # Errors
    /// As [`Modules::set_aside`].
    pub fn set_info_aside(&self, tree: Tree, module: &ModuleVersion, report: &[u8]) -> Result<(), Fault> {
        let path = self.named(tree, module, "info")?;
        quarantine::move_there(&self.folder, &path, module, "info", report)
    }

    /// Writes a small file, in place of a link or a folder too.
    fn put(&self, path: &Path, bytes: &[u8]) -> Result<(), Fault> {
        self.folder.write(path, bytes, true)
    }
}

impl Folder {
    /// Sets the mode that a file below `modules` or `private` was made with; says whether it had one that is not sound.
    ///
    /// # Errors
    /// `Unavailable`: it belongs to another user.
    pub fn mend_mode(&self, path: &Path) -> Result<bool, Fault> {
        modes::mend(path).map_err(|error| unavailable(path, "change the mode of", &error))
    }
}

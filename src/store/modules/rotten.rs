//! What a scrub asks of the store: a file to be hashed whatever it looks like, and that one which proved rotten is trusted no more.

use super::super::words::unavailable;
use super::pin::Pin;
use super::place::FilePaths;
use super::proof::{self, ProofFile};
use super::stored::Stored;
use super::{Admitted, Changed, Modules, Tree};
use crate::fault::Fault;
use crate::sumdb::gosum::{Kind, SumHash};
use crate::sumdb::module::ModuleVersion;

impl Modules {
    /// A stored file as one that may not be what it was, whatever it looks like: to be hashed by a scrub. None where it is not here
    /// with a hash.
    ///
    /// # Errors
    /// `Unavailable` where the disk fails or forbids.
    pub fn for_scrub(&self, tree: Tree, module: &ModuleVersion, kind: Kind) -> Result<Option<Changed>, Fault> {
        let place = FilePaths::of(self, tree, module, kind)?;
        let proof = ProofFile::read_in(tree, &place.proof);
        let proof = proof.map_err(|error| unavailable(&place.proof, "read", &error))?;
        let (hash, by) = match proof {
            ProofFile::Is(hash, by, _) => (hash, Some(by)),
            ProofFile::Missing | ProofFile::Damaged => {
                match Pin::read(&place.pin).map_err(|error| unavailable(&place.pin, "read", &error))? {
                    Pin::Is(hash @ SumHash::H1(_)) => (hash, None),
                    _ => return Ok(None),
                }
            }
        };
        let open = Admitted::open(self.dir_of(tree), &place.file, hash);
        let open = open.map_err(|error| unavailable(&place.file, "open", &error))?;
        let is_proven = tree == Tree::FirstUse || by.is_some();
        Ok(open.map(|file| Changed { tree, module: module.clone(), kind, file, by, is_proven }))
    }

    /// Notes that a file was found not to be what it was: from here on it is hashed before it is given, by any process.
    ///
    /// # Errors
    /// `Unavailable`: the disk cannot be written; then it may still be given.
    pub fn distrust(&self, changed: &Changed) -> Result<(), Fault> {
        let Changed { tree, module, kind, file, by, .. } = changed;
        let place = FilePaths::of(self, *tree, module, *kind)?;
        let noted = match (by, &place.stamp) {
            (Some(by), _) => self.folder.write(&place.proof, proof::text(file.hash(), by, None).as_bytes(), false),
            (None, Some(stamp)) => self.clear_file(stamp),
            (None, None) => Ok(()),
        };
        // Last: who reads the proof meanwhile remembers what it said before.
        self.known.remove(&place.file);
        noted
    }

    /// Whether a file looks as it did when it was last proven.
    pub fn looks_as_proven(&self, changed: &Changed) -> bool {
        match changed.tree {
            Tree::Proven => {
                let by = changed.by.as_ref().map(|by| by.database.as_str()).unwrap_or_default();
                matches!(self.open(&changed.module, changed.kind, by), Ok(Stored::Proven(_)))
            }
            Tree::FirstUse => matches!(self.open_first_use(&changed.module, changed.kind), Ok(Stored::Proven(_))),
        }
    }
}

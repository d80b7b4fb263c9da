//! What is known of a stored file without opening it: its hash and its proof, its size, and since when it is here. For people who look
//! around: nothing is given on the word of this.

use std::fs::Metadata;
use std::time::SystemTime;

use super::super::words::unavailable;
use super::pin::Pin;
use super::place::FilePaths;
use super::proof::{Proof, ProofFile};
use super::{Modules, Tree};
use crate::fault::Fault;
use crate::sumdb::gosum::{Kind, SumHash};
use crate::sumdb::module::ModuleVersion;

/// What is known of a stored file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    /// what its bytes hashed to when it was admitted
    pub hash: SumHash,
    /// the record that proved it; none for one of first use
    pub proof: Option<Proof>,
    /// its size in bytes
    pub len: u64,
    /// since when these bytes are here: they got their name right after they were proven
    pub since: SystemTime,
    /// the name that its uses are counted under
    pub name: String,
}

impl Modules {
    /// What is known of a file; none where it is not here, or has no hash. Up to three small reads.
    ///
    /// # Errors
    /// `Unavailable` where the disk fails or forbids.
    pub fn facts(&self, tree: Tree, module: &ModuleVersion, kind: Kind) -> Result<Option<FileFacts>, Fault> {
        let place = FilePaths::of(self, tree, module, kind)?;
        let Ok(found) = place.file.symlink_metadata() else { return Ok(None) };
        if !found.is_file() {
            return Ok(None);
        }
        let proof = ProofFile::read_in(tree, &place.proof);
        let proof = proof.map_err(|error| unavailable(&place.proof, "read", &error))?;
        let (hash, proof) = match proof {
            ProofFile::Is(hash, proof, _) => (hash, Some(proof)),
            _ => match Pin::read(&place.pin).map_err(|error| unavailable(&place.pin, "read", &error))? {
                Pin::Is(hash) => (hash, None),
                Pin::Missing | Pin::Damaged => return Ok(None),
            },
        };
        let name = self.usage.name(&place.file);
        Ok(Some(FileFacts { hash, proof, len: found.len(), since: named(&found), name }))
    }
}

/// When a file got its name: right after its last byte had come.
fn named(found: &Metadata) -> SystemTime {
    found.modified().unwrap_or(SystemTime::UNIX_EPOCH)
}

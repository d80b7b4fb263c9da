//! How a file of a module is stored, and what may be done with it.

use super::proof::Proof;
use super::{Admitted, Changed};
use crate::sumdb::gosum::{Kind, SumHash};
use crate::sumdb::module::ModuleVersion;

/// How a file is stored.
#[derive(Debug)]
pub enum Stored {
    /// the database asked has proven it
    Proven(Admitted),
    /// it is here, and not to be given before the database asked has proven it
    Unproven(Unproven),
    /// it is here, and looks otherwise than when it was last proven: it is to be hashed first
    Changed(Changed),
    /// it is not here
    Missing,
}

/// A stored file that the database asked has not proven: nothing but its hash can be had of it.
#[derive(Debug)]
pub struct Unproven {
    pub(super) module: ModuleVersion,
    pub(super) kind: Kind,
    pub(super) file: Admitted,
    pub(super) by: Option<Proof>,
}

impl Unproven {
    /// What its bytes were found to hash to when it was admitted.
    pub fn hash(&self) -> &SumHash {
        self.file.hash()
    }

    /// The record that it was proven by; none where nothing tells who admitted it.
    pub fn by(&self) -> Option<&Proof> {
        self.by.as_ref()
    }

    /// Its size in bytes.
    #[expect(clippy::len_without_is_empty, reason = "an empty go.mod is a file like any other")]
    pub fn len(&self) -> u64 {
        self.file.len()
    }
}

//! Records of the log: what is hashed as a leaf, what `/lookup` answers, what a data tile holds. A record's text is two lines
//!
//! ```text
//! MODULE VERSION HASH
//! MODULE VERSION/go.mod HASH
//! ```
//!
//! (x/mod sumdb/tlog/note.go, FormatRecord; every record of sum.golang.org has just these two.)
//!
//! **No hash before the proof.** A [`LookupResponse`] is a stranger's bytes and has no accessor that yields a go.sum hash,
//! nor has anything else here: hashes come out of a [`VerifiedRecord`] only, whose one door compares the text with a leaf
//! hash of a verified tree and with the module version that was asked for. So neither hashes in the unsigned part of an
//! answer (CVE-2026-56864) nor an authentic record of another module or with a line missing (CVE-2026-42501) can be taken
//! for an answer.

mod entries;
mod lookup;
mod shape;
mod text;
mod tile;

pub use entries::entry_bundle;
pub use lookup::{LookupResponse, MAX_RESPONSE_BYTES};
pub use shape::{Heading, claimed, heading};
pub use text::{MAX_RECORD_BYTES, subject};
pub use tile::{MAX_DATA_TILE_BYTES, join_records, record_ranges, split_records};

use super::error::{Error, Result};
use super::gosum::{Kind, SumHash};
use super::hash::{Hash, leaf_hash};
use super::module::ModuleVersion;

/// A record that the log committed to, about the module version that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedRecord {
    id: u64,
    module: ModuleVersion,
    zip_hash: SumHash,
    go_mod_hash: SumHash,
    text: String,
}

impl VerifiedRecord {
    /// Record number `id` with this `text`, as the answer to a question about `asked`. `leaf` is the hash that a verified
    /// tree has at that number.
    ///
    /// # Errors
    /// `Unproven` where the text has another hash or is about another module version; `Malformed` where it is not exactly
    /// the two lines of a record.
    pub fn check(asked: &ModuleVersion, id: u64, text: &[u8], leaf: &Hash) -> Result<VerifiedRecord> {
        VerifiedRecord::check_hashed(asked, id, text, &leaf_hash(text), leaf)
    }

    /// As [`VerifiedRecord::check`], where the leaf hash of `text` is known to be `found`.
    fn check_hashed(asked: &ModuleVersion, id: u64, text: &[u8], found: &Hash, leaf: &Hash) -> Result<VerifiedRecord> {
        let what = || format!("record {id} for {asked}");
        if found != leaf {
            return Err(Error::unproven(what(), format!("its leaf hash is {found}, the log has {leaf}")));
        }
        let text = text::check(text)?;
        // What does not begin as `asked` does is about another module version, or no record at all: then say which.
        let [zip_hash, go_mod_hash] = text::hashes(text, asked).map_err(|error| match subject(text.as_bytes()) {
            Ok(other) if other != *asked => {
                Error::unproven(what(), format!("the record is about {}", text::shown(&other)))
            }
            Ok(_) => error,
            Err(error) => error,
        })?;
        Ok(VerifiedRecord { id, module: asked.clone(), zip_hash, go_mod_hash, text: text.to_owned() })
    }

    /// The record's number in the log, from 0.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// What the record is about.
    pub fn module(&self) -> &ModuleVersion {
        &self.module
    }

    /// The hash of the module's zip.
    pub fn zip_hash(&self) -> &SumHash {
        &self.zip_hash
    }

    /// The hash of its go.mod.
    pub fn go_mod_hash(&self) -> &SumHash {
        &self.go_mod_hash
    }

    /// The hash of the file that go.sum lines of this kind are about.
    pub fn hash(&self, kind: Kind) -> &SumHash {
        match kind {
            Kind::Zip => &self.zip_hash,
            Kind::GoMod => &self.go_mod_hash,
        }
    }

    /// The record's text: its two lines, which are go.sum lines, each with its newline.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The answer that a server gives to a lookup: this record, and `note`, a signed head of a tree that holds it.
    pub fn to_response(&self, note: &[u8]) -> Vec<u8> {
        LookupResponse::build(self.id, &self.text, note)
    }
}

//! The answer to a lookup, unproven: `ID\n`, the record's text, a blank line, and a signed note of a tree that holds it
//! (x/mod sumdb/tlog/note.go, ParseRecord).

use super::super::checkpoint::parse_decimal;
use super::super::error::{Error, Result};
use super::super::hash::{Hash, leaf_hash};
use super::super::module::ModuleVersion;
use super::VerifiedRecord;
use super::text::{self, MAX_RECORD_BYTES};

/// The largest answer: a record, and a note whose text Go bounds by 1,000,000 bytes (tlog.ParseTree).
pub const MAX_RESPONSE_BYTES: usize = MAX_RECORD_BYTES + (1 << 20);

/// An answer as it came, in its three parts. Only its number and its note can be read; the record has to be proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupResponse {
    id: u64,
    text: Vec<u8>,
    leaf: Hash,
    note: Vec<u8>,
}

impl LookupResponse {
    /// Takes an answer apart.
    ///
    /// # Errors
    /// `Malformed` for a bad record number (decimal, without sign or leading zeros), a text that is none of a record, a
    /// missing blank line, or more than [`MAX_RESPONSE_BYTES`].
    pub fn parse(bytes: &[u8]) -> Result<LookupResponse> {
        let malformed = |why: &str| Error::malformed("lookup response", why);
        if bytes.len() > MAX_RESPONSE_BYTES {
            return Err(malformed(&format!("{} bytes, more than the {MAX_RESPONSE_BYTES} allowed", bytes.len())));
        }
        let (id, rest) = split_at_newline(bytes).ok_or_else(|| malformed("no record number"))?;
        // In its one spelling: Go also takes `+5`, `-5` and `005`.
        let id = std::str::from_utf8(id).ok().and_then(parse_decimal);
        let id = id.ok_or_else(|| malformed("the first line is not a record number"))?;
        let blank = rest.windows(2).position(|pair| pair == b"\n\n").ok_or_else(|| malformed("no blank line"))?;
        let (text, rest) = rest.split_at_checked(blank + 1).unwrap_or_default();
        let (_, note) = rest.split_at_checked(1).unwrap_or_default();
        text::check(text)?;
        Ok(LookupResponse { id, text: text.to_vec(), leaf: leaf_hash(text), note: note.to_vec() })
    }

    /// The answer that a server gives: record number `id` with `text`, and `note`, a signed head of a tree that holds it.
    pub fn build(id: u64, text: &str, note: &[u8]) -> Vec<u8> {
        let mut bytes = format!("{id}\n{text}\n").into_bytes();
        bytes.extend_from_slice(note);
        bytes
    }

    /// The record number that the answer claims.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The note as it came, not yet opened; empty where the answer has none.
    pub fn note(&self) -> &[u8] {
        &self.note
    }

    /// The leaf hash of the record's text, to look for in the log.
    pub fn leaf_hash(&self) -> Hash {
        self.leaf
    }

    /// The record, if `leaf` (the hash that a verified tree has at this answer's number) is its hash and it is about
    /// `asked`.
    ///
    /// # Errors
    /// As [`VerifiedRecord::check`].
    pub fn prove(&self, asked: &ModuleVersion, leaf: &Hash) -> Result<VerifiedRecord> {
        VerifiedRecord::check_hashed(asked, self.id, &self.text, &self.leaf, leaf)
    }
}

fn split_at_newline(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|byte| *byte == b'\n')?;
    let (line, rest) = bytes.split_at_checked(at)?;
    Some((line, rest.get(1..)?))
}

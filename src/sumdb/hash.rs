//! SHA-256 as the log uses it: one hash of 32 bytes, written in base64, of leaves, of nodes and of plain messages,
//! one at a time or many at once. Many at once go sixteen abreast where the processor has AVX-512, two abreast where it
//! has only the SHA extensions (`pairs`), else one by one (`portable`); all give the same hashes.
//!
//! Measured on an AMD EPYC of 2025 (Zen 5), long messages: sixteen abreast are 3.1 times as fast as sha2, two 1.6 times.

#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod lanes;
#[cfg(target_arch = "x86_64")]
mod order;
#[cfg(target_arch = "x86_64")]
#[doc(hidden)]
pub mod pairs;
#[doc(hidden)]
pub mod portable;
#[cfg(target_arch = "x86_64")]
mod sha_ni;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::{Error, Result};

/// A SHA-256 digest. Printed in padded standard base64, as in tree notes and go.sum lines.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[repr(transparent)] // the kernel reads a row of hashes as a row of bytes
pub struct Hash(pub [u8; 32]);

/// The root of the empty tree: SHA-256 of nothing (RFC 6962 section 2.1).
pub const EMPTY_ROOT: Hash = Hash([
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41,
    0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
]);

impl Hash {
    /// Its bytes.
    pub const LEN: usize = size_of::<Hash>();

    /// The digest that a padded standard base64 text of 44 characters stands for.
    ///
    /// # Errors
    /// `Malformed` for another alphabet, missing padding, trailing bits or another length than 32 bytes.
    pub fn from_base64(text: &str) -> Result<Hash> {
        let bytes = STANDARD.decode(text).map_err(|e| Error::malformed("hash", format!("not base64: {e}")))?;
        let hash = bytes
            .as_slice()
            .try_into()
            .map_err(|_| Error::malformed("hash", format!("{} bytes where SHA-256 has 32", bytes.len())))?;
        Ok(Hash(hash))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// SHA-256 of `message`.
pub fn sha256(message: &[u8]) -> Hash {
    portable::digest(None, message)
}

/// SHA-256(0x00 || record), the hash of a leaf (RFC 6962 section 2.1).
pub fn leaf_hash(record: &[u8]) -> Hash {
    portable::digest(Some(0), record)
}

/// SHA-256(0x01 || left || right), the hash of an interior node (RFC 6962 section 2.1).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    portable::node_hash(left, right)
}

/// Leaf hashes of many records, in order, many at a time where the processor can.
pub fn leaf_hashes(records: &[&[u8]]) -> Vec<Hash> {
    #[cfg(target_arch = "x86_64")]
    match avx512::Avx512::detect() {
        Some(kernel) => lanes::digests(kernel, Some(0), records),
        None => pairs::leaf_hashes(records),
    }
    #[cfg(not(target_arch = "x86_64"))]
    portable::leaf_hashes(records)
}

/// One level up: the parents of `children`, taken two by two in order; an odd one at the end has no parent yet.
pub fn parent_hashes(children: &[Hash]) -> Vec<Hash> {
    #[cfg(target_arch = "x86_64")]
    match avx512::Avx512::detect() {
        Some(kernel) => lanes::parent_hashes(kernel, children),
        None => pairs::parent_hashes(children),
    }
    #[cfg(not(target_arch = "x86_64"))]
    portable::parent_hashes(children)
}

/// SHA-256 of many messages, in order, many at a time where the processor can.
pub fn sha256_many(messages: &[&[u8]]) -> Vec<Hash> {
    #[cfg(target_arch = "x86_64")]
    match avx512::Avx512::detect() {
        Some(kernel) => lanes::digests(kernel, None, messages),
        None => pairs::sha256_many(messages),
    }
    #[cfg(not(target_arch = "x86_64"))]
    portable::sha256_many(messages)
}

#[cfg(test)]
#[path = "hash/tests.rs"]
mod tests;

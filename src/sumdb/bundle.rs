//! Proof files: that records are in the log, checkable by anybody with the log's key and nothing else.
//!
//! One proof is a C2SP tlog-proof:
//! ```text
//! c2sp.org/tlog-proof@v1
//! extra BASE64            optional; here the record's text, so that the leaf need not be guessed
//! index N
//! BASE64                  the inclusion proof, one hash a line, the one next to the leaf first
//! (an empty line)
//! CHECKPOINT              the signed note as the log gave it
//! ```
//! A file is any number of them, one after the other; each alone is a whole tlog-proof, so `cat` joins two files.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::checkpoint::{Checkpoint, Policy, parse_decimal};
use super::error::{Error, Result};
use super::hash::Hash;
use super::tlog::check_inclusion;

const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// A tree of at most 2^62 leaves has no longer path.
const MAX_HASHES: usize = 62;
/// Larger than any record.
const MAX_EXTRA_BYTES: usize = 1 << 20;
/// A go.sum of so many modules is not known.
const MAX_PROOFS: usize = 1 << 20;

/// That one leaf is in a signed tree; says nothing until it is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordProof {
    extra: Option<Vec<u8>>,
    index: u64,
    hashes: Vec<Hash>,
    checkpoint: Vec<u8>,
}

impl RecordProof {
    /// The proof that `record`, a record's text, is number `index` of the tree that `checkpoint` signs.
    pub fn new(record: &str, index: u64, hashes: Vec<Hash>, checkpoint: &Checkpoint) -> RecordProof {
        RecordProof { extra: Some(record.into()), index, hashes, checkpoint: checkpoint.bytes().to_vec() }
    }

    /// The record's number in the log.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The inclusion proof, the hash next to the leaf first.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// The text that came with the proof, in our files the record's; unproven until its leaf hash has been checked.
    pub fn extra(&self) -> Option<&[u8]> {
        self.extra.as_deref()
    }

    /// The signed note that came with the proof, unproven.
    pub fn note(&self) -> &[u8] {
        &self.checkpoint
    }

    /// Checks that `leaf` is in the tree that the log signed.
    ///
    /// # Errors
    /// `Malformed` or `Unproven`: this proof does not show it.
    pub fn check(&self, leaf: &Hash, policy: &Policy) -> Result<Checkpoint> {
        let checkpoint = Checkpoint::open(&self.checkpoint, policy)?;
        check_inclusion(&self.hashes, &checkpoint.tree(), self.index, leaf)?;
        Ok(checkpoint)
    }

    fn parse(text: &str) -> Result<RecordProof> {
        let bad = |why: &str| Error::malformed("tlog-proof", why);
        let (head, checkpoint) = text.split_once("\n\n").ok_or_else(|| bad("no empty line before the checkpoint"))?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(bad("the first line is not `c2sp.org/tlog-proof@v1`"));
        }
        let extra = lines.next_if(|line| line.starts_with("extra ")).and_then(|line| line.strip_prefix("extra "));
        let extra = extra.map(|extra| STANDARD.decode(extra)).transpose().map_err(|e| bad(&format!("extra: {e}")))?;
        if extra.as_ref().is_some_and(|extra| extra.len() > MAX_EXTRA_BYTES) {
            return Err(bad("extra: longer than 1 MiB"));
        }
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(parse_decimal);
        let index = index.ok_or_else(|| bad("no `index NUMBER`"))?;
        let hashes = lines.take(MAX_HASHES + 1).map(Hash::from_base64).collect::<Result<Vec<_>>>()?;
        if hashes.len() > MAX_HASHES {
            return Err(bad("longer than any path in a tree"));
        }
        Ok(RecordProof { extra, index, hashes, checkpoint: checkpoint.into() })
    }
}

impl fmt::Display for RecordProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.hashes.iter().try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", String::from_utf8_lossy(&self.checkpoint))
    }
}

/// The proofs in a file, in its order.
///
/// # Errors
/// `Malformed`: not UTF-8, no proof in it, too many, or one of them (which one is said) is not a tlog-proof.
pub fn parse_proofs(bytes: &[u8]) -> Result<Vec<RecordProof>> {
    let text = std::str::from_utf8(bytes).map_err(|_| Error::malformed("proof file", "not UTF-8"))?;
    let mut starts: Vec<usize> = text.match_indices(HEADER).map(|(at, _)| at).collect();
    starts.retain(|at| *at == 0 || text.as_bytes().get(at - 1) == Some(&b'\n'));
    if starts.first() != Some(&0) {
        return Err(Error::malformed("proof file", "does not begin with `c2sp.org/tlog-proof@v1`"));
    }
    if starts.len() > MAX_PROOFS {
        return Err(Error::malformed("proof file", "more than 1,048,576 proofs"));
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let proofs = starts.iter().zip(ends).enumerate().map(|(number, (start, end))| {
        let name = |what| format!("{what} (proof {} of the file)", number + 1);
        RecordProof::parse(text.get(*start..end).unwrap_or_default()).map_err(|error| match error {
            Error::Malformed { what, why } => Error::Malformed { what: name(what), why },
            other => other,
        })
    });
    proofs.collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;
    use crate::sumdb::checkpoint::Tree;
    use crate::sumdb::hash::{leaf_hash, node_hash};
    use crate::sumdb::note::{SignerKey, message};

    fn two_records() -> (Policy, [RecordProof; 2]) {
        let signer = SignerKey::from_seed("example.org/log", [5; 32]).unwrap();
        let policy = Policy::log(signer.verifier());
        let [a, b] = [leaf_hash(b"record a\n"), leaf_hash(b"record b\n")];
        let text = Tree { size: 2, root: node_hash(&a, &b) }.note_text();
        let checkpoint = Checkpoint::open(message(&text, &[signer.sign(&text)]).unwrap().as_bytes(), &policy).unwrap();
        let first = RecordProof::new("record a\n", 0, vec![b], &checkpoint);
        (policy, [first, RecordProof::new("record b\n", 1, vec![a], &checkpoint)])
    }

    #[test]
    fn a_file_of_two_is_written_read_and_checked() {
        let (policy, proofs) = two_records();
        let text = format!("{}{}", proofs[0], proofs[1]);
        assert_eq!(parse_proofs(text.as_bytes()).unwrap(), proofs);
        for proof in &proofs {
            assert_eq!(proof.check(&leaf_hash(proof.extra().unwrap()), &policy).unwrap().tree().size, 2);
            assert!(proof.check(&leaf_hash(b"record c\n"), &policy).is_err());
        }
    }

    #[test]
    fn every_changed_byte_is_refused_or_changes_nothing_that_is_proven() {
        let (policy, [proof, _]) = two_records();
        let text = proof.to_string().into_bytes();
        for at in 0..text.len() {
            let mut changed = text.clone();
            changed[at] ^= 1;
            let accepted = parse_proofs(&changed).ok().filter(|proofs| {
                let [proof] = proofs.as_slice() else { return false };
                proof.extra().is_some_and(|record| proof.check(&leaf_hash(record), &policy).is_ok())
            });
            assert!(accepted.is_none(), "byte {at}");
        }
    }

    #[test]
    fn what_is_no_proof_file_is_named() {
        let (_, [proof, _]) = two_records();
        let text = proof.to_string();
        for (changed, reason) in [
            (String::new(), "does not begin"),
            (format!("\n{text}"), "does not begin"),
            (text.replace("index 0", "index 00"), "index"),
            (text.replace("index 0\n", ""), "index"),
            (text.replace("\n\n", "\n"), "empty line"),
            (format!("{text}{}", text.replace("extra ", "extra *")), "proof 2"),
            (
                text.replace(
                    "index 0\n",
                    &format!("index 0\n{}", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n".repeat(70)),
                ),
                "longer",
            ),
        ] {
            let error = parse_proofs(changed.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn a_file_has_a_million_proofs_at_most() {
        let most = format!("{HEADER}\n").repeat(MAX_PROOFS);
        let error = |text: &str| parse_proofs(text.as_bytes()).unwrap_err().to_string();
        assert!(error(&most).contains("proof 1 of the file"));
        assert!(error(&format!("{most}{HEADER}\n")).contains("more than 1,048,576 proofs"));
    }
}

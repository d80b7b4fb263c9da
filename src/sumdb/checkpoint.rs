//! Checkpoints: the heads of the tree that the log signs.
//!
//! The note's text is `go.sum database tree`, the size in decimal, the root in base64, a line each; further lines are
//! ignored (Go x/mod/sumdb/tlog ParseTree). The first line is a constant, not the key's name as in C2SP checkpoints.

use super::error::{Error, Result};
use super::hash::{EMPTY_ROOT, Hash};
use super::note::{KeyKind, Note, VerifierKey};

/// Larger sizes would overflow the arithmetic of trees; the log would need a million years.
pub const MAX_SIZE: u64 = 1 << 62;
/// The first line of every tree note. A future format would have another.
pub(crate) const FIRST_LINE: &str = "go.sum database tree";
/// As in Go.
const MAX_TEXT_BYTES: usize = 1_000_000;

/// A tree: how many leaves, and the hash that commits to all of them. Says nothing of where it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tree {
    /// in leaves
    pub size: u64,
    /// Merkle tree hash (RFC 6962 section 2.1)
    pub root: Hash,
}

impl Tree {
    /// The tree before the first record.
    pub const EMPTY: Tree = Tree { size: 0, root: EMPTY_ROOT };

    /// The text that a log signs to commit to this tree.
    pub fn note_text(&self) -> String {
        format!("{FIRST_LINE}\n{}\n{}\n", self.size, self.root)
    }

    fn parse(text: &str) -> Result<Tree> {
        let bad = |why: &str| Error::malformed("tree note", why);
        if text.len() > MAX_TEXT_BYTES {
            return Err(bad("longer than 1,000,000 bytes"));
        }
        let mut lines = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
        if lines.next() != Some(FIRST_LINE) {
            return Err(bad("the first line is not `go.sum database tree`"));
        }
        let size = lines.next().ok_or_else(|| bad("no size"))?;
        let size = parse_decimal(size)
            .filter(|size| *size <= MAX_SIZE)
            .ok_or_else(|| bad("the size is not a number of leaves"))?;
        let root = Hash::from_base64(lines.next().ok_or_else(|| bad("no root hash"))?)?;
        // Before 2024 Go signed the empty tree with a root of zeros.
        if size == 0 && root != EMPTY_ROOT && root != Hash::default() {
            return Err(bad("an empty tree with the root of another"));
        }
        Ok(Tree { size, root })
    }
}

/// Which signatures a checkpoint must carry: the log's always, and those of any `quorum` of the witnesses.
#[derive(Debug, Clone)]
pub struct Policy {
    keys: Vec<VerifierKey>, // the log's first
    quorum: usize,
}

impl Policy {
    /// The log's signature is enough.
    pub fn log(key: VerifierKey) -> Policy {
        Policy { keys: vec![key], quorum: 0 }
    }

    /// The log's signature and those of `quorum` of `witnesses` (any form of their keys; each key counts once, under whatever
    /// names: C2SP tlog-cosignature).
    ///
    /// # Errors
    /// `Malformed`: the quorum cannot be reached by so many distinct witnesses.
    pub fn witnessed(key: VerifierKey, witnesses: &[VerifierKey], quorum: usize) -> Result<Policy> {
        let mut keys = vec![key];
        for witness in witnesses {
            if !keys.iter().skip(1).any(|known| known.has_key_of(witness)) {
                keys.push(witness.as_witness());
            }
        }
        if quorum >= keys.len() {
            return Err(Error::malformed("policy", format!("{quorum} witnesses of {} are asked for", keys.len() - 1)));
        }
        Ok(Policy { keys, quorum })
    }

    /// Whether a note claims to be signed under the log's name by other keys than the log's: the name has got another key since, or
    /// another log has the same name.
    pub fn is_of_another_key(&self, note: &[u8]) -> bool {
        let Some(key) = self.log_key() else { return false };
        let signers = Note::claimed_signers(note).unwrap_or_default();
        let mut ids = signers.iter().filter(|(name, _)| name == key.name()).map(|(_, id)| *id).peekable();
        ids.peek().is_some() && ids.all(|id| id != key.id())
    }

    /// The log's key: two policies are about one log where it is the same.
    pub fn log_key(&self) -> Option<&VerifierKey> {
        self.keys.first()
    }
}

/// A tree that the log signed. There is one way to make one: [`Checkpoint::open`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    tree: Tree,
    bytes: Vec<u8>,
}

impl Checkpoint {
    /// Verifies the signed note in `bytes`.
    ///
    /// # Errors
    /// `Malformed`: not a note, or not about a tree. `Unproven`: not signed by the log, or by too few witnesses.
    pub fn open(bytes: &[u8], policy: &Policy) -> Result<Checkpoint> {
        let note = Note::open(bytes, &policy.keys)?;
        if !policy.log_key().is_some_and(|key| note.is_signed_by(key)) {
            return Err(Error::unproven("tree note", "the log did not sign it"));
        }
        let witnesses =
            policy.keys.iter().filter(|key| key.kind() == KeyKind::Witness && note.is_signed_by(key)).count();
        if witnesses < policy.quorum {
            let why = format!("cosigned by {witnesses} of the witnesses where {} must", policy.quorum);
            return Err(Error::unproven("tree note", why));
        }
        Ok(Checkpoint { tree: Tree::parse(note.text())?, bytes: bytes.to_vec() })
    }

    /// The tree that was signed.
    pub fn tree(&self) -> Tree {
        self.tree
    }

    /// The signed note as it came.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// A decimal number without sign or leading zeros.
pub(crate) fn parse_decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::sumdb::note::{SignerKey, message};

    #[test]
    fn tree_texts_are_read_strictly() {
        let root = EMPTY_ROOT;
        let other = crate::sumdb::hash::sha256(b"x");
        for (text, size) in [
            (format!("go.sum database tree\n5\n{other}\n"), Some(5)),
            (format!("go.sum database tree\n5\n{other}\nmore\nlines\n"), Some(5)),
            (format!("go.sum database tree\n{}\n{other}\n", 1u64 << 62), Some(1 << 62)),
            (format!("go.sum database tree\n0\n{root}\n"), Some(0)),
            (format!("go.sum database tree\n0\n{}\n", Hash::default()), Some(0)),
            (format!("go.sum database tree\n0\n{other}\n"), None),
            (format!("go.sum database tree\n{}\n{other}\n", (1u64 << 62) + 1), None),
            (format!("go.sum database tree\n{}\n{other}\n", 1u128 << 64), None),
            (format!("go.sum database tree\n+5\n{other}\n"), None),
            (format!("go.sum database tree\n-5\n{other}\n"), None),
            (format!("go.sum database tree\n05\n{other}\n"), None),
            (format!("go.sum database tree\n 5\n{other}\n"), None),
            (format!("go.sum database tree\n\n{other}\n"), None),
            (format!("go.sum database tree\n5\n{other}"), None),
            ("go.sum database tree\n5\nAAAA\n".to_owned(), None),
            ("go.sum database tree\n5\n".to_owned(), None),
            (format!("go.sum database trees\n5\n{other}\n"), None),
            (format!("sum.golang.org\n5\n{other}\n"), None),
            (String::new(), None),
        ] {
            assert_eq!(Tree::parse(&text).ok().map(|tree| tree.size), size, "{text}");
        }
    }

    #[test]
    fn a_quorum_counts_distinct_witnesses() {
        let [log, a, b, c] = [1, 2, 3, 4].map(|i| SignerKey::from_seed(&format!("k{i}"), [i; 32]).unwrap());
        let text = Tree { size: 3, root: EMPTY_ROOT }.note_text();
        let witnesses = [a.verifier(), b.verifier().as_witness(), c.verifier(), c.verifier().as_witness()];
        let two = Policy::witnessed(log.verifier(), &witnesses, 2).unwrap();
        let open = |signatures: &[_]| Checkpoint::open(message(&text, signatures).unwrap().as_bytes(), &two);
        assert!(open(&[log.sign(&text), a.cosign(&text, 1), b.cosign(&text, 2)]).is_ok());
        assert!(open(&[log.sign(&text), a.cosign(&text, 1)]).unwrap_err().to_string().contains("1 of the witnesses"));
        assert!(open(&[log.sign(&text), c.cosign(&text, 1), c.cosign(&text, 2)]).is_err(), "one witness twice is one");
        assert!(
            open(&[a.cosign(&text, 1), b.cosign(&text, 2)]).unwrap_err().to_string().contains("the log did not sign")
        );
        assert!(Policy::witnessed(log.verifier(), &witnesses, 4).is_err(), "three distinct witnesses cannot be four");
        let [one, other] = ["k2", "another.name"].map(|name| SignerKey::from_seed(name, [2; 32]).unwrap().verifier());
        assert!(Policy::witnessed(log.verifier(), &[one, other], 2).is_err(), "one key is one witness");
    }
}

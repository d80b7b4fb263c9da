//! Checkpoints: the heads of the tree that the log signs.
//!
//! The note's text is `go.sum database tree`, the size in decimal, the root in base64, a line each; further lines are
//! ignored (Go x/mod/sumdb/tlog ParseTree). The first line is a constant, not the key's name as in C2SP checkpoints.

use super::error::{Error, Result};
use super::hash::{EMPTY_ROOT, Hash};
use super::note::{Note, Signature, VerifierKey, message};
use super::printable::{QUOTED_CHARS, printable};
use super::quorum::Quorum;

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

/// Which signatures a checkpoint must carry: the log's always, and those of a quorum of the witnesses.
#[derive(Debug, Clone)]
pub struct Policy {
    keys: Vec<VerifierKey>, // the log's first, then the witnesses'
    quorum: Quorum,
}

impl Policy {
    /// The log's signature is enough.
    pub fn log(key: VerifierKey) -> Policy {
        Policy { keys: vec![key], quorum: Quorum::Nobody }
    }

    /// The log's signature and those of `quorum` of `witnesses` (any form of their keys; each key counts once, under whatever
    /// names: C2SP tlog-cosignature).
    ///
    /// # Errors
    /// `Malformed`: the quorum cannot be reached by so many distinct witnesses.
    pub fn witnessed(key: VerifierKey, witnesses: &[VerifierKey], quorum: usize) -> Result<Policy> {
        let mut distinct: Vec<VerifierKey> = Vec::new();
        for witness in witnesses {
            if !distinct.iter().any(|known| known.has_key_of(witness)) {
                distinct.push(witness.as_witness());
            }
        }
        if quorum > distinct.len() {
            return Err(Error::malformed("policy", format!("{quorum} witnesses of {} are asked for", distinct.len())));
        }
        let of = (0..distinct.len()).map(Quorum::Witness).collect();
        Ok(Policy::of_quorum(key, &distinct, Quorum::Group { least: quorum, of }))
    }

    /// The log's signature and those that `quorum` asks for of `witnesses`, distinct keys that cosign.
    pub(super) fn of_quorum(key: VerifierKey, witnesses: &[VerifierKey], quorum: Quorum) -> Policy {
        Policy { keys: std::iter::once(key).chain(witnesses.iter().cloned()).collect(), quorum }
    }

    /// The same without the witnesses: the log's signature is enough.
    #[must_use]
    pub fn without_witnesses(&self) -> Policy {
        Policy { keys: self.keys.iter().take(1).cloned().collect(), quorum: Quorum::Nobody }
    }

    /// How few cosignatures can be enough; 0 where the log's signature is.
    pub fn least_cosignatures(&self) -> usize {
        self.quorum.least()
    }

    /// How many witnesses it knows.
    pub fn witnesses(&self) -> usize {
        self.keys.len().saturating_sub(1)
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

/// A witness's verified signature of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosignature {
    /// the witness's name in its key
    pub witness: String,
    /// when the witness says that it signed, in seconds since 1970
    pub time: u64,
}

/// A tree that the log signed. It is made by [`Checkpoint::open`], or by [`Checkpoint::signed`] where a quorum of witnesses is
/// wanted and may yet be missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    tree: Tree,
    bytes: Vec<u8>,
    cosignatures: Vec<Cosignature>,
    has_quorum: bool,
    quorum_since: Option<u64>,
}

impl Checkpoint {
    /// Verifies the signed note in `bytes`.
    ///
    /// # Errors
    /// `Malformed`: not a note, or not about a tree. `Unproven`: not signed by the log. `Uncosigned`: cosigned by too few witnesses.
    /// `FalseCosignature`, `Unlogged`: what a witness of the policy signed is something else.
    pub fn open(bytes: &[u8], policy: &Policy) -> Result<Checkpoint> {
        let checkpoint = Checkpoint::signed(bytes, policy)?;
        if checkpoint.has_quorum { Ok(checkpoint) } else { Err(checkpoint.uncosigned(policy)) }
    }

    /// As [`Checkpoint::open`], also where the quorum's cosignatures are missing: [`Checkpoint::has_quorum`] tells. Such a head binds
    /// the log to its history, and does not count for anything else.
    ///
    /// # Errors
    /// Those of [`Checkpoint::open`] without `Uncosigned`.
    pub fn signed(bytes: &[u8], policy: &Policy) -> Result<Checkpoint> {
        let note = Note::open(bytes, &policy.keys)?;
        if !policy.log_key().is_some_and(|key| note.is_signed_by(key)) {
            let by = note.verified().iter().find(|signature| signature.time().is_some());
            let witness = by.map(|by| format!("{}+{:08x}", by.name(), by.id()));
            let unsigned = || Error::unproven("tree note", "the log did not sign it");
            return Err(witness.map_or_else(unsigned, |witness| Error::Unlogged { witness }));
        }
        let tree = Tree::parse(note.text())?;
        let times: Vec<(usize, u64)> = policy
            .keys
            .iter()
            .skip(1)
            .enumerate()
            .filter_map(|(witness, key)| Some((witness, note.time_of(key)?)))
            .collect();
        let named = |(witness, time): &(usize, u64)| {
            let witness = policy.keys.get(witness + 1).map_or("", VerifierKey::name).to_owned();
            Cosignature { witness, time: *time }
        };
        Ok(Checkpoint {
            tree,
            bytes: bytes.to_vec(),
            cosignatures: times.iter().map(named).collect(),
            has_quorum: policy.quorum.is_met(&|witness| times.iter().any(|(signed, _)| *signed == witness)),
            quorum_since: policy.quorum.met_since(&times),
        })
    }

    /// The same head as it counts under `policy`, which has the log's key that it was opened with. Where a witness of the policy signed
    /// something else, nobody cosigned it.
    #[must_use]
    pub fn under(self, policy: &Policy) -> Checkpoint {
        Checkpoint::signed(&self.bytes, policy).unwrap_or(Checkpoint {
            cosignatures: Vec::new(),
            has_quorum: policy.least_cosignatures() == 0,
            quorum_since: None,
            ..self
        })
    }

    /// Why it does not count under `policy`, whose quorum did not sign it.
    pub fn uncosigned(&self, policy: &Policy) -> Error {
        let by: Vec<String> =
            self.cosignatures.iter().map(|by| printable(by.witness.as_bytes(), QUOTED_CHARS)).collect();
        let by = if by.is_empty() { "none of the witnesses".to_owned() } else { by.join(", ") };
        let (size, least, all) = (self.tree.size, policy.least_cosignatures(), policy.witnesses());
        Error::Uncosigned {
            why: format!(
                "the tree head of size {size} is cosigned by {by}; the policy's quorum needs {least} or more of {all}"
            ),
        }
    }

    /// The same note with the cosignatures of `other`, which is about the same tree, too. Signatures that `policy` does not know
    /// are left out.
    ///
    /// # Errors
    /// As [`Checkpoint::signed`]; `Unproven`: they are about two trees.
    pub fn joined(&self, other: &Checkpoint, policy: &Policy) -> Result<Checkpoint> {
        let [mine, others] = [self, other].map(|head| Note::open(&head.bytes, &policy.keys));
        let (mine, others) = (mine?, others?);
        if mine.text() != others.text() {
            return Err(Error::unproven("tree note", "cosignatures of another text"));
        }
        let mut all = mine.verified().to_vec();
        let is_new =
            |new: &&Signature| !mine.verified().iter().any(|old| old.name() == new.name() && old.id() == new.id());
        all.extend(others.verified().iter().filter(is_new).cloned());
        Checkpoint::signed(message(mine.text(), &all)?.as_bytes(), policy)
    }

    /// The tree that was signed.
    pub fn tree(&self) -> Tree {
        self.tree
    }

    /// The signed note as it came.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether the quorum of the policy that it was opened under cosigned it; also where that needs nobody.
    pub fn has_quorum(&self) -> bool {
        self.has_quorum
    }

    /// Since when the quorum has cosigned it, in seconds since 1970, by the witnesses' clocks; none where it has not, or where the
    /// quorum needs nobody.
    pub fn quorum_since(&self) -> Option<u64> {
        self.quorum_since
    }

    /// The cosignatures by witnesses of that policy.
    pub fn cosignatures(&self) -> &[Cosignature] {
        &self.cosignatures
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
    use crate::sumdb::note::SignerKey;

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
        assert!(
            open(&[log.sign(&text), a.cosign(&text, 1)])
                .unwrap_err()
                .to_string()
                .contains("cosigned by k2; the policy's quorum needs 2 or more of 3")
        );
        assert!(open(&[log.sign(&text), c.cosign(&text, 1), c.cosign(&text, 2)]).is_err(), "one witness twice is one");
        assert!(
            open(&[a.cosign(&text, 1), b.cosign(&text, 2)]).unwrap_err().to_string().contains("the log did not sign")
        );
        assert!(Policy::witnessed(log.verifier(), &witnesses, 4).is_err(), "three distinct witnesses cannot be four");
        let [one, other] = ["k2", "another.name"].map(|name| SignerKey::from_seed(name, [2; 32]).unwrap().verifier());
        assert!(Policy::witnessed(log.verifier(), &[one, other], 2).is_err(), "one key is one witness");
    }

    #[test]
    fn what_is_wrong_with_cosignatures_has_a_class_of_its_own() {
        let [log, a, b] = [1, 2, 3].map(|i| SignerKey::from_seed(&format!("k{i}"), [i; 32]).unwrap());
        let [older, newer] = [3, 4].map(|size| Tree { size, root: EMPTY_ROOT }.note_text());
        let policy = Policy::witnessed(log.verifier(), &[a.verifier(), b.verifier()], 2).unwrap();
        let open = |signatures: &[_]| Checkpoint::open(message(&newer, signatures).unwrap().as_bytes(), &policy);
        let head = open(&[log.sign(&newer), a.cosign(&newer, 20), b.cosign(&newer, 10)]).unwrap();
        assert_eq!((head.has_quorum(), head.quorum_since()), (true, Some(20)));
        let named: Vec<_> = head.cosignatures().iter().map(|by| (by.witness.as_str(), by.time)).collect();
        assert_eq!(named, [("k2", 20), ("k3", 10)]);
        // Too few; a replayed cosignature, of an older head; and a witness that signed what the log did not.
        assert!(matches!(open(&[log.sign(&newer), a.cosign(&newer, 1)]), Err(Error::Uncosigned { .. })));
        let replayed = [log.sign(&newer), a.cosign(&newer, 1), b.cosign(&older, 1)];
        assert!(matches!(open(&replayed), Err(Error::FalseCosignature { witness }) if witness.starts_with("k3+")));
        let unlogged = [a.cosign(&newer, 1), b.cosign(&newer, 1)];
        assert!(matches!(open(&unlogged), Err(Error::Unlogged { witness }) if witness.starts_with("k2+")));
        // What was opened under the log's key alone counts under the policy as if it came anew, and never for a false cosignature.
        let plain = Policy::log(log.verifier());
        let under = |signatures: &[_]| {
            let head =
                Checkpoint::open(message(&newer, signatures).unwrap().as_bytes(), &plain).unwrap().under(&policy);
            (head.has_quorum(), head.cosignatures().len())
        };
        assert_eq!(under(&[log.sign(&newer), a.cosign(&newer, 20), b.cosign(&newer, 10)]), (true, 2));
        assert_eq!(under(&[log.sign(&newer), a.cosign(&newer, 1)]), (false, 1));
        assert_eq!(under(&replayed), (false, 0));
    }

    #[test]
    fn cosignatures_of_two_copies_of_a_head_are_joined() {
        let [log, a, b, c] = [1, 2, 3, 4].map(|i| SignerKey::from_seed(&format!("k{i}"), [i; 32]).unwrap());
        let [text, other] = [3, 4].map(|size| Tree { size, root: EMPTY_ROOT }.note_text());
        let policy = Policy::witnessed(log.verifier(), &[a.verifier(), b.verifier()], 2).unwrap();
        let signed = |text: &str, by: &SignerKey| {
            let note = message(text, &[log.sign(text), by.cosign(text, 5), c.cosign(text, 5)]).unwrap();
            Checkpoint::signed(note.as_bytes(), &policy).unwrap()
        };
        let (one, two) = (signed(&text, &a), signed(&text, &b));
        assert!(!one.has_quorum() && !two.has_quorum());
        let joined = one.joined(&two, &policy).unwrap();
        assert!(joined.has_quorum() && Checkpoint::open(joined.bytes(), &policy).unwrap() == joined);
        assert!(
            !String::from_utf8_lossy(joined.bytes()).contains("k4"),
            "what nobody here can verify is not passed on"
        );
        assert_eq!(one.joined(&one, &policy).unwrap().cosignatures().len(), 1);
        assert!(one.joined(&signed(&other, &b), &policy).is_err());
    }
}

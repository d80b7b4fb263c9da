//! Evidence that the log signed two histories: both signed heads, and a proof that the newer one does not contain the older.
//!
//! The text is the one that Go's client prints (x/mod/sumdb/client.go checkTrees), so that anybody can check a report of
//! either program with the log's key alone. "Old" and "new" are by tree size, not by when they were seen.

use std::fmt;

use super::checkpoint::{Checkpoint, Policy, Tree};
use super::error::{Error, Result};
use super::hash::Hash;
use super::tlog::check_consistency;

const TITLE: &str = "SECURITY ERROR\ngo.sum database server misbehavior detected!\n\n";
const OLD: &str = "old database:\n\t";
const NEW: &str = "new database:\n\t";
const PROOF: &str = "proof of misbehavior:\n\t";
/// A consistency proof has at most one hash a level on each side; a report with more is no report.
const MAX_PROOF_HASHES: usize = 128;

/// Two heads that cannot both be true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    old: Vec<u8>,
    new: Vec<u8>,
    /// the root of the first `old` leaves according to the new tree
    rewritten: Hash,
    /// that the new tree begins so
    proof: Vec<Hash>,
}

/// What evidence shows once it has been checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fork {
    /// the older head
    pub old: Tree,
    /// the newer head
    pub new: Tree,
    /// the root that the newer tree has where it was as small as the older
    pub rewritten: Hash,
}

impl Evidence {
    /// Evidence from two accepted notes, the smaller tree first; it still has to stand [`Evidence::check`].
    pub fn new(old: &Checkpoint, new: &Checkpoint, rewritten: Hash, proof: Vec<Hash>) -> Evidence {
        Evidence { old: old.bytes().to_vec(), new: new.bytes().to_vec(), rewritten, proof }
    }

    /// Evidence that needs no proof and so no tile: two trees of one size that are not the same. Empty trees are: Go once gave
    /// theirs another root.
    pub fn of_one_size(one: &Checkpoint, other: &Checkpoint) -> Option<Evidence> {
        let (first, second) = (one.tree(), other.tree());
        let differ = first.size == second.size && first.size > 0 && first.root != second.root;
        differ.then(|| Evidence::new(one, other, second.root, Vec::new()))
    }

    /// Reads a report in Go's layout, with or without a last newline, by itself or among the other lines of a build's log.
    ///
    /// # Errors
    /// `Malformed`: it is not one.
    pub fn parse(text: &str) -> Result<Evidence> {
        let bad = |why: &str| Error::malformed("evidence", why);
        // Whatever a build's log put before and behind the report is not part of it.
        let start = text.find(TITLE).ok_or_else(|| bad("does not hold Go's `SECURITY ERROR` report"))?;
        let rest = text.get(start + TITLE.len()..).unwrap_or_default();
        let rest = rest.strip_prefix(OLD).ok_or_else(|| bad("no `old database:`"))?;
        let (old, rest) = rest.split_once(&format!("\n{NEW}")).ok_or_else(|| bad("no `new database:`"))?;
        let (new, rest) = rest.split_once(&format!("\n{PROOF}")).ok_or_else(|| bad("no `proof of misbehavior:`"))?;
        let mut hashes = Vec::new();
        let mut lines = rest.split('\n');
        let first = lines.next();
        for line in first.into_iter().chain(lines.map_while(|line| line.strip_prefix('\t'))) {
            if hashes.len() > MAX_PROOF_HASHES {
                return Err(bad("too many hashes"));
            }
            hashes.push(Hash::from_base64(line)?);
        }
        let (rewritten, proof) = hashes.split_first().ok_or_else(|| bad("no hashes"))?;
        let [old, new] = [old, new].map(|note| dedent(note).ok_or_else(|| bad("a line of a note is not indented")));
        Ok(Evidence { old: old?, new: new?, rewritten: *rewritten, proof: proof.to_vec() })
    }

    /// Checks, from the log's key alone, that the log signed both heads and that the newer does not contain the older.
    ///
    /// # Errors
    /// `Malformed` or `Unproven`: this is no evidence of anything.
    pub fn check(&self, policy: &Policy) -> Result<Fork> {
        let (old, new) = (Checkpoint::open(&self.old, policy)?.tree(), Checkpoint::open(&self.new, policy)?.tree());
        if old.size > new.size {
            return Err(Error::malformed("evidence", "the older tree is the larger"));
        }
        check_consistency(&self.proof, &Tree { size: old.size, root: self.rewritten }, &new)?;
        if self.rewritten == old.root {
            return Err(Error::unproven("evidence", "the newer tree contains the older: the log did nothing wrong"));
        }
        Ok(Fork { old, new, rewritten: self.rewritten })
    }
}

/// Go's layout; like Go's it has no newline at its end.
impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (old, new) = (indent(&self.old), indent(&self.new));
        write!(f, "{TITLE}{OLD}{old}\n{NEW}{new}\n{PROOF}{}", self.rewritten)?;
        self.proof.iter().try_for_each(|hash| write!(f, "\n\t{hash}"))
    }
}

fn indent(note: &[u8]) -> String {
    String::from_utf8_lossy(note).replace('\n', "\n\t")
}

/// The note without the tabs that begin its lines, all but the first; they must be there, so that a report has one spelling.
fn dedent(note: &str) -> Option<Vec<u8>> {
    let is_indented = note.split('\n').skip(1).all(|line| line.starts_with('\t'));
    is_indented.then(|| note.replace("\n\t", "\n").into_bytes())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::sumdb::hash::{EMPTY_ROOT, leaf_hash, node_hash};
    use crate::sumdb::note::{SignerKey, message};

    /// Heads of sizes 1 and 2 by one key; the second tree's first leaf is `first`.
    fn heads(first: Hash) -> (Policy, Checkpoint, Checkpoint, Hash) {
        let signer = SignerKey::from_seed("example.org/log", [5; 32]).unwrap();
        let policy = Policy::log(signer.verifier());
        let head = |tree: Tree| {
            let text = tree.note_text();
            Checkpoint::open(message(&text, &[signer.sign(&text)]).unwrap().as_bytes(), &policy).unwrap()
        };
        let second = leaf_hash(b"second");
        let old = head(Tree { size: 1, root: leaf_hash(b"first") });
        let new = head(Tree { size: 2, root: node_hash(&first, &second) });
        (policy, old, new, second)
    }

    #[test]
    fn a_fork_is_shown_printed_read_again_and_shown_again() {
        let other = leaf_hash(b"rewritten");
        let (policy, old, new, second) = heads(other);
        let evidence = Evidence::new(&old, &new, other, vec![second]);
        let fork = Fork { old: old.tree(), new: new.tree(), rewritten: other };
        assert_eq!(evidence.check(&policy), Ok(fork));
        let text = evidence.to_string();
        assert!(text.starts_with("SECURITY ERROR\ngo.sum database server misbehavior detected!\n\nold database:\n\tgo.sum database tree\n\t1\n"));
        assert!(text.contains("\n\t\n\t— example.org/log ") && text.contains("\n\t\nnew database:\n\t"));
        let logged = format!("go: some log line\n{text}\nmake: *** [build] Error 1\n");
        for text in [text.clone(), format!("{text}\n"), logged, format!("{text}\n\n\tan indented line")] {
            assert_eq!(Evidence::parse(&text), Ok(evidence.clone()));
        }
    }

    #[test]
    fn two_trees_of_one_size_are_evidence_enough() {
        let signer = SignerKey::from_seed("example.org/log", [5; 32]).unwrap();
        let policy = Policy::log(signer.verifier());
        let head = |size: u64, root: Hash| {
            let text = Tree { size, root }.note_text();
            Checkpoint::open(message(&text, &[signer.sign(&text)]).unwrap().as_bytes(), &policy).unwrap()
        };
        let (a, b) = (leaf_hash(b"a"), leaf_hash(b"b"));
        let evidence = Evidence::of_one_size(&head(3, a), &head(3, b)).unwrap();
        assert_eq!(evidence.check(&policy).unwrap().rewritten, b);
        assert_eq!(Evidence::of_one_size(&head(3, a), &head(3, a)), None);
        assert_eq!(Evidence::of_one_size(&head(3, a), &head(4, b)), None);
        assert_eq!(Evidence::of_one_size(&head(0, EMPTY_ROOT), &head(0, Hash::default())), None);
    }

    #[test]
    fn what_shows_nothing_is_refused() {
        let other = leaf_hash(b"rewritten");
        let (policy, old, new, second) = heads(other);
        assert!(Evidence::new(&new, &old, other, vec![second]).check(&policy).is_err(), "older is larger");
        assert!(Evidence::new(&old, &new, other, vec![other]).check(&policy).is_err(), "wrong proof");
        assert!(Evidence::new(&old, &new, other, vec![]).check(&policy).is_err(), "no proof");
        let stranger = Policy::log(SignerKey::from_seed("example.org/log", [6; 32]).unwrap().verifier());
        assert!(Evidence::new(&old, &new, other, vec![second]).check(&stranger).is_err(), "another key");
        let (policy, old, new, second) = heads(leaf_hash(b"first"));
        let honest = Evidence::new(&old, &new, leaf_hash(b"first"), vec![second]).check(&policy).unwrap_err();
        assert!(honest.to_string().contains("did nothing wrong"));
    }

    #[test]
    fn texts_that_are_no_report_are_refused() {
        let report = Evidence { old: b"a\n".to_vec(), new: b"b\n".to_vec(), rewritten: leaf_hash(b"c"), proof: vec![] };
        let text = report.to_string();
        assert_eq!(Evidence::parse(&text), Ok(report));
        for cut in ["SECURITY ERROR", "old database", "new database", "proof of"] {
            assert!(Evidence::parse(&text.replace(cut, "x")).is_err(), "{cut}");
        }
        let many = "\n\t47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=".repeat(200);
        assert!(Evidence::parse(&format!("{text}{many}")).is_err());
        assert!(Evidence::parse(&format!("{text}\n\tinternal error: x")).is_err());
        assert!(Evidence::parse(&text.replace("\ta\n", "\ta\nb\n")).unwrap_err().to_string().contains("not indented"));
    }
}

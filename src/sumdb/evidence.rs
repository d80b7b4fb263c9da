//! Evidence that the log signed two histories: both signed heads, and a proof that the newer one does not contain the older.
//!
//! The text is the one that Go's client prints (x/mod/sumdb/client.go checkTrees), so that anybody can check a report of
//! either program with the log's key alone. "Old" and "new" are by tree size, not by when they were seen.

mod reports;

use std::fmt;

use super::checkpoint::{Checkpoint, Policy, Tree};
use super::error::{Error, Result};
use super::hash::Hash;
use super::tlog::check_consistency;

/// The first line of a report, and the second; then a blank one.
const TITLE: &str = "SECURITY ERROR";
const MISBEHAVIOUR: &str = "go.sum database server misbehavior detected!";
/// What stands before the older note, the newer one, and the hashes.
const OLD: &str = "old database:";
const NEW: &str = "new database:";
const PROOF: &str = "proof of misbehavior:";

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

    /// Reads the first report in Go's layout, by itself or among the lines of a build's log.
    ///
    /// # Errors
    /// `Malformed`: there is none, or it is not one.
    pub fn parse(text: &str) -> Result<Evidence> {
        reports::reports(text).next().unwrap_or_else(|| Err(no_report()))
    }

    /// What the first report in `text` shows that stands [`Evidence::check`]. Others before it, which anybody can print, do not
    /// matter. The work grows with the length of the text and no faster.
    ///
    /// # Errors
    /// `Malformed` or `Unproven`: none does; says what is wrong with the first.
    pub fn find(text: &str, policy: &Policy) -> Result<Fork> {
        let mut first = None;
        let mut count = 0usize;
        for report in reports::reports(text) {
            match report.and_then(|evidence| evidence.check(policy)) {
                Ok(fork) => return Ok(fork),
                Err(error) => _ = first.get_or_insert(error),
            }
            count += 1;
        }
        let first = first.unwrap_or_else(no_report);
        if count < 2 {
            return Err(first);
        }
        Err(Error::unproven("evidence", format!("none of the {count} reports in it holds; the first: {first}")))
    }

    /// Checks, from the log's key alone, that the log signed both heads and that the newer does not contain the older. Which witnesses
    /// cosigned them does not matter: what the log signed binds it.
    ///
    /// # Errors
    /// `Malformed` or `Unproven`: this is not evidence of anything.
    pub fn check(&self, policy: &Policy) -> Result<Fork> {
        let policy = policy.without_witnesses();
        let (old, new) = (Checkpoint::open(&self.old, &policy)?.tree(), Checkpoint::open(&self.new, &policy)?.tree());
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
        write!(f, "{TITLE}\n{MISBEHAVIOUR}\n\n{OLD}\n\t{old}\n{NEW}\n\t{new}\n{PROOF}\n\t{}", self.rewritten)?;
        self.proof.iter().try_for_each(|hash| write!(f, "\n\t{hash}"))
    }
}

fn indent(note: &[u8]) -> String {
    String::from_utf8_lossy(note).replace('\n', "\n\t")
}

fn no_report() -> Error {
    Error::malformed("evidence", "does not hold Go's `SECURITY ERROR` report")
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
    fn a_report_is_found_behind_others_and_whatever_stands_before_its_lines() {
        let other = leaf_hash(b"rewritten");
        let (policy, old, new, second) = heads(other);
        let evidence = Evidence::new(&old, &new, other, vec![second]);
        let fork = Ok(Fork { old: old.tree(), new: new.tree(), rewritten: other });
        let text = evidence.to_string();
        let title = format!("{TITLE}\n{MISBEHAVIOUR}\n\n");
        let before = |prefix: &str| text.lines().map(|line| format!("{prefix}{line}\n")).collect::<String>();
        let stamped = text.lines().zip(10..).map(|(line, at)| format!("12:00:{at} {line}\n")).collect::<String>();
        for fake in
            [title.clone(), format!("{TITLE}\n"), format!("{title}{OLD}\n\ta\n"), text.replace("\t2\n", "\t3\n") + "\n"]
        {
            assert_eq!(Evidence::find(&format!("{}{text}", fake.repeat(3)), &policy), fork);
        }
        for text in [before("| "), before("\t"), before("日 "), text.replace('\n', "\r\n"), stamped] {
            assert_eq!(Evidence::parse(&text), Ok(evidence.clone()), "{text}");
            let trimmed: String = text.lines().map(|line| format!("{}\r\n", line.trim_end())).collect();
            assert_eq!(Evidence::find(&format!("{title}x\n{trimmed}"), &policy), fork, "{trimmed}");
            for indent in ["", " ", "    ", "        "] {
                let other = text.replace('\t', indent).trim_end().to_owned();
                assert_eq!(Evidence::find(&format!("{other}\nmake: *** [build] Error 1\n"), &policy), fork, "{other}");
            }
        }
        let refused = |text: &str| Evidence::find(text, &policy).unwrap_err().to_string();
        for count in 2..4 {
            let none = format!("none of the {count} reports in it holds; the first: ");
            assert!(refused(&title.repeat(count)).contains(&none));
        }
        assert!(refused("").contains("does not hold") && refused(&title).contains("no `old database:`"));
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
    fn a_fork_needs_no_witness() {
        let other = leaf_hash(b"rewritten");
        let (policy, old, new, second) = heads(other);
        let witness = SignerKey::from_seed("example.org/witness", [6; 32]).unwrap();
        let policy = Policy::witnessed(policy.log_key().unwrap().clone(), &[witness.verifier()], 1).unwrap();
        assert!(Checkpoint::open(old.bytes(), &policy).is_err() && Checkpoint::open(new.bytes(), &policy).is_err());
        let fork = Fork { old: old.tree(), new: new.tree(), rewritten: other };
        assert_eq!(Evidence::new(&old, &new, other, vec![second]).check(&policy), Ok(fork));
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

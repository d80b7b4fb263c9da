//! Signed notes and checkpoints.

use std::sync::OnceLock;

use gosumcheck::sumdb::checkpoint::{Checkpoint, MAX_SIZE, Policy};
use gosumcheck::sumdb::note::{Note, VerifierKey, message};

use super::refused;
use super::world::world;

/// The texts that the world's keys signed.
pub const TEXTS: [&str; 4] = [
    "plain\n",
    "go.sum database tree\n5\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
    "with an empty line\n\n— not a signature\n\nin it\n",
    "\u{7f}\u{a0}é\u{1f980}\u{2028}\n",
];

fn known() -> &'static [VerifierKey] {
    static KEYS: OnceLock<Vec<VerifierKey>> = OnceLock::new();
    KEYS.get_or_init(|| vec![world().log.verifier(), world().witness.verifier().as_witness()])
}

/// `Note::open`: only what was signed opens; what is open prints as a note that opens as the same.
pub fn note(bytes: &[u8]) -> bool {
    let note = match Note::open(bytes, known()) {
        Ok(note) => note,
        Err(error) => return refused(error),
    };
    assert!(TEXTS.contains(&note.text()), "nobody signed that");
    assert!(bytes.starts_with(note.text().as_bytes()));
    assert!((1..=known().len()).contains(&note.verified().len()) && note.unverified().len() < 100);
    for signature in note.verified() {
        assert!(known().iter().any(|key| key.name() == signature.name() && key.id() == signature.id()));
    }
    for signature in note.unverified() {
        assert!(!known().iter().any(|key| key.name() == signature.name() && key.id() == signature.id()));
    }
    assert_eq!(Note::open(note.countersigned(&[]).as_bytes(), known()).as_ref(), Ok(&note));
    true
}

/// `Checkpoint::open`: of a text that the log does sign, whatever it is, since an unsigned one gets no further than a note.
pub fn checkpoint(bytes: &[u8]) -> bool {
    let Some(text) = super::text(bytes) else { return false };
    let log = &world().log;
    let Ok(signed) = message(text, &[log.sign(text)]) else { return false };
    let head = match Checkpoint::open(signed.as_bytes(), &world().policy) {
        Ok(head) => head,
        Err(error) => return refused(error),
    };
    let tree = head.tree();
    assert!(tree.size <= MAX_SIZE);
    assert!(text.starts_with(&tree.note_text()), "another tree than the text's");
    assert_eq!(head.bytes(), signed.as_bytes());
    true
}

/// `Checkpoint::open` with a witness that must have signed.
pub fn witnessed(bytes: &[u8]) -> bool {
    static POLICY: OnceLock<Policy> = OnceLock::new();
    let policy =
        POLICY.get_or_init(|| Policy::witnessed(world().log.verifier(), &[world().witness.verifier()], 1).unwrap());
    let head = match Checkpoint::open(bytes, policy) {
        Ok(head) => head,
        Err(error) => return refused(error),
    };
    assert!(world().trees.contains(&head.tree()), "nobody signed that");
    assert_eq!(head.bytes(), bytes);
    true
}

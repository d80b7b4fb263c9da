//! Signatures of entries. What is signed is a note that names the entry by its number and by the hash of its text without the
//! signature; the note stands in the entry, whole, so that any reader of signed notes can check it.

use serde_json::{Map, Value};

use super::{BrokenChain, NUMBER, RunEntries};
use crate::fault::Fault;
use crate::sumdb::hash::sha256;
use crate::sumdb::note::{self, KeyKind, Note, SignerKey, VerifierKey};

/// The field with the note.
const SIGNATURE: &str = "signature";
/// The first line of the note.
const HEADING: &str = "gosumcheck journal entry";

/// What signs entries.
#[derive(Debug, Clone)]
pub struct RunSigner {
    key: SignerKey,
}

impl RunSigner {
    /// Signs with this key.
    pub fn new(key: SignerKey) -> RunSigner {
        RunSigner { key }
    }

    /// The entry with its signature, made at `time` in seconds since 1970, which a witness's key states too.
    pub(super) fn sign(&self, mut entry: Map<String, Value>, time: u64) -> Result<Map<String, Value>, Fault> {
        let text = signed_text(&entry);
        let signature = match self.key.kind() {
            KeyKind::Log => self.key.sign(&text),
            KeyKind::Witness | KeyKind::EarlyWitness => self.key.cosign(&text, time),
        };
        let note = note::message(&text, &[signature]).map_err(|error| Fault::machine(SIGNATURE, error.to_string()))?;
        entry.insert(SIGNATURE.to_owned(), note.into());
        Ok(entry)
    }
}

/// What the note of an entry says.
fn signed_text(entry: &Map<String, Value>) -> String {
    let bare: Map<String, Value> = entry
        .iter()
        .filter(|(name, _)| *name != SIGNATURE)
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let number = entry.get(NUMBER).and_then(Value::as_u64).unwrap_or(0);
    format!("{HEADING}\n{number}\n{}\n", hex::encode(sha256(Value::Object(bare).to_string().as_bytes()).0))
}

impl RunEntries {
    /// How many entries are signed by `key`: all from the first one that is, and the last among them.
    ///
    /// # Errors
    /// The first entry that should be signed and is not, by its line, and what is wrong with it.
    pub fn signed_by(&self, key: &VerifierKey) -> Result<usize, BrokenChain> {
        let mut signed = 0;
        for (index, entry) in self.entries.iter().enumerate() {
            let broken = |why: String| Err(BrokenChain { line: index + 1, why });
            match entry.get(SIGNATURE).and_then(Value::as_str) {
                None if signed == 0 && index + 1 < self.entries.len() => {}
                None => return broken("is not signed".to_owned()),
                Some(note) => match Note::open(note.as_bytes(), std::slice::from_ref(key)) {
                    Ok(note) if note.text() == signed_text(entry) => signed += 1,
                    Ok(_) => return broken("is not what was signed".to_owned()),
                    Err(error) => return broken(format!("is not signed by {}: {error}", key.name())),
                },
            }
        }
        Ok(signed)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::super::Runs;
    use super::*;
    use crate::store::Folder;

    fn append(runs: &Runs, code: u64, signer: Option<&RunSigner>) {
        let fields = [("exit_code".to_owned(), Value::from(code))].into_iter().collect();
        runs.append(fields, signer).unwrap();
    }

    #[test]
    fn entries_are_signed_from_one_on_and_any_change_shows() {
        for kind in [KeyKind::Log, KeyKind::Witness] {
            let key = SignerKey::of_kind(kind, "corp.example/verify", [7; 32]).unwrap();
            let other = SignerKey::of_kind(kind, "corp.example/verify", [8; 32]).unwrap();
            let (vkey, signer) = (key.vkey(), RunSigner::new(key));
            let root = tempfile::tempdir().unwrap();
            let runs = Folder::open(root.path()).unwrap().runs();
            let read = || runs.read().unwrap().unwrap();
            assert_eq!(read().signed_by(&vkey), Ok(0), "there is none yet");
            append(&runs, 0, None);
            assert!(read().signed_by(&vkey).unwrap_err().why.contains("is not signed"));
            append(&runs, 1, Some(&signer));
            append(&runs, 2, Some(&signer));
            assert_eq!(read().signed_by(&vkey), Ok(2));
            assert!(read().signed_by(&other.vkey()).is_err());
            // The chain can be made anew by anybody; the signatures cannot.
            let mut forged = read();
            forged.entries[1].insert("exit_code".to_owned(), 0.into());
            assert_eq!(forged.signed_by(&vkey).unwrap_err().why, "is not what was signed");
            let mut stripped = read();
            stripped.entries[2].remove(SIGNATURE);
            assert_eq!(stripped.signed_by(&vkey).unwrap_err().line, 3);
            let mut moved = read();
            let note = moved.entries[1][SIGNATURE].clone();
            moved.entries[2].insert(SIGNATURE.to_owned(), note);
            assert_eq!(moved.signed_by(&vkey).unwrap_err().why, "is not what was signed");
            append(&runs, 3, None);
            assert_eq!(read().signed_by(&vkey).unwrap_err().line, 4);
        }
    }
}

//! Signed notes: a text that one or more keys vouch for.
//!
//! ```text
//! TEXT, one or more lines, each ended by a newline
//! (an empty line: the LAST one of the message)
//! — NAME base64(key id, 4 bytes, big-endian || signature)
//! ```
//!
//! Opening a note is the only way to its text. A signature by a key that we know must verify or the whole note is refused;
//! one by a key that we do not know says nothing; without any verified signature there is no note.
//! Sources: C2SP signed-note; Go x/mod/sumdb/note, whose order of checks this follows.

mod key;
#[cfg(test)]
mod tests;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::{Error, Result};
use super::printable::{QUOTED_CHARS, printable};
use key::Signed;
pub use key::{KeyKind, SignerKey, VerifierKey};

/// As in Go; C2SP asks for at least 16.
const MAX_SIGNATURES: usize = 100;
/// Go caps a tree note's text at this; a signature line is short.
const MAX_NOTE_BYTES: usize = 1_000_000;
/// How many strangers' signatures an error names.
const MAX_SHOWN_SIGNERS: usize = 3;
/// U+2014 and a space.
const SIGNATURE_MARK: &str = "— ";

/// One signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    name: String,
    id: u32,
    blob: Vec<u8>,
    time: Option<u64>,
}

impl Signature {
    /// The key's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key's id.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// When a witness says that it signed, in seconds since 1970; only of a verified cosignature.
    pub fn time(&self) -> Option<u64> {
        self.time
    }

    fn parse(line: &str) -> Result<Signature> {
        let bad = |why: &str| Error::malformed("note", format!("signature line: {why}"));
        let rest =
            line.strip_prefix(SIGNATURE_MARK).ok_or_else(|| bad("does not start with an em dash and a space"))?;
        let (name, encoded) = rest.split_once(' ').ok_or_else(|| bad("has no space after the name"))?;
        key::check_name(name)?;
        let decoded = STANDARD.decode(encoded).map_err(|e| bad(&format!("not base64: {e}")))?;
        let (id, blob) = decoded.split_first_chunk::<4>().ok_or_else(|| bad("shorter than a key id"))?;
        if blob.is_empty() {
            return Err(bad("a key id without a signature"));
        }
        Ok(Signature { name: name.to_owned(), id: u32::from_be_bytes(*id), blob: blob.to_vec(), time: None })
    }

    fn line(&self) -> String {
        let encoded = STANDARD.encode([self.id.to_be_bytes().as_slice(), &self.blob].concat());
        format!("{SIGNATURE_MARK}{} {encoded}\n", self.name)
    }

    fn same_key(&self, other: &Signature) -> bool {
        self.id == other.id && self.name == other.name
    }
}

/// A text with at least one verified signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    verified: Vec<Signature>,
    unverified: Vec<Signature>,
}

impl Note {
    /// Verifies `message` with the keys that are known.
    ///
    /// # Errors
    /// `Malformed`: not a note. `Unproven`: a known key's signature does not verify, or no known key signed.
    pub fn open(message: &[u8], known: &[VerifierKey]) -> Result<Note> {
        let (text, lines) = split(message)?;
        let mut note = Note { text: text.to_owned(), verified: Vec::new(), unverified: Vec::new() };
        // Lines are counted before any is verified, repetitions too, so that work is bounded.
        if lines.lines().count() > MAX_SIGNATURES {
            return Err(Error::malformed("note", format!("more than {MAX_SIGNATURES} signatures")));
        }
        for line in lines.lines() {
            note.admit(Signature::parse(line)?, known)?;
        }
        if note.verified.is_empty() {
            let key_id = |name: &str, id| format!("{}+{id:08x}", printable(name.as_bytes(), QUOTED_CHARS));
            let mut signers: Vec<_> =
                note.unverified.iter().map(|s| key_id(&s.name, s.id)).take(MAX_SHOWN_SIGNERS).collect();
            if note.unverified.len() > signers.len() {
                signers.push("others".to_owned());
            }
            let known: Vec<_> = known.iter().map(|key| key_id(key.name(), key.id())).collect();
            let why = format!(
                "signed by {}, which is not the key that is trusted here ({})",
                signers.join(", "),
                known.join(", ")
            );
            return Err(Error::unproven("note", why));
        }
        Ok(note)
    }

    /// Who a message says that it is signed by: a name and a key id for each signature. Nothing is verified.
    ///
    /// # Errors
    /// `Malformed`: not a note.
    pub fn claimed_signers(message: &[u8]) -> Result<Vec<(String, u32)>> {
        let (_, lines) = split(message)?;
        let signature = |line| Signature::parse(line).map(|signature| (signature.name, signature.id));
        lines.lines().take(MAX_SIGNATURES).map(signature).collect()
    }

    fn admit(&mut self, signature: Signature, known: &[VerifierKey]) -> Result<()> {
        let mut keys = known.iter().filter(|key| key.id() == signature.id && key.name() == signature.name);
        let Some(key) = keys.next() else {
            if !self.unverified.contains(&signature) {
                self.unverified.push(signature);
            }
            return Ok(());
        };
        if keys.any(|other| other != key) {
            let why = format!("two known keys are {}+{:08x}", key.name(), key.id());
            return Err(Error::malformed("note", why));
        }
        if self.verified.iter().any(|seen| seen.same_key(&signature)) {
            return Ok(()); // the first signature of a key is the one that counts
        }
        let time = match key.verifies(&self.text, &signature.blob) {
            Some(Signed::At(time)) => Some(time),
            Some(Signed::Plainly) => None,
            None if key.kind().is_witness() => {
                return Err(Error::FalseCosignature { witness: format!("{}+{:08x}", key.name(), key.id()) });
            }
            None => {
                let why = format!("the signature by {}+{:08x} does not verify", key.name(), key.id());
                return Err(Error::unproven("note", why));
            }
        };
        self.verified.push(Signature { time, ..signature });
        Ok(())
    }

    /// The signed text, with its last newline.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signatures that were verified, one a key.
    pub fn verified(&self) -> &[Signature] {
        &self.verified
    }

    /// The signatures by keys that are not known here. They prove nothing.
    pub fn unverified(&self) -> &[Signature] {
        &self.unverified
    }

    /// Whether `key` signed.
    pub fn is_signed_by(&self, key: &VerifierKey) -> bool {
        self.verified.iter().any(|signature| signature.id == key.id() && signature.name == key.name())
    }

    /// When `key`, a witness's, says that it signed; none where it did not sign.
    pub fn time_of(&self, key: &VerifierKey) -> Option<u64> {
        let signature = self.verified.iter().find(|by| by.id() == key.id() && by.name() == key.name());
        signature.and_then(Signature::time)
    }

    /// The message with `added` signatures last; a new signature takes the place of an old one by the same key.
    pub fn countersigned(&self, added: &[Signature]) -> String {
        let kept =
            self.verified.iter().chain(&self.unverified).filter(|old| !added.iter().any(|new| new.same_key(old)));
        let lines: String = kept.chain(added).map(Signature::line).collect();
        format!("{}\n{lines}", self.text)
    }
}

/// The message that says `text` with these signatures.
///
/// # Errors
/// `Malformed`: the text does not end in a newline.
pub fn message(text: &str, signatures: &[Signature]) -> Result<String> {
    if !text.ends_with('\n') {
        return Err(Error::malformed("note", "the text does not end in a newline"));
    }
    let lines: String = signatures.iter().map(Signature::line).collect();
    Ok(format!("{text}\n{lines}"))
}

/// Text (with its last newline) and signature lines (with theirs).
fn split(message: &[u8]) -> Result<(&str, &str)> {
    let bad = |why: &str| Error::malformed("note", why);
    if message.len() > MAX_NOTE_BYTES {
        return Err(bad("longer than 1,000,000 bytes"));
    }
    let message = std::str::from_utf8(message).map_err(|_| bad("not UTF-8"))?;
    if message.chars().any(|c| c < ' ' && c != '\n') {
        return Err(bad("a control character other than newline"));
    }
    // A text may hold empty lines of its own: the last one divides.
    let at = message.rfind("\n\n").ok_or_else(|| bad("no empty line before the signatures"))?;
    let (text, rest) = message.split_at_checked(at + 1).ok_or_else(|| bad("no text"))?;
    let lines = rest.strip_prefix('\n').unwrap_or_default();
    if lines.is_empty() || !lines.ends_with('\n') {
        return Err(bad("the signatures are missing or do not end in a newline"));
    }
    Ok((text, lines))
}

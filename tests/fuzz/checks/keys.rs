//! Verifier and signer keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gosumcheck::sumdb::hash::sha256;
use gosumcheck::sumdb::note::{Note, SignerKey, VerifierKey, message};

use super::refused;

/// `VerifierKey::parse`, of the text as it is and with the id that belongs to its key, which no mutation finds.
pub fn vkey(bytes: &[u8]) -> bool {
    let Some(text) = super::text(bytes) else { return false };
    [Some(text.to_owned()), with_its_id(text)].iter().flatten().filter(|text| parses(text)).count() > 0
}

fn parses(text: &str) -> bool {
    let key = match VerifierKey::parse(text) {
        Ok(key) => key,
        Err(error) => return refused(error),
    };
    assert!(!key.name().is_empty() && !key.name().contains('+') && !key.name().contains(char::is_whitespace));
    // The id may have come in upper case; all else is as it came.
    let id = key.name().len() + 1..key.name().len() + 9;
    let mut lower = text.to_owned();
    lower.replace_range(id.clone(), &text[id].to_ascii_lowercase());
    assert_eq!(key.to_string(), lower);
    let witness = key.as_witness();
    assert_eq!(VerifierKey::parse(&witness.to_string()), Ok(witness));
    true
}

fn with_its_id(text: &str) -> Option<String> {
    let (name, rest) = text.split_once('+')?;
    let (_, encoded) = rest.split_once('+')?;
    let key = STANDARD.decode(encoded).ok()?;
    let id = sha256(&[name.as_bytes(), b"\n", &key].concat()).0;
    Some(format!("{name}+{:02x}{:02x}{:02x}{:02x}+{encoded}", id[0], id[1], id[2], id[3]))
}

/// `SignerKey::parse`: prints as it came (but for the case of the id), and what it signs verifies.
pub fn skey(bytes: &[u8]) -> bool {
    let Some(text) = super::text(bytes) else { return false };
    let key = match SignerKey::parse(text) {
        Ok(key) => key,
        Err(error) => return refused(error),
    };
    assert!(key.secret_text().eq_ignore_ascii_case(text) && SignerKey::parse(&key.secret_text()).is_ok());
    let note = message("text\n", &[key.sign("text\n")]).unwrap();
    assert!(Note::open(note.as_bytes(), &[key.verifier()]).is_ok());
    true
}

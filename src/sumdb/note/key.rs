//! Keys that sign notes: `name+hhhhhhhh+base64(algorithm || key)`.
//!
//! Algorithm 1 is an Ed25519 signature over the note's text, the only one that Go's logs use; algorithm 4 is the C2SP
//! timestamped cosignature of a witness; algorithm 3 is the timestamped cosignature of before C2SP, which is verified and never made. The
//! key id is the first four bytes of SHA-256(name || "\n" || algorithm || public key), big-endian, in eight hex digits. (C2SP signed-note
//! and tlog-cosignature; Go x/mod/sumdb/note; for algorithm 3 google/trillian-examples, internal/note/note_signer.go of January 2023.)

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature as Ed25519Signature, Signer as _, SigningKey, VerifyingKey};

use crate::sumdb::error::{Error, Result};
use crate::sumdb::hash::sha256;
use crate::sumdb::printable::quoted;

use super::Signature;

/// A secret key starts with this, so that a leaked one is recognised.
const SECRET_PREFIX: &str = "PRIVATE+KEY+";

/// What a key's signature says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// Algorithm 1: "this is my note", 64 bytes.
    Log,
    /// Algorithm 4: "as of this time, this is the largest consistent tree that I saw", 8 bytes of time and 64 of signature.
    Witness,
    /// Algorithm 3: the same in the form of before C2SP, of which real heads of 2023 are left. Only verified.
    EarlyWitness,
}

impl KeyKind {
    const fn algorithm(self) -> u8 {
        match self {
            KeyKind::Log => 1,
            KeyKind::Witness => 4,
            KeyKind::EarlyWitness => 3,
        }
    }

    fn from_algorithm(algorithm: u8) -> Result<KeyKind> {
        match algorithm {
            1 => Ok(KeyKind::Log),
            3 => Ok(KeyKind::EarlyWitness),
            4 => Ok(KeyKind::Witness),
            other => Err(Error::malformed("key", format!("unknown algorithm {other}; known are 1, 3 and 4"))),
        }
    }

    /// Whether its signatures are cosignatures, with a time.
    pub const fn is_witness(self) -> bool {
        matches!(self, KeyKind::Witness | KeyKind::EarlyWitness)
    }
}

/// A public key that verifies notes. A weak (small-order) point is refused when the key is read: it would verify anything.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    kind: KeyKind,
    key: VerifyingKey,
}

impl VerifierKey {
    /// The key that `name+hhhhhhhh+base64` stands for. The base64 may contain `+`.
    ///
    /// # Errors
    /// `Malformed`: wrong shape, name, algorithm or key; or an id that is not this key's.
    pub fn parse(vkey: &str) -> Result<VerifierKey> {
        let (name, id, algorithm, key) = split_key(vkey)?;
        let key = VerifyingKey::from_bytes(&key).map_err(|e| Error::malformed("key", e.to_string()))?;
        let parsed = VerifierKey::new(name, KeyKind::from_algorithm(algorithm)?, key)?;
        parsed.check_id(id)?;
        Ok(parsed)
    }

    fn new(name: &str, kind: KeyKind, key: VerifyingKey) -> Result<VerifierKey> {
        check_name(name)?;
        if key.is_weak() {
            return Err(Error::malformed("key", "a weak point that would verify any signature"));
        }
        Ok(VerifierKey { name: name.to_owned(), kind, key })
    }

    fn check_id(&self, stated: u32) -> Result<()> {
        if self.id() == stated {
            return Ok(());
        }
        Err(Error::malformed("key", format!("id {stated:08x} where this key's is {:08x}", self.id())))
    }

    /// Whose key this is.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its signatures say.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The key id that signature lines carry.
    pub fn id(&self) -> u32 {
        let algorithm_and_key = [&[self.kind.algorithm()], self.key.as_bytes().as_slice()].concat();
        let [a, b, c, d, ..] = sha256(&[self.name.as_bytes(), b"\n", &algorithm_and_key].concat()).0;
        u32::from_be_bytes([a, b, c, d])
    }

    /// The same public key as a witness's: many witnesses publish the algorithm 1 form of a key that cosigns with algorithm 4.
    pub fn as_witness(&self) -> VerifierKey {
        let kind = if self.kind == KeyKind::EarlyWitness { self.kind } else { KeyKind::Witness };
        VerifierKey { kind, ..self.clone() }
    }

    /// Whether the holder of one key's private half can also sign for the other key, whatever their names.
    pub(in crate::sumdb) fn has_key_of(&self, other: &VerifierKey) -> bool {
        self.key == other.key
    }

    /// How `text` is signed, if `signature` is this key's over it.
    pub(super) fn verifies(&self, text: &str, signature: &[u8]) -> Option<Signed> {
        // Go's meaning is dalek's `verify`; what `verify_strict` adds for the key is done once, when the key is read.
        match self.kind {
            KeyKind::Log => {
                let signature = Ed25519Signature::from_slice(signature).ok()?;
                ed25519_dalek::Verifier::verify(&self.key, text.as_bytes(), &signature).ok().map(|()| Signed::Plainly)
            }
            KeyKind::Witness | KeyKind::EarlyWitness => {
                let (stamp, signature) = signature.split_first_chunk::<8>()?;
                let (time, message) = if self.kind == KeyKind::EarlyWitness {
                    (u64::from_le_bytes(*stamp), early_message(text, *stamp))
                } else {
                    let time = u64::from_be_bytes(*stamp);
                    (time, cosigned_message(text, time).into_bytes())
                };
                let signature = Ed25519Signature::from_slice(signature).ok()?;
                ed25519_dalek::Verifier::verify(&self.key, &message, &signature).ok().map(|()| Signed::At(time))
            }
        }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let algorithm_and_key = [&[self.kind.algorithm()], self.key.as_bytes().as_slice()].concat();
        write!(f, "{}+{:08x}+{}", self.name, self.id(), STANDARD.encode(algorithm_and_key))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How a text is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signed {
    /// by a log, which says no time
    Plainly,
    /// by a witness, at this time, in seconds since 1970
    At(u64),
}

/// A secret key that signs notes. It has no `Display`: the secret is written by [`SignerKey::secret_text`] and by nothing else.
#[derive(Clone)]
pub struct SignerKey {
    name: String,
    kind: KeyKind,
    key: SigningKey,
}

impl SignerKey {
    /// The log's key made from 32 secret bytes.
    ///
    /// # Errors
    /// `Malformed`: the name is empty or has white space or `+`.
    pub fn from_seed(name: &str, seed: [u8; 32]) -> Result<SignerKey> {
        SignerKey::of_kind(KeyKind::Log, name, seed)
    }

    /// The key made from 32 secret bytes, whose signatures say what `kind` says.
    ///
    /// # Errors
    /// `Malformed`: the name is empty or has white space or `+`, or nothing is signed with keys of this kind any more.
    pub fn of_kind(kind: KeyKind, name: &str, seed: [u8; 32]) -> Result<SignerKey> {
        check_name(name)?;
        if kind == KeyKind::EarlyWitness {
            return Err(Error::malformed(
                "key",
                "algorithm 3 is of before C2SP: its signatures are verified, and none are made",
            ));
        }
        Ok(SignerKey { name: name.to_owned(), kind, key: SigningKey::from_bytes(&seed) })
    }

    /// The key that `PRIVATE+KEY+name+hhhhhhhh+base64` stands for.
    ///
    /// # Errors
    /// `Malformed`: wrong shape, name, algorithm or seed; or an id that is not its public key's.
    pub fn parse(skey: &str) -> Result<SignerKey> {
        let rest = skey
            .strip_prefix(SECRET_PREFIX)
            .ok_or_else(|| Error::malformed("key", "a secret key starts with PRIVATE+KEY+"))?;
        let (name, id, algorithm, seed) = split_key(rest)?;
        let signer = SignerKey::of_kind(KeyKind::from_algorithm(algorithm)?, name, seed)?;
        signer.vkey().check_id(id)?;
        Ok(signer)
    }

    /// Whose key this is.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its signatures are meant to say.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The public half, of the key's own kind: what is given to those who are to believe its signatures.
    pub fn vkey(&self) -> VerifierKey {
        VerifierKey { kind: self.kind, ..self.verifier() }
    }

    /// The public half, as a log's key.
    pub fn verifier(&self) -> VerifierKey {
        VerifierKey { name: self.name.clone(), kind: KeyKind::Log, key: self.key.verifying_key() }
    }

    /// `PRIVATE+KEY+name+hhhhhhhh+base64(algorithm || seed)`, a secret: its reader can sign.
    pub fn secret_text(&self) -> String {
        let algorithm_and_seed = [&[self.kind.algorithm()], self.key.as_bytes().as_slice()].concat();
        format!("{SECRET_PREFIX}{}+{:08x}+{}", self.name, self.vkey().id(), STANDARD.encode(algorithm_and_seed))
    }

    /// This key's signature of `text`, as a log.
    pub fn sign(&self, text: &str) -> Signature {
        let blob = self.key.sign(text.as_bytes()).to_bytes().to_vec();
        Signature { name: self.name.clone(), id: self.verifier().id(), blob, time: None }
    }

    /// This key's cosignature of `text`, as a witness, at `time` in seconds since 1970.
    pub fn cosign(&self, text: &str, time: u64) -> Signature {
        let signature = self.key.sign(cosigned_message(text, time).as_bytes()).to_bytes();
        let blob = [time.to_be_bytes().as_slice(), &signature].concat();
        Signature { name: self.name.clone(), id: self.verifier().as_witness().id(), blob, time: Some(time) }
    }
}

impl fmt::Debug for SignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignerKey({})", self.name)
    }
}

/// SPEC (tlog-cosignature): the signed message is a two-line header and the whole note text.
fn cosigned_message(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

/// What a witness of before C2SP signed: a zero byte, which no note has, the time as in the signature, and the whole note text.
fn early_message(text: &str, stamp: [u8; 8]) -> Vec<u8> {
    [&[0], stamp.as_slice(), text.as_bytes()].concat()
}

/// `name+hhhhhhhh+base64(algorithm || 32 bytes)` in its four parts; the id is not checked here.
fn split_key(text: &str) -> Result<(&str, u32, u8, [u8; 32])> {
    let shape = || Error::malformed("key", "a key reads NAME+8 hex digits+BASE64");
    let (name, rest) = text.split_once('+').ok_or_else(shape)?;
    let (id, encoded) = rest.split_once('+').ok_or_else(shape)?;
    if id.len() != 8 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(shape());
    }
    let id = u32::from_str_radix(id, 16).map_err(|_| shape())?;
    let decoded = STANDARD.decode(encoded).map_err(|e| Error::malformed("key", format!("not base64: {e}")))?;
    let (algorithm, key) = decoded.split_first().ok_or_else(shape)?;
    KeyKind::from_algorithm(*algorithm)?;
    let key = key.try_into().map_err(|_| Error::malformed("key", format!("{} bytes where 32 belong", key.len())))?;
    Ok((name, id, *algorithm, key))
}

/// A key's name: not empty, no white space, no `+` (Go note.isValidName).
pub(super) fn check_name(name: &str) -> Result<()> {
    if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == '+') {
        return Err(Error::malformed(
            "key name",
            format!("{} is empty or has white space or a plus sign", quoted(name)),
        ));
    }
    Ok(())
}

//! The log's key and its signed notes, written from the note format alone and not with the library's code.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use gosumcheck::sumdb::hash::{Hash, sha256};

/// Ed25519 in a key's first byte.
const ED25519: u8 = 1;

/// A named Ed25519 key.
pub struct Signer {
    name: String,
    key: SigningKey,
}

impl Signer {
    /// The key that follows from a name and a seed.
    pub fn new(name: &str, seed: u64) -> Signer {
        let secret = sha256(format!("fakelog signing key {seed} of {name}").as_bytes());
        Signer { name: name.to_owned(), key: SigningKey::from_bytes(&secret.0) }
    }

    /// The key's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256(name "\n" algorithm public-key), its first four bytes.
    fn id(&self) -> [u8; 4] {
        let mut message = format!("{}\n", self.name).into_bytes();
        message.push(ED25519);
        message.extend_from_slice(self.key.verifying_key().as_bytes());
        let hash = sha256(&message);
        [hash.0[0], hash.0[1], hash.0[2], hash.0[3]]
    }

    fn encode(&self, prefix: &str, key: &[u8; 32]) -> String {
        let key = STANDARD.encode([&[ED25519], key.as_slice()].concat());
        format!("{prefix}{}+{:08x}+{key}", self.name, u32::from_be_bytes(self.id()))
    }

    /// The verifier key, as users put it into GOSUMDB.
    pub fn vkey(&self) -> String {
        self.encode("", self.key.verifying_key().as_bytes())
    }

    /// The signer key, `PRIVATE+KEY+...`.
    pub fn skey(&self) -> String {
        self.encode("PRIVATE+KEY+", self.key.as_bytes())
    }

    /// The signature line over `text` under this key's name and id.
    pub fn line(&self, text: &str) -> String {
        self.line_by(text, &self.key)
    }

    /// A signature line that claims this key and was made by `other`'s.
    pub fn line_with_key_of(&self, text: &str, other: &Signer) -> String {
        self.line_by(text, &other.key)
    }

    fn line_by(&self, text: &str, key: &SigningKey) -> String {
        let signature = [self.id().as_slice(), &key.sign(text.as_bytes()).to_bytes()].concat();
        format!("\u{2014} {} {}\n", self.name, STANDARD.encode(signature))
    }
}

/// The log's key, and a key that nobody has heard of.
pub struct Keys {
    /// the log's
    pub log: Signer,
    /// nobody's
    pub stranger: Signer,
}

impl Keys {
    /// Both keys, from one seed.
    pub fn new(name: &str, seed: u64) -> Keys {
        Keys { log: Signer::new(name, seed), stranger: Signer::new("stranger.example", !seed) }
    }

    /// The honestly signed head of a tree, given as its size and root.
    pub fn head(&self, tree: (u64, Hash)) -> String {
        let text = tree_text(tree.0, tree.1);
        format!("{text}\n{}", self.log.line(&text))
    }
}

/// The text of a tree head.
pub fn tree_text(size: u64, root: Hash) -> String {
    format!("go.sum database tree\n{size}\n{root}\n")
}

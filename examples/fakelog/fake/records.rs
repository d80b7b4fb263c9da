//! The text of every record, in the true history and in the forked one.

use std::collections::HashMap;

use super::names::{self, mix};

/// A record that the caller wants in the log.
#[derive(Clone, Debug)]
pub struct Given {
    /// module path, unescaped
    pub module: String,
    /// version, unescaped
    pub version: String,
    /// the record's text as it is hashed; not checked, so that a log can be made that holds nonsense
    pub text: String,
}

impl Given {
    /// A well-formed record of two lines; the hashes are written `h1:...`.
    pub fn new(module: &str, version: &str, zip: &str, go_mod: &str) -> Given {
        let text = format!("{module} {version} {zip}\n{module} {version}/go.mod {go_mod}\n");
        Given::raw(module, version, &text)
    }

    /// A record of any text, found under this module version.
    pub fn raw(module: &str, version: &str, text: &str) -> Given {
        Given { module: module.to_owned(), version: version.to_owned(), text: text.to_owned() }
    }
}

/// Where the records come from.
pub enum Records {
    /// Derived from their number.
    Synthetic {
        /// decides names and hashes
        seed: u64,
    },
    /// Handed in by the caller, with an index from `M@V` to the number.
    Given {
        /// the records in their order
        records: Vec<Given>,
        /// from `M@V` to the place in `records`
        index: HashMap<String, u64>,
    },
}

impl Records {
    /// Records handed in by the caller; of two for one module version the first is found.
    pub fn given(given: &[Given]) -> Records {
        let mut records = Records::Given { records: Vec::new(), index: HashMap::new() };
        for record in given {
            records.push(record.clone());
        }
        records
    }

    /// Appends a record and returns its number.
    ///
    /// # Panics
    /// On synthetic records: they are all there already.
    pub fn push(&mut self, record: Given) -> u64 {
        let Records::Given { records, index } = self else { panic!("synthetic records take no others") };
        let id = records.len() as u64;
        index.entry(format!("{}@{}", record.module, record.version)).or_insert(id);
        records.push(record);
        id
    }

    /// The number of the record about a module version.
    pub fn find(&self, module: &str, version: &str) -> Option<u64> {
        match self {
            Records::Synthetic { seed } => names::find(*seed, module, version),
            Records::Given { index, .. } => index.get(&format!("{module}@{version}")).copied(),
        }
    }

    /// The module version of record `id`.
    pub fn module(&self, id: u64) -> (String, String) {
        match self {
            Records::Synthetic { seed } => {
                let mut name = Vec::new();
                names::write(*seed, id, &mut name);
                let name = String::from_utf8(name).expect("names are ASCII");
                let (module, version) = name.split_once(' ').expect("a space parts them");
                (module.to_owned(), version.to_owned())
            }
            Records::Given { records, .. } => {
                let record = &records[id as usize];
                (record.module.clone(), record.version.clone())
            }
        }
    }

    /// Appends the text of record `id`. In the `forked` history it names the same module version with other hashes.
    pub fn write(&self, id: u64, forked: bool, out: &mut Vec<u8>) {
        match self {
            Records::Synthetic { seed } => write_synthetic(*seed, id, forked, out),
            Records::Given { records, .. } if forked => {
                out.extend_from_slice(forge_hashes(&records[id as usize].text, id).as_bytes());
            }
            Records::Given { records, .. } => out.extend_from_slice(records[id as usize].text.as_bytes()),
        }
    }

    /// The text of record `id` in the true history.
    pub fn text(&self, id: u64) -> String {
        let mut text = Vec::new();
        self.write(id, false, &mut text);
        String::from_utf8(text).expect("records are text")
    }
}

/// `M V h1:...` and `M V/go.mod h1:...`, two lines as all that sum.golang.org has.
fn write_synthetic(seed: u64, id: u64, forked: bool, out: &mut Vec<u8>) {
    let salt = mix(seed ^ 0x6831).wrapping_add(id << 2) ^ if forked { 2 } else { 0 };
    let begin = out.len();
    names::write(seed, id, out);
    let end = out.len();
    write_h1(salt, out);
    out.extend_from_within(begin..end);
    out.extend_from_slice(b"/go.mod");
    write_h1(salt | 1, out);
}

/// Appends ` h1:<base64 of 32 bytes>\n`; the bytes are drawn from `salt`.
fn write_h1(salt: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(b" h1:");
    push_base64(salt, out);
    out.push(b'\n');
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Two base64 digits for each 12 bits.
static PAIRS: [[u8; 2]; 4096] = {
    let mut pairs = [[0; 2]; 4096];
    let mut bits = 0;
    while bits < 4096 {
        pairs[bits] = [ALPHABET[bits >> 6], ALPHABET[bits & 63]];
        bits += 1;
    }
    pairs
};

/// The base64 of 32 bytes drawn from `salt`, written without the bytes: 42 free digits, one of four bits, one `=`.
fn push_base64(salt: u64, out: &mut Vec<u8>) {
    let mut text = [b'='; 44];
    let mut word = mix(salt);
    for digits in text[..42].chunks_mut(10) {
        word = mix(word ^ salt);
        for (n, pair) in digits.chunks_exact_mut(2).enumerate() {
            pair.copy_from_slice(&PAIRS[(word >> (12 * n)) as usize & 4095]);
        }
    }
    text[42] = ALPHABET[((word >> 60) as usize) << 2];
    out.extend_from_slice(&text);
}

/// The text with another hash in the place of each `h1:` one.
pub fn forge_hashes(text: &str, id: u64) -> String {
    let mut out = Vec::new();
    for (n, line) in text.split_inclusive('\n').enumerate() {
        match line.rfind(" h1:") {
            Some(at) => {
                out.extend_from_slice(&line.as_bytes()[..at]);
                write_h1(mix(0xf04b ^ id).wrapping_add(n as u64), &mut out);
            }
            None => out.extend_from_slice(line.as_bytes()),
        }
    }
    String::from_utf8(out).expect("records are text")
}

/// An `h1:` hash drawn from `salt`, of nothing in particular.
pub fn made_up_h1(salt: u64) -> String {
    let mut out = b"h1:".to_vec();
    push_base64(mix(salt ^ 0x4a11), &mut out);
    String::from_utf8(out).expect("base64 is ASCII")
}

//! The hash of a go.sum or record line: `ALGORITHM:HASH`. `h1` is the only algorithm there is so far (x/mod sumdb/dirhash).

use std::fmt;

use super::super::hash::Hash;
use super::fault::HashFault;

/// SHA-256 over the sorted list of a tree's file names and their SHA-256 (x/mod sumdb/dirhash, Hash1).
const H1: &str = "h1";
/// 32 bytes in padded base64.
const H1_CHARS: usize = 44;
/// The longest name of an algorithm that is taken for one.
const MAX_ALGORITHM_CHARS: usize = 16;

/// A hash of a module zip or a go.mod.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SumHash {
    /// `h1:` and 32 bytes in base64
    H1(Hash),
    /// Of an algorithm that is not known here. The line is well formed, yet proves nothing: it is never a match.
    Unknown {
        /// what stands before the colon: ASCII letters, digits and dashes
        algorithm: String,
        /// what stands after it: visible ASCII
        text: String,
    },
}

impl SumHash {
    /// The hash that `field` writes.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(field: &str) -> Result<SumHash, HashFault> {
        let (algorithm, text) = field.split_once(':').ok_or(HashFault::NoAlgorithm)?;
        if !is_algorithm(algorithm) {
            return Err(HashFault::NoAlgorithm);
        }
        if let Some(symbol) = text.chars().find(|symbol| !symbol.is_ascii_graphic()) {
            return Err(HashFault::BadCharacter(symbol));
        }
        match (algorithm, text) {
            (_, "") => Err(HashFault::Empty),
            (H1, _) if text.len() != H1_CHARS => Err(HashFault::WrongLength { chars: text.len() }),
            (H1, _) => Hash::from_base64(text).map(SumHash::H1).map_err(|_| HashFault::NotBase64),
            _ => Ok(SumHash::Unknown { algorithm: algorithm.to_owned(), text: text.to_owned() }),
        }
    }
}

impl fmt::Display for SumHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SumHash::H1(hash) => write!(f, "{H1}:{hash}"),
            SumHash::Unknown { algorithm, text } => write!(f, "{algorithm}:{text}"),
        }
    }
}

fn is_algorithm(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=MAX_ALGORITHM_CHARS).contains(&name.len()) && name.bytes().all(allowed)
}

//! The spoilt lookups and heads: what a dishonest relay, or the log itself, could send.

use gosumcheck::sumdb::hash::Hash;
use hyper::body::Bytes;

use super::fault::Kind;
use super::records::forge_hashes;
use super::signing::{Keys, tree_text};

/// A genuine record, and the genuine record of a neighbour to put in its place.
pub struct Genuine<'a> {
    /// number of the asked record
    pub id: u64,
    /// its text
    pub text: &'a str,
    /// another record's number
    pub other_id: u64,
    /// its text
    pub other_text: &'a str,
}

/// The lookup response as `kind` spoils it; `None` for kinds that do not spoil lookups. `tree` and `keys` make new heads.
pub fn lookup(kind: Kind, genuine: &Genuine<'_>, head: &str, keys: &Keys, tree: (u64, Hash)) -> Option<String> {
    let Genuine { id, text, other_id, other_text } = genuine;
    let forged = forge_hashes(text, *id);
    Some(match kind {
        Kind::WrongRecord => format!("{other_id}\n{other_text}\n{head}"),
        Kind::WrongId => format!("{other_id}\n{text}\n{head}"),
        Kind::Forged => format!("{id}\n{forged}\n{head}"),
        Kind::ExtraLines => format!("{id}\n{text}{forged}\n{head}"),
        Kind::NoteLines => {
            // The reader of a tree note ignores what follows the root: there the forged lines stand, duly signed.
            let note = tree_text(tree.0, tree.1) + &forged;
            format!("{other_id}\n{other_text}\n{note}\n{}", keys.log.line(&note))
        }
        Kind::AbsentLine => {
            let rest = text.split_once('\n').map_or("", |(_, rest)| rest);
            format!("{id}\n{rest}\n{head}")
        }
        _ => return None,
    })
}

/// The head of a tree as `kind` spoils it; `None` for kinds that do not spoil heads.
pub fn head(kind: Kind, tree: (u64, Hash), keys: &Keys) -> Option<String> {
    let text = tree_text(tree.0, tree.1);
    let line = match kind {
        Kind::Unsigned => String::new(),
        Kind::WrongKey => keys.log.line_with_key_of(&text, &keys.stranger),
        Kind::UnknownKey => keys.stranger.line(&text),
        Kind::Stale { .. } => keys.log.line(&text),
        _ => return None,
    };
    Some(format!("{text}\n{line}"))
}

/// The body with one bit flipped; as it is, if it is too short.
pub fn flip(body: &[u8], byte: Option<usize>, bit: u8) -> Bytes {
    let mut body = body.to_vec();
    let at = byte.unwrap_or(body.len() / 2);
    if let Some(byte) = body.get_mut(at) {
        *byte ^= 1 << bit;
    }
    body.into()
}

//! Which record proved a stored file: a small file beside it that names the hash, the record and the database.
//!
//! ```text
//! h1:<44 characters>
//! record <number> of <the database's verifier key>
//! stat <what the file looked like then: `stamp`>
//! ```
//!
//! The last line is missing while the file arrives, and in what older versions wrote.
//!
//! The whole key is named, not only the database's name: a key that was changed is another database. What does not have this form
//! to the last byte proves nothing, as after a power cut, and the file beside it is to be proven again.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use super::super::cache::read_bounded;
use super::Tree;
use super::stamp::Stamp;
use crate::sumdb::gosum::{Kind, SumHash};

/// The longest file that is read for a proof, in bytes: a key's name is a host and a path.
const PROOF_LIMIT: u64 = 4096;

/// The record that a file was proven by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// the verifier key of the database, `NAME+HASH+KEY`: no white space
    pub database: String,
    /// the record's number in that database's log
    pub record: u64,
}

/// What stands where a proof belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ProofFile {
    Missing,
    /// something, but no proof
    Damaged,
    Is(SumHash, Proof, Option<Stamp>),
}

impl ProofFile {
    /// That of a file in this tree: only what is public has one.
    pub(super) fn read_in(tree: Tree, path: &Path) -> io::Result<ProofFile> {
        if tree == Tree::Proven { ProofFile::read(path) } else { Ok(ProofFile::Missing) }
    }

    pub(super) fn read(path: &Path) -> io::Result<ProofFile> {
        use io::ErrorKind::{InvalidFilename, NotADirectory, NotFound};
        match path.symlink_metadata() {
            Ok(found) if found.is_file() => {}
            Ok(_) => return Ok(ProofFile::Damaged),
            Err(error) if matches!(error.kind(), NotFound | NotADirectory | InvalidFilename) => {
                return Ok(ProofFile::Missing);
            }
            Err(error) => return Err(error),
        }
        let bytes = read_bounded(path, PROOF_LIMIT)?.unwrap_or_default();
        Ok(parse(&bytes).map_or(ProofFile::Damaged, |(hash, proof, stamp)| ProofFile::Is(hash, proof, stamp)))
    }
}

/// What is written beside a file with this hash.
pub(super) fn text(hash: &SumHash, proof: &Proof, stamp: Option<&Stamp>) -> String {
    let mut text = format!("{hash}\nrecord {} of {}\n", proof.record, proof.database);
    if let Some(stamp) = stamp {
        let _ = writeln!(text, "{stamp}");
    }
    text
}

fn parse(bytes: &[u8]) -> Option<(SumHash, Proof, Option<Stamp>)> {
    let text = str::from_utf8(bytes).ok()?;
    let (hash, rest) = text.split_once('\n')?;
    let (record, stamp) = rest.strip_suffix('\n')?.split_once('\n').map_or_else(
        || Some((rest.strip_suffix('\n')?, None)),
        |(record, stamp)| Some((record, Some(Stamp::parse(stamp)?))),
    )?;
    let (record, database) = record.strip_prefix("record ")?.split_once(" of ")?;
    let hash = SumHash::parse(hash).ok().filter(|hash| matches!(hash, SumHash::H1(_)))?;
    let proof = Proof { database: database.to_owned(), record: record.parse().ok()? };
    let is_canonical = !database.is_empty()
        && !database.contains(char::is_whitespace)
        && self::text(&hash, &proof, stamp.as_ref()) == text;
    is_canonical.then_some((hash, proof, stamp))
}

/// What the name of a file's proof ends with, after the dot.
pub fn proof_extension(kind: Kind) -> &'static str {
    match kind {
        Kind::Zip => "zipproof",
        Kind::GoMod => "modproof",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::sumdb::dirhash::h1_go_mod;

    #[test]
    fn only_the_whole_text_is_a_proof() {
        let hash = SumHash::H1(h1_go_mod(b"module m\n"));
        let proof = Proof { database: "sum.example+033de0ae+Ac4zctda0e5eza+HJyk=".to_owned(), record: 41 };
        let stamp = Stamp::parse("stat 5 1.000000002 3.000000004 6").unwrap();
        let stamped = text(&hash, &proof, Some(&stamp));
        assert_eq!(parse(stamped.as_bytes()), Some((hash.clone(), proof.clone(), Some(stamp))));
        let whole = text(&hash, &proof, None);
        assert_eq!(parse(whole.as_bytes()), Some((hash.clone(), proof, None)));
        for end in (0..stamped.len()).filter(|end| *end != whole.len()) {
            assert_eq!(parse(stamped.as_bytes().get(..end).unwrap()), None, "{end}");
        }
        for end in 0..whole.len() {
            assert_eq!(parse(whole.as_bytes().get(..end).unwrap()), None, "{end}");
        }
        for wrong in [
            whole.clone() + "\n",
            whole.replace("record 41", "record 041"),
            whole.replace("record 41", "record +41"),
            whole.replace("record 41", "record -1"),
            whole.replace(" of ", "  of "),
            whole.replace(" of ", " of\t"),
            whole.replace("h1:", "h2:"),
            whole.replace('\n', "\r\n"),
            format!("{hash}\nrecord 41 of \n"),
            "\0".repeat(whole.len()),
        ] {
            assert_eq!(parse(wrong.as_bytes()), None, "{wrong:?}");
        }
    }
}

//! The answers to a whole batch of lookups, in one file: a build repeats the same thousand lookups every day, and the
//! cache's entries for them cost more to read and to hash than all their proofs to check.
//!
//! The file has, in the order of the questions, each answer as a lookup response without a note, and the path from its leaf to
//! the hash of its tile, so that no tile of leaves need be read either. It is a claim like any other: path and answer are checked
//! against the proven tree, and where one is false, or the file is malformed, the cache's own entries are read.

use std::collections::HashMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Answer;
use super::check::Checked;
use super::claims::{Claim, Source};
use crate::store::Cache;
use crate::sumdb::hash::{Hash, sha256};
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::record::LookupResponse;

/// Fewer questions are asked file by file.
const FEWEST: usize = 16;
/// What the line with a path begins with.
const PATH: &str = "path ";

/// The last answers to one list of questions.
pub(super) struct BatchCache<'a> {
    cache: &'a Cache,
    /// one of 256, so that the lists of a whole life do not fill the disk
    path: String,
    questions: usize,
}

impl<'a> BatchCache<'a> {
    /// Where the answers to `asked` are kept together.
    pub(super) fn of(asked: &[ModuleVersion], cache: &'a Cache) -> BatchCache<'a> {
        let mut list = String::new();
        for module in asked {
            // Writing to a string cannot fail.
            let _ = writeln!(list, "{module}");
        }
        let [first, ..] = sha256(list.as_bytes()).0;
        BatchCache { cache, path: format!("batch/{first:02x}"), questions: asked.len() }
    }

    /// The answers of last time with their paths, in the order of the questions; none unless there is one for each.
    pub(super) fn read(&self) -> Option<Vec<(LookupResponse, Vec<Hash>)>> {
        if self.questions < FEWEST {
            return None;
        }
        let bytes = self.cache.read(&self.path).ok().flatten()?;
        let text = std::str::from_utf8(&bytes).ok()?;
        let mut parts = text.split_inclusive("\n\n");
        let mut answers = Vec::with_capacity(self.questions);
        while let Some(response) = parts.next() {
            let path = parts.next()?.strip_prefix(PATH)?.strip_suffix("\n\n")?;
            let path = STANDARD.decode(path).ok()?;
            let (hashes, []) = path.as_chunks::<32>() else { return None };
            let path = hashes.iter().copied().map(Hash).collect();
            answers.push((LookupResponse::parse(response.as_bytes()).ok()?, path));
        }
        (answers.len() == self.questions).then_some(answers)
    }

    /// Whether it is time to write it: all answers are kept, and not all of them were read from here. Not on the first run,
    /// which has enough to do.
    pub(super) fn is_due(&self, said: &[Option<Answer<Claim>>]) -> bool {
        let is_from = |said: &Option<Answer<Claim>>, batch: bool| {
            matches!(said, Some(Answer::Found(claim)) if match claim.source {
                Source::BatchCache(_) => batch,
                Source::Cache => true,
                Source::Mirror | Source::Upstream(..) => false,
            })
        };
        self.questions >= FEWEST
            && said.iter().all(|said| is_from(said, true))
            && said.iter().any(|said| is_from(said, false))
    }

    /// Keeps the answers, if all were proven and `paths` were made for them. A folder that can only be read is none the worse
    /// without: nothing depends on it.
    pub(super) fn write(&self, checked: &[Checked], paths: Option<&HashMap<u64, Vec<Hash>>>) {
        let Some(paths) = paths else { return };
        let mut bytes = Vec::new();
        for answer in checked {
            let Ok(Answer::Found(record)) = answer else { return };
            bytes.extend(record.to_response(&[]));
            let path: Vec<u8> = paths.get(&record.id()).into_iter().flatten().flat_map(|hash| hash.0).collect();
            bytes.extend(format!("{PATH}{}\n\n", STANDARD.encode(path)).into_bytes());
        }
        let _ = self.cache.write(&self.path, &bytes);
    }
}

//! What the same questions were answered last time, in one file: a build asks the same thousand questions every day, and a
//! thousand files cost more to open than all their proofs to check.
//!
//! The file is lookup responses without notes, in the order of the questions. It is a claim like any other: each answer is
//! held against its leaf, and one that is false, or a file that is none, only means that the cache's own entries are read.

use std::fmt::Write as _;

use crate::fault::Fault;
use crate::store::Cache;
use crate::sumdb::hash::sha256;
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::record::{LookupResponse, VerifiedRecord};

/// Fewer questions are asked file by file.
const FEWEST: usize = 16;

/// The memo of one list of questions.
pub(super) struct Memo<'a> {
    cache: &'a Cache,
    /// one of 256, so that the lists of a whole life do not fill the disk
    path: String,
    questions: usize,
}

impl<'a> Memo<'a> {
    /// Where the answers to `asked` are kept together.
    pub(super) fn of(asked: &[ModuleVersion], cache: &'a Cache) -> Memo<'a> {
        let mut list = String::new();
        for module in asked {
            // Writing to a string cannot fail.
            let _ = writeln!(list, "{module}");
        }
        let [first, ..] = sha256(list.as_bytes()).0;
        Memo { cache, path: format!("batch/{first:02x}"), questions: asked.len() }
    }

    /// The answers of last time, in the order of the questions; none unless there is one for each.
    pub(super) fn read(&self) -> Option<Vec<LookupResponse>> {
        if self.questions < FEWEST {
            return None;
        }
        let bytes = self.cache.read(&self.path).ok().flatten()?;
        let text = std::str::from_utf8(&bytes).ok()?;
        let entries = text.split_inclusive("\n\n").map(|entry| LookupResponse::parse(entry.as_bytes()));
        let responses = entries.collect::<Result<Vec<_>, _>>().ok()?;
        (responses.len() == self.questions).then_some(responses)
    }

    /// Keeps `records`, the answers to all questions in their order.
    ///
    /// # Errors
    /// `Unavailable`: the cache cannot be written.
    pub(super) fn write(&self, records: &[&VerifiedRecord]) -> Result<(), Fault> {
        if self.questions < FEWEST || records.len() != self.questions {
            return Ok(());
        }
        let bytes: Vec<u8> = records.iter().flat_map(|record| record.to_response(&[])).collect();
        self.cache.write(&self.path, &bytes)
    }
}

//! The distinct lines of all versions of all go.sum files: each becomes one claim, at the place where it stood first.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use crate::audit::{Claim, Says, other_file};
use crate::report::{Location, Verdict};
use crate::sumdb::gosum::{self, Content, MAX_LINES};

/// Stands for the text of a file that is not shown.
const NOT_SHOWN: &str = "(not shown)";

/// What tells lines apart: a keyed hash of the line, so that no line is kept twice. Nobody can choose two lines with the same one.
pub(super) type LineKey = u128;

/// The lines that were seen.
#[derive(Default)]
pub(super) struct DistinctLines {
    keys: [RandomState; 2],
    /// whether each is a go.sum line
    seen: HashMap<LineKey, bool>,
    pub claims: Vec<Claim>,
    /// the key of each claim; of a file without any go.sum line that of the whole file
    pub claim_keys: Vec<LineKey>,
}

/// A file as it was in a commit.
#[derive(Clone, Copy)]
pub(super) struct PlaceInCommit<'a> {
    pub commit: &'a str,
    pub path: &'a str,
}

impl DistinctLines {
    pub(super) fn key(&self, line: &[u8]) -> LineKey {
        let [one, other] = self.keys.each_ref().map(|key| u128::from(key.hash_one(line)));
        one << 64 | other
    }

    /// The keys of the lines of a file, and that of the whole file.
    pub(super) fn keys<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = LineKey> + 'a {
        let lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
        lines.map(|line| self.key(line)).chain([self.key(bytes)])
    }

    /// Adds what is new in a file.
    ///
    /// # Errors
    /// The lines are too many; or what the file is in place of a go.sum.
    pub(super) fn add(&mut self, bytes: &[u8], place: PlaceInCommit<'_>) -> Result<(), String> {
        let body = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        let (mut new, mut numbers, mut keys, mut has_sums) = (Vec::new(), Vec::new(), Vec::new(), false);
        for (number, line) in (1_u64..).zip(body.split(|byte| *byte == b'\n')) {
            let text = line.trim_ascii();
            if text.is_empty() {
                continue;
            }
            let key = self.key(text);
            match self.seen.get(&key) {
                Some(is_sum) => has_sums |= is_sum,
                None => {
                    new.extend_from_slice(line);
                    new.push(b'\n');
                    numbers.push(number);
                    keys.push(key);
                }
            }
        }
        let lines: Vec<gosum::Line> = gosum::lines(&new).collect();
        has_sums |= lines.iter().any(|line| matches!(line.content, Content::Sum(_)));
        if !has_sums && !lines.is_empty() {
            return self.add_other(bytes, place, &lines);
        }
        for line in lines {
            let at = usize::try_from(line.number.saturating_sub(1)).unwrap_or(usize::MAX);
            let (Some(number), Some(key)) = (numbers.get(at), keys.get(at)) else { continue };
            let is_sum = matches!(line.content, Content::Sum(_));
            // The same line twice in one file.
            if self.seen.insert(*key, is_sum).is_some() {
                continue;
            }
            let says = match line.content {
                Content::Sum(sum) => Says::Sum(sum),
                Content::Fault(fault) => Says::Nothing(Verdict::Malformed { why: fault.to_string() }),
            };
            self.push(place, *number, line.text, says, *key)?;
        }
        Ok(())
    }

    /// A file without any go.sum line is one claim, and its text is not shown: it may be another file, put there to be printed.
    fn add_other(&mut self, bytes: &[u8], place: PlaceInCommit<'_>, lines: &[gosum::Line]) -> Result<(), String> {
        if let Some(what) = other_file::explain(place.path, bytes) {
            return Err(what);
        }
        let key = self.key(bytes);
        let first = lines.first().map_or(1, |line| line.number);
        let why =
            format!("this is not a go.sum file: none of its {} lines is valid, so its text is not shown", lines.len());
        self.push(place, first, NOT_SHOWN.to_owned(), Says::Nothing(Verdict::Malformed { why }), key)
    }

    /// Whether no further line is taken.
    pub(super) fn is_full(&self) -> bool {
        self.claims.len() > MAX_LINES
    }

    fn push(
        &mut self,
        place: PlaceInCommit<'_>,
        line: u64,
        text: String,
        says: Says,
        key: LineKey,
    ) -> Result<(), String> {
        if self.is_full() {
            return Err(format!("has more than {MAX_LINES} distinct lines"));
        }
        let place = Location::Commit { commit: place.commit.to_owned(), path: place.path.to_owned(), line };
        self.claims.push(Claim::new(place, text, says));
        self.claim_keys.push(key);
        Ok(())
    }
}

//! Finds reports among the lines of a build's log. Anybody who can print to that log can print a title too, so each title begins a
//! candidate, which ends at the next one: all of them together are read once.
//!
//! Build services put something before each line (a time stamp, `#12 | `, blanks), and line ends and trailing blanks change on the
//! way. Whatever stands before the second line of a title is taken off every line of the report, by its width: time stamps differ
//! from line to line, but not in width. Go indents notes and hashes by a tab; trackers and mail programs make blanks of it, or take it
//! off: the first line of the older note shows which. Nothing depends on what is taken off: the log's signatures decide.

use super::super::error::{Error, Result};
use super::super::hash::Hash;
use super::{Evidence, MISBEHAVIOUR, NEW, OLD, PROOF, TITLE};

/// A consistency proof has at most one hash a level on each side; a report with more is malformed.
const MAX_PROOF_HASHES: usize = 128;

/// The reports in `text`, or what is wrong with what begins like one, in order.
pub(super) fn reports(text: &str) -> impl Iterator<Item = Result<Evidence>> {
    let mut starts = starts(text).peekable();
    std::iter::from_fn(move || {
        let Start { body, width, .. } = starts.next()?;
        let end = starts.peek().map_or(text.len(), |next| next.title);
        Some(read(text.get(body..end).unwrap_or_default(), width))
    })
}

/// Where a report begins.
struct Start {
    /// where its first line begins
    title: usize,
    /// where its third line begins
    body: usize,
    /// bytes before the text of each line but the first
    width: usize,
}

fn starts(text: &str) -> impl Iterator<Item = Start> {
    let mut at = 0;
    let mut title = None;
    text.split_inclusive('\n').filter_map(move |line| {
        let begin = at;
        at += line.len();
        let line = line.trim_end();
        let before = title.take();
        title = line.ends_with(TITLE).then_some(begin);
        let width = line.strip_suffix(MISBEHAVIOUR)?.len();
        Some(Start { title: before?, body: at, width })
    })
}

/// The lines of one candidate without what stands before them.
struct Lines<'a> {
    left: std::str::Split<'a, char>,
    width: usize,
    /// what notes and hashes are indented by, once the first line of one was read
    indent: Option<&'a str>,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Result<&'a str> {
        let line = self.left.next().ok_or_else(|| bad("it ends early"))?;
        let line = line.trim_end_matches('\r');
        if line.len() < self.width {
            // A blank line, of which even the blank behind a time stamp was taken.
            return Ok("");
        }
        line.get(self.width..).ok_or_else(|| bad("its lines do not begin alike"))
    }

    /// The next line, which must read `wanted`.
    fn line(&mut self, wanted: &str) -> Result<()> {
        if self.next()?.trim_end() == wanted { Ok(()) } else { Err(bad(&format!("no `{wanted}`"))) }
    }

    /// A line of a note or of the hashes without its indentation; none where it has not that of the others.
    fn unindented(&mut self, line: &'a str) -> Option<&'a str> {
        let text = line.trim_start_matches([' ', '\t']);
        let own = line.get(..line.len() - text.len()).unwrap_or_default();
        let indent = *self.indent.get_or_insert(if own.starts_with('\t') { "\t" } else { own });
        line.strip_prefix(indent)
    }

    /// The note up to the line that reads `end`. Its lines are indented, so that a report has one spelling; blank ones may have
    /// lost that.
    fn note(&mut self, end: &str) -> Result<Vec<u8>> {
        let mut note = String::new();
        for number in 0usize.. {
            let line = self.next().map_err(|_| bad(&format!("no `{end}`")))?;
            if line.trim_end() == end {
                break;
            }
            let is_blank = line.trim().is_empty();
            let line = self.unindented(line).or_else(|| is_blank.then_some(""));
            if number > 0 {
                note.push('\n');
            }
            // No line of a tree note ends with a blank or a carriage return.
            let line = line.ok_or_else(|| bad("a line of a note is not indented"))?;
            note.push_str(line.trim_end_matches([' ', '\t', '\r']));
        }
        Ok(note.into_bytes())
    }
}

/// Reads a report from its third line on.
fn read(body: &str, width: usize) -> Result<Evidence> {
    let mut lines = Lines { left: body.split('\n'), width, indent: None };
    lines.line("")?;
    lines.line(OLD)?;
    let old = lines.note(NEW)?;
    let new = lines.note(PROOF)?;
    let mut hashes = Vec::new();
    while let Some(line) = lines.next().ok().and_then(|line| lines.unindented(line)) {
        // Where no tab is left, what follows the hashes may be indented as they are.
        let hash = match Hash::from_base64(line.trim_end()) {
            Err(_) if lines.indent != Some("\t") => break,
            hash => hash?,
        };
        if hashes.len() > MAX_PROOF_HASHES {
            return Err(bad("too many hashes"));
        }
        hashes.push(hash);
    }
    let (rewritten, proof) = hashes.split_first().ok_or_else(|| bad("no hashes"))?;
    Ok(Evidence { old, new, rewritten: *rewritten, proof: proof.to_vec() })
}

fn bad(why: &str) -> Error {
    Error::malformed("evidence", why)
}

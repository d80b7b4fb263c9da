//! What a record is about and whether it is well formed, at the speed at which a whole log is read: as `subject`, but
//! nothing is made and no hash is decoded where the record has the shape that all of sum.golang.org's have.

use super::super::error::{Error, Result};
use super::super::module::{go_together, space_in};
use super::text::subject;

/// `h1:` and the base64 of 32 bytes: 42 digits, one of which only four bits count, and `=`.
const H1_CHARS: usize = 47;
const GO_MOD: &[u8] = b"/go.mod";
/// Bytes of a record without what it is about, which stands in it twice: spaces, newlines, `/go.mod` and two hashes.
const FRAME_BYTES: usize = 4 + GO_MOD.len() + 2 * H1_CHARS;

/// The `MODULE VERSION` that a record's first line begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heading<'a> {
    /// UTF-8
    text: &'a [u8],
    /// where the space is
    space: usize,
}

impl<'a> Heading<'a> {
    /// As it stands in the record, with one space.
    pub fn bytes(&self) -> &'a [u8] {
        self.text
    }

    /// The module path, as its bytes.
    pub fn path_bytes(&self) -> &'a [u8] {
        self.text.get(..self.space).unwrap_or_default()
    }

    /// The module path.
    pub fn path(&self) -> &'a str {
        text(self.path_bytes())
    }

    /// The version.
    pub fn version(&self) -> &'a str {
        text(self.text.get(self.space + 1..).unwrap_or_default())
    }
}

/// Not looked at again where nobody wants text: that would be a third of the whole look at a record.
fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap_or_default()
}

/// What the text of a record says it is about: exactly what [`subject`] says.
///
/// # Errors
/// Exactly those of [`subject`].
pub fn heading(record: &[u8]) -> Result<Heading<'_>> {
    if let Some(heading) = usual(record) {
        return Ok(heading);
    }
    let module = subject(record)?;
    let space = module.path().as_str().len();
    let text = record.get(..space + 1 + module.version().as_str().len());
    let text = text.ok_or_else(|| Error::malformed("record", "its first line is another than its subject"))?;
    Ok(Heading { text, space })
}

/// The module version that a record claims to be about, whether or not the rest of it is well formed; `None` if that is not a
/// module version.
pub fn claimed(record: &[u8]) -> Option<Heading<'_>> {
    if let Some(heading) = usual(record) {
        return Some(heading);
    }
    let line = record.split(|byte| *byte == b'\n').next()?;
    let mut spaces = memchr::memchr_iter(b' ', line);
    let space = spaces.next()?;
    let heading = Heading { text: line.get(..spaces.next()?)?, space };
    go_together(heading.path(), heading.version()).then_some(heading)
}

/// The heading of a record whose two hashes are h1; for any other, none.
fn usual(record: &[u8]) -> Option<Heading<'_>> {
    let twice = record.len().checked_sub(FRAME_BYTES).filter(|twice| twice.is_multiple_of(2))?;
    let (text, rest) = record.split_at_checked(twice / 2)?;
    let rest = after_h1(rest.strip_prefix(b" ")?)?;
    let rest = after_h1(rest.strip_prefix(text)?.strip_prefix(GO_MOD)?.strip_prefix(b" ")?)?;
    if !rest.is_empty() {
        return None;
    }
    if let Some(space) = space_in(text) {
        return Some(Heading { text, space });
    }
    let heading = Heading { text, space: memchr::memchr(b' ', text)? };
    go_together(heading.path(), heading.version()).then_some(heading)
}

/// What follows an h1 hash and a newline.
fn after_h1(line: &[u8]) -> Option<&[u8]> {
    let (hash, rest) = line.split_at_checked(H1_CHARS)?;
    let (last, digits) = hash.strip_prefix(b"h1:")?.strip_suffix(b"=")?.split_last()?;
    // Every byte is looked at, so that many are looked at in one step.
    let all = digits.iter().fold(true, |all, byte| all & (byte.is_ascii_alphanumeric() | matches!(byte, b'+' | b'/')));
    // The base64 digits whose last two bits are 0: the others would be a second spelling of the same bytes.
    let is_last =
        matches!(last, b'A' | b'E' | b'I' | b'M' | b'Q' | b'U' | b'Y' | b'c' | b'g' | b'k' | b'o' | b's' | b'w')
            || matches!(last, b'0' | b'4' | b'8');
    (all && is_last).then_some(rest)?.strip_prefix(b"\n")
}

#[cfg(test)]
#[path = "shape/tests.rs"]
mod tests;

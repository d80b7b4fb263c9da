//! `heads`: every signed note that was committed, oldest first, each followed by a blank line.
//!
//! A note is text, a blank line, and lines that begin with `— `; so an entry ends with the first blank line after such a line. Where
//! that line is damaged, the entry ends before the next note. An append may be torn by a crash; the torn entry does not count, and
//! the next commit writes over it.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::Path;

use memchr::memmem;

use super::super::Folder;
use super::super::words::unavailable;
use super::files::Named;
use crate::fault::Fault;
use crate::files;
use crate::sumdb::checkpoint::{FIRST_LINE, parse_decimal};
use crate::sumdb::number::wide;

/// The longest `heads` that is read, in bytes: a note a minute for 30 years.
pub const HEADS_LIMIT: u64 = 4 << 30;
/// Bytes from the end of `heads` in which its newest note is looked for first: some hundred notes.
const TAIL_BYTES: u64 = 64 << 10;
/// The longest note, and as much again for a torn one after it.
const MAX_TAIL_BYTES: u64 = 4 << 20;
/// What every signature line of a note begins with.
const SIGNATURE: &[u8] = "— ".as_bytes();

/// The content of `heads`, cut into entries.
#[derive(Debug, Default)]
pub(super) struct Heads {
    /// the notes, oldest first
    pub(super) notes: Vec<Vec<u8>>,
    /// where the last whole entry ends
    end: u64,
    /// bytes after that: a torn entry
    torn: u64,
}

impl Heads {
    /// Makes the file at `path` hold each of `notes`, durably; those that it has stay where they are.
    ///
    /// # Errors
    /// `Refused`: a note that would not be read back as it is; no log writes one, since signature lines stand at its end only.
    pub(super) fn remember(folder: &Folder, path: &Path, notes: &[&[u8]]) -> Result<(), Fault> {
        let heads = Heads::read(path)?;
        let mut new = Vec::new();
        for note in notes.iter().filter(|note| !heads.notes.iter().any(|there| there == *note)) {
            new.extend_from_slice(&entry(note)?);
        }
        if heads.torn > 0 {
            // The old notes are not put at risk over a torn one: the file is written again, whole or not at all.
            let old = heads.notes.iter().flat_map(|note| [note, &b"\n"[..]].concat());
            return folder.write(path, &old.chain(new).collect::<Vec<u8>>(), true);
        }
        let file = Named::write(folder.disk(), path.to_path_buf())?;
        if !new.is_empty() {
            let written = folder.disk().write_at(&file.file, &new, heads.end);
            written.map_err(|error| unavailable(path, "write", &error))?;
        }
        folder.disk().sync(&file.file).map_err(|error| unavailable(path, "sync", &error))?;
        let dir = path.parent().unwrap_or(path);
        folder.disk().sync_folder(dir).map_err(|error| unavailable(dir, "sync", &error))
    }

    /// The bytes of a file that holds these notes.
    pub(super) fn written(notes: &[Vec<u8>]) -> Result<Vec<u8>, Fault> {
        notes.iter().map(|note| entry(note)).collect::<Result<Vec<_>, _>>().map(|entries| entries.concat())
    }

    /// What the file at `path` holds; nothing where there is none.
    pub(super) fn read(path: &Path) -> Result<Heads, Fault> {
        let failed = |error| unavailable(path, "read", &error);
        let file = match files::open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Heads::default()),
            opened => opened.map_err(failed)?,
        };
        let bytes = files::read_bounded(file, HEADS_LIMIT).map_err(failed)?;
        if wide(bytes.len()) > HEADS_LIMIT {
            let why =
                format!("is longer than {HEADS_LIMIT} bytes: no list of signed notes is; restore it from a backup");
            return Err(Fault::machine(path.display().to_string(), why));
        }
        Heads::parse(&bytes).map_err(|at| damaged(path, at))
    }

    /// Fails with the offset of bytes that are not an entry and have entries after them: no crash leaves that behind.
    fn parse(bytes: &[u8]) -> Result<Heads, usize> {
        let mut heads = Heads::default();
        let mut bad = None;
        for entry in entries(bytes) {
            match (entry.note(), bad) {
                (Some(note), None) => {
                    heads.notes.push(note.to_vec());
                    heads.end = wide(entry.range().end + 1);
                }
                (Some(_), Some(bad)) => return Err(bad),
                (None, _) => bad = bad.or(Some(entry.begin)),
            }
        }
        heads.torn = wide(bytes.len()) - heads.end;
        Ok(heads)
    }
}

/// The note of the largest tree among the last ones of the file at `path`, which are in the order of their trees; none where there
/// is no file. Reads its end only: the file grows with every commit.
///
/// A torn entry at the end is none. Where `must_have` one, a file without any is damaged: nothing else says what was accepted.
pub(in crate::store) fn newest(path: &Path, must_have: bool) -> Result<Option<Vec<u8>>, Fault> {
    let failed = |error| unavailable(path, "read", &error);
    let mut file = match files::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(failed)?,
    };
    let len = file.metadata().map_err(failed)?.len();
    let mut wanted = TAIL_BYTES;
    loop {
        let bytes = tail(&mut file, len, wanted).map_err(failed)?;
        let newest = notes(&bytes, wanted < len).max_by_key(|note| claimed_size(note)).map(<[u8]>::to_vec);
        if newest.is_some() {
            return Ok(newest);
        }
        if wanted >= len || wanted >= MAX_TAIL_BYTES {
            break;
        }
        wanted *= 8;
    }
    if len == 0 || !must_have {
        return Ok(None);
    }
    let why = "holds no signed tree head, and nothing else here says which one was accepted last: restore the file from a backup; \
               or move the folder that it is in away, to trust the database's next head as on first contact";
    Err(Fault::machine(path.display().to_string(), why))
}

/// The last bytes of a file that has `len`.
fn tail(file: &mut File, len: u64, wanted: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(len.saturating_sub(wanted)))?;
    let mut bytes = Vec::new();
    file.take(wanted.min(len)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The whole notes in `bytes`, which may begin within one.
fn notes(bytes: &[u8], is_cut: bool) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    if is_cut {
        let begin = [b"\n\n", FIRST_LINE.as_bytes()].concat();
        rest = memmem::find(bytes, &begin).and_then(|at| bytes.get(at + 2..)).unwrap_or_default();
    }
    entries(rest).filter_map(|entry| entry.note())
}

/// The size that a note says its tree has; the signature is for the caller to verify.
fn claimed_size(note: &[u8]) -> Option<u64> {
    let size = note.split(|byte| *byte == b'\n').nth(1)?;
    parse_decimal(str::from_utf8(size).ok()?)
}

/// The entry of `note`, if that is what it will be read as.
fn entry(note: &[u8]) -> Result<Vec<u8>, Fault> {
    let entry = [note, b"\n"].concat();
    match Heads::parse(&entry) {
        Ok(heads) if heads.torn == 0 && heads.notes.len() == 1 => Ok(entry),
        _ => {
            let why = "it cannot be kept in the file `heads`: its text has the first or the last line of a note, or a zero byte";
            Err(Fault::refused("the tree head", crate::sumdb::Error::malformed("tree note", why)))
        }
    }
}

/// One entry of `heads`, or what is left of one.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// where it begins in the file
    begin: usize,
    /// up to the blank line after it
    bytes: &'a [u8],
    /// bytes of the file after it, the blank line among them
    after: usize,
}

impl<'a> Entry<'a> {
    /// Where it is in the file, without the blank line after it.
    pub fn range(&self) -> Range<usize> {
        self.begin..self.begin + self.bytes.len()
    }

    /// What stands there: a note, if it is not damaged.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Whether a crash may have left it: it is the last, and the beginning of an entry, or the zeros that a power cut leaves of one.
    pub fn is_torn(&self) -> bool {
        self.after <= 1 && (!ends_note(self.bytes) || has_zeros(self.bytes))
    }

    /// The note, if it is whole. Its signatures are for the caller to verify.
    fn note(&self) -> Option<&'a [u8]> {
        let is_whole = self.after > 0 && begins_note(self.bytes) && ends_note(self.bytes) && !has_zeros(self.bytes);
        is_whole.then_some(self.bytes)
    }
}

/// All that stands in `bytes`, the content of `heads`, in its order. What is damaged or torn is an entry too.
pub fn entries(bytes: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    let mut blanks = memmem::find_iter(bytes, b"\n\n").filter(|at| {
        let (before, after) = bytes.split_at_checked(at + 1).unwrap_or_default();
        ends_note(before) || after.get(1..).is_some_and(begins_note)
    });
    let mut begin = 0;
    std::iter::from_fn(move || {
        let rest = bytes.get(begin..).filter(|rest| !rest.is_empty())?;
        let end = blanks.next().map_or(bytes.len(), |at| at + 1);
        let entry = Entry { begin, bytes: rest.get(..end - begin)?, after: bytes.len() - end };
        begin = end + 1;
        Some(entry)
    })
}

fn begins_note(bytes: &[u8]) -> bool {
    bytes.strip_prefix(FIRST_LINE.as_bytes()).is_some_and(|rest| rest.starts_with(b"\n"))
}

/// Whether the last line is a signature, with its end of line.
fn ends_note(bytes: &[u8]) -> bool {
    let line = bytes.strip_suffix(b"\n").and_then(|lines| lines.rsplit(|byte| *byte == b'\n').next());
    line.is_some_and(|line| line.starts_with(SIGNATURE))
}

/// A page that a power cut kept from the disk is zeros.
fn has_zeros(bytes: &[u8]) -> bool {
    memchr::memchr(0, bytes).is_some()
}

fn damaged(path: &Path, at: usize) -> Fault {
    let why =
        format!("is damaged at byte {at}: a signed note was there, and others follow; restore the file from a backup");
    Fault::machine(path.display().to_string(), why)
}

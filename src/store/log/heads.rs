//! `heads`: every signed note that was committed, oldest first, each followed by a blank line.
//!
//! A note is text, a blank line, and lines that begin with `— `; so an entry ends with the first blank line after such a line.
//! An append may be torn by a crash; the torn entry does not count, and the next commit writes over it.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::path::Path;

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
        let (mut at, mut bad) = (0, None);
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let Some(note) = entry_end(rest).and_then(|end| rest.get(..end)) else { break };
            at += note.len() + 1;
            match (is_note(note), bad) {
                (true, None) => {
                    heads.notes.push(note.to_vec());
                    heads.end = wide(at);
                }
                (true, Some(bad)) => return Err(bad),
                (false, _) => bad = bad.or(Some(at - note.len() - 1)),
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
        rest = memchr::memmem::find(bytes, &begin).and_then(|at| bytes.get(at + 2..)).unwrap_or_default();
    }
    std::iter::from_fn(move || {
        let end = entry_end(rest)?;
        let note = rest.get(..end);
        rest = rest.get(end + 1..).unwrap_or_default();
        note
    })
    .filter(|note| is_note(note))
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
            let why = "it cannot be kept in the file `heads`: its text has a signature line or a zero byte";
            Err(Fault::refused("the tree head", crate::sumdb::Error::malformed("tree note", why)))
        }
    }
}

/// Where the note that `bytes` begin with ends, if it does: before the blank line after its signatures.
fn entry_end(bytes: &[u8]) -> Option<usize> {
    let mut blanks = memchr::memmem::find_iter(bytes, b"\n\n");
    blanks.find(|at| ends_with_signature(bytes, *at)).map(|at| at + 1)
}

/// Whether the line that ends at `end` is a signature's.
pub fn ends_with_signature(bytes: &[u8], end: usize) -> bool {
    let line = bytes.get(..end).and_then(|before| before.rsplit(|byte| *byte == b'\n').next());
    line.is_some_and(|line| line.starts_with(SIGNATURE))
}

/// A page that a power cut kept from the disk is zeros.
fn is_note(bytes: &[u8]) -> bool {
    bytes.strip_prefix(FIRST_LINE.as_bytes()).is_some_and(|rest| rest.starts_with(b"\n"))
        && memchr::memchr(0, bytes).is_none()
}

fn damaged(path: &Path, at: usize) -> Fault {
    let why =
        format!("is damaged at byte {at}: a signed note was there, and others follow; restore the file from a backup");
    Fault::machine(path.display().to_string(), why)
}

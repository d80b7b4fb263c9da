//! The list of a zip's entries, found as Go's archive/zip finds it: the end of the central directory is searched from the
//! end of the file, the directory is placed by its size and that end, and read until something else stands there.
//! (go/src/archive/zip/reader.go, readDirectoryEnd and Reader.init; APPNOTE.TXT 4.3.14 to 4.3.16)

use super::directory::{Entry, FIXED, Header, Headers, le16, le32, le64};
use super::{Error, Limits, ReadAt, ZipError};
use crate::sumdb::number::wide;

/// Bytes of the end-of-central-directory record before its comment, APPNOTE 4.3.16.
const END: usize = 22;
/// Bytes of the zip64 locator that may stand before it, APPNOTE 4.3.15.
const LOCATOR64: u64 = 20;
/// Bytes of the zip64 end record that is read, APPNOTE 4.3.14.
const END64: usize = 56;
/// How far from the end Go looks for the end record: first here, then there.
const SEARCHED: [u64; 2] = [1024, 65 << 10];

/// A zip's entries in the order of its central directory.
#[derive(Debug)]
pub(in crate::sumdb) struct Archive {
    entries: Vec<Entry>,
    names: Vec<u8>,
    /// What is added to every local header's place: bytes that stand before the zip proper. May be negative.
    pub(super) base: i64,
}

/// Where the central directory is and how many entries it should have.
struct End {
    /// Where this record (or the zip64 one that replaces it) begins.
    at: u64,
    records: u64,
    size: u64,
    offset: u64,
}

impl Archive {
    /// Reads the central directory of `source`, and no content.
    ///
    /// # Errors
    /// `Refused(Malformed)` if Go finds no directory there or `limits` are broken, `Read` if the source fails.
    pub(in crate::sumdb) fn read<R: ReadAt + ?Sized>(source: &R, limits: &Limits) -> Result<Archive, ZipError> {
        if source.size() > limits.packed {
            return Err(malformed(format!("{} bytes where {} are the limit", source.size(), limits.packed)));
        }
        let end = find_end(source)?;
        let (start, base) = place_directory(source, &end)?;
        let (entries, names) = room_for(end.at.saturating_sub(start), end.records, limits);
        let mut archive = Archive { entries: Vec::with_capacity(entries), names: Vec::with_capacity(names), base };
        let mut headers = Headers::at(source, start);
        loop {
            match headers.read()? {
                Header::Entry(entry, name) => archive.push(entry, name, limits)?,
                Header::None => break,
                Header::EndOfFile => return Err(malformed("the central directory runs into the end of the file")),
            }
        }
        // SPEC: the count has 16 bits; Go compares only those, for zips with more entries and no zip64 record.
        let count = wide(archive.entries.len());
        if count & 0xffff != end.records & 0xffff {
            return Err(malformed(format!("{count} entries where its end record counts {}", end.records)));
        }
        Ok(archive)
    }

    /// The entries, in the order of the directory.
    pub(in crate::sumdb) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// All names, one after the other, in the order of the directory.
    pub(in crate::sumdb) fn names(&self) -> &[u8] {
        &self.names
    }

    /// The name of one of its entries, as stored.
    pub(in crate::sumdb) fn name(&self, entry: &Entry) -> &[u8] {
        let name = usize::try_from(entry.name_start).ok().and_then(|start| self.names.get(start..));
        name.and_then(|rest| rest.get(..usize::from(entry.name_length))).unwrap_or_default()
    }

    /// The name of entry number `number`, counted from 0; empty where there are fewer.
    pub(super) fn name_of(&self, number: u32) -> &[u8] {
        let entry = usize::try_from(number).ok().and_then(|number| self.entries.get(number));
        entry.map_or(&[], |entry| self.name(entry))
    }

    fn push(&mut self, mut entry: Entry, name: &[u8], limits: &Limits) -> Result<(), ZipError> {
        let too_long = || malformed(format!("more than {} bytes of names", limits.names));
        entry.name_start = u32::try_from(self.names.len()).map_err(|_| too_long())?;
        entry.name_length = u16::try_from(name.len()).map_err(|_| too_long())?;
        self.names.extend_from_slice(name);
        self.entries.push(entry);
        if self.entries.len() > limits.entries {
            return Err(malformed(format!("more than {} entries", limits.entries)));
        }
        if self.names.len() > limits.names {
            return Err(too_long());
        }
        Ok(())
    }
}

/// How many entries a directory of `size` bytes holds, and how many bytes of names at most, if it is honest about `records`: lists
/// that grow as they are read would take up to three times their size.
fn room_for(size: u64, records: u64, limits: &Limits) -> (usize, usize) {
    let [size, records] = [size, records].map(|number| usize::try_from(number).unwrap_or(usize::MAX));
    let entries = records.min(size / FIXED).min(limits.entries);
    (entries, (size - entries * FIXED).min(limits.names))
}

/// Bytes from the beginning of the directory to the end of the zip.
pub(super) fn directory_bytes<R: ReadAt + ?Sized>(source: &R) -> Result<u64, ZipError> {
    let (start, _) = place_directory(source, &find_end(source)?)?;
    Ok(source.size().saturating_sub(start))
}

/// The last end record within reach whose comment fits; zip64 values replace its own where it asks for that.
fn find_end<R: ReadAt + ?Sized>(source: &R) -> Result<End, ZipError> {
    let size = source.size();
    for reach in SEARCHED.map(|reach| reach.min(size)) {
        let mut tail = vec![0; usize::try_from(reach).unwrap_or(0)];
        source.read_exact_at(size - reach, &mut tail)?;
        // The one nearest to the end counts, even when its comment does not fit: then there is none.
        let Some(found) = tail.windows(END).rposition(|window| window.starts_with(b"PK\x05\x06")) else { continue };
        let Some((record, comment)) = tail.get(found..).and_then(|rest| rest.split_first_chunk::<END>()) else {
            continue;
        };
        if usize::from(le16(record, 20)) > comment.len() {
            continue;
        }
        let at = size - reach + wide(found);
        let end = End {
            at,
            records: le16(record, 10).into(),
            size: le32(record, 12).into(),
            offset: le32(record, 16).into(),
        };
        // Go compares the 32-bit size with 0xffff, and so does this.
        let may_be_64 = end.records == 0xffff || end.size == 0xffff || end.offset == 0xffff_ffff;
        return match may_be_64.then(|| find_end64(source, at)).transpose()?.flatten() {
            Some(end64) => Ok(end64),
            None => Ok(end),
        };
    }
    Err(malformed("no end-of-central-directory record: not a zip, or cut short"))
}

/// The zip64 end record, if a locator for it stands before the end record at `end`.
fn find_end64<R: ReadAt + ?Sized>(source: &R, end: u64) -> Result<Option<End>, ZipError> {
    let Some(at) = end.checked_sub(LOCATOR64) else { return Ok(None) };
    let mut locator = [0; 20];
    source.read_exact_at(at, &mut locator)?;
    let (signature, disk, at, disks) = (le32(&locator, 0), le32(&locator, 4), le64(&locator, 8), le32(&locator, 16));
    if signature != 0x0706_4b50 || disk != 0 || disks != 1 || i64::try_from(at).is_err() {
        return Ok(None);
    }
    if at.saturating_add(wide(END64)) > source.size() {
        return Err(malformed("its zip64 end record lies outside the file"));
    }
    let mut record = [0; END64];
    source.read_exact_at(at, &mut record)?;
    if le32(&record, 0) != 0x0606_4b50 {
        return Err(malformed("no zip64 end record where its locator points"));
    }
    let end = End { at, records: le64(&record, 32), size: le64(&record, 40), offset: le64(&record, 48) };
    match (i64::try_from(end.size), i64::try_from(end.offset)) {
        (Ok(_), Ok(_)) => Ok(Some(end)),
        _ => Err(malformed("its central directory lies outside the file")),
    }
}

/// Where the directory begins, and what to add to the places of local headers.
///
/// The directory ends where the end record begins. If that puts it elsewhere than at its offset, something stands before
/// the zip, and all places shift by as much; unless a header also stands at the offset itself, then nothing shifts.
fn place_directory<R: ReadAt + ?Sized>(source: &R, end: &End) -> Result<(u64, i64), ZipError> {
    let outside = || malformed("its central directory lies outside the file");
    let start = end.at.checked_sub(end.size).filter(|&start| start < source.size()).ok_or_else(outside)?;
    let base = i64::try_from(i128::from(start) - i128::from(end.offset)).map_err(|_| outside())?;
    if base > 0 && matches!(Headers::at(source, end.offset).read()?, Header::Entry(..)) {
        return Ok((end.offset, 0));
    }
    Ok((start, base))
}

fn malformed(why: impl Into<String>) -> ZipError {
    Error::malformed("module zip", why).into()
}

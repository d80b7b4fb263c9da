//! Headers of the central directory: one entry's name, sizes and place, as Go's readDirectoryHeader finds them.
//! (APPNOTE.TXT 4.3.12 and 4.5.3; go/src/archive/zip/reader.go)

use std::io;

use super::ReadAt;
use crate::sumdb::number::wide;

/// Bytes of a header before its name, APPNOTE 4.3.12.
pub(super) const FIXED: usize = 46;
/// "PK\1\2".
const SIGNATURE: u32 = 0x0201_4b50;
/// The extra field that holds 64-bit sizes, APPNOTE 4.5.3.
const ZIP64_EXTRA: u16 = 1;
/// Directories are read in pieces of this many bytes (or one entry's, whichever is more).
const PIECE: usize = 64 << 10;

/// What the central directory says of one entry. A zip may have a million of them, so each is kept small: 40 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sumdb) struct Entry {
    /// Where its name begins among the archive's names.
    pub(in crate::sumdb) name_start: u32,
    /// Bytes of its name.
    pub(super) name_length: u16,
    /// 0 stored, 8 deflated; others are refused when the content is read.
    pub(super) method: u16,
    /// Bit 3 of the flags: a data descriptor follows the content.
    pub(super) has_descriptor: bool,
    /// CRC-32 of the content; 0 may mean that nobody computed it.
    pub(super) crc: u32,
    /// Bytes in the zip.
    pub(super) packed: u64,
    /// Bytes of the content.
    pub(in crate::sumdb) unpacked: u64,
    /// Where the local header is, before the archive's base offset is added. Signed and wrapping, as Go's.
    pub(super) header: i64,
    /// Whether the name ends with a slash.
    pub(in crate::sumdb) is_folder: bool,
}

/// What stands where a header is looked for.
#[derive(Debug)]
pub(super) enum Header<'a> {
    /// An entry and its name, not yet among the archive's.
    Entry(Entry, &'a [u8]),
    /// Something else, or a header cut short or with bad 64-bit sizes: the directory ends here.
    None,
    /// Nothing at all: the zip ends exactly here.
    EndOfFile,
}

/// Reads headers one after the other.
pub(super) struct Headers<'a, R: ReadAt + ?Sized> {
    source: &'a R,
    /// The place of the byte after `piece`.
    next: u64,
    piece: Vec<u8>,
    /// How much of `piece` has been taken.
    taken: usize,
}

impl<'a, R: ReadAt + ?Sized> Headers<'a, R> {
    /// Headers from byte `offset` on.
    pub(super) fn at(source: &'a R, offset: u64) -> Headers<'a, R> {
        Headers { source, next: offset, piece: Vec::new(), taken: 0 }
    }

    /// The next header.
    ///
    /// # Errors
    /// Those of the source.
    pub(super) fn read(&mut self) -> io::Result<Header<'_>> {
        self.fill(FIXED)?;
        let Some(fixed) = self.piece.get(self.taken..).and_then(|bytes| bytes.first_chunk::<FIXED>()) else {
            let nothing = self.taken == self.piece.len();
            return Ok(if nothing { Header::EndOfFile } else { Header::None });
        };
        let fixed = *fixed;
        if le32(&fixed, 0) != SIGNATURE {
            return Ok(Header::None);
        }
        self.taken += FIXED;
        let (name, extra, comment) =
            (usize::from(le16(&fixed, 28)), usize::from(le16(&fixed, 30)), usize::from(le16(&fixed, 32)));
        let length = name + extra + comment;
        self.fill(length)?;
        let rest = self.piece.get(self.taken..).unwrap_or_default();
        let Some((variable, _)) = rest.split_at_checked(length) else {
            return Ok(if rest.is_empty() { Header::EndOfFile } else { Header::None });
        };
        self.taken += length;
        let (name, rest) = variable.split_at_checked(name).unwrap_or_default();
        let extra = rest.get(..extra).unwrap_or_default();
        Ok(entry(&fixed, name, extra).map_or(Header::None, |entry| Header::Entry(entry, name)))
    }

    /// Makes `piece` hold `wanted` bytes that are not taken, or all that are left.
    fn fill(&mut self, wanted: usize) -> io::Result<()> {
        let held = self.piece.len() - self.taken;
        if held >= wanted {
            return Ok(());
        }
        self.piece.drain(..self.taken);
        self.taken = 0;
        let left = usize::try_from(self.source.size().saturating_sub(self.next)).unwrap_or(usize::MAX);
        let more = left.min(wanted.max(PIECE) - held);
        self.piece.resize(held + more, 0);
        self.source.read_exact_at(self.next, self.piece.get_mut(held..).unwrap_or_default())?;
        self.next = self.next.saturating_add(wide(more));
        Ok(())
    }
}

/// What a header says, or None if its 64-bit sizes are wanted and not there.
fn entry(fixed: &[u8; FIXED], name: &[u8], extra: &[u8]) -> Option<Entry> {
    let (packed, unpacked, header) = (le32(fixed, 20), le32(fixed, 24), le32(fixed, 42));
    let mut entry = Entry {
        name_start: 0,
        name_length: 0,
        method: le16(fixed, 10),
        has_descriptor: le16(fixed, 8) & 0x8 != 0,
        crc: le32(fixed, 16),
        packed: packed.into(),
        unpacked: unpacked.into(),
        header: header.into(),
        is_folder: name.ends_with(b"/"),
    };
    // A field of all ones means: look in the zip64 extra field. It holds only those, in this order.
    let (mut need_unpacked, mut need_packed, mut need_header) =
        (unpacked == u32::MAX, packed == u32::MAX, header == u32::MAX);
    for mut field in Extras(extra) {
        if need_unpacked {
            need_unpacked = false;
            entry.unpacked = take64(&mut field)?;
        }
        if need_packed {
            need_packed = false;
            entry.packed = take64(&mut field)?;
        }
        if need_header {
            need_header = false;
            entry.header = take64(&mut field)?.cast_signed();
        }
    }
    // Go takes 2^32 - 1 as an honest size of the content when there is no zip64 field, but not of the other two.
    (!need_packed && !need_header).then_some(entry)
}

/// The zip64 fields among the extra fields, up to the first that is malformed.
struct Extras<'a>(&'a [u8]);

impl<'a> Iterator for Extras<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let (head, rest) = self.0.split_first_chunk::<4>()?;
            let (field, rest) = rest.split_at_checked(usize::from(le16(head, 2)))?;
            self.0 = rest;
            if le16(head, 0) == ZIP64_EXTRA {
                return Some(field);
            }
        }
    }
}

fn take64(field: &mut &[u8]) -> Option<u64> {
    let (bytes, rest) = field.split_first_chunk()?;
    *field = rest;
    Some(u64::from_le_bytes(*bytes))
}

/// The little-endian u16 at a fixed place of a fixed-size header.
pub(super) fn le16<const N: usize>(bytes: &[u8; N], at: usize) -> u16 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u16::from_le_bytes(*bytes))
}

/// The little-endian u32 at a fixed place of a fixed-size header.
pub(super) fn le32<const N: usize>(bytes: &[u8; N], at: usize) -> u32 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

/// The little-endian u64 at a fixed place of a fixed-size header.
pub(super) fn le64<const N: usize>(bytes: &[u8; N], at: usize) -> u64 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

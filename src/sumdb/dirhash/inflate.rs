//! One entry's content, as Go's archive/zip gives it: of the local header only the place of the content counts; what
//! comes out must have the size and the CRC-32 that the central directory declares.
//! (go/src/archive/zip/reader.go: File.Open, findBodyOffset, checksumReader, readDataDescriptor)
//!
//! As in Go, the encryption flag is not looked at: an encrypted entry is its encrypted bytes, and hardly ever inflates.

use std::io;

use sha2::{Digest as _, Sha256};
use zlib_rs::crc32::crc32;
use zlib_rs::{Inflate, InflateFlush, Status};

use super::directory::{Entry, le16, le32};
use super::{Error, ReadAt, ZipError, entry_named};
use crate::sumdb::hash::Hash;
use crate::sumdb::number::wide;

/// Bytes of a local header before the name, APPNOTE 4.3.7.
const LOCAL_HEADER: usize = 30;
/// Bytes read at once: many small entries, a piece of a large one.
const PIECE: usize = 256 << 10;
/// Bytes of a large file inflated at once.
const WINDOW: usize = 256 << 10;
/// Room behind the content in `whole`: zlib is fast only as long as it may write a whole match.
pub(super) const SLACK: usize = 512;

/// Reads contents; its buffers and its inflate state are used again for every entry.
pub(super) struct Reader<'a, R: ReadAt + ?Sized> {
    piece: Piece<'a, R>,
    base: i64,
    inflate: Inflate,
    window: Vec<u8>,
}

impl<'a, R: ReadAt + ?Sized> Reader<'a, R> {
    /// A reader of a zip whose local headers stand `base` bytes behind where the directory says.
    pub(super) fn new(source: &'a R, base: i64) -> Reader<'a, R> {
        let ahead = source.size().saturating_mul(2);
        let piece = Piece { source, start: 0, bytes: Vec::new(), ahead };
        Reader { piece, base, inflate: Inflate::new(false, 15), window: Vec::new() }
    }

    /// Writes the content of a small entry, `packed` bytes in the zip and `size` when unpacked, at the start of `room`, which has
    /// `SLACK` bytes more than that.
    pub(super) fn whole(
        &mut self,
        entry: &Entry,
        name: &[u8],
        packed: usize,
        size: usize,
        room: &mut [u8],
    ) -> Result<(), ZipError> {
        let start = self.locate(entry, name)?;
        if entry.is_folder {
            return Ok(());
        }
        let fault = Fault(name);
        let input = self.piece.up_to(start, packed)?;
        match entry.method {
            0 => {
                let content = room.get_mut(..size).filter(|_| input.len() == size);
                content.ok_or_else(|| fault.size(entry))?.copy_from_slice(input);
            }
            8 => {
                let room = room.get_mut(..size.saturating_add(SLACK)).unwrap_or_default();
                self.inflate.reset(false);
                let status = self.inflate.decompress(input, room, InflateFlush::Finish);
                fault.finished(entry, status, self.inflate.total_out())?;
            }
            method => return Err(fault.method(method)),
        }
        let crc = crc32(0, room.get(..size).unwrap_or_default());
        self.check_crc(entry, name, start, crc)
    }

    /// SHA-256 of the content of an entry of any size.
    pub(super) fn stream(&mut self, entry: &Entry, name: &[u8]) -> Result<Hash, ZipError> {
        let start = self.locate(entry, name)?;
        let mut content = Digest { sha: Sha256::new(), crc: 0, size: 0 };
        if !entry.is_folder {
            match entry.method {
                0 => self.stream_stored(entry, name, start, &mut content)?,
                8 => self.stream_deflated(entry, name, start, &mut content)?,
                method => return Err(Fault(name).method(method)),
            }
            self.check_crc(entry, name, start, content.crc)?;
        }
        Ok(Hash(content.sha.finalize().into()))
    }

    fn stream_stored(&mut self, entry: &Entry, name: &[u8], start: u64, content: &mut Digest) -> Result<(), ZipError> {
        while content.size < entry.packed {
            let left = usize::try_from(entry.packed - content.size).unwrap_or(usize::MAX);
            let input = self.piece.next(start.saturating_add(content.size), left)?;
            if input.is_empty() {
                break;
            }
            content.update(input);
        }
        if content.size == entry.unpacked { Ok(()) } else { Err(Fault(name).size(entry)) }
    }

    fn stream_deflated(
        &mut self,
        entry: &Entry,
        name: &[u8],
        start: u64,
        content: &mut Digest,
    ) -> Result<(), ZipError> {
        let fault = Fault(name);
        self.window.resize(WINDOW, 0);
        self.inflate.reset(false);
        loop {
            let taken = self.inflate.total_in();
            let left = usize::try_from(entry.packed.saturating_sub(taken)).unwrap_or(usize::MAX);
            let input = self.piece.next(start.saturating_add(taken), left)?;
            let status = self.inflate.decompress(input, &mut self.window, InflateFlush::NoFlush);
            let written = usize::try_from(self.inflate.total_out() - content.size).unwrap_or(0);
            content.update(self.window.get(..written).unwrap_or_default());
            let progress = written > 0 || self.inflate.total_in() > taken;
            match status {
                Ok(Status::Ok | Status::BufError) if progress && content.size <= entry.unpacked => {}
                status => return fault.finished(entry, status, content.size),
            }
        }
    }

    /// Where the content begins: behind the local header, of which nothing else is believed.
    fn locate(&mut self, entry: &Entry, name: &[u8]) -> Result<u64, ZipError> {
        let fault = Fault(name);
        // Go adds the two as int64, which wraps; what it gets is negative or beyond the file, as here.
        let header = u64::try_from(entry.header.wrapping_add(self.base)).map_err(|_| fault.outside())?;
        let bytes = self.piece.up_to(header, LOCAL_HEADER)?;
        let bytes: &[u8; LOCAL_HEADER] = bytes.first_chunk().ok_or_else(|| fault.outside())?;
        if le32(bytes, 0) != 0x0403_4b50 {
            return Err(fault.because("no local header where the directory points"));
        }
        if entry.is_folder && entry.unpacked != 0 {
            return Err(fault.because("a folder with content"));
        }
        if i64::try_from(entry.packed).is_err() {
            return Err(fault.outside());
        }
        let skipped = 30 + u64::from(le16(bytes, 26)) + u64::from(le16(bytes, 28));
        Ok(header.saturating_add(skipped))
    }

    /// SPEC (Go's, not APPNOTE's): with a data descriptor its CRC-32 must equal the directory's and the content's; without one
    /// the directory's counts unless it is 0.
    fn check_crc(&mut self, entry: &Entry, name: &[u8], start: u64, crc: u32) -> Result<(), ZipError> {
        let fault = Fault(name);
        if entry.has_descriptor {
            let bytes = self.piece.up_to(start.saturating_add(entry.packed), 16)?;
            // The descriptor's signature is optional; the CRC-32 and two sizes of (at least) 32 bits are not.
            let after_signature = bytes.strip_prefix(b"PK\x07\x08".as_slice()).unwrap_or(bytes);
            let body: &[u8; 12] =
                after_signature.first_chunk().ok_or_else(|| fault.because("its data descriptor is cut short"))?;
            if le32(body, 0) != entry.crc {
                return Err(fault.because("its data descriptor and the directory differ in the CRC-32"));
            }
        } else if entry.crc == 0 {
            return Ok(());
        }
        if crc == entry.crc { Ok(()) } else { Err(fault.because("its content does not have the declared CRC-32")) }
    }
}

/// The bytes last read. Reading ahead makes one read of many small entries; entries in a hostile order could make it
/// many reads of the same bytes, so all that is read ahead may not come to more than twice the zip.
struct Piece<'a, R: ReadAt + ?Sized> {
    source: &'a R,
    start: u64,
    bytes: Vec<u8>,
    ahead: u64,
}

impl<R: ReadAt + ?Sized> Piece<'_, R> {
    /// Some of the `left` bytes from `offset` on: those that are held, else a piece; none only at the end of the file.
    fn next(&mut self, offset: u64, left: usize) -> io::Result<&[u8]> {
        let skipped = offset.checked_sub(self.start).and_then(|skipped| usize::try_from(skipped).ok());
        let held = skipped.map_or(0, |skipped| self.bytes.len().saturating_sub(skipped));
        self.up_to(offset, if held > 0 { left.min(held) } else { left.min(PIECE) })
    }

    /// The `wanted` bytes from `offset` on, or as many as there are before the end of the file.
    fn up_to(&mut self, offset: u64, wanted: usize) -> io::Result<&[u8]> {
        let left = usize::try_from(self.source.size().saturating_sub(offset)).unwrap_or(usize::MAX);
        let wanted = wanted.min(left);
        let held = |piece: &Self| {
            let skipped = usize::try_from(offset.checked_sub(piece.start)?).ok()?;
            let end = skipped.checked_add(wanted)?;
            (end <= piece.bytes.len()).then_some(skipped..end)
        };
        let range = match held(self) {
            Some(range) => range,
            None => {
                let more = left.min(PIECE.max(wanted)) - wanted;
                let (more, cost) = match u64::try_from(more) {
                    Ok(cost) if cost <= self.ahead => (more, cost),
                    _ => (0, 0),
                };
                self.ahead -= cost;
                self.bytes.resize(wanted + more, 0);
                self.source.read_exact_at(offset, &mut self.bytes)?;
                self.start = offset;
                0..wanted
            }
        };
        Ok(self.bytes.get(range).unwrap_or_default())
    }
}

/// A content while it passes by.
struct Digest {
    sha: Sha256,
    crc: u32,
    size: u64,
}

impl Digest {
    fn update(&mut self, bytes: &[u8]) {
        self.sha.update(bytes);
        self.crc = crc32(self.crc, bytes);
        self.size = self.size.saturating_add(wide(bytes.len()));
    }
}

/// What can be wrong with the entry of this name.
#[derive(Clone, Copy)]
struct Fault<'a>(&'a [u8]);

impl Fault<'_> {
    fn because(self, why: impl Into<String>) -> ZipError {
        Error::malformed(entry_named(self.0), why).into()
    }

    fn outside(self) -> ZipError {
        self.because("it lies outside the file")
    }

    fn method(self, method: u16) -> ZipError {
        self.because(format!("compression method {method}; only 0 and 8 are supported"))
    }

    fn size(self, entry: &Entry) -> ZipError {
        self.because(format!("its content does not have the {} bytes that it declares", entry.unpacked))
    }

    /// Ok if inflating ended with the end of the stream and the declared size.
    fn finished(
        self,
        entry: &Entry,
        status: Result<Status, zlib_rs::InflateError>,
        written: u64,
    ) -> Result<(), ZipError> {
        match status {
            _ if written > entry.unpacked => Err(self.size(entry)),
            Ok(Status::StreamEnd) if written == entry.unpacked => Ok(()),
            Ok(Status::StreamEnd) => Err(self.size(entry)),
            Ok(_) => Err(self.because("its compressed bytes are cut short")),
            Err(error) => Err(self.because(format!("its compressed bytes are corrupt: {}", error.as_str()))),
        }
    }
}

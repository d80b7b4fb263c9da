//! Where a zip's bytes come from: anything that can be read at an offset. The core opens no files; who does hands one in.

use std::io;

use sha2::{Digest as _, Sha256};

use crate::sumdb::hash::Hash;
use crate::sumdb::number::wide;

/// Bytes that are read at a time to be hashed.
const PIECE: usize = 256 << 10;

/// Bytes that can be read at any place, by several threads at once.
pub trait ReadAt: Sync {
    /// How many bytes there are. Does not change while a zip is read.
    fn size(&self) -> u64;

    /// Fills `buf` with the bytes from `offset` on.
    ///
    /// # Errors
    /// `UnexpectedEof` if there are too few bytes, else what the source says.
    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()>;
}

/// The SHA-256 of all that `source` has.
///
/// # Errors
/// Those of the source.
pub fn sha256_of(source: &impl ReadAt) -> io::Result<Hash> {
    let size = source.size();
    let (mut sha, mut at) = (Sha256::new(), 0);
    let mut piece = vec![0; usize::try_from(size).unwrap_or(PIECE).min(PIECE)];
    while at < size {
        let room = usize::try_from(size - at).unwrap_or(PIECE).min(PIECE);
        let part = piece.get_mut(..room).unwrap_or_default();
        source.read_exact_at(at, part)?;
        sha.update(&*part);
        at += wide(room);
    }
    Ok(Hash(sha.finalize().into()))
}

impl ReadAt for [u8] {
    fn size(&self) -> u64 {
        wide(self.len())
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let bytes = usize::try_from(offset).ok().and_then(|offset| self.get(offset..)?.get(..buf.len()));
        buf.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

impl ReadAt for Vec<u8> {
    fn size(&self) -> u64 {
        self.as_slice().size()
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.as_slice().read_exact_at(offset, buf)
    }
}

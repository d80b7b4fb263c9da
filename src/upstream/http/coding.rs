//! Bodies that a server sends compressed, read as the go command reads them (net/http transport.go, readLoop): `gzip`, in any
//! case, is undone, several members and all; bytes under any other Content-Encoding are taken as they are, and prove right or not.
//!
//! What a body grows to is bounded like one that came as it is, and so is what it is made of.

use std::io::{self, Read as _};

use flate2::read::MultiGzDecoder;
use reqwest::header::{CONTENT_ENCODING, HeaderMap};

use super::failure::FailureKind;
use super::retry::Failed;
use crate::sumdb::number::wide;

/// Bytes that a compressed body may have beyond the most that it may grow to: headers, and data that does not compress.
pub(in crate::upstream) const OVERHEAD: usize = 64 << 10;

/// Whether the body is to be unpacked.
pub(in crate::upstream) fn is_gzip(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_ENCODING).is_some_and(|coding| coding.as_bytes().eq_ignore_ascii_case(b"gzip"))
}

/// The longest compressed body that is read where it may grow to `limit` bytes.
pub(in crate::upstream) fn packed_limit(limit: usize) -> usize {
    limit.saturating_add(OVERHEAD)
}

/// A whole body unpacked, at most `limit` bytes. An empty one is empty, as for Go.
pub(in crate::upstream) fn unpack(packed: &[u8], limit: usize) -> Result<Vec<u8>, Failed> {
    let mut bytes = Vec::new();
    if packed.is_empty() {
        return Ok(bytes);
    }
    let most = wide(limit).saturating_add(1);
    MultiGzDecoder::new(packed).take(most).read_to_end(&mut bytes).map_err(|error| damaged(&error))?;
    if bytes.len() > limit { Err(too_long(wide(limit))) } else { Ok(bytes) }
}

/// What can be unpacked of the beginning of a body, at most `limit` bytes: of a text that is only shown.
pub(super) fn unpack_beginning(packed: &[u8], limit: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let most = wide(limit);
    // Where it breaks off, what came before is shown.
    let _ = MultiGzDecoder::new(packed).take(most).read_to_end(&mut bytes);
    bytes
}

pub(in crate::upstream) fn too_long(limit: u64) -> Failed {
    Failed::lasting(FailureKind::TooLong, format!("the answer is longer than {limit} bytes once it is unpacked"))
}

/// The failure of a body that cannot be unpacked. One that broke off in the middle shows that by its length, or by this.
pub(in crate::upstream) fn damaged(error: &io::Error) -> Failed {
    Failed::broken(format!("sends \"gzip\" bytes that cannot be unpacked: {error}"))
}

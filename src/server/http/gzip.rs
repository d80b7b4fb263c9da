//! The content coding gzip, for text that is long enough and clients that accept it.

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::HeaderMap;
use hyper::header::{ACCEPT_ENCODING, RANGE};

use crate::sumdb::number::wide;

/// Shorter answers fit into one packet and are not compressed.
const MIN_BYTES: u64 = 1024;
/// Half of a record is hashes, which do not compress: a higher level takes longer and gains nothing.
const LEVEL: u32 = 3;

/// Whether the client accepts gzip and requests no range: ranges are of the uncompressed content.
pub(crate) fn accepts_gzip(headers: &HeaderMap) -> bool {
    let Some(accepted) = headers.get(ACCEPT_ENCODING) else { return false };
    // What the go command sends.
    let accepts = accepted == "gzip" || accepted.to_str().is_ok_and(names_gzip);
    accepts && !headers.contains_key(RANGE)
}

/// Whether an `Accept-Encoding` header accepts gzip (RFC 9110 section 12.5.3).
fn names_gzip(header: &str) -> bool {
    let mut any = false;
    for coding in header.split(',') {
        let (name, weight) = coding.split_once(';').map_or((coding, ""), |(name, weight)| (name, weight));
        let accepts = weight.trim().strip_prefix("q=").is_none_or(|q| !is_zero(q.trim()));
        match name.trim() {
            name if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") => return accepts,
            "*" => any = accepts,
            _ => {}
        }
    }
    any
}

fn is_zero(weight: &str) -> bool {
    weight.starts_with('0') && weight.bytes().all(|byte| matches!(byte, b'0' | b'.'))
}

/// Whether content of this length, in bytes, is worth compressing.
pub(crate) fn is_long_enough(len: u64) -> bool {
    len >= MIN_BYTES
}

/// The bytes gzip-compressed; none if that is not shorter.
pub(crate) fn compress(bytes: &[u8]) -> Option<Bytes> {
    if !is_long_enough(wide(bytes.len())) {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 2), Compression::new(LEVEL));
    encoder.write_all(bytes).ok()?;
    let compressed = encoder.finish().ok()?;
    (compressed.len() < bytes.len()).then(|| Bytes::from(compressed))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn accepted_where_the_header_says_so() {
        for header in ["gzip", "deflate, gzip;q=0.5", "GZIP", "*", "br, *;q=0.1", "identity;q=0, gzip ; q=1.0"] {
            assert!(names_gzip(header), "{header}");
        }
        for header in ["", "br", "gzip;q=0", "gzip;q=0.000, *", "*;q=0", "identity", "gzipped"] {
            assert!(!names_gzip(header), "{header}");
        }
    }

    #[test]
    fn compresses_what_gets_shorter() {
        let text = b"example.com/m v1.0.0 h1:".repeat(100);
        let compressed = compress(&text).unwrap();
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&*compressed).read_to_end(&mut plain).unwrap();
        assert_eq!(plain, text);
        assert_eq!(compress(b"short"), None);
    }
}

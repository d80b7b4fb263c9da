//! Content coding: gzip, for answers of text that are long enough, to clients that take it.

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::HeaderMap;
use hyper::header::{ACCEPT_ENCODING, RANGE};

/// Shorter answers fit into one packet anyway.
pub(crate) const MIN_BYTES: usize = 1024;
/// Half of a record is hashes, which do not shrink: a higher level takes longer and gains nothing.
const LEVEL: u32 = 3;

/// Whether the client takes gzip, and asks for all of the answer: the bytes of a range are those of the answer as it is.
pub(crate) fn is_wanted(headers: &HeaderMap) -> bool {
    let takes = || headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).is_some_and(accepted);
    !headers.contains_key(RANGE) && takes()
}

/// Whether `Accept-Encoding` takes gzip (RFC 9110 section 12.5.3).
fn accepted(header: &str) -> bool {
    let mut any = false;
    for coding in header.split(',') {
        let (name, weight) = coding.split_once(';').map_or((coding, ""), |(name, weight)| (name, weight));
        let takes = weight.trim().strip_prefix("q=").is_none_or(|q| !is_zero(q.trim()));
        match name.trim() {
            name if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") => return takes,
            "*" => any = takes,
            _ => {}
        }
    }
    any
}

fn is_zero(weight: &str) -> bool {
    weight.starts_with('0') && weight.bytes().all(|byte| matches!(byte, b'0' | b'.'))
}

/// The bytes in gzip, where that is shorter.
pub(crate) fn pack(bytes: &[u8]) -> Option<Bytes> {
    if bytes.len() < MIN_BYTES {
        return None;
    }
    let mut packer = GzEncoder::new(Vec::with_capacity(bytes.len() / 2), Compression::new(LEVEL));
    packer.write_all(bytes).ok()?;
    let packed = packer.finish().ok()?;
    (packed.len() < bytes.len()).then(|| Bytes::from(packed))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn taken_where_the_header_says_so() {
        for header in ["gzip", "deflate, gzip;q=0.5", "GZIP", "*", "br, *;q=0.1", "identity;q=0, gzip ; q=1.0"] {
            assert!(accepted(header), "{header}");
        }
        for header in ["", "br", "gzip;q=0", "gzip;q=0.000, *", "*;q=0", "identity", "gzipped"] {
            assert!(!accepted(header), "{header}");
        }
    }

    #[test]
    fn packs_what_shrinks() {
        let text = b"example.com/m v1.0.0 h1:".repeat(100);
        let packed = pack(&text).unwrap();
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&*packed).read_to_end(&mut plain).unwrap();
        assert_eq!(plain, text);
        assert_eq!(pack(b"short"), None);
    }
}

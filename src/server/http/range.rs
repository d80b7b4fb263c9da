//! `Range`: one range of bytes (RFC 9110 section 14). A header with several ranges, another unit or a syntax error is ignored,
//! as the RFC allows: the answer is then the whole content.

use std::ops::Range;

/// What a `Range` header asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RequestedRange {
    /// all of it: 200
    Whole,
    /// these bytes: 206
    Part(Range<u64>),
    /// bytes beyond the end: 416
    Unsatisfiable,
}

/// Parses a `Range` header for content of `len` bytes.
pub(crate) fn parse(header: &str, len: u64) -> RequestedRange {
    let Some(spec) = header.trim().strip_prefix("bytes=") else { return RequestedRange::Whole };
    let Some((first, last)) = spec.trim().split_once('-') else { return RequestedRange::Whole };
    let range = match (number(first), number(last)) {
        (Some(first), None) if last.is_empty() => first..len,
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(len),
        (None, Some(tail)) if first.is_empty() => len.saturating_sub(tail)..len,
        _ => return RequestedRange::Whole,
    };
    if range.is_empty() { RequestedRange::Unsatisfiable } else { RequestedRange::Part(range) }
}

/// A decimal number; one that does not fit is `u64::MAX`, which is beyond the end of any file.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_or_the_whole() {
        for (header, len, expected) in [
            ("bytes=0-0", 10, RequestedRange::Part(0..1)),
            ("bytes=2-5", 10, RequestedRange::Part(2..6)),
            ("bytes=5-", 10, RequestedRange::Part(5..10)),
            ("bytes=-3", 10, RequestedRange::Part(7..10)),
            ("bytes=-30", 10, RequestedRange::Part(0..10)),
            ("bytes=9-99999999999999999999999", 10, RequestedRange::Part(9..10)),
            (" bytes= 1-2 ", 10, RequestedRange::Part(1..3)),
            ("bytes=10-", 10, RequestedRange::Unsatisfiable),
            ("bytes=99999999999999999999-", 10, RequestedRange::Unsatisfiable),
            ("bytes=-0", 10, RequestedRange::Unsatisfiable),
            ("bytes=0-", 0, RequestedRange::Unsatisfiable),
            ("bytes=5-2", 10, RequestedRange::Whole),
            ("bytes=0-1,3-4", 10, RequestedRange::Whole),
            ("bytes=-", 10, RequestedRange::Whole),
            ("bytes=a-b", 10, RequestedRange::Whole),
            ("bytes=+1-2", 10, RequestedRange::Whole),
            ("lines=0-1", 10, RequestedRange::Whole),
            ("", 10, RequestedRange::Whole),
        ] {
            assert_eq!(parse(header, len), expected, "{header} of {len}");
        }
    }
}

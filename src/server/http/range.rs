//! `Range`: one range of bytes (RFC 9110 section 14). What asks for several, in other units, or is no range at all is ignored,
//! as the standard allows: the answer is then the whole.

use std::ops::Range;

/// What a request's `Range` means for a body of `len` bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// all of it: 200
    Whole,
    /// these bytes: 206
    Part(Range<u64>),
    /// bytes that are not there: 416
    Beyond,
}

/// Reads a `Range` header.
pub(crate) fn read(header: &str, len: u64) -> Asked {
    let Some(spec) = header.trim().strip_prefix("bytes=") else { return Asked::Whole };
    let Some((first, last)) = spec.trim().split_once('-') else { return Asked::Whole };
    let range = match (number(first), number(last)) {
        (Some(first), None) if last.is_empty() => first..len,
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(len),
        (None, Some(tail)) if first.is_empty() => len.saturating_sub(tail)..len,
        _ => return Asked::Whole,
    };
    if range.is_empty() { Asked::Beyond } else { Asked::Part(range) }
}

/// Decimal digits; more than any file has is the end of all of them.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_or_the_whole() {
        for (header, len, asked) in [
            ("bytes=0-0", 10, Asked::Part(0..1)),
            ("bytes=2-5", 10, Asked::Part(2..6)),
            ("bytes=5-", 10, Asked::Part(5..10)),
            ("bytes=-3", 10, Asked::Part(7..10)),
            ("bytes=-30", 10, Asked::Part(0..10)),
            ("bytes=9-99999999999999999999999", 10, Asked::Part(9..10)),
            (" bytes= 1-2 ", 10, Asked::Part(1..3)),
            ("bytes=10-", 10, Asked::Beyond),
            ("bytes=99999999999999999999-", 10, Asked::Beyond),
            ("bytes=-0", 10, Asked::Beyond),
            ("bytes=0-", 0, Asked::Beyond),
            ("bytes=5-2", 10, Asked::Whole),
            ("bytes=0-1,3-4", 10, Asked::Whole),
            ("bytes=-", 10, Asked::Whole),
            ("bytes=a-b", 10, Asked::Whole),
            ("bytes=+1-2", 10, Asked::Whole),
            ("lines=0-1", 10, Asked::Whole),
            ("", 10, Asked::Whole),
        ] {
            assert_eq!(read(header, len), asked, "{header} of {len}");
        }
    }
}

//! What is asked of a base: a path, how much may come, and where only a part of a file is wanted, which.

use std::ops::Range;

use reqwest::header::{ACCEPT_ENCODING, CONTENT_RANGE, HeaderMap, HeaderValue, RANGE};

/// One question.
#[derive(Debug, Clone)]
pub(super) struct Asked<'a> {
    pub(super) path: &'a str,
    /// the longest answer, in bytes
    pub(super) limit: usize,
    /// only these bytes of it
    pub(super) range: Option<Range<u64>>,
}

impl Asked<'_> {
    /// The header that asks for a part (RFC 9110 section 14.2), where one is wanted.
    fn range_header(&self) -> Option<HeaderValue> {
        let range = self.range.as_ref()?;
        HeaderValue::try_from(format!("bytes={}-{}", range.start, range.end.saturating_sub(1))).ok()
    }

    /// The headers that it takes, apart from a login. Without the first, any coding would do (RFC 9110 section 12.5.3).
    pub(super) fn headers(&self) -> HeaderMap {
        let range = self.range_header().map(|range| (RANGE, range));
        std::iter::once((ACCEPT_ENCODING, HeaderValue::from_static("identity"))).chain(range).collect()
    }

    /// Whether a 206 answer is the part that was asked for.
    pub(super) fn is_part(&self, headers: &HeaderMap) -> bool {
        let Some(range) = &self.range else { return false };
        let part = format!("bytes {}-{}/", range.start, range.end.saturating_sub(1));
        headers.get(CONTENT_RANGE).is_some_and(|told| told.as_bytes().starts_with(part.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_asked_for_and_only_that_part_is_taken() {
        let asked = |range| Asked { path: "records", limit: 9, range };
        assert_eq!(asked(Some(5..14)).range_header(), Some(HeaderValue::from_static("bytes=5-13")));
        assert_eq!(asked(None).range_header(), None);
        let told = |text| HeaderMap::from_iter([(CONTENT_RANGE, HeaderValue::from_static(text))]);
        assert!(asked(Some(5..14)).is_part(&told("bytes 5-13/99")));
        assert!(!asked(Some(5..14)).is_part(&told("bytes 5-12/99")));
        assert!(!asked(Some(5..14)).is_part(&HeaderMap::new()));
        assert!(!asked(None).is_part(&told("bytes 5-13/99")));
    }
}

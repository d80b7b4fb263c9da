//! A GET request: a path, the longest body that is accepted, and the range of bytes, where only a part of a file is wanted.

use std::ops::Range;

use reqwest::header::{ACCEPT_ENCODING, CONTENT_RANGE, HeaderMap, HeaderValue, RANGE};

/// One GET request.
#[derive(Debug, Clone)]
pub(in crate::upstream) struct GetRequest<'a> {
    pub(in crate::upstream) path: &'a str,
    /// the longest answer, in bytes
    pub(in crate::upstream) limit: usize,
    /// only these bytes of it
    pub(in crate::upstream) range: Option<Range<u64>>,
}

impl GetRequest<'_> {
    /// The header that asks for a part (RFC 9110 section 14.2), where one is wanted.
    fn range_header(&self) -> Option<HeaderValue> {
        let range = self.range.as_ref()?;
        HeaderValue::try_from(format!("bytes={}-{}", range.start, range.end.saturating_sub(1))).ok()
    }

    /// Its headers, apart from a login.
    pub(in crate::upstream) fn headers(&self) -> HeaderMap {
        let range = self.range_header().map(|range| (RANGE, range));
        // Without it, any coding would do (RFC 9110 section 12.5.3).
        std::iter::once((ACCEPT_ENCODING, HeaderValue::from_static("identity"))).chain(range).collect()
    }

    /// Whether a 206 response with these headers has the requested part.
    pub(super) fn is_part(&self, headers: &HeaderMap) -> bool {
        let Some(range) = &self.range else { return false };
        let part = format!("bytes {}-{}/", range.start, range.end.saturating_sub(1));
        headers.get(CONTENT_RANGE).is_some_and(|part_sent| part_sent.as_bytes().starts_with(part.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_asked_for_and_only_that_part_is_taken() {
        let request = |range| GetRequest { path: "records", limit: 9, range };
        assert_eq!(request(Some(5..14)).range_header(), Some(HeaderValue::from_static("bytes=5-13")));
        assert_eq!(request(None).range_header(), None);
        let headers = |text| HeaderMap::from_iter([(CONTENT_RANGE, HeaderValue::from_static(text))]);
        assert!(request(Some(5..14)).is_part(&headers("bytes 5-13/99")));
        assert!(!request(Some(5..14)).is_part(&headers("bytes 5-12/99")));
        assert!(!request(Some(5..14)).is_part(&HeaderMap::new()));
        assert!(!request(None).is_part(&headers("bytes 5-13/99")));
    }
}

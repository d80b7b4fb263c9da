//! An answer, which can be given to many requests: content and caching. [`Answer::response`] makes the response to one
//! request of it, applying the conditions of that request (`If-None-Match`, `Range`, HEAD; RFC 9110 sections 13 and 14).

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Response, StatusCode};
use sha2::{Digest as _, Sha256};

use super::body::Body;
pub(crate) use super::cache_policy::{CachePolicy, CacheScope};
use super::file_body::FileBody;
use super::gzip;
use super::range::{self, RequestedRange};
use crate::server::conn::data_tile::DataTilePlace;
use crate::server::conn::file_source::FileSource;
use crate::server::conn::pool::{ClientQuota, PoolPermit};
use crate::store::UseCounter;
use crate::sumdb::number::wide;

/// The content type of checksum database text, as sum.golang.org writes it.
pub(crate) const SUMDB_TEXT: &str = "text/plain; charset=UTF-8";
/// The content type of text about modules, and of text that the go command shows its user.
pub(crate) const PLAIN_TEXT: &str = "text/plain; charset=utf-8";
/// The content type of hashes and of files of the log.
pub(crate) const BINARY: &str = "application/octet-stream";

/// The verdict on content whose hash a database or a first download has.
pub(crate) const PROVEN: &str = "proven";

/// The content of an answer.
#[derive(Debug, Clone)]
pub(crate) enum Payload {
    Bytes(Bytes),
    File(FileSource),
    /// in a file of the full log
    DataTile(DataTilePlace),
}

/// An answer. Cheap to clone, so that it can be cached.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) content_type: HeaderValue,
    pub(crate) cache: CachePolicy,
    pub(crate) cache_scope: CacheScope,
    /// with its quotes; conditions and ranges apply only to answers with one
    pub(crate) etag: Option<HeaderValue>,
    /// when the content last changed
    pub(crate) last_modified: Option<SystemTime>,
    /// whether it depends on `Accept-Encoding`
    pub(crate) varies: bool,
    /// whether the bytes are gzip-compressed
    pub(crate) is_gzip: bool,
    pub(crate) extra_header: Option<(HeaderName, HeaderValue)>,
    /// headers that all answers of a kind have, with names in lower case
    pub(crate) fixed_headers: &'static [(&'static str, &'static str)],
    pub(crate) payload: Payload,
    /// counts the uses of the stored file that the bytes are of
    pub(crate) uses: Option<Arc<UseCounter>>,
    /// in one word, what is known of the content; empty where there is nothing to say
    pub(crate) verdict: &'static str,
}

impl From<Box<Answer>> for Answer {
    /// A refusal comes in a box where a function may also find what it looked for: so that its result is small.
    fn from(boxed: Box<Answer>) -> Answer {
        *boxed
    }
}

impl Answer {
    /// A 200 with these bytes.
    pub(crate) fn new(content_type: &'static str, cache: CachePolicy, bytes: Bytes) -> Answer {
        Answer::of(content_type, cache, Payload::Bytes(bytes))
    }

    /// A 200 with this content.
    pub(crate) fn of(content_type: &'static str, cache: CachePolicy, payload: Payload) -> Answer {
        Answer {
            status: StatusCode::OK,
            content_type: HeaderValue::from_static(content_type),
            cache,
            cache_scope: CacheScope::Public,
            etag: None,
            last_modified: None,
            varies: false,
            is_gzip: false,
            extra_header: None,
            fixed_headers: &[],
            payload,
            uses: None,
            verdict: "",
        }
    }

    /// The same with this verdict.
    pub(crate) fn judged(self, verdict: &'static str) -> Answer {
        Answer { verdict, ..self }
    }

    /// The same with the entity tag `name`, which must identify these bytes.
    pub(crate) fn with_etag(mut self, name: &str) -> Answer {
        self.etag = HeaderValue::try_from(format!("\"{name}\"")).ok();
        self
    }

    /// The same with a hash of its bytes as the entity tag.
    pub(crate) fn with_hash_etag(self) -> Answer {
        let Payload::Bytes(bytes) = &self.payload else { return self };
        let mut name = String::new();
        for byte in Sha256::digest(bytes).iter().take(16) {
            let _ = write!(name, "{byte:02x}"); // writing to a String does not fail
        }
        self.with_etag(&name)
    }

    /// The same gzip-compressed, if the client accepts that and it makes the answer shorter.
    pub(crate) fn compressed(mut self, accepts_gzip: bool) -> Answer {
        self.varies = gzip::is_long_enough(self.len());
        let Payload::Bytes(bytes) = &self.payload else { return self };
        let Some(bytes) = accepts_gzip.then(|| gzip::compress(bytes)).flatten() else { return self };
        self.payload = Payload::Bytes(bytes);
        self.is_gzip = true;
        // Other bytes need another entity tag.
        let tag = self.etag.as_ref().and_then(|tag| tag.to_str().ok()?.strip_suffix('"'));
        self.etag = tag.and_then(|tag| HeaderValue::try_from(format!("{tag}-gzip\"")).ok());
        self
    }

    /// The length of the content in bytes, before conditions are applied.
    pub(crate) fn len(&self) -> u64 {
        match &self.payload {
            Payload::Bytes(bytes) => wide(bytes.len()),
            Payload::File(file) => file.len(),
            Payload::DataTile(place) => place.len(),
        }
    }

    /// Bytes of memory that its content takes.
    pub(crate) fn held(&self) -> u64 {
        match &self.payload {
            Payload::Bytes(bytes) => wide(bytes.len()),
            Payload::File(_) | Payload::DataTile(_) => 0,
        }
    }

    /// Whether its content is where it was.
    pub(crate) fn is_current(&self) -> bool {
        match &self.payload {
            Payload::Bytes(_) | Payload::File(_) => true,
            Payload::DataTile(place) => place.is_current(),
        }
    }

    /// The response to this request, which only the caches of `cache_scope` may store, whatever the answer allows. `memory` is the
    /// permit for its bytes if they need one; `quota` grants the memory to read a file.
    pub(crate) fn response(
        &self,
        method: &Method,
        request: &HeaderMap,
        cache_scope: CacheScope,
        quota: &Arc<ClientQuota>,
        memory: Option<PoolPermit>,
    ) -> Response<Body> {
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(header::CONTENT_TYPE, self.content_type.clone());
        let cache_scope = if self.cache_scope == CacheScope::Private { CacheScope::Private } else { cache_scope };
        headers.insert(header::CACHE_CONTROL, self.cache.header(cache_scope));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, const { HeaderValue::from_static("nosniff") });
        if self.varies {
            headers.insert(header::VARY, const { HeaderValue::from_static("accept-encoding") });
        }
        if self.is_gzip {
            headers.insert(header::CONTENT_ENCODING, const { HeaderValue::from_static("gzip") });
        }
        for (name, value) in self.fixed_headers {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        if let Some((name, value)) = &self.extra_header {
            headers.insert(name, value.clone());
        }
        let (mut status, mut range) = (self.status, 0..self.len());
        if let Some(tag) = &self.etag {
            headers.insert(header::ETAG, tag.clone());
            headers.insert(header::ACCEPT_RANGES, const { HeaderValue::from_static("bytes") });
            if let Some(last_modified) = self.last_modified
                && let Ok(date) = HeaderValue::try_from(httpdate::fmt_http_date(last_modified))
            {
                headers.insert(header::LAST_MODIFIED, date);
            }
            if self.is_not_modified(request, tag) {
                status = StatusCode::NOT_MODIFIED;
            } else if method == Method::GET {
                (status, range) = self.apply_range(request, tag, &mut headers);
            }
        }
        // The body of a 304, and of an answer to HEAD, has no bytes.
        let body = match self.is_without_body(method, status, &range, &mut headers) {
            true => Body::from_bytes(Bytes::new(), None),
            false => self.body(range, quota, memory),
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }

    /// Applies `Range`: the status, and the bytes to send.
    fn apply_range(&self, request: &HeaderMap, tag: &HeaderValue, headers: &mut HeaderMap) -> (StatusCode, Range<u64>) {
        let len = self.len();
        let date = headers.get(header::LAST_MODIFIED);
        let applies = request.get(header::IF_RANGE).is_none_or(|only| only == tag || Some(only) == date);
        let header = request.get(header::RANGE).filter(|_| applies).and_then(|range| range.to_str().ok());
        let (status, range, content_range) =
            match header.map_or(RequestedRange::Whole, |header| range::parse(header, len)) {
                RequestedRange::Whole => return (self.status, 0..len),
                RequestedRange::Part(range) => {
                    let content_range = format!("bytes {}-{}/{len}", range.start, range.end.saturating_sub(1));
                    (StatusCode::PARTIAL_CONTENT, range, content_range)
                }
                RequestedRange::Unsatisfiable => (StatusCode::RANGE_NOT_SATISFIABLE, 0..0, format!("bytes */{len}")),
            };
        if let Ok(content_range) = HeaderValue::try_from(content_range) {
            headers.insert(header::CONTENT_RANGE, content_range);
        }
        (status, range)
    }

    /// Whether only the header section is sent; for HEAD, sets `Content-Length` to the length that the body would have.
    fn is_without_body(
        &self,
        method: &Method,
        status: StatusCode,
        range: &Range<u64>,
        headers: &mut HeaderMap,
    ) -> bool {
        if method == Method::HEAD && status != StatusCode::NOT_MODIFIED {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
        }
        method == Method::HEAD || status == StatusCode::NOT_MODIFIED
    }

    fn body(&self, range: Range<u64>, quota: &Arc<ClientQuota>, memory: Option<PoolPermit>) -> Body {
        match &self.payload {
            Payload::File(file) => Body::from_file(FileBody::new(file.clone(), range, Arc::clone(quota))),
            Payload::DataTile(place) => {
                Body::from_file(FileBody::new(FileSource::DataTile(place.open()), range, Arc::clone(quota)))
            }
            Payload::Bytes(bytes) => {
                let start = usize::try_from(range.start).unwrap_or(bytes.len()).min(bytes.len());
                let end = usize::try_from(range.end).unwrap_or(bytes.len()).min(bytes.len());
                Body::from_bytes(bytes.slice(start..end.max(start)), memory)
            }
        }
    }

    /// Whether the client already has this content, by the entity tag or else by the date. The tags are compared weakly, so
    /// `W/` is ignored (RFC 9110 section 13.1.2).
    fn is_not_modified(&self, request: &HeaderMap, tag: &HeaderValue) -> bool {
        let text = |name| request.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or_default());
        if let Some(list) = text(header::IF_NONE_MATCH) {
            let mut tags = list.split(',').map(str::trim);
            return tags
                .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known).as_bytes() == tag.as_bytes());
        }
        let since = text(header::IF_MODIFIED_SINCE).and_then(|date| httpdate::parse_http_date(date).ok());
        // A date has whole seconds.
        let seconds = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |age| age.as_secs());
        // Equal dates, not later ones: an earlier date may be that of other bytes, which were served here under other settings.
        self.last_modified.zip(since).is_some_and(|(last_modified, since)| seconds(last_modified) == seconds(since))
    }
}

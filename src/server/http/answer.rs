//! An answer before it is one response: what it says and how it may be kept, to which the conditions of a request are then
//! applied (`If-None-Match`, `Range`, HEAD; RFC 9110 sections 13 and 14).

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Response, StatusCode};
use sha2::{Digest as _, Sha256};

use super::body::Body;
use super::file_body::Stream;
use super::gzip;
use super::range::{self, Asked};
use crate::server::conn::file_source::Source;
use crate::server::conn::pool::{Client, Share};

/// For text, as sum.golang.org writes it.
pub(crate) const TEXT: &str = "text/plain; charset=UTF-8";
/// For text that the go command is to show its user, and that of modules.
pub(crate) const PLAIN: &str = "text/plain; charset=utf-8";
/// For hashes and slices of files.
pub(crate) const BINARY: &str = "application/octet-stream";

/// A tile never changes, whatever becomes of the tree.
pub(crate) const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Right for a while: the signed head in it is not the newest for ever.
pub(crate) const A_MINUTE: &str = "public, max-age=60";
/// May be kept, and must be asked about each time.
pub(crate) const ASK_AGAIN: &str = "no-cache";
/// Faults pass.
pub(crate) const NEVER: &str = "no-store";

/// What is to be sent.
#[derive(Debug, Clone)]
pub(crate) enum Payload {
    Bytes(Bytes),
    File(Source),
}

/// How an answer may be kept by whoever gets it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cache {
    /// as `Cache-Control` says it
    As(&'static str),
    /// until then
    Until(Instant),
}

/// Whom a cache may give an answer to (RFC 9111 section 5.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// everybody
    Anybody,
    /// the client that asked: a private module
    Client,
}

impl Cache {
    fn header(self, audience: Audience) -> HeaderValue {
        let directives = match self {
            Cache::As(directives) if audience == Audience::Anybody => return HeaderValue::from_static(directives),
            Cache::As(directives) => directives.to_owned(),
            Cache::Until(end) => {
                let left = end.saturating_duration_since(Instant::now()).as_secs();
                format!("public, max-age={left}")
            }
        };
        let directives = match (audience, directives.strip_prefix("public")) {
            (Audience::Client, Some(rest)) => format!("private{rest}"),
            _ => directives,
        };
        HeaderValue::try_from(directives).unwrap_or_else(|_| HeaderValue::from_static(NEVER))
    }
}

/// An answer; cheap to clone, so that it can be kept and given again.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) kind: &'static str,
    pub(crate) cache: Cache,
    pub(crate) audience: Audience,
    /// with its quotes; only answers with one take conditions and ranges
    pub(crate) etag: Option<HeaderValue>,
    /// when it came to be what it is
    pub(crate) modified: Option<SystemTime>,
    /// whether it differs by `Accept-Encoding`
    pub(crate) varies: bool,
    /// whether the bytes are in gzip
    pub(crate) packed: bool,
    pub(crate) extra: Option<(HeaderName, HeaderValue)>,
    pub(crate) payload: Payload,
}

impl Answer {
    /// A good answer of these bytes.
    pub(crate) fn new(kind: &'static str, cache: &'static str, bytes: Bytes) -> Answer {
        Answer {
            status: StatusCode::OK,
            kind,
            cache: Cache::As(cache),
            audience: Audience::Anybody,
            etag: None,
            modified: None,
            varies: false,
            packed: false,
            extra: None,
            payload: Payload::Bytes(bytes),
        }
    }

    /// The same with an entity tag made of `name`, which names these bytes and no others.
    pub(crate) fn named(mut self, name: &str) -> Answer {
        self.etag = HeaderValue::try_from(format!("\"{name}\"")).ok();
        self
    }

    /// The same with an entity tag made of its bytes.
    pub(crate) fn hashed(self) -> Answer {
        let Payload::Bytes(bytes) = &self.payload else { return self };
        let mut name = String::new();
        for byte in Sha256::digest(bytes).iter().take(16) {
            let _ = write!(name, "{byte:02x}"); // a String takes everything
        }
        self.named(&name)
    }

    /// The same in gzip, if the client takes it (`packs`) and it pays.
    pub(crate) fn packed(mut self, packs: bool) -> Answer {
        let Payload::Bytes(bytes) = &self.payload else { return self };
        self.varies = bytes.len() >= gzip::MIN_BYTES;
        let Some(packed) = packs.then(|| gzip::pack(bytes)).flatten() else { return self };
        self.payload = Payload::Bytes(packed);
        self.packed = true;
        // Other bytes, another tag.
        let tag = self.etag.as_ref().and_then(|tag| tag.to_str().ok()?.strip_suffix('"'));
        self.etag = tag.and_then(|tag| HeaderValue::try_from(format!("{tag}-gzip\"")).ok());
        self
    }

    /// How many bytes it has, conditions aside.
    pub(crate) fn len(&self) -> u64 {
        match &self.payload {
            Payload::Bytes(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Payload::File(file) => file.len(),
        }
    }

    /// The response to this request of `client`; `held` is the memory that its bytes take, where that is accounted for.
    pub(crate) fn respond(
        self,
        method: &Method,
        request: &HeaderMap,
        client: &Arc<Client>,
        held: Option<Share>,
    ) -> Response<Body> {
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        headers.insert(header::CACHE_CONTROL, self.cache.header(self.audience));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if self.varies {
            headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        }
        if self.packed {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if let Some((name, value)) = &self.extra {
            headers.insert(name, value.clone());
        }
        let (mut status, mut range) = (self.status, 0..self.len());
        if let Some(tag) = &self.etag {
            headers.insert(header::ETAG, tag.clone());
            headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
            if let Some(modified) = self.modified
                && let Ok(date) = HeaderValue::try_from(httpdate::fmt_http_date(modified))
            {
                headers.insert(header::LAST_MODIFIED, date);
            }
            if self.is_held(request, tag) {
                status = StatusCode::NOT_MODIFIED;
            } else if method == Method::GET {
                (status, range) = self.ranged(request, tag, &mut headers);
            }
        }
        // The body of a 304, and of an answer to HEAD, has no bytes.
        let body = match self.length_alone(method, status, &range, &mut headers) {
            true => Body::of_bytes(Bytes::new(), None),
            false => self.body(range, client, held),
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }

    /// Applies `Range`.
    fn ranged(&self, request: &HeaderMap, tag: &HeaderValue, headers: &mut HeaderMap) -> (StatusCode, Range<u64>) {
        let len = self.len();
        let date = headers.get(header::LAST_MODIFIED);
        let applies = request.get(header::IF_RANGE).is_none_or(|only| only == tag || Some(only) == date);
        let asked = request.get(header::RANGE).filter(|_| applies).and_then(|range| range.to_str().ok());
        let (status, range, said) = match asked.map_or(Asked::Whole, |asked| range::read(asked, len)) {
            Asked::Whole => return (self.status, 0..len),
            Asked::Part(range) => {
                let said = format!("bytes {}-{}/{len}", range.start, range.end.saturating_sub(1));
                (StatusCode::PARTIAL_CONTENT, range, said)
            }
            Asked::Beyond => (StatusCode::RANGE_NOT_SATISFIABLE, 0..0, format!("bytes */{len}")),
        };
        if let Ok(said) = HeaderValue::try_from(said) {
            headers.insert(header::CONTENT_RANGE, said);
        }
        (status, range)
    }

    /// Whether only the headers are to be sent; then they say how long the body would be.
    fn length_alone(&self, method: &Method, status: StatusCode, range: &Range<u64>, headers: &mut HeaderMap) -> bool {
        if method == Method::HEAD && status != StatusCode::NOT_MODIFIED {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
        }
        method == Method::HEAD || status == StatusCode::NOT_MODIFIED
    }

    fn body(self, range: Range<u64>, client: &Arc<Client>, held: Option<Share>) -> Body {
        match self.payload {
            Payload::File(file) => Body::of_file(Stream::new(file, range, Arc::clone(client))),
            Payload::Bytes(bytes) => {
                let start = usize::try_from(range.start).unwrap_or(bytes.len()).min(bytes.len());
                let end = usize::try_from(range.end).unwrap_or(bytes.len()).min(bytes.len());
                Body::of_bytes(bytes.slice(start..end.max(start)), held)
            }
        }
    }

    /// Whether the client says that it holds this: by the tag, or else by the date. `W/` is looked past, as the standard wants
    /// it here.
    fn is_held(&self, request: &HeaderMap, tag: &HeaderValue) -> bool {
        let text = |name| request.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or_default());
        if let Some(held) = text(header::IF_NONE_MATCH) {
            let mut tags = held.split(',').map(str::trim);
            return tags
                .any(|held| held == "*" || held.strip_prefix("W/").unwrap_or(held).as_bytes() == tag.as_bytes());
        }
        let since = text(header::IF_MODIFIED_SINCE).and_then(|date| httpdate::parse_http_date(date).ok());
        // A date has whole seconds.
        let seconds = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |age| age.as_secs());
        // The same date and not an earlier one: it may be that of other bytes, which were given here under other settings.
        self.modified.zip(since).is_some_and(|(modified, since)| seconds(modified) == seconds(since))
    }
}

//! An answer before it is sent: the true one, whole or a part of it.

use std::ops::Range;

use gosumcheck::sumdb::hash::sha256;
use hyper::body::Bytes;

use super::corpus::Corpus;
use super::gate::Gate;
use super::requests::Request;

/// A body.
#[derive(Clone)]
pub(super) enum Body {
    Bytes(Bytes),
    /// this many bytes that are made while they are sent
    Made(u64),
}

impl Body {
    pub(super) fn len(&self) -> u64 {
        match self {
            Body::Bytes(bytes) => bytes.len() as u64,
            Body::Made(len) => *len,
        }
    }

    /// `at..` of it, no more than `most` bytes.
    pub(super) fn piece(&self, at: u64, most: u64) -> Bytes {
        let end = self.len().min(at.saturating_add(most));
        match self {
            Body::Bytes(bytes) => bytes.slice(at as usize..end as usize),
            Body::Made(_) => vec![0x5a; (end - at) as usize].into(),
        }
    }
}

/// Where the body ends, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Whole,
    Cut(u64),
    Hang(u64),
    Reset(u64),
}

/// The answer to one request.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Body,
    pub(super) end: End,
    /// whether a Content-Length is sent
    pub(super) length: bool,
    /// whether a head is sent at all
    pub(super) head: bool,
    /// whether `Range` is obeyed
    pub(super) ranges: bool,
    /// how many bytes late the answer to a `Range` begins
    pub(super) late: usize,
    pub(super) hold: Option<Gate>,
    pub(super) drip: Option<Gate>,
}

impl Answer {
    pub(super) fn of(status: u16, kind: &str, body: Bytes) -> Answer {
        Answer {
            status,
            headers: vec![("Content-Type".to_owned(), kind.to_owned())],
            body: Body::Bytes(body),
            end: End::Whole,
            length: true,
            head: true,
            ranges: true,
            late: 0,
            hold: None,
            drip: None,
        }
    }

    pub(super) fn text(status: u16, text: impl Into<Bytes>) -> Answer {
        Answer::of(status, "text/plain; charset=utf-8", text.into())
    }

    /// What an honest mirror says.
    pub(super) fn honest(corpus: &Corpus, request: &Request) -> Answer {
        if !["GET", "HEAD"].contains(&request.method.as_str()) {
            return Answer::text(405, "only GET and HEAD\n");
        }
        let Some(body) = corpus.file(&request.path) else {
            return Answer::text(404, format!("not found: {}\n", request.path));
        };
        let kind = match request.path.rsplit_once('.').map(|(_, end)| end) {
            Some("zip") => "application/zip",
            Some("info") => "application/json",
            _ if request.path.ends_with("/@latest") => "application/json",
            _ => "text/plain; charset=utf-8",
        };
        Answer::of(200, kind, body)
    }

    /// Another value for a header, or one more.
    pub(super) fn header(&mut self, name: &str, value: impl Into<String>) {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.into()));
    }

    /// Gives what is whole an ETag, and of that the part that is asked for.
    pub(super) fn cut_to(&mut self, request: &Request) {
        let Body::Bytes(bytes) = &self.body else { return };
        let bytes = bytes.clone();
        if self.status != 200 {
            return;
        }
        if !self.headers.iter().any(|(name, _)| name == "ETag") {
            self.header("ETag", format!("\"{}\"", hex::encode(&sha256(&bytes).0[..8])));
        }
        if !self.ranges {
            return;
        }
        self.header("Accept-Ranges", "bytes");
        let etag = self.headers.iter().find(|(name, _)| name == "ETag").map(|(_, etag)| etag.as_str());
        let fresh = request.header("if-range").is_none_or(|asked| Some(asked) == etag);
        let Some(range) = request.header("range").filter(|_| fresh) else { return };
        let len = bytes.len();
        match part(range, len) {
            Some(range) if range.is_empty() => {
                self.status = 416;
                self.header("Content-Range", format!("bytes */{len}"));
                self.body = Body::Bytes(Bytes::new());
            }
            Some(range) => {
                self.status = 206;
                self.header("Content-Range", format!("bytes {}-{}/{len}", range.start, range.end - 1));
                let late = (range.start + self.late).min(range.end);
                let padding = Bytes::from(vec![0; late - range.start]);
                let body = [bytes.slice(late..range.end), padding].concat();
                self.body = Body::Bytes(if self.late == 0 { bytes.slice(range) } else { body.into() });
            }
            None => {}
        }
    }
}

/// The bytes of `len` that `bytes=FIRST-` or `bytes=FIRST-LAST` asks for: an empty part where there are none.
fn part(range: &str, len: usize) -> Option<Range<usize>> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let first: usize = first.parse().ok()?;
    let end = if last.is_empty() { len } else { last.parse::<usize>().ok()?.saturating_add(1).min(len) };
    Some(if first < end { first..end } else { 0..0 })
}

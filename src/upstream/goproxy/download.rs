//! A file of any size from one server, streamed into a sink that keeps what has arrived: a retry resumes where the last try broke
//! off. A part that is not the requested one, or is of another file, is never appended.

use std::time::Instant;

use backon::BackoffBuilder as _;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_RANGE, ETAG, HeaderMap, HeaderValue, IF_RANGE, RANGE};
use reqwest::{Response, StatusCode};

use super::pace::Pace;
use super::unpack::Unpacking;
use super::wire::{Sent, Sink, disk};
use crate::sumdb::number::wide;
use crate::upstream::base::Site;
use crate::upstream::http::agent::Http;
use crate::upstream::http::coding;
use crate::upstream::http::counts::Counters;
use crate::upstream::http::endpoint::Endpoint;
use crate::upstream::http::failure::FailureKind;
use crate::upstream::http::lanes::Lane;
use crate::upstream::http::origin::Origin;
use crate::upstream::http::reply;
use crate::upstream::http::retry::{Failed, backoff};

/// After a try that transferred this many bytes, tries are counted from 1 again.
const PROGRESS: u64 = 1 << 20;

/// What is downloaded, from where, and how long it may be.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) http: &'a Http,
    pub(super) site: &'a Site,
    pub(super) path: &'a str,
    /// the longest file, in bytes
    pub(super) limit: u64,
    pub(super) counters: &'a Counters,
}

/// A download under way.
struct Download<'a> {
    wanted: Wanted<'a>,
    sink: &'a mut dyn Sink,
    /// the strong validator of the file that the bytes so far are of (RFC 9110 section 8.8.3)
    etag: Option<HeaderValue>,
    /// its length, where the server gave it
    total: Option<u64>,
    /// bytes that the sink had before, and that are kept
    kept: u64,
}

impl Endpoint {
    /// Downloads a file, with as many tries as it takes while they make progress.
    pub(super) async fn download(&self, wanted: Wanted<'_>, sink: &mut dyn Sink) -> Result<Sent, Failed> {
        self.unless_open()?;
        let total = wanted.http.settings().file_total;
        let kept = sink.len();
        let mut download = Download { wanted, sink, etag: None, total: None, kept };
        let late = |_| {
            let why = format!("timed out: not finished within {total:?}");
            Err(Failed::passing(FailureKind::Timeout, why))
        };
        let ended = tokio::time::timeout(total, self.tries(&mut download)).await.unwrap_or_else(late);
        ended.map_err(|failed| if failed.kind == FailureKind::Disk { failed } else { self.gave_up(failed) })
    }

    async fn tries(&self, download: &mut Download<'_>) -> Result<Sent, Failed> {
        let Wanted { http, path, counters, .. } = download.wanted;
        let settings = http.settings();
        let (mut tries, mut pauses) = (0, backoff(settings).build());
        loop {
            let before = download.sink.len();
            let failed = match self.turn(counters, path, |lane| download.once(lane)).await {
                Ok(ended) => return Ok(ended),
                Err(failed) => failed,
            };
            tries += 1;
            if download.sink.len() >= before.saturating_add(PROGRESS) {
                (tries, pauses) = (1, backoff(settings).build());
            }
            let planned = if failed.transient { pauses.next() } else { None };
            match failed.pause(planned, settings.longest_wait) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(failed.after(tries, settings.longest_wait)),
            }
            counters.retried();
        }
    }
}

impl Download<'_> {
    /// One try: the missing part, or the whole file from the start where the download cannot be resumed.
    async fn once(&mut self, lane: Lane) -> Result<Sent, Failed> {
        loop {
            let from = self.sink.len();
            let Wanted { http, site, path, .. } = self.wanted;
            let opened = http.open(site, path, &self.headers(from), &lane).await?;
            let (origin, detour) = (Origin::of(&opened.last, opened.response.headers()), opened.detour());
            let mut response = opened.response;
            match self.part_of(&response, from) {
                Part::Rest => {}
                Part::Whole => self.begin_anew()?,
                Part::Nothing => {
                    reply::discard(response).await;
                    return Ok(Sent::Whole(Origin { kept: self.kept, ..origin }));
                }
                // An empty sink requests no range, so this happens at most once.
                Part::Other => {
                    reply::discard(response).await;
                    self.begin_anew()?;
                    continue;
                }
                Part::None => {
                    return reply::no(response).await.map(Sent::Missing).map_err(|failed| detour.name_place(failed));
                }
            }
            let came = if coding::is_gzip(response.headers()) {
                self.unpack(&mut response).await
            } else {
                self.note(&response);
                self.stream(&mut response).await
            };
            came.map_err(|failed| detour.name_place(failed))?;
            return Ok(Sent::Whole(Origin { kept: self.kept, ..origin }));
        }
    }

    /// Requests uncompressed bytes, and only the missing ones of a file that has begun.
    fn headers(&self, from: u64) -> HeaderMap {
        let mut headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static("identity"))]);
        if let Some(range) = HeaderValue::try_from(format!("bytes={from}-")).ok().filter(|_| from > 0) {
            headers.insert(RANGE, range);
            headers.extend(self.etag.clone().map(|etag| (IF_RANGE, etag)));
        }
        headers
    }

    /// What a response gives to a file of which there are `from` bytes.
    fn part_of(&self, response: &Response, from: u64) -> Part {
        let range = response.headers().get(CONTENT_RANGE).and_then(|value| Range::parse(value.to_str().ok()?));
        match (response.status(), range) {
            (StatusCode::OK, _) => Part::Whole,
            (StatusCode::PARTIAL_CONTENT, Some(Range { first: Some(first), total })) if from > 0 => {
                // Its range and its name are those of the compressed bytes.
                if coding::is_gzip(response.headers()) {
                    return Part::Other;
                }
                let etag = strong(response.headers());
                let other_name = self.etag.is_some() && etag.is_some() && self.etag != etag;
                let other_length = self.total.is_some() && total.is_some() && self.total != total;
                if first == from && !other_name && !other_length { Part::Rest } else { Part::Other }
            }
            (StatusCode::RANGE_NOT_SATISFIABLE, Some(Range { first: None, total })) if total == Some(from) => {
                Part::Nothing
            }
            (StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE, _) if from > 0 => Part::Other,
            _ => Part::None,
        }
    }

    /// Remembers which file this is, so that no part of another one is appended.
    fn note(&mut self, response: &Response) {
        let range = response.headers().get(CONTENT_RANGE).and_then(|value| Range::parse(value.to_str().ok()?));
        let length = response.content_length().map(|length| self.sink.len().saturating_add(length));
        self.total = range.and_then(|range| range.total).or(length).or(self.total);
        self.etag = strong(response.headers()).or(self.etag.take());
    }

    fn begin_anew(&mut self) -> Result<(), Failed> {
        (self.etag, self.total, self.kept) = (None, None, 0);
        if self.sink.is_empty() { Ok(()) } else { self.sink.restart().map_err(|error| disk(&error)) }
    }

    async fn stream(&mut self, response: &mut Response) -> Result<(), Failed> {
        let Wanted { http, limit, counters, .. } = self.wanted;
        let too_long = || Failed::lasting(FailureKind::TooLong, format!("the file is longer than {limit} bytes"));
        if self.total.is_some_and(|total| total > limit) {
            return Err(too_long());
        }
        let (before, sink) = (self.sink.len(), &mut *self.sink);
        receive(response, http, counters, before, |chunk| {
            if wide(chunk.len()) > limit.saturating_sub(sink.len()) {
                return Err(too_long());
            }
            sink.append(chunk).map_err(|error| disk(&error))
        })
        .await?;
        match self.total {
            Some(total) if self.sink.len() < total => {
                Err(Failed::broken(format!("the answer ended after {} of {total} bytes", self.sink.len())))
            }
            Some(total) if self.sink.len() > total => {
                self.begin_anew()?;
                Err(Failed::broken(format!("the answer is longer than the {total} bytes that its headers announced")))
            }
            _ => Ok(()),
        }
    }
}

impl Download<'_> {
    /// A whole file that is sent compressed, though it was asked for as it is. No later try can go on with what came of it.
    async fn unpack(&mut self, response: &mut Response) -> Result<(), Failed> {
        let came = self.unpack_all(response).await;
        if came.is_err() {
            self.begin_anew()?;
        }
        came
    }

    async fn unpack_all(&mut self, response: &mut Response) -> Result<(), Failed> {
        let Wanted { http, limit, counters, .. } = self.wanted;
        let mut unpacking = Unpacking::new(&mut *self.sink, limit);
        receive(response, http, counters, 0, |chunk| unpacking.push(chunk)).await?;
        unpacking.finish()
    }
}

/// Receives a body chunk by chunk, no slower than `http` allows; `before` bytes of the file came earlier.
async fn receive(
    response: &mut Response,
    http: &Http,
    counters: &Counters,
    before: u64,
    mut take: impl FnMut(&[u8]) -> Result<(), Failed> + Send,
) -> Result<(), Failed> {
    let (mut pace, mut received) = (Pace::default(), before);
    loop {
        let began = Instant::now();
        let chunk = response.chunk().await;
        let waited = began.elapsed();
        match chunk {
            Ok(Some(chunk)) => {
                let length = wide(chunk.len());
                received = received.saturating_add(length);
                take(&chunk)?;
                counters.received(chunk.len());
                pace.check(length, waited, http.settings())?;
            }
            Ok(None) => return Ok(()),
            Err(error) => return Err(reply::broke_off(&error, received, http.settings())),
        }
    }
}

/// What a response is to a file that has begun.
enum Part {
    /// the missing part
    Rest,
    /// the whole file
    Whole,
    /// nothing is missing
    Nothing,
    /// a part that cannot be appended
    Other,
    /// not a file
    None,
}

/// `Content-Range` (RFC 9110 section 14.4): `bytes FIRST-LAST/TOTAL`, `bytes */TOTAL`, a total of `*` being unknown.
#[derive(Debug, PartialEq, Eq)]
struct Range {
    first: Option<u64>,
    total: Option<u64>,
}

impl Range {
    fn parse(text: &str) -> Option<Range> {
        let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
        let total = if total == "*" { None } else { Some(total.parse().ok()?) };
        let first = if range == "*" { None } else { Some(range.split_once('-')?.0.parse().ok()?) };
        Some(Range { first, total })
    }
}

fn strong(headers: &HeaderMap) -> Option<HeaderValue> {
    headers.get(ETAG).filter(|etag| etag.as_bytes().starts_with(b"\"")).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_told_as_the_rfc_says() {
        let range = |first, total| Some(Range { first, total });
        for (text, expected) in [
            ("bytes 5-9/10", range(Some(5), Some(10))),
            ("bytes 5-9/*", range(Some(5), None)),
            ("bytes */10", range(None, Some(10))),
            ("bytes 5-9", None),
            ("bytes x-9/10", None),
            ("bytes 5/10", None),
            ("lines 5-9/10", None),
            ("", None),
        ] {
            assert_eq!(Range::parse(text), expected, "{text}");
        }
    }
}

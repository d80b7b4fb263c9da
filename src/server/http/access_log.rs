//! The access log, one line for each request: the client, the request, the status, the time taken, which upstream was asked and for how
//! long, what is known of the content, and the request ID.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::header::{HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, StatusCode, Version};

use super::route::RouteName;
pub use crate::config::settings::AccessLog;
use crate::report::printable;
use crate::sumdb::number::micros;
use crate::upstream::Asked;

/// The header with the ID of a request, in requests and responses.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest ID that the server adopts from a client.
const MAX_ID_BYTES: usize = 64;

impl AccessLog {
    /// Whether a request with this status is logged.
    pub(crate) fn wants(self, status: StatusCode) -> bool {
        match self {
            AccessLog::Off => false,
            AccessLog::Errors => status.as_u16() >= 400 && status != StatusCode::NOT_FOUND,
            AccessLog::All => true,
        }
    }
}

/// One line of the access log.
pub(crate) struct AccessLogEntry<'a> {
    pub(crate) peer: SocketAddr,
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) version: Version,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) route: RouteName,
    pub(crate) status: StatusCode,
    pub(crate) bytes: u64,
    pub(crate) elapsed: Duration,
    /// `hot` (from memory, as it was sent before), `hit` (nobody was asked) or `miss`
    pub(crate) cache: &'static str,
    /// which upstreams were asked
    pub(crate) asked: &'a Asked,
    /// as [`super::answer::Answer::verdict`]
    pub(crate) verdict: &'static str,
}

impl AccessLogEntry<'_> {
    /// Writes the line about the request with this ID.
    pub(crate) fn write(&self, id: &HeaderValue) {
        let agent = self.headers.get(USER_AGENT).map_or_else(String::new, |agent| shown(agent.as_bytes()));
        tracing::info!(
            target: "access",
            id = id.to_str().unwrap_or_default(),
            peer = %self.peer,
            method = %printable(self.method.as_str()),
            path = %printable(self.path),
            version = ?self.version,
            route = self.route.as_str(),
            status = self.status.as_u16(),
            bytes = self.bytes,
            micros = micros(self.elapsed),
            cache = self.cache,
            verdict = self.verdict,
            upstream = self.asked.upstream.as_deref().unwrap_or_default(),
            upstream_requests = self.asked.requests,
            upstream_micros = micros(self.asked.time),
            agent = %agent,
            "request"
        );
    }
}

fn shown(bytes: &[u8]) -> String {
    printable(&String::from_utf8_lossy(bytes))
}

/// Makes request IDs that differ between requests and between processes.
#[derive(Debug)]
pub(crate) struct RequestIds {
    /// differs between processes
    process: u64,
    /// the number of the next request
    next: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new() -> RequestIds {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let process = since.as_secs() << 24 ^ u64::from(since.subsec_nanos()) ^ u64::from(std::process::id()) << 40;
        RequestIds { process, next: AtomicU64::new(1) }
    }

    /// The client's ID if it is well-formed, else a new one.
    pub(crate) fn id_for(&self, headers: &HeaderMap) -> HeaderValue {
        let is_well_formed = |id: &&HeaderValue| {
            let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte);
            !id.is_empty() && id.len() <= MAX_ID_BYTES && id.as_bytes().iter().all(plain)
        };
        if let Some(id) = headers.get(REQUEST_ID).filter(is_well_formed) {
            return id.clone();
        }
        let id = format!("{:012x}-{:x}", self.process & 0xffff_ffff_ffff, self.next.fetch_add(1, Ordering::Relaxed));
        HeaderValue::try_from(id).unwrap_or_else(|_| HeaderValue::from_static("-"))
    }
}

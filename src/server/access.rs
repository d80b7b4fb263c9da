//! One line a request, for those who want it: who asked what, what came of it, how long it took, under which request id.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::header::{HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, StatusCode, Version};

use super::route::Class;
pub use crate::config::settings::AccessLog;
use crate::report::printable;

/// The header with a request's id, in and out.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id that is taken over from a client.
const MAX_ID_BYTES: usize = 64;

impl AccessLog {
    /// Whether a request that ended so is logged.
    pub(super) fn wants(self, status: StatusCode) -> bool {
        match self {
            AccessLog::Off => false,
            AccessLog::Errors => status.as_u16() >= 400 && status != StatusCode::NOT_FOUND,
            AccessLog::All => true,
        }
    }
}

/// What is told of a request.
pub(super) struct Line<'a> {
    pub(super) peer: SocketAddr,
    pub(super) method: &'a Method,
    pub(super) path: &'a str,
    pub(super) version: Version,
    pub(super) headers: &'a HeaderMap,
    pub(super) class: Class,
    pub(super) status: StatusCode,
    pub(super) bytes: u64,
    pub(super) took: Duration,
}

impl Line<'_> {
    /// Writes the line; gives the id that it carries.
    pub(super) fn write(&self, ids: &Ids) -> HeaderValue {
        let id = ids.of(self.headers);
        let agent = self.headers.get(USER_AGENT).map_or_else(String::new, |agent| shown(agent.as_bytes()));
        tracing::info!(
            target: "access",
            id = id.to_str().unwrap_or_default(),
            peer = %self.peer,
            method = %printable(self.method.as_str()),
            path = %printable(self.path),
            version = ?self.version,
            route = self.class.name(),
            status = self.status.as_u16(),
            bytes = self.bytes,
            micros = u64::try_from(self.took.as_micros()).unwrap_or(u64::MAX),
            agent = %agent,
            "request"
        );
        id
    }
}

fn shown(bytes: &[u8]) -> String {
    printable(&String::from_utf8_lossy(bytes))
}

/// Makes ids that differ between requests and between processes.
#[derive(Debug)]
pub(super) struct Ids {
    born: u64,
    next: AtomicU64,
}

impl Ids {
    pub(super) fn new() -> Ids {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let born = since.as_secs() << 24 ^ u64::from(since.subsec_nanos()) ^ u64::from(std::process::id()) << 40;
        Ids { born, next: AtomicU64::new(1) }
    }

    /// The client's id if it is a sane one, else a new one.
    fn of(&self, headers: &HeaderMap) -> HeaderValue {
        let is_sane = |id: &&HeaderValue| {
            let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte);
            !id.is_empty() && id.len() <= MAX_ID_BYTES && id.as_bytes().iter().all(plain)
        };
        if let Some(id) = headers.get(REQUEST_ID).filter(is_sane) {
            return id.clone();
        }
        let id = format!("{:012x}-{:x}", self.born & 0xffff_ffff_ffff, self.next.fetch_add(1, Ordering::Relaxed));
        HeaderValue::try_from(id).unwrap_or_else(|_| HeaderValue::from_static("-"))
    }
}

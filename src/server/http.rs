//! HTTP: what a request asks, and how an answer becomes a response.

pub(super) mod access_log;
pub(super) mod answer;
pub(super) mod body;
pub(super) mod cache_policy;
pub(super) mod file_body;
pub(super) mod gzip;
pub(super) mod host;
pub(super) mod path;
pub(super) mod query;
pub(super) mod range;
pub(super) mod refusal;
pub(super) mod response_cache;
pub(super) mod route;
pub(super) mod view_route;

//! One request to one upstream over HTTP, whatever it is about: the client, the rules for redirects and credentials, retries,
//! and what bounds the requests to one upstream. What an upstream's failure means is here too, for trees and commands as well.

pub(super) mod access;
pub(super) mod address_scope;
pub(super) mod agent;
pub(super) mod breaker;
mod clients;
pub(super) mod coding;
pub(super) mod counts;
pub(super) mod endpoint;
pub(super) mod failure;
pub(super) mod get_request;
pub(super) mod lanes;
pub(super) mod latency;
mod limit;
pub(super) mod netrc;
pub(super) mod origin;
pub(super) mod redirect;
pub(super) mod reply;
pub(super) mod retry;
pub(super) mod settings;
pub(super) mod source_errors;
mod tls;
mod window;

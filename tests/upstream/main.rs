//! Requests to servers that misbehave in every way that a server can. Loopback only.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod answers;
mod bases;
mod failures;
mod finding;
mod server;

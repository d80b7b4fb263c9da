//! Module proxies that misbehave in every way that a server can, trees, and the go command. Loopback only.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a panic is a failed test"
)]

#[path = "../common/mod.rs"]
mod common;

mod access;
mod breaking;
mod direct;
mod downloads;
#[cfg(unix)]
mod public;
mod resuming;
mod server;
mod small;
mod trees;
mod world;

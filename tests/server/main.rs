//! The server over real sockets: what it answers, how long it waits, how it stops, what it is told.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a panic is a failed test"
)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../../examples/fakelog/fake/mod.rs"]
mod fake;

mod client;
mod conditions;
mod config;
mod conformance;
mod crowd;
#[cfg(unix)]
mod direct;
mod export;
mod hostile;
mod modules;
mod modules_config;
mod modules_files;
mod modules_refused;
mod outside;
mod process;
mod raw;
mod script;
mod settings_table;
mod strangers;
mod tlog;
mod windows;
mod world;

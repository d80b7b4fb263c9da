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
#[path = "../proxy/kit/mod.rs"]
mod kit;

mod causes;
mod causes_world;
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
mod settings_table;
mod stock;
mod strangers;
mod tlog;
mod windows;
mod world;

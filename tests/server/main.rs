//! The server over real sockets: what it answers, how long it waits, how it stops, and how it is configured.

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
mod client_limits;
mod conditions;
mod config;
mod conformance;
mod connection_slots;
mod data_tiles;
#[cfg(unix)]
mod direct;
mod export;
mod flow_control;
mod gossip;
mod hostile;
mod modules;
mod modules_config;
mod modules_files;
mod modules_refused;
mod process;
mod raw_http2;
mod settings_table;
mod sources;
mod stock;
mod tlog;
mod upstreams;
mod world;

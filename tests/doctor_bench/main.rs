//! `gosumcheck doctor --bench` against proxies on loopback that are slow, stale, dishonest, dead, without relay, or about to lose their
//! certificate: how they are ranked, which one is recommended, and what is written and put back.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic is a failed test"
)]

#[path = "../cli/command.rs"]
mod command;
#[path = "../common/mod.rs"]
mod common;
#[path = "../../examples/fakelog/fake/mod.rs"]
mod fake;
#[path = "../proxy/kit/mod.rs"]
mod kit;

mod asked;
mod front;
mod ranking;
mod setting;
mod world;

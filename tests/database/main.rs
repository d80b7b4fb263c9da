//! The database end to end, over real HTTP on loopback and over file trees: what a hostile or broken source can do to it,
//! and what it asks for.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    unreachable_pub,
    reason = "a test program: a panic is a failed test, and nobody imports it"
)]

#[path = "../../examples/fakelog/fake/mod.rs"]
mod fake;

mod disk;
mod forged;
mod memo;
mod memory;
mod newest;
mod others;
mod pack;
mod pins;
mod remembered;
mod requests;
mod tampering;
mod timeline;
mod trees;
mod world;

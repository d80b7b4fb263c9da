//! `gosumcheck prefetch`, as a user runs it: what is named is there afterwards, proven, in a data folder or a server's. And
//! `gosumcheck run`, which brings ahead what a command is about to ask for.

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

mod folder;
mod named;
mod private_names;
mod run;
mod run_ends;
mod run_go;
mod server;
mod world;

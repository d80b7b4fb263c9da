//! `sync` end to end over real HTTP on loopback: what a hostile or broken source, a crash, a full disk or a kill can do to a
//! full copy of a log. Whatever happened, the files of the copy are those of an undisturbed sync, byte for byte.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    unreachable_pub,
    reason = "a test program: a panic is a failed test, and nobody imports it"
)]

#[path = "../../examples/fakelog/fake/mod.rs"]
mod fake;

mod bulk;
mod command;
mod crash;
mod flow;
mod gate;
mod hostile;
#[path = "../cli/command.rs"]
mod machine;
mod manners;
mod matrix;
mod mirror;
mod room;
mod timeline;
mod world;

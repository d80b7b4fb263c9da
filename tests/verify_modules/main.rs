//! `verify` of the module store: every file that is not what was proven is found and named, and nothing else is.

#![allow(clippy::as_conversions, clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is a failed test")]

mod beside;
mod busy;
#[path = "../cli/command.rs"]
mod command;
#[path = "../common/mod.rs"]
mod common;
mod damage;
#[path = "../../examples/fakelog/fake/mod.rs"]
mod fake;
#[path = "../verify/world.rs"]
mod log;
mod origin;
mod program;
mod proof;
mod real;
mod world;

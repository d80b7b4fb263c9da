//! What people ship, audited: programs that the go command built, vendor folders that it made, and SBOMs.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
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

mod history;
mod mutants;
mod programs;
mod real_sboms;
mod repository;
mod sboms;
mod toolchain_real;
mod unpacked;
mod vendor;
mod vendor_real;
mod world;

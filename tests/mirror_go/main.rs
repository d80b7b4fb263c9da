//! The go command and x/mod's client against `serve`, over a mirror that `sync` made of a log of real modules' hashes.
//!
//! | file | question |
//! |---|---|
//! | `served` | how are a mirror and its server made |
//! | `downloads` | does `go mod download` verify by the mirror, by every road to it, with older and newer memories |
//! | `auditors` | do other implementations' clients prove random records and whole tiles of it |
//!
//! Skipped where there is no go command, or where the modules cannot be had; GOSUMCHECK_REQUIRE_GO=1 makes that a failure.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "these are tests"
)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../../examples/fakelog/fake/mod.rs"]
mod fake;
#[path = "../interop/world.rs"]
#[allow(dead_code, reason = "the go command's world, of which these tests need less")]
mod world;

mod auditors;
mod downloads;
mod served;

//! The other implementation: Go's own command and x/mod's client and server, each against ours.
//!
//! | file | question |
//! |---|---|
//! | `world` | how are the go command and ours run, each test in a folder of its own |
//! | `ten` | do the go command and `audit` agree on a go.sum, on the log behind it, and on what the go command keeps of it |
//! | `xmod` | do x/mod's client and fakelog, and x/mod's server and our client, understand each other |
//! | `forks` | is one report of a lying log good for both |
//! | `h1` | are the hashes of real zips those that go writes to go.sum |
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

mod forks;
mod h1;
mod ten;
#[allow(dead_code, reason = "tests/mirror_go needs more of the go command's world")]
mod world;
mod xmod;

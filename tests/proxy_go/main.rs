//! The go command, a real project of 146 modules, and the module proxy between them.
//!
//! | file | question |
//! |---|---|
//! | `real` | how are the real modules had, and the log that proves them |
//! | `served` | how is the proxy run |
//! | `builds` | does the go command build by way of the proxy, cold and with nobody upstream |
//! | `bundle` | does the go command build from an exported bundle where no network is |
//! | `differential` | does the go command do the same with a list of upstreams and through the proxy in front of it |
//! | `untagged` | does the go command find versions without a tag through the proxy where it finds them without it
//! | `gomod` | do we read the requirements of the real go.mod files as the go command does |
//! | `tree` | are they whole, and does the go command build from them alone |
//!
//! Skipped where there is no go command, or where the modules cannot be had; GOSUMCHECK_REQUIRE_GO=1 makes that a failure.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "these are tests"
)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../../examples/fakelog/fake/mod.rs"]
mod fake;
#[path = "../proxy/kit/mod.rs"]
mod kit;
#[allow(dead_code, reason = "the tests of the proxy need all of it")]
mod real;

mod builds;
mod bundle;
mod differential;
mod gomod;
mod served;
mod tree;
mod untagged;

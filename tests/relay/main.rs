//! What a server answers about one database, over real HTTP on loopback to an upstream that may lie, fail or grow.
//!
//! | file | question |
//! |---|---|
//! | `world` | how is a relay made, and what is an answer that a go command would take |
//! | `on_demand` | is every answer proven, asked for once, and remembered as long as it may be |
//! | `heads` | no answer is older than an earlier one, also among concurrent clients |
//! | `hostile` | does a lie of the upstream ever come out again |
//! | `disk` | is what can be proven answered where nothing can be stored |
//! | `gossip` | is a head that somebody sends consistent, inconsistent, or kept until that can be told |
//! | `real_heads` | the same of all real heads of sum.golang.org |
//! | `routes` | do other places show the same log |
//! | `mirror` | does what the full log holds stay in the house |

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    unreachable_pub,
    reason = "a test program: a panic is a failed test, and nobody imports it"
)]

#[path = "../../examples/fakelog/fake/mod.rs"]
mod fake;

#[path = "../common/mod.rs"]
mod common;
mod cosign;
mod disk;
mod gossip;
mod heads;
mod hostile;
mod mirror;
mod on_demand;
mod real_heads;
mod rot;
mod routes;
mod world;

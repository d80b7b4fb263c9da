//! The policy change matrix: a data folder that a server filled under one policy is served under another one. Nothing may be
//! answered that the new policy would not give to a client of an empty folder.
//!
//! | file | question |
//! |---|---|
//! | `world` | how is a server opened under a policy, and what are the modules, databases and mirrors that policies name |
//! | `columns` | what is asked of a server, one column a kind of answer |
//! | `matrix` | how is one row run: every cell over its own copy of the filled folder, counted, judged |
//! | `routes` | rows: a module becomes private, or public |
//! | `databases` | rows: another database, another order of databases, another key of the same name |
//! | `settings` | rows: `on_mismatch`, the prefix, offline, the full log |
//! | `taken_over` | what becomes of folders that were filled before provenance was stored |

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a panic is a failed test"
)]

#[path = "../server/client.rs"]
#[allow(dead_code, reason = "tests/server needs more of it")]
mod client;
#[path = "../common/mod.rs"]
mod common;
#[path = "../../examples/fakelog/fake/mod.rs"]
mod fake;
#[path = "../proxy/kit/mod.rs"]
mod kit;

mod columns;
mod databases;
mod matrix;
mod routes;
mod settings;
mod taken_over;
mod world;

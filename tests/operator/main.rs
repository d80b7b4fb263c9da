//! What the operator of `gosumcheck serve` decides about modules, and what it shows of its work.
//!
//! | file | question |
//! |---|---|
//! | `explain` | what is said of a module version, and who is asked for it |
//! | `listing` | since when are modules proven here, and which are held |
//! | `logs` | what does a line of the log say of a request, and which ID does its refusal have |
//! | `metrics` | does Prometheus take the metrics, and are the numbers right |
//! | `reload` | what do a reload of rules, upstreams and private patterns change, and which requests are lost |
//! | `rules` | who is asked for a module under rules, what is answered, and what is said of a wrong file |
//! | `secrets` | is any secret of the settings in what the server shows |
//! | `traces` | which spans does a request have, and who gets its trace |
//! | `world` | how is a server started beside a mirror and a log |

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

mod explain;
mod listing;
mod logs;
mod metrics;
mod reload;
mod rules;
mod secrets;
mod traces;
mod world;

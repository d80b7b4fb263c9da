//! Access control with the built binary: credentials in headers in, status out; and the real go command as a client.
//!
//! | file | question |
//! |---|---|
//! | `world` | how is the server run, and who is there |
//! | `matrix` | each rule for each credential, route and spelling of a path |
//! | `settings` | what is said of wrong settings, and that no secret is shown |
//! | `changes` | what a running server makes of files that change |
//! | `issuers` | tokens of an OIDC issuer whose keys are fetched |
//! | `limits` | networks, rates, concurrency, failed logins |
//! | `listing` | who sees which modules in `/index` and `/catalog` |
//! | `go` | does go build with netrc, a URL, GOAUTH |

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    unreachable_pub,
    dead_code,
    reason = "a panic is a failed test"
)]

#[path = "../server/client.rs"]
mod client;
#[path = "../common/mod.rs"]
mod common;
#[path = "../../examples/fakelog/fake/mod.rs"]
mod fake;
#[path = "../proxy/kit/mod.rs"]
mod kit;

mod changes;
mod go;
mod issuers;
mod limits;
mod listing;
mod matrix;
mod settings;
mod world;

//! What people and programs are shown of a running server and its modules: the API with its document, the pages, badges, and a
//! vulnerability database; and that nothing in a module can run, break a page, or be seen by those who may not read it.
//!
//! | file | question |
//! |---|---|
//! | `world` | how is the server run, and what does it hold |
//! | `api` | is every route in the OpenAPI document, and every answer as it says |
//! | `proofs` | does what the API says of a record prove it, without this program's own code |
//! | `pages` | what do people see, and can a module's contents change that |
//! | `large` | many versions, many files, long lines |
//! | `access` | is anything shown to those who may not read it |
//! | `vulndb` | does govulncheck find with this server what it finds with a folder |

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
#[path = "../report/schema.rs"]
mod schema;

mod access;
mod api;
mod integrity;
mod large;
mod pages;
mod proofs;
mod vulndb;
mod world;

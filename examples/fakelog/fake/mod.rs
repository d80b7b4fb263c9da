//! A synthetic checksum database: the honest other side of every test, and on demand a dishonest one.
//!
//! It is a log of its own making, from key to tiles. Nothing here uses the library's Merkle code (only its SHA-256), so that
//! the two can disagree. A record is derived from its number and its number from its module version: fifty million records
//! cost the 32 bytes of their leaf hashes and no index.
//!
//! | file | question |
//! |---|---|
//! | `names` | which module version is record number n, and back |
//! | `records` | what is the text of record n, in the true history and in the forked one |
//! | `levels` | what are the hashes, roots and proofs over those records |
//! | `signing` | what does the log's signature look like |
//! | `route` | what does a request path ask for |
//! | `fault` | which answers are to be spoilt, and how |
//! | `forge` | what do the spoilt lookups and heads look like |
//! | `history` | what is the true answer to a path, in the one history or the other |
//! | `requests` | what was asked, in which order, in how many rounds |
//! | `answer` | the answer to one path, as the faults that strike it leave it |
//! | `sumdb` | the database as tests hold it: a path in, an answer out, no socket |
//! | `serve` | the same over HTTP |
//! | `control` | what changes it while it is served |
//! | `dump` | the same as a tree of files, for a static file server |
//! | `gosum` | go.sum files made of its records, and logs made of go.sum files |
//!
//! Tests include it with `#[path = "../examples/fakelog/fake/mod.rs"] mod fake;`.

#![allow(dead_code, unreachable_pub, unused_imports, reason = "each test that includes this uses another part of it")]
#![allow(
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test double: a panic here is a failed test, not an outage"
)]

mod answer;
mod control;
mod dump;
mod fault;
mod forge;
mod gosum;
mod history;
mod levels;
mod names;
mod records;
mod requests;
mod route;
mod serve;
mod signing;
mod sumdb;

pub use answer::{Answer, Delivery, Ending};
pub use dump::{Extra, dump};
pub use fault::Fault;
pub use gosum::{read_gosum, write_gosum};
pub use records::Given;
pub use requests::Request;
pub use route::escape;
pub use serve::Served;
pub use sumdb::{DEFAULT_NAME, FakeSumdb};

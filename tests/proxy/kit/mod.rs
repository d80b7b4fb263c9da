//! The other side of a module proxy: modules that are made, mirrors that serve them, honest or not, and the go command.
//!
//! | file | question |
//! |---|---|
//! | `spec` | what is a module of the corpus made of |
//! | `zips` | what are a zip's bytes, and the same with one thing changed |
//! | `hostile` | what do zips look like that no honest writer writes |
//! | `corpus` | what is the true answer to a path, and which log proves it |
//! | `fault` | which answers are spoilt, and how |
//! | `spoil` | what does a fault make of an answer |
//! | `answer` | what is answered, before it is sent |
//! | `wire` | how is an answer sent |
//! | `requests` | what was asked |
//! | `gate` | how does a test hold an answer back without a clock |
//! | `mirror` | the mirror as tests hold it |
//! | `site` | a corpus, its mirror and its log at once |
//! | `machine` | how is the go command run, each test in a folder of its own |
//!
//! Test programs include it with `#[path = "../proxy/kit/mod.rs"] mod kit;` beside `mod fake;` and `mod common;`.

#![allow(dead_code, unreachable_pub, unused_imports, reason = "each test program uses another part of it")]
#![allow(
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test double: a panic here is a failed test, not an outage"
)]

mod answer;
mod corpus;
#[path = "../../crafted/mod.rs"]
pub mod crafted;
mod fault;
mod gate;
mod hostile;
mod machine;
mod mirror;
mod requests;
mod site;
mod spec;
mod spoil;
mod wire;
mod zips;

pub use corpus::{Corpus, FILLERS, log_of};
pub use fault::{Fault, Tamper};
pub use gate::{Gate, until};
pub use hostile::{Bomb, bomb};
pub use machine::{Machine, expect, told};
pub use mirror::FakeMirror;
pub use requests::Request;
pub use site::Site;
pub use spec::{Spec, noise};
pub use zips::{Entry, read_zip, write_zip};

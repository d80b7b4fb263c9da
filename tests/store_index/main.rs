//! The index of a full log: what it finds, what it finds odd, and what becomes of it when something breaks.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions, reason = "a panic is a failed test")]

#[path = "../../examples/fakelog/fake/mod.rs"]
mod fake;

mod answers;
mod broken;
mod gathered;
mod interrupted;
mod odd;
mod world;

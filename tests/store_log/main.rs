//! The full log on disk: what is appended is served again, whatever crashed, was cut off or was lost on the way.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a panic is a failed test"
)]

#[path = "../../examples/fakelog/fake/mod.rs"]
mod fake;

mod conditions;
mod crash;
mod damage;
mod growth;
mod power;
#[path = "../common/power_disk.rs"]
mod power_disk;
mod slices;
mod world;

//! The proven module files on disk and the journal beside them: what goes in comes out, nothing half-written ever has a name, and
//! what strangers leave in the folder is neither served nor overlooked.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions)]

mod arrivals;
mod broken;
mod crash;
mod crash_policy;
mod deferred;
mod inventory;
mod journal;
mod pins;
mod power;
#[path = "../common/power_disk.rs"]
mod power_disk;
mod quarantine;
mod tree;
mod world;

//! The commands as their users meet them: exit codes, messages, settings, formats, proofs, and what is left on the disk
//! when something goes wrong. Every run is one of the built binary in a clean environment, against a log of our own.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is a failed test")]

mod codes;
mod command;
#[path = "../common/mod.rs"]
mod common;
mod deploy;
mod deploy_alerts;
mod doctor;
mod doctor_hostile;
mod doctor_undo;
mod env;
mod evidence;
mod exclude;
#[path = "../../examples/fakelog/fake/mod.rs"]
mod fake;
mod folder;
mod formats;
mod generate;
mod hostile;
mod hostile_size;
mod index;
mod lookup;
mod messages;
mod modcache;
mod paths;
mod planted;
mod proofs;
mod settings;
mod sources;
mod store;
mod verify;
mod witnesses;
mod world;

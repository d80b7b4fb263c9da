//! The nightly job: normal states give no finding; every damage of every file is found, told apart and repaired; each run leaves
//! its record.

#![allow(clippy::as_conversions, clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is a failed test")]

#[path = "../cli/command.rs"]
mod command;
#[path = "../common/mod.rs"]
mod common;
mod cosigned;
mod damage;
#[path = "../../examples/fakelog/fake/mod.rs"]
mod fake;
mod gossip;
mod heads;
mod kept;
mod killed;
#[path = "../verify/world.rs"]
mod log;
mod lying;
mod matrix;
mod mend;
mod notify;
mod passes;
mod record;
mod remembered;
mod repair;
mod resume;
mod states;
mod upstreams;
mod whole;
mod whole_states;
#[path = "../verify_modules/world.rs"]
#[allow(dead_code, reason = "each test program uses another part of it")]
mod world;

/// A user of the log's data folder.
fn machine(world: &log::World) -> command::Machine {
    let mut machine = command::Machine::new();
    machine.set("GOSUMDB", world.db.vkey()).set("GOSUMCHECK_DATA", world.root.path().to_str().unwrap());
    machine
}

//! A mirror made by `sync`, served by `serve`.

use std::process::Command;

use super::common::Serving;
use super::fake::FakeSumdb;
use super::world::{World, expect};

/// GOSUMDB for a log that is asked at `url`.
pub fn sumdb(log: &FakeSumdb, url: &str) -> String {
    format!("{} {url}", log.vkey())
}

/// Makes the data folder `data` of `world` hold all that `url` shows of `log`.
pub fn sync(world: &World, data: &str, log: &FakeSumdb, url: &str) {
    expect(0, &world.gosumcheck(data, &["sync", "--sumdb", &sumdb(log, url)]));
}

/// A server over the data folder `data` of `world`, with `upstream` to ask for what that lacks.
pub fn serve(world: &World, data: &str, log: &FakeSumdb, upstream: &str) -> Serving {
    serve_with(world, data, log, upstream, &[])
}

/// The same with more arguments.
pub fn serve_with(world: &World, data: &str, log: &FakeSumdb, upstream: &str, more: &[&str]) -> Serving {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gosumcheck"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--sumdb", &sumdb(log, upstream), "--private", "none"]);
    command.arg("--data").arg(world.path(data)).env("HOME", world.path("home")).env("GOENV", "off");
    Serving::start(command.args(more))
}

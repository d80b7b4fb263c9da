//! `gosumcheck serve` as a module proxy.

use std::path::Path;
use std::process::Command;

use crate::common::Serving;

/// Over the data folder `data`, with these settings.
pub fn serve(data: &Path, settings: &[&str]) -> Serving {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gosumcheck"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--access-log", "off", "--private", "none"]).args(settings);
    command.arg("--data").arg(data).env("HOME", data).env("GOENV", "off").env_remove("GOSUMCHECK_CONFIG");
    Serving::start(&mut command)
}

//! The gosumcheck command.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    gosumcheck::cli::run(gosumcheck::cli::Cli::parse())
}

//! The gosumcheck command.

use std::process::ExitCode;

use clap::Parser as _;

/// What a request brings is made in one thread and dropped in another; the system's allocator takes a tenth of a sync for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    gosumcheck::cli::run(gosumcheck::cli::Cli::parse())
}

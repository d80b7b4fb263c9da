//! The commands that bring modules into the data folder without being asked by go, and out of it to where no network is.

mod export;
mod import;
mod migrate;

use clap::Subcommand;

use super::prefetch;
use crate::fault::Fault;

/// Which of them.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(super) enum TransferCommand {
    /// Bring all modules of a build, proven, before go asks for them: into the data folder, or into a running server
    #[command(after_help = prefetch::EXIT_CODES)]
    Prefetch(Box<prefetch::PrefetchArgs>),
    /// Prove and take over what another program kept: a module cache, a goproxy, an Athens, or an exported bundle
    #[command(after_help = import::EXIT_CODES)]
    Import(Box<import::ImportArgs>),
    /// Write modules and their proofs to one file, from which a machine without a network imports them
    #[command(after_help = export::EXIT_CODES)]
    Export(Box<export::ExportArgs>),
    /// Print the settings of another module proxy as gosumcheck.toml: Athens, goproxy, goproxyio, Nexus or Artifactory
    #[command(after_help = migrate::EXIT_CODES)]
    Migrate(migrate::MigrateArgs),
}

/// Runs the command; gives the exit code.
pub(super) fn run(command: &TransferCommand) -> Result<u8, Fault> {
    match command {
        TransferCommand::Prefetch(args) => prefetch::run(args),
        TransferCommand::Import(args) => import::run(args),
        TransferCommand::Export(args) => export::run(args),
        TransferCommand::Migrate(args) => migrate::run(args),
    }
}

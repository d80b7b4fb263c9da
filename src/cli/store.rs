//! `gosumcheck store`: what the module store holds, why, and what goes. All of it works beside a running server, on the same files:
//! the process that removes a file holds the store's lock, and a server that is asked for a file that was removed fetches it again.

mod list;
mod removal;
mod stats;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::output::tell;
use super::serve;
use super::settings::{SettingArgs, Takes};
use crate::config::settings::{Setting, Settings, rows};
use crate::fault::Fault;
use crate::proxy::Evictor;
use crate::report::printable;
use crate::store::Folder;
use crate::sumdb::module::Patterns;

pub(super) const EXIT_CODES: &str = "\
It works beside a running server. How modules were used is written down by the server every 30 seconds.

Exit codes:
  0  done
  1  gc: more is left than the limit allows, and all of it has to stay; rm: something was not removed; unpin: a line was not there
  2  could not tell: wrong usage, or a failure of the network or the disk";

/// What to do with the store.
#[derive(Debug, Subcommand)]
pub(super) enum StoreCommand {
    /// List stored files, the first to be removed first: size, uses, and why a file stays
    #[command(after_help = EXIT_CODES)]
    Ls(list::ListArgs),
    /// Show how much is stored, how much of it may be removed, and how full the disk is
    #[command(after_help = EXIT_CODES)]
    Stats(stats::StatsArgs),
    /// Keep module versions, or all that match patterns, whatever room is needed
    #[command(after_help = EXIT_CODES)]
    Pin(KeepArgs),
    /// Let what was pinned be removed again
    #[command(after_help = EXIT_CODES)]
    Unpin(KeepArgs),
    /// Remove the zip and the go.mod of module versions
    #[command(after_help = EXIT_CODES)]
    Rm(removal::RemoveArgs),
    /// Remove what was used least until the store is within its limit; each file is asked for upstream before it goes
    #[command(after_help = EXIT_CODES)]
    Gc(removal::GcArgs),
}

/// The data folder and the settings of the server.
#[derive(Debug, Args)]
struct Place {
    /// Read settings from this file [env: GOSUMCHECK_CONFIG] [default: gosumcheck/gosumcheck.toml in the user's configuration
    /// folder, if it exists]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: SettingArgs<OfStore>,
}

/// The settings that say where the store is, what is in it, and how much that may be.
#[derive(Debug)]
struct OfStore;

impl Takes for OfStore {
    fn takes(setting: &Setting) -> bool {
        let taken = [
            rows::data.name,
            rows::private.name,
            rows::proxy.name,
            rows::store_max_size.name,
            rows::store_max_disk.name,
            rows::store_checks.name,
        ];
        taken.contains(&setting.name)
    }
}

#[derive(Debug, Args)]
pub(super) struct KeepArgs {
    /// Module versions, such as golang.org/x/text@v0.3.0, or patterns as in GOPRIVATE, such as golang.org/x/*
    #[arg(value_name = "WHAT", required = true)]
    what: Vec<String>,
    #[command(flatten)]
    place: Place,
}

impl Place {
    fn settings(&self) -> Result<Settings, Fault> {
        self.settings.read(self.config.as_deref())
    }
}

/// Runs the command; gives the exit code.
pub(super) fn run(command: &StoreCommand) -> Result<u8, Fault> {
    match command {
        StoreCommand::Ls(args) => list::run(args),
        StoreCommand::Stats(args) => stats::run(args),
        StoreCommand::Pin(args) => pin(args),
        StoreCommand::Unpin(args) => unpin(args),
        StoreCommand::Rm(args) => removal::remove(args),
        StoreCommand::Gc(args) => removal::collect(args),
    }
}

fn evictor(folder: &Folder, settings: &Settings) -> Evictor {
    Evictor::new(folder, Patterns::parse(&settings.private), serve::store_limits(settings).checks_per_hour)
}

fn pin(args: &KeepArgs) -> Result<u8, Fault> {
    let folder = Folder::open(&args.place.settings()?.data)?;
    folder.keep().add(&args.what)?;
    show(&folder)?;
    Ok(0)
}

fn unpin(args: &KeepArgs) -> Result<u8, Fault> {
    let folder = Folder::open(&args.place.settings()?.data)?;
    let missing = folder.keep().remove(&args.what)?;
    for what in &missing {
        super::output::say(&format!("{what}: was not pinned; `gosumcheck store stats` lists what is"));
    }
    show(&folder)?;
    Ok(u8::from(!missing.is_empty()))
}

/// What is pinned now.
fn show(folder: &Folder) -> Result<(), Fault> {
    let kept = folder.keep().read()?;
    tell(|out| kept.lines().try_for_each(|line| writeln!(out, "pinned: {}", printable(line))))
}

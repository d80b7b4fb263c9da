//! The options of `gosumcheck serve`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::settings::{All, SettingArgs};

/// All settings, and which file to read them from.
#[derive(Debug, Args)]
pub(in super::super) struct ServeArgs {
    /// Read settings from this file [env: GOSUMCHECK_CONFIG] [default: gosumcheck/gosumcheck.toml in the user's configuration
    /// folder, if it exists]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Print the settings in effect and where each comes from, then exit
    #[arg(long)]
    pub(super) check_config: bool,
    /// Have the server that runs over the data folder read its settings and certificates again, as SIGHUP does, and print what came of
    /// it
    #[arg(long, conflicts_with = "check_config")]
    pub(super) reload: bool,
    /// Ask the server that runs with these settings whether it is alive (/healthz), then exit: with 0 if it is. For the health check of a
    /// container; says nothing of what is well
    #[arg(long, conflicts_with_all = ["check_config", "reload"])]
    pub(super) check_health: bool,
    #[command(flatten)]
    pub(super) settings: SettingArgs<All>,
}

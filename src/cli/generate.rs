//! `gosumcheck generate`: man pages, shell completions and the reference page of the settings, all from the tables that the program's
//! own arguments come from. For those who package gosumcheck; `--help` does not show it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory as _, Subcommand};
use clap_complete::Shell;
use clap_mangen::Man;

use super::Cli;
use super::output::tell;
use crate::config::settings;
use crate::fault::Fault;
use crate::files;

/// The name of the program, as completions and man pages use it.
const PROGRAM: &str = "gosumcheck";

/// What to generate.
#[derive(Debug, Subcommand)]
pub(super) enum Generate {
    /// Write man pages to a folder: gosumcheck.1, and one for each command, such as gosumcheck-audit.1
    Man {
        /// Folder, which is created if it does not exist
        dir: PathBuf,
    },
    /// Print a completion script
    Completions {
        /// Shell that the script is for
        shell: Shell,
    },
    /// Print the reference page of all settings: docs/configuration.md
    Configuration,
}

/// Runs the command; gives the exit code.
pub(super) fn run(what: &Generate) -> Result<u8, Fault> {
    match what {
        Generate::Man { dir } => man(dir)?,
        Generate::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), PROGRAM, &mut script);
            tell(|out| out.write_all(&script))?;
        }
        Generate::Configuration => tell(|out| out.write_all(settings::page().as_bytes()))?,
    }
    Ok(0)
}

fn man(dir: &Path) -> Result<(), Fault> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let written = fs::create_dir_all(dir).and_then(|()| man_pages(&command, dir));
    written.map_err(|error| {
        let why = format!("cannot be written: {}; name a folder for the man pages", files::explain(&error));
        Fault::disk(dir.display().to_string(), why)
    })
}

/// The page of a command, and those of the commands below it that help shows.
fn man_pages(command: &Command, dir: &Path) -> io::Result<()> {
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        man_pages(below, dir)?;
    }
    // Else the footer would name the command alone, such as "serve 0.1.0".
    let source = concat!("gosumcheck ", env!("CARGO_PKG_VERSION"));
    Man::new(command.clone()).source(source).generate_to(dir).map(drop)
}

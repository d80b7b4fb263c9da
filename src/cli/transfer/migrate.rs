//! `gosumcheck migrate`: the settings of another program, said in `gosumcheck.toml`.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::super::output::{say, tell};
use crate::fault::Fault;
use crate::files;
use crate::migrate::{MAX_SETTINGS, OtherProgram, TheirSettings, migrate};
use crate::sumdb::number::wide;

pub(in super::super) const EXIT_CODES: &str = "\
The text goes to standard output; nothing else is changed, and nobody is asked. What has no counterpart stands at its end. \
`gosumcheck serve --check-config --config FILE` shows what it comes to, and `gosumcheck import` takes over what was stored.

Exit codes:
  0  done, also where something has no counterpart
  2  wrong usage, or a file that cannot be read or is not what was said";

#[derive(Debug, Args)]
pub(in super::super) struct MigrateArgs {
    /// Whose settings they are
    #[arg(long, value_name = "PROGRAM", value_parser = programs())]
    from: String,
    /// The settings: config.toml of Athens, or a file of variables; a unit file or a script that starts goproxy or goproxyio; what
    /// the REST interface of Nexus or Artifactory answers about its repositories. Without it, the environment alone
    #[arg(value_name = "CONFIG")]
    config: Option<PathBuf>,
    /// Write the rules to this file, and name it in the settings
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// The flags with which goproxy or goproxyio is started, behind --
    #[arg(last = true, value_name = "FLAGS")]
    arguments: Vec<String>,
}

fn programs() -> PossibleValuesParser {
    PossibleValuesParser::new(OtherProgram::ALL.map(OtherProgram::name))
}

/// Runs the command; gives the exit code.
pub(in super::super) fn run(args: &MigrateArgs) -> Result<u8, Fault> {
    let from = OtherProgram::ALL.into_iter().find(|program| program.name() == args.from);
    let from = from.ok_or_else(|| Fault::Usage(format!("--from {}: there is no such program", args.from)))?;
    let usage = |path: &Path, why: String| Fault::Usage(format!("{}: {why}", path.display()));
    let text = match &args.config {
        Some(path) => Some(read(path).map_err(|why| usage(path, why))?),
        None => None,
    };
    let environment = |name: &str| std::env::var(name).ok();
    let named = |path: &str| read(Path::new(path));
    let given =
        TheirSettings { text: text.as_deref(), arguments: &args.arguments, environment: &environment, read: &named };
    let draft = migrate(from, &given).map_err(|fault| match (&args.config, fault) {
        (Some(path), Fault::Usage(why)) => usage(path, why),
        (_, fault) => fault,
    })?;
    if let (Some(path), Some(rules)) = (&args.rules, draft.rules()) {
        let mut options = std::fs::OpenOptions::new();
        let opened = options.write(true).create_new(true).open(path);
        opened
            .and_then(|mut file| std::io::Write::write_all(&mut file, rules.as_bytes()))
            .map_err(|error| usage(path, format!("cannot be written: {error}")))?;
        say(&format!("the rules are in {}", path.display()));
    }
    let rules = args.rules.as_ref().map(|path| path.display().to_string());
    let name =
        args.config.as_ref().map_or_else(|| args.from.clone(), |path| format!("{} ({})", args.from, path.display()));
    tell(|out| write!(out, "{}", draft.toml(&name, rules.as_deref())))?;
    Ok(0)
}

fn read(path: &Path) -> Result<String, String> {
    let read = files::open_named(path).and_then(|file| files::read_bounded(file, MAX_SETTINGS));
    let bytes = read.map_err(|error| format!("cannot be read: {}", files::explain(&error)))?;
    if wide(bytes.len()) > MAX_SETTINGS {
        return Err(format!("has more than {MAX_SETTINGS} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "is not text in UTF-8".to_owned())
}

//! `gosumcheck journal`: the record of verifications, checked from its first entry to its last, or listed.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::output::tell;
use super::settings::{help, value_name};
use crate::config;
use crate::config::settings::rows;
use crate::fault::Fault;
use crate::report::{counted, printable};
use crate::store::Folder;
use crate::sumdb::note::VerifierKey;
use crate::sumdb::number::wide;
use crate::verify::RecordedRun;

pub(super) const EXIT_CODES: &str = "\
`gosumcheck verify --record` appends an entry to DATA/verify/journal.jsonl. Each has the hash of the one before it; keep the hash that \
`journal verify` prints elsewhere, and no entry up to it can be changed unnoticed.

Exit codes:
  0  the record is in order; also where there is none yet
  1  findings: an entry was changed, taken out or added
  2  could not tell: wrong usage, or the file cannot be read";

#[derive(Debug, Subcommand)]
pub(super) enum Journal {
    /// Check that each entry has the hash of the one before it, and print the hash of the last
    #[command(after_help = EXIT_CODES)]
    Verify(Checked),
    /// List the verifications, the newest last
    #[command(after_help = EXIT_CODES)]
    Ls(Where),
}

#[derive(Debug, Args)]
pub(super) struct Where {
    #[arg(long, value_name = value_name(&rows::data), help = help(&rows::data))]
    data: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Checked {
    #[command(flatten)]
    place: Where,
    /// Also check that the entries are signed by this key, NAME+HASH+KEY: all from the first signed one to the last
    #[arg(long, value_name = "VKEY")]
    key: Option<String>,
}

/// Runs the command; gives the exit code.
pub(super) fn run(command: &Journal) -> Result<u8, Fault> {
    let (place, key) = match command {
        Journal::Verify(Checked { place, key }) => (place, key.as_deref()),
        Journal::Ls(place) => (place, None),
    };
    let key = key.map(VerifierKey::parse).transpose().map_err(|error| Fault::Usage(format!("--key: {error}")))?;
    let environment = |name: &str| std::env::var(name).ok();
    let data = place.data.as_ref().map_or_else(|| config::data_folder(environment), |data| Ok(data.clone()))?;
    let runs = Folder::look(&data)?.runs();
    let path = runs.path().display().to_string();
    let judged = runs.read()?.and_then(|read| {
        let signed = key.as_ref().map(|key| read.signed_by(key)).transpose()?;
        Ok((read, signed))
    });
    let (read, signed) = match judged {
        Ok(judged) => judged,
        Err(broken) => {
            tell(|out| writeln!(out, "{path}: {}", printable(&broken.to_string())))?;
            return Ok(1);
        }
    };
    tell(|out| match command {
        Journal::Ls(_) => {
            let mut runs = read.entries.into_iter().map(RecordedRun::of);
            runs.try_for_each(|run| writeln!(out, "{}", printable(&line(&run))))
        }
        Journal::Verify(_) => {
            let torn = if read.is_torn { ", after which a crash left a part of another" } else { "" };
            let count = wide(read.entries.len());
            let entries = if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") };
            let signed = signed.map_or_else(String::new, |count| format!(", {count} of them signed by the key"));
            writeln!(out, "{path}: {entries}{torn}{signed}, the last has the hash {}", read.last)
        }
    })?;
    Ok(0)
}

/// One run in one line.
fn line(run: &RecordedRun) -> String {
    let text = |name: &str| Some(run.text(name)).filter(|text| !text.is_empty()).unwrap_or("-").to_owned();
    let under = run.head_size().map_or_else(|| "no signed head".to_owned(), |size| format!("head {size}"));
    let (findings, repairs) = (counted(run.number("findings"), "finding"), counted(run.number("repairs"), "repair"));
    format!("{} {} {under}: exit {}, {findings}, {repairs}", text("began"), text("database"), run.exit_code())
}

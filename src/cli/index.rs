//! `gosumcheck index`: brings the index of the full log up to date, or lists the findings that it holds.

use std::fs;
use std::path::PathBuf;

use clap::Args;

use super::output::{code_of, tell, worst};
use super::progress::Bar;
use super::settings::{help, value_name};
use super::setup;
use crate::config::settings::rows;
use crate::fault::Fault;
use crate::report::printable;
use crate::store::index::{Anomaly, AnomalyKind, rebuild, update};
use crate::store::{Index, Log};
use crate::sumdb::checkpoint::Checkpoint;

/// New findings that are listed.
const MOST_TOLD: usize = 100;

#[derive(Debug, Args)]
pub(super) struct IndexArgs {
    /// Rebuild the index from scratch
    #[arg(long)]
    rebuild: bool,
    /// List all findings that the index holds, those of earlier runs and of `sync` too, and change nothing: module versions with
    /// several records, malformed records, and module paths that differ in case only
    #[arg(long, conflicts_with = "rebuild")]
    findings: bool,
    /// Checksum database, as in GOSUMDB: NAME or a verifier key NAME+HASH+KEY
    #[arg(long, value_name = "GOSUMDB")]
    sumdb: Option<String>,
    #[arg(long, value_name = value_name(&rows::data), help = help(&rows::data))]
    data: Option<PathBuf>,
}

/// Runs the command; gives the exit code.
pub(super) fn run(args: &IndexArgs) -> Result<u8, Fault> {
    let (name, policy, folder) = setup::kept_at(args.sumdb.as_deref(), args.data.as_ref())?;
    let log = folder.log(&name)?;
    if args.findings {
        return list(&log, &name);
    }
    let Some(note) = log.head()? else {
        let why = format!("there is no mirror of {name} here; `gosumcheck sync` makes one");
        return Err(Fault::machine(log.dir().display().to_string(), why));
    };
    let head = Checkpoint::open(&note, &policy);
    let head = head.map_err(|error| Fault::refused(log.dir().join("head").display().to_string(), error))?;
    let snapshot = log.snapshot(head.tree())?;
    let before = if args.rebuild { None } else { Index::open(&log)? };
    let before = before.map_or(Ok(0), |index| index.size())?;
    let bar = Bar::new();
    let count = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let progress = |done, total| bar.show("indexing", count(done), count(total));
    let make = if args.rebuild { rebuild } else { update };
    let grown = make(&log, &snapshot, &progress)?;
    bar.clear();
    let (bytes, size) = (disk_bytes(&log), grown.size);
    let printed = tell(|out| {
        for oddity in grown.findings.iter().take(MOST_TOLD) {
            writeln!(out, "{}", printable(&oddity.to_string()))?;
        }
        if grown.findings.len() > MOST_TOLD {
            let more = grown.findings.len() - MOST_TOLD;
            writeln!(out, "... and {more} findings more: `gosumcheck index --findings` lists all")?;
        }
        let new = size.saturating_sub(before);
        writeln!(out, "{name}: {size} records are indexed, {new} of them now, in {} KiB", bytes.div_ceil(1024))
    });
    Ok(worst(&[code(&grown.findings), code_of(printed)]))
}

/// Lists all findings that the index holds, whenever they were found; gives the exit code.
fn list(log: &Log, name: &str) -> Result<u8, Fault> {
    let none = || {
        let why = format!(
            "there is no index of {name} here; `gosumcheck index` makes one from the full log of `gosumcheck sync`"
        );
        Fault::machine(log.dir().display().to_string(), why)
    };
    let index = Index::open(log)?.ok_or_else(none)?;
    let (findings, size) = (index.anomalies()?, index.size()?);
    let listed = tell(|out| {
        for finding in &findings {
            writeln!(out, "{}", printable(&finding.to_string()))?;
        }
        writeln!(out, "{name}: {} findings in {size} records", findings.len())
    });
    Ok(worst(&[code(&findings), code_of(listed)]))
}

/// 1 where a finding is more than a pair of module paths that differ in case only, of which the public log has many.
fn code(findings: &[Anomaly]) -> u8 {
    u8::from(findings.iter().any(|finding| finding.kind() != AnomalyKind::CaseCollision))
}

/// What the index takes on the disk, with what was appended last.
fn disk_bytes(log: &Log) -> u64 {
    let path = log.index_path();
    let mut appended = path.clone().into_os_string();
    appended.push("-wal");
    [path, appended.into()].iter().filter_map(|path| fs::metadata(path).ok()).map(|found| found.len()).sum()
}

//! What a verification leaves: an entry in the record of verifications, and a file of metrics.

use std::path::Path;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::VerifyArgs;
use super::plan::Plan;
use crate::fault::Fault;
use crate::files;
use crate::report::Integrity;
use crate::report::integrity::{Finding, Flaw};
use crate::store::Folder;
use crate::verify::{self, RecordedRun};

/// Findings that an entry or a message names; the others are counted.
pub(super) const MAX_NAMED: usize = 20;

/// When a run began, and what came of it.
pub(super) struct Outcome<'a> {
    pub(super) plan: &'a Plan,
    pub(super) report: &'a Integrity,
    /// what could not be repaired
    pub(super) unrepaired: usize,
    pub(super) exit_code: u8,
}

/// Leaves what the arguments ask for.
///
/// # Errors
/// `Unavailable`: the disk, or the record was changed.
pub(super) fn leave(args: &VerifyArgs, root: &Path, outcome: &Outcome<'_>) -> Result<(), Fault> {
    let ended = Timestamp::now();
    let recorded = if args.record { record(root, outcome, ended) } else { Ok(()) };
    if let Some(path) = &args.metrics {
        // After the record, which has this run by then.
        let text = metrics(outcome, ended) + &record_metrics(root, outcome, ended);
        write(path, &text)?;
    }
    recorded
}

fn record(root: &Path, outcome: &Outcome<'_>, ended: Timestamp) -> Result<(), Fault> {
    Folder::open(root)?.runs().append(entry(outcome, ended), outcome.plan.signer.as_ref()).map(drop)
}

fn entry(outcome: &Outcome<'_>, ended: Timestamp) -> Map<String, Value> {
    let Outcome { plan, report, unrepaired, exit_code } = outcome;
    let fields = json!({
        "schema": "gosumcheck.run/1",
        "began": plan.began.to_string(),
        "ended": ended.to_string(),
        "version": report.tool_version,
        "database": report.database,
        "head": report.head.as_ref().map(|head| json!({ "size": head.size, "root": head.root })),
        "scope": plan.asked,
        "coverage": report.coverage,
        "figures": report.figures,
        "exit_code": exit_code,
        "findings": report.total(),
        "by_kind": by_kind(report),
        "first": report.findings.iter().take(MAX_NAMED).map(named).collect::<Vec<_>>(),
        "repairs": report.repairs.len(),
        "unrepaired": unrepaired,
        "misbehaved": report.misbehaviour.is_some(),
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// How many findings of each kind there are.
pub(super) fn by_kind(report: &Integrity) -> Map<String, Value> {
    report.counts.iter().map(|(flaw, count)| (flaw.id().to_owned(), json!(count))).collect()
}

/// A finding in a few words.
pub(super) fn named(finding: &Finding) -> Value {
    let module = finding.module.as_ref();
    json!({
        "kind": finding.flaw.id(),
        "diagnosis": finding.diagnosis.id(),
        "file": finding.file,
        "module": module.map(|module| &module.path),
        "version": module.map(|module| &module.version),
        "what": finding.what,
    })
}

/// In the text format of Prometheus.
fn metrics(outcome: &Outcome<'_>, ended: Timestamp) -> String {
    let Outcome { plan, report, exit_code, .. } = outcome;
    let of = format!("{{database=\"{}\"}}", report.database.replace(['\\', '"', '\n'], "_"));
    let mut text = String::new();
    let mut gauge = |name: &str, help: &str, value: String| {
        text.push_str(&format!("# HELP gosumcheck_verify_{name} {help}\n# TYPE gosumcheck_verify_{name} gauge\n"));
        text.push_str(&format!("gosumcheck_verify_{name}{of} {value}\n"));
    };
    gauge(
        "exit_code",
        "Exit code of the last verification: 0 in order, 1 findings, 2 could not tell, 3 the log misbehaved.",
        exit_code.to_string(),
    );
    gauge("began_seconds", "When it began, in seconds since 1970.", plan.began.as_second().to_string());
    gauge("ended_seconds", "When it ended, in seconds since 1970.", ended.as_second().to_string());
    gauge("repairs", "What it put in order.", report.repairs.len().to_string());
    gauge("records", "Records whose hashes were computed.", report.figures.records.to_string());
    if let Some(modules) = report.figures.modules {
        gauge("module_files", "Module files that were checked.", modules.files.to_string());
    }
    if let Some(head) = &report.head {
        gauge("head_size", "Records of the signed head under which it ran.", head.size.to_string());
    }
    text.push_str("# HELP gosumcheck_verify_findings Findings by kind.\n# TYPE gosumcheck_verify_findings gauge\n");
    for flaw in Flaw::ALL {
        let count = report.counts.iter().find(|(of, _)| *of == flaw).map_or(0, |(_, count)| *count);
        let database = of.trim_end_matches('}');
        text.push_str(&format!("gosumcheck_verify_findings{database},kind=\"{}\"}} {count}\n", flaw.id()));
    }
    text
}

/// What the record says of the database: the last complete run, and what is open of all. Where it cannot be read, or is broken, this run
/// is all that there is.
fn record_metrics(root: &Path, outcome: &Outcome<'_>, ended: Timestamp) -> String {
    let Outcome { plan, report, exit_code, .. } = outcome;
    let read = Folder::look(root).and_then(|folder| folder.runs().read());
    let entries = read.ok().and_then(Result::ok).map_or_else(Vec::new, |read| read.entries);
    let mut runs: Vec<RecordedRun> = entries.into_iter().map(RecordedRun::of).collect();
    let this = RecordedRun::of(entry(outcome, ended));
    let is_there = runs.last().is_some_and(|last| last.seconds("ended") == this.seconds("ended"));
    let complete = verify::last_complete(&runs, &plan.asked).map(|run| (run.seconds("ended"), run.exit_code()));
    let complete = if this.is_complete() { Some((this.seconds("ended"), u64::from(*exit_code))) } else { complete };
    if !is_there {
        runs.push(this);
    }
    let open = verify::open_runs(&runs);
    let counts = verify::open_counts(&open);
    let name = report.database.replace(['\\', '"', '\n'], "_");
    let mut text = String::new();
    for (metric, help, value) in [
        (
            "full_ended_seconds",
            "When the last run that covered all of it ended, in seconds since 1970; 0 if none did.",
            complete.map_or(0, |(ended, _)| ended),
        ),
        ("full_exit_code", "Its exit code; 2 if there was none.", complete.map_or(2, |(_, code)| code)),
    ] {
        text.push_str(&format!("# HELP gosumcheck_verify_{metric} {help}\n# TYPE gosumcheck_verify_{metric} gauge\n"));
        text.push_str(&format!("gosumcheck_verify_{metric}{{database=\"{name}\"}} {value}\n"));
    }
    let head = "# HELP gosumcheck_verify_open_findings Findings of all runs that no later one has cleared, by kind.\n";
    text.push_str(&format!("{head}# TYPE gosumcheck_verify_open_findings gauge\n"));
    for kind in Flaw::ALL.map(Flaw::id) {
        let count = counts.get(&(report.database.as_str(), kind)).copied().unwrap_or(0);
        let labels = format!("database=\"{name}\",kind=\"{kind}\"");
        text.push_str(&format!("gosumcheck_verify_open_findings{{{labels}}} {count}\n"));
    }
    text
}

/// Whole or not at all: the collector may read at any moment.
fn write(path: &Path, text: &str) -> Result<(), Fault> {
    let failed =
        |error: std::io::Error| Fault::machine(path.display().to_string(), format!("cannot be written: {error}"));
    let file = tempfile::NamedTempFile::new_in(files::folder_of(path)).map_err(failed)?;
    std::fs::write(file.path(), text).map_err(failed)?;
    let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(file.path(), readable).map_err(failed)?;
    file.persist(path).map(drop).map_err(|error| failed(error.error))
}

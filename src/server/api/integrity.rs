//! `integrity`: the verifications of the data folder that were recorded, what of it they last proved, and what is open.

use std::collections::BTreeSet;

use serde::Serialize;

use super::time;
use crate::access::Reader;
use crate::report::printable;
use crate::server::app::App;
use crate::server::app::runs::RecordedRuns;
use crate::server::http::answer::Answer;
use crate::server::http::refusal::unavailable;
use crate::sumdb::number::wide;
use crate::verify::{RecordedRun, open_counts};

/// Runs that are shown, at most.
const MAX_RUNS: usize = 100;

/// What is known of the integrity of the data folder.
#[derive(Debug, Serialize)]
pub(crate) struct IntegrityView {
    /// of the last runs, and of earlier ones with open findings: `in-order`, `findings`, `could-not-tell`, `misbehaved`; `never` where none is recorded
    pub(crate) state: &'static str,
    /// at which time of the day this server runs it, in UTC
    pub(crate) at: Option<String>,
    pub(crate) record: RunRecordView,
    pub(crate) parts: Vec<PartView>,
    pub(crate) open: Vec<OpenFindingView>,
    /// open findings that are not among `open`
    pub(crate) more: u64,
    /// the newest first
    pub(crate) runs: Vec<RunView>,
}

/// The record itself.
#[derive(Debug, Serialize)]
pub(crate) struct RunRecordView {
    pub(crate) entries: u64,
    /// to be kept elsewhere: no entry up to the last can be changed unnoticed then
    pub(crate) last_hash: Option<String>,
    /// where it contradicts itself
    pub(crate) broken: Option<String>,
}

/// When a part was last found to be in order.
#[derive(Debug, Serialize)]
pub(crate) struct PartView {
    pub(crate) database: String,
    /// `log`, `index` or `modules`
    pub(crate) part: &'static str,
    /// when the last run began that covered all of it
    pub(crate) all: Option<String>,
    /// when the last run began that covered what was new
    pub(crate) new: Option<String>,
}

/// A finding that no later run has cleared.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct OpenFindingView {
    pub(crate) database: String,
    pub(crate) kind: String,
    pub(crate) diagnosis: String,
    /// a file of the log, or a module version; none where its name is not for clients
    pub(crate) of: Option<String>,
    /// what was found; none where `of` is
    pub(crate) what: Option<String>,
}

/// One run.
#[derive(Debug, Serialize)]
pub(crate) struct RunView {
    pub(crate) number: u64,
    pub(crate) began: Option<String>,
    pub(crate) seconds: u64,
    pub(crate) database: String,
    /// that of `gosumcheck verify`
    pub(crate) exit_code: u64,
    /// whether it covered everything
    pub(crate) full: bool,
    /// records of the signed head
    pub(crate) head: Option<u64>,
    pub(crate) records: u64,
    pub(crate) module_files: u64,
    pub(crate) findings: u64,
    pub(crate) repairs: u64,
}

impl IntegrityView {
    /// What the record says, without what the client may not read.
    ///
    /// # Errors
    /// The answer to the client: the disk cannot be waited for.
    pub(crate) async fn of(app: &App, reader: Reader) -> Result<IntegrityView, Answer> {
        let read = app.runs.read().await.map_err(|fault| unavailable(&fault.to_string()))?;
        let at = app.nightly_at.map(|minutes| format!("{:02}:{:02}", minutes / 60, minutes % 60));
        Ok(IntegrityView::of_record(&read, at, &reader))
    }

    fn of_record(record: &RecordedRuns, at: Option<String>, reader: &Reader) -> IntegrityView {
        let runs = record.open();
        let codes: Vec<u64> = runs.iter().map(|open| open.run.exit_code()).collect();
        let worst = [3, 1, 2].into_iter().find(|code| codes.contains(code));
        let state = match worst {
            _ if record.broken.is_some() => "could-not-tell",
            Some(3) => "misbehaved",
            Some(1) => "findings",
            Some(_) => "could-not-tell",
            None if codes.is_empty() => "never",
            None => "in-order",
        };
        let mut open: Vec<OpenFindingView> = Vec::new();
        let named = runs.iter().flat_map(|of| of.findings().filter_map(|finding| shown(of.run, finding, reader)));
        // A later run that covered a part of it has found the same again.
        named.for_each(|finding| {
            if !open.contains(&finding) {
                open.push(finding)
            }
        });
        let found = open_counts(&runs).values().fold(0, |sum: u64, count| sum.saturating_add(*count));
        let databases: BTreeSet<&str> = runs.iter().map(|open| open.run.text("database")).collect();
        IntegrityView {
            state,
            at,
            record: RunRecordView {
                entries: wide(record.runs.len()),
                last_hash: record.last_hash.clone(),
                broken: record.broken.clone(),
            },
            parts: databases.iter().flat_map(|database| parts(record, database)).collect(),
            more: found.saturating_sub(wide(open.len())),
            open,
            runs: record.runs.iter().rev().take(MAX_RUNS).map(run).collect(),
        }
    }
}

/// When the parts of a database were last in order, of those that any run looked at.
fn parts(record: &RecordedRuns, database: &str) -> Vec<PartView> {
    let looked_at = |run: &RecordedRun, part: &str| {
        run.scope().is_some_and(|scope| match part {
            "log" => scope.log && run.number_in(&["figures"], "heads").is_some_and(|heads| heads > 0),
            "index" => scope.index && run.number_in(&["figures"], "indexed").is_some(),
            _ => scope.modules && run.number_in(&["figures", "modules"], "files").is_some(),
        })
    };
    let of_part = |part: &'static str| {
        let runs =
            || record.runs.iter().rev().filter(move |run| run.text("database") == database && looked_at(run, part));
        let began = |run: Option<&RecordedRun>| run.and_then(|run| time::of_seconds(run.seconds("began")));
        let clean = || runs().filter(|run| run.exit_code() == 0);
        let all = clean().find(|run| run.coverage().is_some_and(|coverage| coverage.is_full()));
        runs().next().map(|_| PartView {
            database: database.to_owned(),
            part,
            all: began(all),
            new: began(clean().next()),
        })
    };
    ["log", "index", "modules"].into_iter().filter_map(of_part).collect()
}

fn shown(run: &RecordedRun, finding: &serde_json::Value, reader: &Reader) -> Option<OpenFindingView> {
    let text = |name: &str| finding.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
    let (file, module) = (text("file"), text("module"));
    if !module.is_empty() && !reader.may_read(module) {
        return None;
    }
    let of = match module {
        // A file of the log has no folder in its name; any other name may be that of a private module.
        "" => Some(file.to_owned()).filter(|file| !file.is_empty() && !file.contains('/')),
        module => Some(format!("{module}@{}", text("version"))),
    };
    let what = of.is_some().then(|| printable(text("what")));
    let (kind, diagnosis) = (text("kind").to_owned(), text("diagnosis").to_owned());
    Some(OpenFindingView { database: run.text("database").to_owned(), kind, diagnosis, of, what })
}

fn run(run: &RecordedRun) -> RunView {
    RunView {
        number: run.number("number"),
        began: time::of_seconds(run.seconds("began")),
        seconds: run.seconds("ended").saturating_sub(run.seconds("began")),
        database: run.text("database").to_owned(),
        exit_code: run.exit_code(),
        full: run.coverage().is_none_or(|coverage| coverage.is_full()),
        head: run.head_size(),
        records: run.number_in(&["figures"], "records").unwrap_or(0),
        module_files: run.number_in(&["figures", "modules"], "files").unwrap_or(0),
        findings: run.number("findings"),
        repairs: run.number("repairs"),
    }
}

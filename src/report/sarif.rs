//! The report for code scanning: SARIF 2.1.0, in the subset that GitHub reads.
//!
//! Results are the findings and what could not be decided; a repeated line is a result of its own, at its own line. What concerns
//! the run (an unread file, a notice, a log that misbehaved) is a notification of the invocation. The rules are the same in
//! every report, whether they found something or not. Rules obeyed: OASIS SARIF 2.1.0, and GitHub's "SARIF support for code
//! scanning".

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::Path;

use serde_json::{Value, json};

use super::{Class, FileReport, LineReport, Location, Outcome, Report, ascii, printable};
use crate::sumdb::hash::sha256;

mod rules;
mod uri;

/// GitHub refuses a run with more results; findings come first, and a notification says what was left out.
const MAX_RESULTS: usize = 25_000;

/// The schema that GitHub's documentation names.
const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// Writes the report as SARIF, indented, in pure ASCII.
///
/// # Errors
/// What `out` returns.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let (results, left_out) = results(report);
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": env!("CARGO_PKG_NAME"),
                "semanticVersion": report.tool_version,
                "shortDescription": { "text": env!("CARGO_PKG_DESCRIPTION") },
                "rules": rules::all(report),
                "notifications": rules::notifications(),
            } },
            "invocations": [invocation(report, left_out)],
            "originalUriBaseIds": { uri::BASE: { "description": { "text": "the folder that the audit ran in" } } },
            "columnKind": "unicodeCodePoints",
            "results": results,
            "properties": properties(report),
        }],
    });
    ascii::write(&log, out)
}

/// The findings, then what could not be decided, up to `MAX_RESULTS`; and how many had no room.
fn results(report: &Report) -> (Vec<Value>, usize) {
    let of_class = |wanted: Class| {
        let lines = report.files.iter().flat_map(|file| file.lines.iter().map(move |line| (file, line)));
        lines.filter(move |(_, line)| line.verdict.class() == wanted)
    };
    let mut seen = HashMap::new();
    let mut all = of_class(Class::Finding).chain(of_class(Class::CouldNotTell));
    let results = all.by_ref().take(MAX_RESULTS).filter_map(|(file, line)| result(report, file, line, &mut seen));
    (results.collect(), all.count())
}

fn result(report: &Report, file: &FileReport, line: &LineReport, seen: &mut HashMap<String, u64>) -> Option<Value> {
    let outcome = line.verdict.outcome();
    let (path, start) = match &line.place {
        Location::Line(number) => (file.path.clone(), *number),
        // GitHub wants a line of every location; a zip has only its beginning.
        Location::File(path) => (path.clone(), 1),
        Location::Part(_) => (file.path.clone(), 1),
        Location::Commit { path, line, .. } => (Path::new(&file.tree).join(path).display().to_string(), *line),
    };
    let part = match &line.place {
        Location::Part(part) => json!([{ "fullyQualifiedName": printable(part) }]),
        Location::Commit { commit, path, .. } => {
            json!([{ "fullyQualifiedName": format!("{commit}:{}", printable(path)) }])
        }
        Location::Line(_) | Location::File(_) => json!([]),
    };
    let about = line.subject.as_ref().map(|subject| printable(&subject.go_sum_key()) + ": ").unwrap_or_default();
    let repeats = line.repetition().map(|repeats| format!(" It {repeats}.")).unwrap_or_default();
    let history = line
        .history
        .iter()
        .flat_map(|history| history.sentences())
        .fold(String::new(), |all, one| all + " " + &one + ".");
    let message = format!("{about}{}.{repeats}{history}", line.verdict.sentence(&report.database));
    Some(json!({
        "ruleId": outcome.id(),
        "ruleIndex": rules::index(outcome)?,
        "level": rules::level(outcome),
        "message": { "text": rules::plain(&message) },
        "locations": [{ "physicalLocation": {
            "artifactLocation": uri::artifact(&path),
            "region": { "startLine": start },
        }, "logicalLocations": part }],
        "properties": { "artifact": file.artifact.id() },
        "partialFingerprints": { "primaryLocationLineHash": fingerprint(outcome, line, &path, seen) },
    }))
}

/// What makes two results the same alert: the rule and the line itself, but not its number, because lines of a go.sum move
/// whenever a dependency is added; and which of several such lines of a file it is.
fn fingerprint(outcome: Outcome, line: &LineReport, path: &str, seen: &mut HashMap<String, u64>) -> String {
    let subject = line.subject.as_ref().map(super::Subject::go_sum_key).unwrap_or_default();
    let hash = sha256(format!("{}\0{subject}\0{}", outcome.id(), line.text).as_bytes());
    let digest: String = hash.0.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let count = seen.entry(format!("{path}\0{digest}")).or_default();
    *count += 1;
    format!("{digest}:{count}")
}

/// How the run went, and what concerns it as a whole.
fn invocation(report: &Report, left_out: usize) -> Value {
    let conclusion = report.conclusion();
    let mut notifications = Vec::new();
    if let Some(misbehaviour) = &report.misbehaviour {
        let saved = misbehaviour.saved.iter().map(|path| format!(" The evidence is in {}.", printable(path)));
        let text = format!("{} signed two histories that cannot both be true.", printable(&report.database));
        notifications.push(rules::notification("log-misbehaved", "error", &(text + &saved.collect::<String>())));
    }
    for file in &report.files {
        if let Some(why) = &file.unread {
            let text = format!("{} was not read: {}", printable(&file.path), printable(why));
            notifications.push(rules::notification("not-read", "error", &text));
        }
        for remark in &file.remarks {
            let text = format!("{}: {}", printable(&file.path), printable(remark));
            notifications.push(rules::notification("notice", "note", &text));
        }
    }
    for notice in &report.notices {
        notifications.push(rules::notification("notice", notice.level.name(), &printable(&notice.text)));
    }
    if left_out > 0 {
        let text = format!("{left_out} further results had no room in this file; the text report has them all.");
        notifications.push(rules::notification("results-left-out", "warning", &text));
    }
    let mut invocation = json!({
        "executionSuccessful": report.is_complete() && report.misbehaviour.is_none(),
        "exitCode": conclusion.exit_code(),
        "exitCodeDescription": conclusion.id(),
        "toolExecutionNotifications": notifications,
    });
    if let (Some(time), Some(fields)) = (&report.time, invocation.as_object_mut()) {
        fields.insert("endTimeUtc".to_owned(), json!(time));
    }
    invocation
}

/// What was proven, for a reader who has this file alone.
fn properties(report: &Report) -> Value {
    let tally: serde_json::Map<String, Value> =
        report.tally().into_iter().map(|(outcome, count)| (outcome.id().to_owned(), json!(count))).collect();
    let head = report.head.as_ref().map(|head| json!({ "size": head.size, "root": head.root }));
    json!({ "database": report.database, "head": head, "lines": tally, "duplicateLines": report.duplicates() })
}

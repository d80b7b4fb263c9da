//! The report for programs: one JSON object, `"schema": "gosumcheck.audit/1"`.
//!
//! Its fields are described by `testdata/schema/audit-report-1.schema.json`. Within version 1 fields are only added, and
//! never change their meaning. Every field is always there, absent values are `null`, but for the facts of a verdict: a
//! line has those of its own verdict only, and `unlisted_repeats` where there are any.

use std::io::{self, Write};

use serde::Serialize;

use super::{
    Advice, FileReport, Head, LineHistory, LineReport, Location, Misbehaviour, Notice, Outcome, Report, Verdict, ascii,
};

/// The name and version of the format.
pub const SCHEMA: &str = "gosumcheck.audit/1";

#[derive(Serialize)]
struct JsonReport<'a> {
    schema: &'static str,
    tool: Tool<'a>,
    time: Option<&'a str>,
    database: &'a str,
    head: Option<&'a Head>,
    conclusion: &'static str,
    exit_code: u8,
    total_lines: u64,
    duplicate_lines: u64,
    tally: Vec<OutcomeCount>,
    files: Vec<JsonFile<'a>>,
    notices: &'a [Notice],
    misbehaviour: Option<&'a Misbehaviour>,
}

/// Who wrote a report.
#[derive(Serialize)]
pub(super) struct Tool<'a> {
    name: &'static str,
    version: &'a str,
}

impl<'a> Tool<'a> {
    /// This program, of the version that the report names.
    pub(super) fn new(version: &'a str) -> Tool<'a> {
        Tool { name: env!("CARGO_PKG_NAME"), version }
    }
}

/// One outcome that occurred, with its explanation, so that a reader of the file needs no other.
#[derive(Serialize)]
struct OutcomeCount {
    verdict: &'static str,
    class: &'static str,
    lines: u64,
    title: &'static str,
    next: &'static str,
}

#[derive(Serialize)]
struct JsonFile<'a> {
    path: &'a str,
    artifact: &'static str,
    about: Option<&'a str>,
    unread: Option<&'a str>,
    remarks: &'a [String],
    lines: Vec<JsonLine<'a>>,
}

#[derive(Serialize)]
struct JsonLine<'a> {
    line: Option<u64>,
    file: Option<&'a str>,
    part: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<&'a str>,
    module: Option<&'a str>,
    version: Option<&'a str>,
    kind: Option<&'static str>,
    text: &'a str,
    duplicate_of: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unlisted_repeats: Option<u64>,
    verdict: &'static str,
    class: &'static str,
    #[serde(flatten)]
    facts: Facts<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<&'a LineHistory>,
}

/// The facts of one verdict; those of the others are left out.
#[derive(Default, Serialize)]
struct Facts<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash_in_file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash_in_log: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asked: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pattern: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    algorithm: Option<&'a str>,
}

/// Writes the report as JSON, indented, in pure ASCII.
///
/// # Errors
/// What `out` returns.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let conclusion = report.conclusion();
    let tally = report.tally();
    let document = JsonReport {
        schema: SCHEMA,
        tool: Tool::new(&report.tool_version),
        time: report.time.as_deref(),
        database: &report.database,
        head: report.head.as_ref(),
        conclusion: conclusion.id(),
        exit_code: conclusion.exit_code(),
        total_lines: tally.iter().map(|(_, count)| count).sum(),
        duplicate_lines: report.duplicates(),
        tally: tally.into_iter().map(|counted| explained(report, counted)).collect(),
        files: report.files.iter().map(file).collect(),
        notices: &report.notices,
        misbehaviour: report.misbehaviour.as_ref(),
    };
    ascii::write(&document, out)
}

fn explained(report: &Report, (outcome, lines): (Outcome, u64)) -> OutcomeCount {
    let Advice { title, next, .. } = report.advice(outcome);
    OutcomeCount { verdict: outcome.id(), class: outcome.class().id(), lines, title, next }
}

fn file(file: &FileReport) -> JsonFile<'_> {
    JsonFile {
        path: &file.path,
        artifact: file.artifact.id(),
        about: file.about.as_deref(),
        unread: file.unread.as_deref(),
        remarks: &file.remarks,
        lines: file.lines.iter().map(line).collect(),
    }
}

fn line(line: &LineReport) -> JsonLine<'_> {
    let (file, part, commit) = match &line.place {
        Location::Line(_) => (None, None, None),
        Location::File(path) => (Some(path.as_str()), None, None),
        Location::Part(part) => (None, Some(part.as_str()), None),
        Location::Commit { commit, path, .. } => (Some(path.as_str()), None, Some(commit.as_str())),
    };
    let subject = line.subject.as_ref();
    JsonLine {
        line: line.place.line(),
        file,
        part,
        commit,
        module: subject.map(|subject| subject.module.as_str()),
        version: subject.map(|subject| subject.version.as_str()),
        kind: subject.map(|subject| subject.kind.name()),
        text: &line.text,
        duplicate_of: line.duplicate_of,
        unlisted_repeats: Some(line.unlisted_repeats).filter(|count| *count > 0),
        verdict: line.verdict.id(),
        class: line.verdict.class().id(),
        facts: facts(&line.verdict),
        history: line.history.as_deref(),
    }
}

fn facts(verdict: &Verdict) -> Facts<'_> {
    let none = Facts::default();
    match verdict {
        Verdict::Verified { record } => Facts { record: Some(*record), ..none },
        Verdict::Differs { record, in_file, in_log } => {
            Facts { record: Some(*record), hash_in_file: Some(in_file), hash_in_log: Some(in_log), ..none }
        }
        Verdict::NotInLog { by } => Facts { asked: Some(by), ..none },
        Verdict::NotHeld { why }
        | Verdict::Unavailable { why }
        | Verdict::Malformed { why }
        | Verdict::NoHash { why }
        | Verdict::MainModule { why }
        | Verdict::Altered { why } => Facts { why: Some(why), ..none },
        Verdict::Refused { by, why } => Facts { source: Some(by), why: Some(why), ..none },
        Verdict::Skipped { pattern } => Facts { pattern: Some(pattern), ..none },
        Verdict::UnknownAlgorithm { algorithm } => Facts { algorithm: Some(algorithm), ..none },
        Verdict::DroppedEmptyGoMod => none,
    }
}

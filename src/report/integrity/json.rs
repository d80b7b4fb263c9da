//! The report of a verification for programs: one JSON object of printable ASCII. Within version 1 fields are only added, and
//! never change their meaning; every field is always there, absent values are `null`.

use std::io::{self, Write};
use std::ops::Range;

use serde::Serialize;

use super::super::json::Tool;
use super::super::{Head, Misbehaviour, Notice, ascii};
use super::{Coverage, Figures, Finding, Integrity, Repair};

/// The name and version of the format.
const SCHEMA: &str = "gosumcheck.integrity/1";

#[derive(Serialize)]
struct JsonIntegrity<'a> {
    schema: &'static str,
    tool: Tool<'a>,
    time: Option<&'a str>,
    database: &'a str,
    head: Option<&'a Head>,
    exit_code: u8,
    coverage: Coverage,
    figures: Figures,
    total_findings: u64,
    tally: Vec<FlawCount>,
    findings: Vec<JsonFinding<'a>>,
    repairs: Vec<JsonRepair<'a>>,
    fetch: Vec<JsonRange>,
    notices: &'a [Notice],
    misbehaviour: Option<&'a Misbehaviour>,
}

#[derive(Serialize)]
struct FlawCount {
    flaw: &'static str,
    blame: &'static str,
    findings: u64,
    meaning: &'static str,
    next: &'static str,
}

#[derive(Serialize)]
struct JsonFinding<'a> {
    flaw: &'static str,
    blame: &'static str,
    diagnosis: &'static str,
    evidence: &'a [String],
    file: &'a str,
    bytes: Option<JsonRange>,
    records: Option<JsonRange>,
    tile: Option<&'a str>,
    what: &'a str,
    fetch: Option<JsonRange>,
    module: Option<&'a str>,
    version: Option<&'a str>,
    expected: Option<&'a str>,
    got: Option<&'a str>,
    next: Option<&'a str>,
}

#[derive(Serialize)]
struct JsonRepair<'a> {
    file: &'a str,
    bytes: Option<JsonRange>,
    changed: u64,
    what: &'a str,
}

/// From `first` up to and not including `end`.
#[derive(Serialize)]
struct JsonRange {
    first: u64,
    end: u64,
}

/// Writes the report.
pub(super) fn write(report: &Integrity, out: &mut dyn Write) -> io::Result<()> {
    let document = JsonIntegrity {
        schema: SCHEMA,
        tool: Tool::new(&report.tool_version),
        time: report.time.as_deref(),
        database: &report.database,
        head: report.head.as_ref(),
        exit_code: report.exit_code(),
        coverage: report.coverage,
        figures: report.figures,
        total_findings: report.total(),
        tally: report.counts.iter().map(tally).collect(),
        findings: report.findings.iter().map(found).collect(),
        repairs: report.repairs.iter().map(repaired).collect(),
        fetch: report.to_fetch().into_iter().map(span).collect(),
        notices: &report.notices,
        misbehaviour: report.misbehaviour.as_ref(),
    };
    ascii::write(&document, out)
}

fn tally(&(flaw, findings): &(super::Flaw, u64)) -> FlawCount {
    FlawCount { flaw: flaw.id(), blame: flaw.blame().id(), findings, meaning: flaw.meaning(), next: flaw.next() }
}

fn found(finding: &Finding) -> JsonFinding<'_> {
    let module = finding.module.as_ref();
    JsonFinding {
        flaw: finding.flaw.id(),
        blame: finding.flaw.blame().id(),
        diagnosis: finding.diagnosis.id(),
        evidence: &finding.evidence,
        file: &finding.file,
        bytes: finding.bytes.clone().map(span),
        records: finding.records.clone().map(span),
        tile: finding.tile.as_deref(),
        what: &finding.what,
        fetch: finding.fetch.clone().map(span),
        module: module.map(|module| module.path.as_str()),
        version: module.map(|module| module.version.as_str()),
        expected: module.and_then(|module| module.expected.as_deref()),
        got: module.and_then(|module| module.got.as_deref()),
        next: finding.next.as_deref(),
    }
}

fn repaired(repair: &Repair) -> JsonRepair<'_> {
    let Repair { file, bytes, changed, what } = repair;
    JsonRepair { file, bytes: bytes.clone().map(span), changed: *changed, what }
}

fn span(range: Range<u64>) -> JsonRange {
    JsonRange { first: range.start, end: range.end }
}

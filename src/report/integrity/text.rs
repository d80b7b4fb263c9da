//! The report of a verification for people: each finding with its place, then what to do about each kind once, then one line
//! that sums up.

use std::io::{self, Write};
use std::ops::Range;

use anstyle::{AnsiColor, Style};

use super::super::{Level, printable, printable_lines};
use super::{Coverage, Diagnosis, Figures, Finding, Flaw, Integrity, ModuleFigures, Repair};
use crate::report::text::layout::{counted, grouped, wrapped};

const BAD: Style = AnsiColor::Red.on_default().bold();
const DOUBT: Style = AnsiColor::Yellow.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();

/// Writes the report.
pub(super) fn write(report: &Integrity, colour: bool, out: &mut dyn Write) -> io::Result<()> {
    let paint = |style: Style, text: &str| if colour { format!("{style}{text}{style:#}") } else { text.to_owned() };
    for finding in &report.findings {
        writeln!(out, "{}: {}  {}", place(finding), paint(BAD, finding.flaw.id()), printable(&finding.what))?;
        if let Some(detail) = detail(finding) {
            writeln!(out, "    {detail}")?;
        }
        if let Some(seen) = behind(finding) {
            writeln!(out, "    {seen}")?;
        }
    }
    for repair in &report.repairs {
        let Repair { file, bytes, changed, what } = repair;
        let place = span_of(file, bytes.as_ref());
        let changed =
            if *changed > 0 { format!(" ({} were others)", counted(*changed, "byte")) } else { String::new() };
        writeln!(out, "{place}: {}  {}{changed}", paint(GOOD, "repaired"), printable(what))?;
    }
    for &(flaw, count) in &report.counts {
        let listed = report.findings.iter().filter(|finding| finding.flaw == flaw).fold(0, |sum, _| sum + 1);
        if count > listed {
            writeln!(out, "{}", paint(BAD, &format!("... and {} more: {}", grouped(count - listed), flaw.id())))?;
        }
    }
    for flaw in Flaw::ALL.into_iter().filter(|flaw| report.counts.iter().any(|(of, _)| of == flaw)) {
        writeln!(out, "\n{}: {}", paint(BAD, flaw.id()), flaw.meaning())?;
        for row in wrapped(&format!("What to do next: {}", flaw.next())) {
            writeln!(out, "  {row}")?;
        }
    }
    if report.total() > 0 {
        writeln!(out)?;
    }
    for notice in &report.notices {
        let style = if notice.level == Level::Warning { DOUBT } else { Style::new().dimmed() };
        writeln!(out, "{}: {}", paint(style, notice.level.name()), printable(&notice.text))?;
    }
    if let Some(caught) = &report.misbehaviour {
        let headline = format!(
            "THE LOG MISBEHAVED: {} signed two histories that cannot both be true.",
            printable(&report.database)
        );
        writeln!(out, "{}", paint(BAD, &headline))?;
        for row in printable_lines(&caught.evidence) {
            writeln!(out, "  {row}")?;
        }
        if let Some(path) = caught.saved.as_deref().map(printable) {
            writeln!(out, "Evidence: {path}\nCheck it: gosumcheck verify-evidence {path}")?;
        }
    }
    let summary = summary(report);
    let style = if report.exit_code() == 0 { GOOD } else { BAD };
    writeln!(out, "{}", paint(style, &summary))
}

/// `records:1234-1300`, as compilers write a place.
fn place(finding: &Finding) -> String {
    span_of(&finding.file, finding.bytes.as_ref())
}

fn span_of(file: &str, bytes: Option<&Range<u64>>) -> String {
    let file = printable(file);
    bytes.map_or(file.clone(), |bytes| format!("{file}:{}-{}", bytes.start, bytes.end))
}

fn detail(finding: &Finding) -> Option<String> {
    let records = finding.records.as_ref().map(|records| span("record", records));
    let tile = finding.tile.as_deref().map(printable);
    let fetch = finding.fetch.as_ref().map(|tiles| format!("to fetch again: {}", span("data tile", tiles)));
    let module =
        finding.module.as_ref().map(|module| format!("{} {}", printable(&module.path), printable(&module.version)));
    let next = finding.next.as_deref().map(|next| printable(next).to_string());
    let parts: Vec<String> = [records, tile, fetch, module, next].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// What is behind it, and what was seen that shows that.
fn behind(finding: &Finding) -> Option<String> {
    let evidence = finding.evidence.iter().map(|seen| format!(": {}", printable(seen))).collect::<String>();
    let is_open = finding.diagnosis == Diagnosis::Open && evidence.is_empty();
    (!is_open).then(|| format!("{}{evidence}", finding.diagnosis.id()))
}

/// `record 7`, `records 7 to 9`.
fn span(noun: &str, range: &Range<u64>) -> String {
    let last = range.end.saturating_sub(1);
    if last <= range.start { format!("{noun} {}", range.start) } else { format!("{noun}s {} to {last}", range.start) }
}

pub(super) fn summary(report: &Integrity) -> String {
    let figures = report.figures;
    // Every log has a head, so where none was compared and nothing was read there was no log.
    let has_log = figures.heads > 0 || figures.records > 0 || (figures.modules.is_none() && figures.cached.is_none());
    let answers = figures.cached.map(|count| counted(count, "cached answer"));
    let looked = has_log.then(|| log(figures)).into_iter().chain(figures.modules.map(|figures| modules(&figures)));
    let looked: Vec<String> = looked.chain(answers).collect();
    let looked = looked.join("; ");
    let under = report.head.as_ref().map_or_else(String::new, |head| {
        let database = printable(&report.database);
        format!(" under tree {} of {database}, root {}", grouped(head.size), printable(&head.root))
    });
    if report.figures == Figures::default() && report.head.is_none() && report.total() == 0 {
        return "nothing is stored yet: nothing was checked".to_owned();
    }
    let all = covered(report.coverage);
    match (&report.misbehaviour, report.total()) {
        (Some(_), _) => format!("{looked}: THE LOG MISBEHAVED"),
        (None, 0) if has_log && report.head.is_none() => {
            format!("{looked}: all derived again from the stored records, under no signed tree head yet")
        }
        (None, 0) if has_log => format!("{looked}: {all} derived again{under}"),
        (None, 0) => format!("{looked}: {all} hashed again{under}"),
        (None, found) => format!("{looked}: {}{under}", counted(found, "finding")),
    }
}

/// `all`, or which part of it.
fn covered(coverage: Coverage) -> String {
    let Coverage::Part { since, sample } = coverage else { return "all".to_owned() };
    let new = since.map(|_| "what is new since the last run".to_owned());
    let share = sample.map(|sample| format!("{} % of the rest", f64::from(sample.share) / 10_000.0));
    let share = if new.is_none() { share.map(|share| share.replace("the rest", "it")) } else { share };
    let parts: Vec<String> = new.into_iter().chain(share).collect();
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(" and ") }
}

/// What was looked at of the log.
fn log(figures: Figures) -> String {
    let index =
        figures.indexed.map_or_else(|| ", no index".to_owned(), |count| format!(", {} indexed", grouped(count)));
    format!(
        "{} ({} bytes), {}, {}{index}",
        counted(figures.records, "record"),
        grouped(figures.record_bytes),
        counted(figures.hashes, "hash").replace("hashs", "hashes"),
        counted(figures.heads, "signed head"),
    )
}

/// What was looked at of the module store.
fn modules(figures: &ModuleFigures) -> String {
    let ModuleFigures { files, bytes, proven, pinned, .. } = *figures;
    format!(
        "{} ({} bytes), {} by their records, {} by their pins",
        counted(files, "module file"),
        grouped(bytes),
        grouped(proven),
        grouped(pinned)
    )
}

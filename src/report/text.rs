//! The report for people: line by line only what needs attention, then what to do about it, once per kind, then one line
//! that sums up.
//!
//! Each line begins with `FILE:LINE:`, so editors and terminals can jump to it. Findings are all listed; of what could not
//! be decided, `LISTED` lines stand for the rest, because a dead network says the same thing of every line. A line that repeats
//! another is listed if its verdict asks for it, like any other; the summary counts the repeats.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style as Ansi};

use super::outcome::{Class, Outcome};
use super::{
    Advice, FileReport, Level, LineReport, Location, Misbehaviour, Report, Verdict, printable,
    printable::printable_lines,
};

pub(super) mod layout;
mod summary;

use layout::{columns, wrapped};
pub use layout::{counted, grouped};

/// Lines listed of each outcome that is not a finding, unless all are asked for.
const LISTED: u64 = 10;

/// Files that are described although nothing in them needs attention.
const DESCRIBED: usize = 3;

/// How the text should look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Style {
    /// ANSI colours; the caller knows whether the output is a terminal
    pub colour: bool,
    /// every line, the verified ones too, and the signed tree head
    pub verbose: bool,
}

/// A writer that knows whether it may colour.
struct TextWriter<'a> {
    style: Style,
    out: &'a mut dyn Write,
}

const BAD: Ansi = AnsiColor::Red.on_default().bold();
const DOUBT: Ansi = AnsiColor::Yellow.on_default().bold();
const GOOD: Ansi = AnsiColor::Green.on_default();
const FAINT: Ansi = Ansi::new().dimmed();
const STRONG: Ansi = Ansi::new().bold();

impl TextWriter<'_> {
    fn paint(&self, style: Ansi, text: &str) -> String {
        if self.style.colour && !text.is_empty() { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{}", text.trim_end())
    }
}

/// The colour of an outcome.
fn ansi(class: Class) -> Ansi {
    match class {
        Class::Proven => GOOD,
        Class::Finding => BAD,
        Class::CouldNotTell => DOUBT,
        Class::Skipped | Class::Note => FAINT,
    }
}

/// Writes the report as text.
///
/// # Errors
/// What `out` returns.
pub fn write(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut page = TextWriter { style, out };
    write_lines(&mut page, report)?;
    write_advice(&mut page, report)?;
    write_notices(&mut page, report)?;
    if let Some(misbehaviour) = &report.misbehaviour {
        write_misbehaviour(&mut page, report, misbehaviour)?;
    }
    summary::write(&mut page, report)
}

/// The lines that need attention (or all), file by file, in aligned columns.
fn write_lines(page: &mut TextWriter<'_>, report: &Report) -> io::Result<()> {
    let listed = chosen(page.style, report);
    let columns = columns(&listed);
    let mut said_before = None;
    let mut chosen = listed.iter().peekable();
    let describes_all =
        page.style.verbose || report.files.iter().filter(|file| file.about.is_some()).count() <= DESCRIBED;
    for file in &report.files {
        let is_listed = chosen.peek().is_some_and(|(of, _)| std::ptr::eq(*of, file));
        if let Some(about) = file.about.as_ref().filter(|_| describes_all || is_listed || file.unread.is_some()) {
            let text = page.paint(FAINT, &format!("{}: {}", file.artifact.noun(), printable(about)));
            page.line(&format!("{}:  {text}", printable(&file.path)))?;
        }
        write_file_remarks(page, file)?;
        while let Some((_, line)) = chosen.next_if(|(of, _)| std::ptr::eq(*of, file)) {
            let outcome = line.verdict.outcome();
            let place = format!("{:<width$}", layout::place(file, line), width = columns.place);
            let label = format!("{:<width$}", outcome.label(), width = columns.label);
            let label = page.paint(ansi(outcome.class()), &label);
            let subject = line.subject.as_ref().map(|subject| printable(&subject.go_sum_key())).unwrap_or_default();
            let aside = page.paint(FAINT, &aside(line));
            let text = [place, label, subject, aside];
            page.line(&text.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  "))?;
            // The same reason again and again would bury the lines themselves.
            let details = (outcome, details(report, file, line));
            if outcome.class() == Class::Finding || said_before.as_ref() != Some(&details) {
                for detail in &details.1 {
                    page.line(&format!("    {detail}"))?;
                }
            }
            said_before = Some(details);
        }
    }
    write_unlisted(page, report, &listed)
}

/// The lines to list, each with its file.
fn chosen(style: Style, report: &Report) -> Vec<(&FileReport, &LineReport)> {
    let mut listed: Vec<(Outcome, u64)> = Outcome::ALL.map(|outcome| (outcome, 0)).to_vec();
    let mut wanted = |line: &LineReport| {
        let outcome = line.verdict.outcome();
        let Some((_, count)) = listed.iter_mut().find(|(of, _)| *of == outcome) else { return true };
        *count += 1;
        style.verbose || (outcome.needs_attention() && (outcome.class() == Class::Finding || *count <= LISTED))
    };
    let lines = report.files.iter().flat_map(|file| file.lines.iter().map(move |line| (file, line)));
    lines.filter(|(_, line)| wanted(line)).collect()
}

/// How many lines were not listed although they need attention.
fn write_unlisted(page: &mut TextWriter<'_>, report: &Report, listed: &[(&FileReport, &LineReport)]) -> io::Result<()> {
    for (outcome, total) in report.tally().into_iter().filter(|(outcome, _)| outcome.needs_attention()) {
        let shown: u64 =
            listed.iter().filter(|(_, line)| line.verdict.outcome() == outcome).map(|(_, line)| line.lines()).sum();
        if total > shown {
            let rest = grouped(total - shown);
            let text = format!("... and {rest} more: {} (--verbose lists them)", outcome.label());
            let text = page.paint(ansi(outcome.class()), &text);
            page.line(&text)?;
        }
    }
    Ok(())
}

/// What concerns a file as a whole.
fn write_file_remarks(page: &mut TextWriter<'_>, file: &FileReport) -> io::Result<()> {
    let path = printable(&file.path);
    if let Some(why) = &file.unread {
        let label = page.paint(DOUBT, "not read");
        page.line(&format!("{path}:  {label}  {}", printable(why)))?;
    } else if file.lines.is_empty() {
        let label = page.paint(DOUBT, "0 lines");
        page.line(&format!("{path}:  {label}  nothing to prove"))?;
    }
    for remark in &file.remarks {
        let text = page.paint(FAINT, &format!("note: {}", printable(remark)));
        page.line(&format!("{path}:  {text}"))?;
    }
    Ok(())
}

/// What stands behind the module version: the short fact, and which line this one repeats.
fn aside(line: &LineReport) -> String {
    let repeats = line.repetition().map(|repeats| format!("({repeats})"));
    let parts = [short_fact(&line.verdict), repeats.unwrap_or_default()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ")
}

/// The fact that has room on the line itself.
fn short_fact(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Verified { record } => format!("record {}", grouped(*record)),
        Verdict::Skipped { pattern } => format!("matches {}", printable(pattern)),
        Verdict::UnknownAlgorithm { algorithm } => format!("{}: is not h1:", printable(algorithm)),
        Verdict::Malformed { why }
        | Verdict::NoHash { why }
        | Verdict::MainModule { why }
        | Verdict::Altered { why } => printable(why),
        Verdict::Differs { .. }
        | Verdict::NotInLog { .. }
        | Verdict::NotHeld { .. }
        | Verdict::Unavailable { .. }
        | Verdict::Refused { .. }
        | Verdict::DroppedEmptyGoMod => String::new(),
    }
}

/// The longer facts, on lines of their own.
fn details(report: &Report, file: &FileReport, line: &LineReport) -> Vec<String> {
    let mut details = facts(report, file, line);
    details.extend(line.history.iter().flat_map(|history| history.sentences()));
    details
}

fn facts(report: &Report, file: &FileReport, line: &LineReport) -> Vec<String> {
    match &line.verdict {
        Verdict::Differs { record, in_file, in_log } => {
            let (ours, theirs) = (holder(file, line), printable(&report.database));
            let width = ours.chars().count().max(theirs.chars().count());
            let record = grouped(*record);
            vec![
                format!("{ours:<width$}  {}", printable(in_file)),
                format!("{theirs:<width$}  {}  record {record}", printable(in_log)),
            ]
        }
        Verdict::NotInLog { by } => vec![format!("asked: {}", printable(&by.join(", ")))],
        Verdict::NotHeld { why } | Verdict::Unavailable { why } => vec![printable(why)],
        Verdict::Refused { by, why } => vec![format!("{}: {}", printable(by), printable(why))],
        Verdict::Malformed { .. } => vec![printable(&line.text)],
        Verdict::NoHash { .. }
        | Verdict::MainModule { .. }
        | Verdict::Altered { .. }
        | Verdict::Verified { .. }
        | Verdict::Skipped { .. }
        | Verdict::UnknownAlgorithm { .. }
        | Verdict::DroppedEmptyGoMod => Vec::new(),
    }
}

/// Who gives the hash that is not the log's: `go.sum`, or a file of the module cache.
fn holder(file: &FileReport, line: &LineReport) -> String {
    let path = match &line.place {
        Location::Line(_) | Location::Part(_) if file.path == "-" => "standard input",
        Location::Line(_) | Location::Part(_) => &file.path,
        Location::Commit { path, .. } => path,
        Location::File(path) => path,
    };
    printable(path.rsplit(['/', '\\']).next().unwrap_or(path))
}

/// What it means and what to do next, once for each outcome that asks for something.
fn write_advice(page: &mut TextWriter<'_>, report: &Report) -> io::Result<()> {
    for (outcome, _) in report.tally().into_iter().filter(|(outcome, _)| outcome.needs_attention()) {
        let label = page.paint(ansi(outcome.class()), outcome.label());
        page.line("")?;
        let Advice { title, meaning, next } = report.advice(outcome);
        page.line(&format!("{label}: {title}"))?;
        let advice = format!("What to do next: {next}");
        for row in wrapped(meaning).into_iter().chain(wrapped(&advice)) {
            page.line(&format!("  {row}"))?;
        }
    }
    if report.tally().iter().any(|(outcome, _)| outcome.needs_attention()) {
        page.line("")?;
    }
    Ok(())
}

fn write_notices(page: &mut TextWriter<'_>, report: &Report) -> io::Result<()> {
    for notice in &report.notices {
        let style = if notice.level == Level::Warning { DOUBT } else { FAINT };
        let level = page.paint(style, notice.level.name());
        page.line(&format!("{level}: {}", printable(&notice.text)))?;
    }
    Ok(())
}

fn write_misbehaviour(page: &mut TextWriter<'_>, report: &Report, misbehaviour: &Misbehaviour) -> io::Result<()> {
    let database = printable(&report.database);
    let headline = format!("THE LOG MISBEHAVED: {database} signed two histories that cannot both be true.");
    let headline = page.paint(BAD, &headline);
    page.line(&headline)?;
    for row in printable_lines(&misbehaviour.evidence) {
        page.line(&format!("  {row}"))?;
    }
    let advice = "Trust no answer of this database until people have looked at it. The evidence proves the fork to anybody by \
                  itself: publish it, and report it to the operator of the database (sum.golang.org: security@golang.org).";
    for row in wrapped(advice) {
        page.line(&row)?;
    }
    if let Some(path) = &misbehaviour.saved {
        let path = printable(path);
        page.line(&format!("Evidence: {path}"))?;
        page.line(&format!("Check it: gosumcheck verify-evidence {path}"))?;
    }
    page.line("")
}

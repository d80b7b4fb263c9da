//! The last line of the text: how many lines came to what, and under which tree. A reader who reads nothing else must not
//! take less than all for all, so what was skipped and what was not read stands here too.

use std::io;

use super::super::{Class, Conclusion, Outcome, Report, Verdict, printable};
use super::layout::{counted, grouped};
use super::{BAD, DOUBT, FAINT, GOOD, STRONG, TextWriter, ansi};

/// Writes the skipped patterns, in verbose text the head, and the summary line.
pub(super) fn write(page: &mut TextWriter<'_>, report: &Report) -> io::Result<()> {
    write_skipped(page, report)?;
    if let (true, Some(head)) = (page.style.verbose, &report.head) {
        let text = format!("tree {} of {}, root {}", head.size, printable(&report.database), printable(&head.root));
        let text = page.paint(FAINT, &text);
        page.line(&text)?;
    }
    let line = line(page, report);
    page.line(&line)
}

/// Which patterns exempted how many lines: a pattern that matches too much is as dangerous as a wrong hash.
fn write_skipped(page: &mut TextWriter<'_>, report: &Report) -> io::Result<()> {
    let mut patterns: Vec<(&str, u64)> = Vec::new();
    for line in report.lines() {
        if let Verdict::Skipped { pattern } = &line.verdict {
            match patterns.iter_mut().find(|(known, _)| known == pattern) {
                Some((_, count)) => *count += line.lines(),
                None => patterns.push((pattern, line.lines())),
            }
        }
    }
    for (pattern, count) in patterns {
        let level = page.paint(FAINT, "note");
        page.line(&format!("{level}: {} not checked: exempted by {}", counted(count, "line"), printable(pattern)))?;
    }
    Ok(())
}

/// `1,234 lines: 1,230 verified, 1 DIFFERS, 3 skipped; 24 repeat an earlier line; proven under tree 58,776,408 of
/// sum.golang.org`.
fn line(page: &TextWriter<'_>, report: &Report) -> String {
    let database = printable(&report.database);
    let total: u64 = report.tally().iter().map(|(_, count)| count).sum();
    let clean = report.conclusion() == Conclusion::Proven;
    let mut counts: Vec<String> = report.tally().into_iter().map(|tally| count(page, clean, tally)).collect();
    let unread: u64 = report.files.iter().filter(|file| file.unread.is_some()).map(|_| 1).sum();
    if unread > 0 {
        counts.push(page.paint(DOUBT, &format!("{} not read", counted(unread, "file"))));
    }
    let lines = match report.files.as_slice() {
        [] => page.paint(DOUBT, "0 files"),
        [_] => page.paint(STRONG, &counted(total, "line")),
        files => {
            let files: u64 = files.iter().map(|_| 1).sum();
            page.paint(STRONG, &format!("{} in {}", counted(total, "line"), counted(files, "file")))
        }
    };
    let counts = if counts.is_empty() { "nothing to prove".to_owned() } else { counts.join(", ") };
    // A line that differs is decided by a proven record just as one that is verified.
    let any_decided = report.tally().iter().any(|(outcome, _)| matches!(outcome, Outcome::Verified | Outcome::Differs));
    let under = match &report.head {
        _ if report.misbehaviour.is_some() => page.paint(BAD, "THE LOG MISBEHAVED"),
        Some(head) if any_decided => format!("proven under tree {} of {database}", grouped(head.size)),
        _ => format!("nothing was proven by {database}"),
    };
    let repeats = repeats(report.duplicates()).map(|text| page.paint(FAINT, &text) + "; ").unwrap_or_default();
    format!("{lines}: {counts}; {repeats}{under}")
}

/// `24 repeat an earlier line`: they are among the counts, so without this the counts would not be those of a tidy go.sum.
fn repeats(duplicates: u64) -> Option<String> {
    let verb = if duplicates == 1 { "repeats" } else { "repeat" };
    (duplicates > 0).then(|| format!("{} {verb} an earlier line", grouped(duplicates)))
}

/// `1,230 verified`; green only if nothing else stands against it.
fn count(page: &TextWriter<'_>, clean: bool, (outcome, count): (Outcome, u64)) -> String {
    let text = format!("{} {}", grouped(count), outcome.label());
    match outcome.class() {
        Class::Proven if clean => page.paint(GOOD.bold(), &text),
        Class::Proven => text,
        class => page.paint(ansi(class), &text),
    }
}

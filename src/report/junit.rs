//! The report for CI systems that show tests: JUnit XML. A file is a suite, a line is a case: findings are failures, what
//! could not be told is an error, and a line that was not compared with the log is skipped, never passed.

use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Property, TestCase, TestCaseStatus, TestSuite};

use super::{Class, FileReport, LineReport, Misbehaviour, Place, Report, printable, printable::printable_lines};

/// Writes the report as JUnit XML.
///
/// # Errors
/// What `out` returns.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut suites = quick_junit::Report::new(format!("{} audit", env!("CARGO_PKG_NAME")));
    suites.add_test_suites(report.files.iter().map(|file| suite(report, file)));
    if let Some(misbehaviour) = &report.misbehaviour {
        suites.add_test_suite(log_suite(report, misbehaviour));
    }
    suites.serialize(out).map_err(io::Error::other)
}

/// One file.
fn suite(report: &Report, file: &FileReport) -> TestSuite {
    let mut suite = TestSuite::new(printable(&file.path));
    suite.add_properties(properties(report));
    suite.add_properties(file.remarks.iter().map(|remark| Property::new("remark", printable(remark))));
    if let Some(why) = &file.unread {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_type("not-read").set_message(printable(why));
        suite.add_test_case(TestCase::new("the file can be read", status));
    }
    suite.add_test_cases(file.lines.iter().map(|line| case(report, file, line)));
    suite
}

/// What holds for the whole run: JUnit has no place for it but the suites.
fn properties(report: &Report) -> Vec<Property> {
    let mut properties = vec![
        Property::new("gosumcheck.version", printable(&report.tool_version)),
        Property::new("database", printable(&report.database)),
    ];
    if let Some(time) = &report.time {
        properties.push(Property::new("time", printable(time)));
    }
    if let Some(head) = &report.head {
        properties.push(Property::new("tree.size", head.size.to_string()));
        properties.push(Property::new("tree.root", printable(&head.root)));
    }
    properties.extend(report.notices.iter().map(|notice| Property::new(notice.level.name(), printable(&notice.text))));
    properties
}

/// One line: `MODULE VERSION KIND`, in the class of its file.
fn case(report: &Report, file: &FileReport, line: &LineReport) -> TestCase {
    let name = match &line.subject {
        Some(subject) => format!("{} {} {}", subject.module, subject.version, subject.kind.name()),
        None => line.text.clone(),
    };
    let mut case = TestCase::new(printable(&name), status(report, line));
    case.set_classname(printable(&file.path));
    let (path, number) = match &line.place {
        Place::Line(number) => (&file.path, Some(number)),
        Place::File(path) => (path, None),
    };
    case.extra.insert("file".into(), printable(path).into());
    if let Some(number) = number {
        case.extra.insert("line".into(), number.to_string().into());
    }
    case
}

fn status(report: &Report, line: &LineReport) -> TestCaseStatus {
    let outcome = line.verdict.outcome();
    let mut status = match outcome.class() {
        Class::Proven => return TestCaseStatus::success(),
        Class::Finding => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Class::CouldNotTell => TestCaseStatus::non_success(NonSuccessKind::Error),
        Class::Skipped | Class::Note => TestCaseStatus::skipped(),
    };
    status.set_type(outcome.id());
    status.set_message(line.verdict.sentence(&report.database));
    if matches!(outcome.class(), Class::Finding | Class::CouldNotTell) {
        status.set_description(format!("{}\n\n{}", printable(&line.text), outcome.next()));
    }
    status
}

/// A log that misbehaved fails a case of its own, so that no CI stays green.
fn log_suite(report: &Report, misbehaviour: &Misbehaviour) -> TestSuite {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_type("log-misbehaved").set_message("the log signed two histories that cannot both be true");
    let evidence = printable_lines(&misbehaviour.evidence).join("\n");
    let saved = misbehaviour.saved.iter().map(|path| format!("\n\nsaved in {}", printable(path))).collect::<String>();
    status.set_description(format!("{evidence}{saved}"));
    let mut suite = TestSuite::new(printable(&report.database));
    suite.add_test_case(TestCase::new("the log has one history", status));
    suite
}

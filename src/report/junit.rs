//! The report for CI systems that show tests: JUnit XML. A file is a suite, a line is a case: findings are failures, what
//! could not be decided is an error, and a line that was not compared with the log is skipped, never passed.
//!
//! CI systems tell cases apart by class and name, so a name that a file has had before is numbered: `... zip #2`. A line number
//! would not do: lines of a go.sum move whenever a dependency is added, and the case would lose its history.

use std::collections::HashMap;
use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Property, TestCase, TestCaseStatus, TestSuite};

use super::{
    Class, FileReport, Head, LineReport, Location, Misbehaviour, Notice, Report, printable, printable::printable_lines,
};

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
    suite.add_property(Property::new("artifact", file.artifact.id()));
    suite.add_properties(file.about.iter().map(|about| Property::new("about", printable(about))));
    suite.add_properties(file.remarks.iter().map(|remark| Property::new("remark", printable(remark))));
    if let Some(why) = &file.unread {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_type("not-read").set_message(printable(why));
        suite.add_test_case(TestCase::new("the file can be read", status));
    }
    let mut names = Names::default();
    suite.add_test_cases(file.lines.iter().map(|line| case(report, file, line, &mut names)));
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
    properties.extend(head_and_notices(report.head.as_ref(), &report.notices));
    properties
}

/// The signed head that everything was held to, and what is to be said of the run.
pub(super) fn head_and_notices(head: Option<&Head>, notices: &[Notice]) -> Vec<Property> {
    let tree = head.map(|head| [("tree.size", head.size.to_string()), ("tree.root", printable(&head.root))]);
    let tree = tree.into_iter().flatten().map(|(name, value)| Property::new(name, value));
    tree.chain(notices.iter().map(|notice| Property::new(notice.level.name(), printable(&notice.text)))).collect()
}

/// One line: `MODULE VERSION KIND`, in the class of its file.
fn case(report: &Report, file: &FileReport, line: &LineReport, names: &mut Names) -> TestCase {
    let name = match &line.subject {
        Some(subject) => format!("{} {} {}", subject.module, subject.version, subject.kind.name()),
        None => line.text.clone(),
    };
    let mut case = TestCase::new(names.unique(printable(&name)), status(report, line));
    case.set_classname(printable(&file.path));
    let (path, number) = match &line.place {
        Location::Line(number) => (&file.path, Some(number)),
        Location::File(path) => (path, None),
        Location::Part(_) => (&file.path, None),
        Location::Commit { path, line, .. } => (path, Some(line)),
    };
    case.extra.insert("file".into(), printable(path).into());
    if let Location::Part(part) = &line.place {
        case.extra.insert("part".into(), printable(part).into());
    }
    if let Location::Commit { commit, .. } = &line.place {
        case.extra.insert("commit".into(), printable(commit).into());
    }
    if let Some(number) = number {
        case.extra.insert("line".into(), number.to_string().into());
    }
    case
}

/// The names of one suite, each with the last number that it was given.
#[derive(Default)]
struct Names(HashMap<String, u64>);

impl Names {
    /// `name` the first time, then `name #2`, `name #3`; never one that was given before.
    fn unique(&mut self, name: String) -> String {
        let Some(asked) = self.0.get(&name).copied() else {
            self.0.insert(name.clone(), 1);
            return name;
        };
        let mut number = asked + 1;
        let mut numbered = format!("{name} #{number}");
        // A stranger's line may read like a number given here.
        while self.0.contains_key(&numbered) {
            number += 1;
            numbered = format!("{name} #{number}");
        }
        self.0.insert(name, number);
        self.0.insert(numbered.clone(), 1);
        numbered
    }
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
    let repeats = line.repetition().map(|repeats| format!(" ({repeats})")).unwrap_or_default();
    status.set_message(line.verdict.sentence(&report.database) + &repeats);
    if matches!(outcome.class(), Class::Finding | Class::CouldNotTell) {
        let history = line.history.iter().flat_map(|history| history.sentences());
        let text: Vec<String> = std::iter::once(printable(&line.text)).chain(history).collect();
        status.set_description(format!("{}\n\n{}", text.join("\n"), report.advice(outcome).next));
    }
    status
}

/// A log that misbehaved fails a case of its own, so that no CI stays green.
fn log_suite(report: &Report, misbehaviour: &Misbehaviour) -> TestSuite {
    let mut suite = TestSuite::new(printable(&report.database));
    suite.add_test_case(one_history(Some(misbehaviour)));
    suite
}

/// The case that the log has one history: it fails with the evidence where it was caught with two.
pub(super) fn one_history(misbehaviour: Option<&Misbehaviour>) -> TestCase {
    let mut status = TestCaseStatus::success();
    if let Some(misbehaviour) = misbehaviour {
        status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_type("log-misbehaved").set_message("the log signed two histories that cannot both be true");
        let evidence = printable_lines(&misbehaviour.evidence).join("\n");
        let saved = misbehaviour.saved.iter().map(|path| format!("\n\nsaved in {}", printable(path)));
        status.set_description(evidence + &saved.collect::<String>());
    }
    TestCase::new("the log has one history", status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_given_twice() {
        let mut names = Names::default();
        let asked = ["a", "a #2", "a", "b", "a", "a #2", "a #2 #2"];
        let given = asked.map(|name| names.unique(name.to_owned()));
        assert_eq!(given, ["a", "a #2", "a #3", "b", "a #4", "a #2 #2", "a #2 #2 #2"]);
    }
}

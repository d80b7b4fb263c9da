//! The report of a verification for CI systems that show tests: JUnit XML. Each kind of finding is a case, so that it has a history:
//! it fails with all findings of its kind, and is skipped, never passed, where nothing of its part was looked at.

use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Property, TestCase, TestCaseStatus, TestSuite};

use super::super::junit::{head_and_notices, one_history};
use super::super::printable;
use super::{Coverage, Flaw, Integrity, ReportPart};

/// Writes the report as JUnit XML.
pub(super) fn write(report: &Integrity, out: &mut dyn Write) -> io::Result<()> {
    let mut suites = quick_junit::Report::new(format!("{} verify", env!("CARGO_PKG_NAME")));
    suites.add_test_suites([
        suite(report, ReportPart::Log, "log"),
        suite(report, ReportPart::Index, "index"),
        suite(report, ReportPart::Modules, "modules"),
        suite(report, ReportPart::Upstreams, "upstreams"),
    ]);
    suites.serialize(out).map_err(io::Error::other)
}

fn suite(report: &Integrity, part: ReportPart, name: &str) -> TestSuite {
    let mut suite = TestSuite::new(format!("{} {name}", printable(&report.database)));
    suite.add_properties(properties(report));
    let cases = Flaw::ALL.into_iter().filter(|flaw| flaw.part() == part).map(|flaw| case(report, part, flaw));
    suite.add_test_cases(cases);
    if part == ReportPart::Log {
        suite.add_test_case(one_history(report.misbehaviour.as_ref()));
    }
    suite
}

fn case(report: &Integrity, part: ReportPart, flaw: Flaw) -> TestCase {
    let count = report.counts.iter().find(|(of, _)| *of == flaw).map_or(0, |(_, count)| *count);
    let figures = &report.figures;
    let was_looked_at = match part {
        ReportPart::Log => figures.heads > 0 || figures.records > 0 || figures.cached.is_some(),
        ReportPart::Index => figures.indexed.is_some(),
        ReportPart::Modules => figures.modules.is_some(),
        ReportPart::Upstreams => figures.upstreams.is_some(),
    };
    let mut status = if count > 0 {
        TestCaseStatus::non_success(NonSuccessKind::Failure)
    } else if was_looked_at {
        TestCaseStatus::success()
    } else {
        TestCaseStatus::skipped()
    };
    if count > 0 {
        let found = report.findings.iter().filter(|finding| finding.flaw == flaw);
        let lines: Vec<String> = found
            .map(|finding| {
                format!("{} ({}): {}", printable(&finding.file), finding.diagnosis.id(), printable(&finding.what))
            })
            .collect();
        status.set_type(flaw.id()).set_message(format!("{count}: {}", flaw.meaning()));
        status.set_description(format!("{}\n\n{}", lines.join("\n"), flaw.next()));
    } else if !was_looked_at {
        status.set_message("nothing of this was looked at");
    }
    let mut case = TestCase::new(flaw.id(), status);
    case.set_classname(format!("{}.verify", env!("CARGO_PKG_NAME")));
    case
}

/// What holds for the whole run.
fn properties(report: &Integrity) -> Vec<Property> {
    let coverage = if report.coverage == Coverage::Full { "full" } else { "part" };
    let mut properties = vec![
        Property::new("gosumcheck.version", printable(&report.tool_version)),
        Property::new("database", printable(&report.database)),
        Property::new("coverage", coverage),
    ];
    properties.extend(head_and_notices(report.head.as_ref(), &report.notices));
    properties
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::report::Misbehaviour;

    #[test]
    fn a_log_that_was_caught_fails_a_case_with_the_evidence_and_its_place() {
        let text = |misbehaviour| {
            let mut out = Vec::new();
            write(&Integrity { misbehaviour, ..Integrity::new("log.example") }, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert!(!text(None).contains("<failure"));
        let caught = Misbehaviour { evidence: "two heads".to_owned(), saved: Some("/d/fork-1".to_owned()) };
        let failed = text(Some(caught));
        for words in ["failures=\"1\"", "type=\"log-misbehaved\"", "two heads", "saved in /d/fork-1"] {
            assert!(failed.contains(words), "{words}: {failed}");
        }
    }
}

//! What the formats promise to others: the JSON keeps its schema, the SARIF keeps what GitHub's code scanning asks for, the
//! JUnit counts right; and the exit code follows the worst verdict.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

#[path = "report/sample.rs"]
#[allow(unreachable_pub, dead_code)] // each test file uses a part of it
mod sample;
#[path = "report/schema.rs"]
#[allow(unreachable_pub)]
mod schema;

use gosumcheck::report::text::Style;
use gosumcheck::report::{Class, FileReport, Format, Kind, LineReport, Outcome, Report, Verdict};
use serde_json::{Value, json};

fn rendered(report: &Report, format: Format) -> String {
    let mut bytes = Vec::new();
    report.write(format, Style::default(), &mut bytes).expect("a Vec takes everything");
    String::from_utf8(bytes).expect("every format is UTF-8")
}

fn parsed(report: &Report, format: Format) -> Value {
    serde_json::from_str(&rendered(report, format)).unwrap()
}

fn of(verdicts: &[Verdict]) -> Report {
    let mut report = Report::new("sum.golang.org");
    let lines = verdicts.iter().zip(1..).map(|(v, n)| sample::line(n, "example.com/a", "v1.0.0", Kind::Zip, v.clone()));
    report.files = vec![FileReport { path: "go.sum".to_owned(), lines: lines.collect(), ..FileReport::default() }];
    report
}

fn finding() -> Verdict {
    Verdict::Malformed { why: "2 fields".to_owned() }
}

fn doubt() -> Verdict {
    Verdict::Unavailable { why: "no network".to_owned() }
}

#[test]
fn the_worst_verdict_decides_in_the_order_3_1_2() {
    let proven = Verdict::Verified { record: 1 };
    let skipped = Verdict::Skipped { pattern: "corp.example".to_owned() };
    let notes = [skipped, Verdict::DroppedEmptyGoMod];
    assert_eq!(of(&[]).exit_code(), 0, "an empty go.sum has nothing that could be wrong");
    assert_eq!(of(std::slice::from_ref(&proven)).exit_code(), 0);
    assert_eq!(of(&notes).exit_code(), 0);
    assert_eq!(of(&[proven.clone(), doubt()]).exit_code(), 2);
    assert_eq!(of(&[doubt(), finding(), proven]).exit_code(), 1);
    for report in [sample::everything(), of(&[finding()]), of(&[doubt()]), sample::clean()] {
        let forked = Report { misbehaviour: sample::misbehaved().misbehaviour, ..report };
        assert_eq!(forked.exit_code(), 3);
    }
    let mut unread = sample::clean();
    unread.files.push(FileReport { unread: Some("permission denied".to_owned()), ..FileReport::default() });
    assert_eq!(unread.exit_code(), 2, "a file that was not read is not proven");
    assert_eq!(Report::new("sum.golang.org").exit_code(), 2, "no file at all is not proven");
}

#[test]
fn nothing_to_prove_never_reads_as_all_proven() {
    let head = Some(sample::head());
    let empty = rendered(&Report { head: head.clone(), ..of(&[]) }, Format::Text);
    assert!(empty.starts_with("go.sum:  0 lines  nothing to prove\n"), "{empty}");
    assert!(empty.ends_with("0 lines: nothing to prove; nothing was proven by sum.golang.org\n"), "{empty}");
    let none = rendered(&Report::new("sum.golang.org"), Format::Text);
    assert_eq!(none, "0 files: nothing to prove; nothing was proven by sum.golang.org\n");
    let skipped = [Verdict::Skipped { pattern: "*".to_owned() }];
    let skipped = rendered(&Report { head, ..of(&skipped) }, Format::Text);
    assert!(skipped.contains("note: 1 line not checked: exempted by *\n"), "{skipped}");
    assert!(skipped.ends_with("1 line: 1 skipped; nothing was proven by sum.golang.org\n"), "{skipped}");
}

/// A report in which every line after the first repeats it.
fn repeating(verdicts: &[Verdict]) -> Report {
    let mut report = of(verdicts);
    for line in report.files[0].lines.iter_mut().skip(1) {
        line.duplicate_of = Some(1);
    }
    report
}

#[test]
fn a_repeated_line_counts_under_its_own_verdict_and_as_a_repeat() {
    let proven = Verdict::Verified { record: 1 };
    let report = repeating(&[proven.clone(), proven.clone(), proven]);
    assert_eq!((report.tally(), report.duplicates()), (vec![(Outcome::Verified, 3)], 2));
    let text = rendered(&Report { head: Some(sample::head()), ..report.clone() }, Format::Text);
    let summary = "3 lines: 3 verified; 2 repeat an earlier line; proven under tree 58,776,408 of sum.golang.org
";
    assert_eq!(text, summary, "repeats that need no attention have no line of their own");
    let json = parsed(&report, Format::Json);
    assert_eq!((&json["total_lines"], &json["duplicate_lines"]), (&json!(3), &json!(2)));
    let marks: Vec<&Value> = (0..3).map(|line| &json["files"][0]["lines"][line]["duplicate_of"]).collect();
    assert_eq!(marks, [&Value::Null, &json!(1), &json!(1)]);

    let once = rendered(&repeating(&[doubt(), doubt()]), Format::Text);
    assert!(once.ends_with(
        "2 lines: 2 unavailable; 1 repeats an earlier line; nothing was proven by sum.golang.org
"
    ));
    assert_eq!(sample::clean().duplicates(), 0);
    assert!(!rendered(&sample::clean(), Format::Text).contains("earlier line"));
}

#[test]
fn repeats_that_are_not_listed_are_counted_in_every_format() {
    let mut report = of(&[finding(), Verdict::Skipped { pattern: "a".to_owned() }]);
    report.files[0].lines[0].unlisted_repeats = 4_000;
    report.files[0].lines[1].unlisted_repeats = 1;
    assert_eq!(report.tally(), [(Outcome::Malformed, 4_001), (Outcome::Skipped, 2)]);
    assert_eq!((report.duplicates(), report.exit_code()), (4_001, 1));
    let text = rendered(&report, Format::Text);
    for words in ["(is repeated by 4,000 more lines)", "2 lines not checked", "4,003 lines: 4,001 malformed, 2 skipped"]
    {
        assert!(text.contains(words), "{text}");
    }
    assert!(!text.contains("--verbose lists them"), "{text}");
    let json = parsed(&report, Format::Json);
    let schema: Value = serde_json::from_str(include_str!("../testdata/schema/audit-report-1.schema.json")).unwrap();
    assert_eq!(schema::faults(&schema, &json), Vec::<String>::new());
    assert_eq!((&json["total_lines"], &json["duplicate_lines"]), (&json!(4_003), &json!(4_001)));
    assert_eq!(json["files"][0]["lines"][0]["unlisted_repeats"], 4_000);
    assert!(rendered(&report, Format::Sarif).contains("It is repeated by 4,000 more lines."));
    assert!(rendered(&report, Format::Junit).contains("(is repeated by 4,000 more lines)"));
}

#[test]
fn a_repeated_finding_is_a_finding_of_its_own_in_every_format() {
    let report = repeating(&[finding(), finding(), finding()]);
    let text = rendered(&report, Format::Text);
    for expected in ["go.sum:1:  malformed  ", "go.sum:2:  malformed  ", "go.sum:3:  malformed  "] {
        assert_eq!(text.matches(expected).count(), 1, "{text}");
    }
    assert_eq!(
        text.matches(
            "2 fields  (repeats line 1)
"
        )
        .count(),
        2,
        "{text}"
    );

    let sarif = parsed(&report, Format::Sarif);
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let line = |result: &Value| result["locations"][0]["physicalLocation"]["region"]["startLine"].as_u64();
    assert_eq!(results.iter().map(line).collect::<Vec<_>>(), [Some(1), Some(2), Some(3)]);
    let says_so = |result: &Value| result["message"]["text"].as_str().unwrap().ends_with(". It repeats line 1.");
    assert_eq!(results.iter().map(says_so).collect::<Vec<_>>(), [false, true, true]);

    let xml = rendered(&report, Format::Junit);
    assert_eq!(xml.matches("<failure message=\"2 fields (repeats line 1)\"").count(), 2, "{xml}");
    for (name, number) in [("v1.0.0 zip", 1), ("v1.0.0 zip #2", 2), ("v1.0.0 zip #3", 3)] {
        let case =
            format!("<testcase name=\"example.com/a {name}\" classname=\"go.sum\" file=\"go.sum\" line=\"{number}\">");
        assert_eq!(xml.matches(&case).count(), 1, "{xml}");
    }
}

#[test]
fn junit_names_differ_within_a_file_even_where_long_lines_were_cut() {
    let mut report = of(&[finding(), finding()]);
    for (line, end) in report.files[0].lines.iter_mut().zip(["a", "b"]) {
        *line = LineReport { subject: None, text: "x".repeat(1_000) + end, ..line.clone() };
    }
    for report in [report, sample::everything(), sample::misbehaved()] {
        let xml = rendered(&report, Format::Junit);
        let starts = xml.lines().filter_map(|row| row.trim_start().strip_prefix("<testcase "));
        let ids: Vec<&str> = starts.map(|row| row.split(" file=").next().unwrap_or(row)).collect();
        let different: std::collections::BTreeSet<&&str> = ids.iter().collect();
        assert_eq!(ids.len(), different.len(), "{xml}");
    }
}

#[test]
fn a_dead_network_does_not_bury_findings_but_findings_are_all_listed() {
    let mut verdicts = vec![doubt(); 1_000];
    verdicts.extend(vec![finding(); 30]);
    let text = rendered(&of(&verdicts), Format::Text);
    assert_eq!(text.matches("  unavailable  ").count(), 10);
    assert_eq!(text.matches("no network").count(), 1);
    assert!(text.contains("... and 990 more: unavailable (--verbose lists them)\n"));
    assert_eq!(text.lines().filter(|line| line.contains(":  malformed  ")).count(), 30);
    assert!(text.contains("1,030 lines: 30 malformed, 1,000 unavailable; nothing was proven"));
}

#[test]
fn a_file_that_is_not_held_is_ten_lines_and_a_count() {
    let not_held = Verdict::NotHeld { why: "the store has no signed head yet".to_owned() };
    let text = rendered(&repeating(&vec![not_held; 1_000]), Format::Text);
    assert_eq!(text.matches("  not held  ").count(), 10);
    assert_eq!(text.matches("the store has no signed head yet").count(), 1);
    assert!(text.contains("... and 990 more: not held (--verbose lists them)\n"));
    assert!(text.contains("1,000 lines: 1,000 not held; 999 repeat an earlier line; nothing was proven"));
}

#[test]
fn json_keeps_its_schema() {
    let schema: Value = serde_json::from_str(include_str!("../testdata/schema/audit-report-1.schema.json")).unwrap();
    let doubtful = of(&[doubt()]);
    for report in [sample::everything(), sample::clean(), sample::misbehaved(), doubtful, Report::new("x")] {
        let value = parsed(&report, Format::Json);
        assert_eq!(schema::faults(&schema, &value), Vec::<String>::new());
        assert_eq!(value["exit_code"], json!(report.exit_code()));
    }
    // The checker does see faults.
    let mut wrong = parsed(&sample::everything(), Format::Json);
    wrong["files"][0]["lines"][0]["verdict"] = json!("fine");
    wrong["extra"] = json!(1);
    assert!(schema::faults(&schema, &wrong).len() >= 2);
}

/// "SARIF support for code scanning" in GitHub's documentation: required properties are there and not empty, texts and
/// counts keep their limits.
#[test]
fn sarif_keeps_what_code_scanning_asks_for() {
    let log = parsed(&sample::everything(), Format::Sarif);
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).expect("a text").to_owned();
    assert_eq!((text(&log["version"]), log["runs"].as_array().unwrap().len()), ("2.1.0".to_owned(), 1));
    assert!(text(&log["$schema"]).contains("sarif-2.1.0"));
    let driver = &log["runs"][0]["tool"]["driver"];
    assert_eq!((text(&driver["name"]), text(&driver["semanticVersion"])), ("gosumcheck".into(), "0.0.0-sample".into()));
    let rules = driver["rules"].as_array().unwrap();
    for rule in rules {
        assert!(text(&rule["name"]).len() <= 255);
        assert!(text(&rule["shortDescription"]["text"]).len() <= 1024);
        assert!(text(&rule["fullDescription"]["text"]).len() <= 1024);
        assert!(!text(&rule["help"]["text"]).is_empty() && !text(&rule["help"]["markdown"]).is_empty());
        assert!(["note", "warning", "error"].contains(&text(&rule["defaultConfiguration"]["level"]).as_str()));
        assert!(rule["properties"]["tags"].as_array().unwrap().len() <= 10);
    }
    let results = log["runs"][0]["results"].as_array().unwrap();
    let reported = |o: &Outcome| matches!(o.class(), Class::Finding | Class::CouldNotTell);
    let expected: u64 = sample::everything().tally().iter().filter(|(o, _)| reported(o)).map(|(_, count)| count).sum();
    assert_eq!(u64::try_from(results.len()).unwrap(), expected);
    let mut fingerprints = std::collections::BTreeSet::new();
    for result in results {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!((&rule["id"], &rule["defaultConfiguration"]["level"]), (&result["ruleId"], &result["level"]));
        assert!(!text(&result["message"]["text"]).contains("]("), "a stranger's text made a link");
        let location = &result["locations"][0]["physicalLocation"];
        let uri = text(&location["artifactLocation"]["uri"]);
        assert!(uri.is_ascii() && !uri.contains(['\\', ' ']) && !uri.starts_with("./"));
        assert!(location["region"]["startLine"].as_u64().unwrap() >= 1);
        let fingerprint = text(&result["partialFingerprints"]["primaryLocationLineHash"]);
        assert!(fingerprints.insert((uri, fingerprint)), "two results would be one alert");
    }
    assert_eq!(results[0]["locations"][0]["physicalLocation"]["region"]["startLine"], json!(35));
}

#[test]
fn a_sarif_alert_follows_its_line_and_repeated_lines_are_told_apart() {
    let hashes = |report: &Report| -> Vec<Value> {
        let log = parsed(report, Format::Sarif);
        let results = log["runs"][0]["results"].as_array().unwrap().clone();
        results.iter().map(|result| result["partialFingerprints"]["primaryLocationLineHash"].clone()).collect()
    };
    let before = hashes(&of(&[finding(), doubt()]));
    let after = hashes(&of(&[Verdict::Verified { record: 1 }, finding(), doubt()]));
    assert_eq!(before, after);
    let twice = hashes(&of(&[finding(), finding()]));
    assert_ne!(twice[0], twice[1]);
}

#[test]
fn sarif_never_has_more_results_than_code_scanning_takes() {
    let mut verdicts = vec![doubt(); 25_000];
    verdicts.push(finding());
    let log = parsed(&of(&verdicts), Format::Sarif);
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert_eq!((results.len(), &results[0]["ruleId"]), (25_000, &json!("malformed")));
    let notifications = log["runs"][0]["invocations"][0]["toolExecutionNotifications"].to_string();
    assert!(notifications.contains("1 further results had no room"));
}

#[test]
fn sarif_says_when_the_run_was_not_complete() {
    let complete =
        |report: &Report| parsed(report, Format::Sarif)["runs"][0]["invocations"][0]["executionSuccessful"].clone();
    assert_eq!(complete(&sample::clean()), json!(true));
    assert_eq!(complete(&of(&[finding()])), json!(true));
    for report in [of(&[finding(), doubt()]), sample::everything(), sample::misbehaved(), Report::new("x")] {
        assert_eq!(complete(&report), json!(false));
    }
}

#[test]
fn junit_passes_only_what_was_proven() {
    let xml = rendered(&sample::everything(), Format::Junit);
    let count = |what: &str| u64::try_from(xml.matches(what).count()).unwrap();
    let tally = sample::everything().tally();
    let lines = |class| -> u64 { tally.iter().filter(|(o, _)| o.class() == class).map(|(_, count)| count).sum() };
    assert_eq!(count("<failure "), lines(Class::Finding));
    assert_eq!(count("<error "), lines(Class::CouldNotTell) + 1, "and the file that was not read");
    assert_eq!(count("<skipped "), lines(Class::Skipped) + lines(Class::Note));
    assert_eq!(count("<testcase ") - count("</testcase>"), lines(Class::Proven));
    assert_eq!(count("<testsuite "), 6);
}

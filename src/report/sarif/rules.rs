//! The rules of a SARIF report: one for each outcome that can be a result, with the level and the severity that GitHub sorts
//! by; and the notifications of a run.

use serde_json::{Value, json};

use super::super::{Advice, Class, Outcome, Report};

/// Where people find more.
const HELP_URI: &str = "https://go.dev/ref/mod#checksum-database";

/// The outcomes that are results, in the order of their `ruleIndex`.
fn reported() -> impl Iterator<Item = Outcome> {
    Outcome::ALL.into_iter().filter(|outcome| matches!(outcome.class(), Class::Finding | Class::CouldNotTell))
}

/// Every rule, whether this report has results for it or not.
pub(super) fn all(report: &Report) -> Vec<Value> {
    reported().map(|outcome| rule(outcome, report.advice(outcome))).collect()
}

/// The place of an outcome's rule in `all()`.
pub(super) fn index(outcome: Outcome) -> Option<usize> {
    reported().position(|reported| reported == outcome)
}

/// `error` for findings, `warning` for what could not be decided.
pub(super) fn level(outcome: Outcome) -> &'static str {
    match outcome.class() {
        Class::Finding => "error",
        Class::CouldNotTell => "warning",
        Class::Proven | Class::Skipped | Class::Note => "note",
    }
}

fn rule(outcome: Outcome, advice: Advice) -> Value {
    let Advice { title, meaning, next } = advice;
    json!({
        "id": outcome.id(),
        "name": name(outcome.id()),
        "shortDescription": { "text": sentence(title) },
        "fullDescription": { "text": meaning },
        "helpUri": HELP_URI,
        "help": {
            "text": format!("{meaning}\n\nWhat to do next: {next}"),
            "markdown": format!("{meaning}\n\n**What to do next:** {next}"),
        },
        "defaultConfiguration": { "level": level(outcome) },
        "properties": properties(outcome),
    })
}

/// GitHub shows a rule with a `security-severity` as a security alert: from 7.0 high, from 4.0 medium. What could not be decided
/// says nothing about security and has none.
fn properties(outcome: Outcome) -> Value {
    let severity = match outcome {
        Outcome::Differs | Outcome::Altered => Some("8.8"),
        Outcome::NotInLog => Some("6.5"),
        Outcome::UnknownAlgorithm | Outcome::Malformed => Some("4.0"),
        _ => None,
    };
    match severity {
        Some(severity) => json!({
            "precision": "very-high",
            "security-severity": severity,
            "tags": ["security", "supply-chain", "go"],
        }),
        None => json!({ "precision": "very-high", "problem.severity": "warning", "tags": ["supply-chain", "go"] }),
    }
}

/// The kinds of notification that a run can have.
pub(super) fn notifications() -> Vec<Value> {
    let known = [
        ("log-misbehaved", "The log signed two histories that cannot both be true."),
        ("not-read", "A file could not be read."),
        ("notice", "Something about the run as a whole."),
        ("results-left-out", "There were more results than a SARIF file may have."),
    ];
    known.into_iter().map(|(id, text)| json!({ "id": id, "shortDescription": { "text": text } })).collect()
}

/// One notification.
pub(super) fn notification(id: &str, level: &str, text: &str) -> Value {
    json!({ "descriptor": { "id": id }, "level": level, "message": { "text": plain(text) } })
}

/// A message in which a stranger's text is neither a placeholder nor a link: braces are doubled (SARIF section 3.11.5), and a
/// bracket that would make `[text](target)` of it (section 3.11.6) is set apart.
pub(super) fn plain(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}").replace("](", "] (")
}

/// `not-in-log` as SARIF writes names: `NotInLog`.
fn name(id: &str) -> String {
    id.split('-')
        .flat_map(|word| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters)
        })
        .collect()
}

/// A title as a sentence: capital first, full stop last.
fn sentence(title: &str) -> String {
    let mut letters = title.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_sentences() {
        assert_eq!(name("not-in-log"), "NotInLog");
        assert_eq!(sentence("the hash is wrong"), "The hash is wrong.");
        assert_eq!(plain("a [b](c) [d] {0} \\u{1b}"), "a [b] (c) [d] {{0}} \\u{{1b}}");
    }

    #[test]
    fn every_result_has_its_rule_and_no_other_outcome_has_one() {
        let ids: Vec<&str> = reported().map(Outcome::id).collect();
        let all = "differs altered not-in-log unknown-algorithm malformed refused unavailable not-held no-hash";
        assert_eq!(ids.join(" "), all);
        assert_eq!(index(Outcome::Differs), Some(0));
        assert_eq!(index(Outcome::Verified), None);
        assert_eq!(index(Outcome::DroppedEmptyGoMod), None);
    }
}

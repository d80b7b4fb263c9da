//! Rules against what they should mean, and against a matcher that is written as the text reads.

#![allow(clippy::indexing_slicing, reason = "a panic is a failed test")]

use std::cmp::Ordering;

use proptest::prelude::*;

use super::*;

fn module(path: &str) -> ModulePath {
    ModulePath::parse(path).unwrap_or_else(|error| panic!("{error}"))
}

fn version(text: &str) -> Version {
    Version::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

fn rules(text: &str) -> Rules {
    Rules::parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"))
}

/// The line of the rule that decides about a version; 0: none.
fn line(rules: &Rules, path: &str, at: &str, is_private: bool) -> usize {
    rules.of_version(&module(path), is_private, &version(at)).rule.map_or(0, |(_, rule)| rule.line)
}

/// Every row: a range, and which of five versions are in it.
#[test]
fn ranges_are_in_gos_order() {
    let versions = ["v1.2.0-rc.1", "v1.2.0", "v1.3.0", "v1.10.0", "v2.0.0+incompatible"];
    for (range, expected) in [
        ("v1.2.0", "01000"),
        ("=v1.2.0", "01000"),
        ("<v1.2.0", "10000"),
        ("<=v1.2.0", "11000"),
        (">v1.2.0", "00111"),
        (">=v1.2.0", "01111"),
        (">=v1.3.0 <v2.0.0", "00110"),
        (">v1.10.0", "00001"),
        ("=v2.0.0", "00001"),
        ("<v1.2.0 || >v1.3.0", "10011"),
        ("v1.2.0 || v1.3.0", "01100"),
        (">=v1.2.0-0 <v1.3.0-0", "11000"),
        (">v9.0.0", "00000"),
    ] {
        let rules = rules(&format!("deny example.com/m {range}"));
        let found: String = versions.iter().map(|at| line(&rules, "example.com/m", at, false).to_string()).collect();
        assert_eq!(found, expected, "{range}");
    }
}

#[test]
fn the_first_rule_that_matches_decides() {
    let text = "# first\n\nallow a.b/x/good\ndeny a.b/x/* <v1.0.0 \"too old\"\r\nroute public a.b/x = https://c\n\
                deny a.b/x # all of the rest\n route  a.b/y =  https://d|direct # there\n";
    let rules = rules(text);
    for (path, at, is_private, expected) in [
        ("a.b/x/good", "v0.1.0", false, 3),
        ("a.b/x/good/deep", "v0.1.0", false, 3),
        ("a.b/x/other", "v0.9.0", false, 4),
        ("a.b/x/other", "v1.0.0", false, 5),
        ("a.b/x", "v0.9.0", false, 5),
        ("a.b/x/other", "v1.0.0", true, 6),
        ("a.b/xy", "v1.0.0", false, 0),
        ("a.b/y/z", "v1.0.0", true, 7),
        ("a.b/y/z", "v1.0.0", false, 7),
        ("c.d", "v1.0.0", false, 0),
    ] {
        assert_eq!(line(&rules, path, at, is_private), expected, "{path}@{at}");
    }
    let all: Vec<String> = rules.iter().map(ToString::to_string).collect();
    assert_eq!(all[1], "deny a.b/x/* <v1.0.0 \"too old\"");
    assert_eq!(all[4], "route a.b/y");
    let RuleAction::Route { to, place, is_public } = &rules.rules[4].action else { panic!("{rules:?}") };
    assert_eq!(
        (to.as_str(), text.get(place.clone()), *is_public),
        ("https://d|direct", Some("https://d|direct"), false)
    );
    assert_eq!(rules.rules[1].action, RuleAction::Deny { reason: "too old".to_owned() });
    assert!(Rules::parse("\n# nothing\n").is_ok_and(|rules| rules.is_empty()));
}

/// What holds for a module before a version is named.
#[test]
fn a_module_is_denied_only_if_all_of_its_versions_are() {
    for (text, denied, looks) in [
        ("deny a.b", true, false),
        ("deny a.b <v1.0.0", false, true),
        ("deny a.b <v1.0.0\ndeny a.b", true, true),
        ("allow a.b >=v1.0.0\ndeny a.b", false, true),
        ("allow a.b\ndeny a.b", false, false),
        ("deny c.d\nallow a.b", false, false),
        ("deny *", true, false),
    ] {
        let rules = rules(text);
        let found = rules.of_module(&module("a.b/m"), false).denied_by().is_some();
        assert_eq!((found, rules.looks_at_versions(&module("a.b/m"), false)), (denied, looks), "{text}");
    }
    let rules = rules("deny a.b/m <v1.0.0\nroute a.b = https://c");
    assert_eq!(rules.of_module(&module("a.b/m"), true).route(), Some(1));
    assert_eq!(rules.of_version(&module("a.b/m"), true, &version("v0.1.0")).route(), None);
}

#[test]
fn what_is_wrong_is_pointed_at() {
    for (text, at, words) in [
        ("forbid a.b", "forbid", "a rule begins with allow, deny or route"),
        ("\"deny\" a.b", "\"deny\"", "a rule begins with"),
        ("deny", "deny", "the pattern of the modules is missing"),
        ("deny https://a.b/x", "https://a.b/x", "write a.b/x"),
        ("deny a.b,c.d", "a.b,c.d", "one pattern a rule"),
        ("deny \"a.b\"", "\"a.b\"", "without quotation marks"),
        ("deny a.b \"why", "\"why", "not closed"),
        ("deny a.b \"why\" \"more\"", "\"more\"", "one reason"),
        ("deny a.b why", "why", "nor a reason in quotation marks"),
        ("allow a.b \"why\"", "\"why\"", "only a deny has a reason"),
        ("deny a.b >= v1.0.0", ">=", "without a space"),
        ("deny a.b 1.0.0", "1.0.0", "write v1.0.0"),
        ("deny a.b <v1.0", "<v1.0", "v1.0.0"),
        ("deny a.b <v1.0.0 ||", "||", "one side of ||"),
        ("deny a.b || v1.0.0", "||", "one side of ||"),
        ("route a.b", "route a.b", "= and the upstreams"),
        ("route a.b =", "route a.b =", "the list of upstreams is missing"),
        ("route a.b https://c", "https://c", "follow the pattern"),
        ("route a.b v1.0.0 = https://c", "v1.0.0", "for all versions"),
        ("route", "route", "the pattern of the modules is missing"),
        ("deny a.b \"\u{7}\"", "\"\u{7}\"", "control"),
    ] {
        let before = "allow ok.example\n# é\n";
        let whole = format!("{before}{text}\nallow ok.example");
        let Err(error) = Rules::parse(&whole) else { panic!("{text}") };
        assert_eq!(whole.get(error.place.clone()), Some(at), "{text}: {}", error.why);
        assert!(error.why.contains(words), "{text}: {}", error.why);
    }
    let long = format!("deny a.b \"{}\"", "x".repeat(MAX_REASON + 1));
    assert!(Rules::parse(&long).is_err_and(|error| error.why.contains("at most 300 bytes")));
}

#[test]
fn rules_that_decide_nothing_are_found() {
    for (text, expected) in [
        ("deny a.b\nallow a.b/x", vec![(2, 1)]),
        ("deny a.b/*\nallow a.b/x", vec![(2, 1)]),
        ("deny a.b/x\nallow a.b", vec![]),
        ("deny a.b <v1.0.0\nallow a.b", vec![]),
        ("route public a.b = https://c\ndeny a.b", vec![]),
        ("allow *\ndeny a.b\ndeny *.c", vec![(2, 1)]),
        ("deny *.c\ndeny *.c", vec![(2, 1)]),
    ] {
        let rules = rules(text);
        let found: Vec<(usize, usize)> = rules.unreachable().map(|(rule, earlier)| (rule.line, earlier.line)).collect();
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn a_pattern_is_within_others_where_its_plain_part_is() {
    for (pattern, patterns, expected) in [
        ("corp.example/team-a/*", "corp.example", true),
        ("corp.example/team-a/*", "corp.example/team-a", true),
        ("corp.example/team-a", "corp.example/team-a/*", false),
        ("*.corp.example", "*.corp.example", true),
        ("*.corp.example/x", "*.corp.example", false),
        ("github.com/x", "corp.example", false),
        ("*", "*", true),
    ] {
        let rules = rules(&format!("route {pattern} = https://c"));
        assert_eq!(rules.rules[0].is_within(&Patterns::parse(patterns)), expected, "{pattern} {patterns}");
    }
}

// --- against a matcher that is written as the text reads --------------------------------------------------------------

/// One rule of a made-up file.
#[derive(Debug, Clone)]
struct Made {
    action: usize,
    pattern: usize,
    /// alternatives of bounds: relation, version
    range: Vec<Vec<(usize, usize)>>,
}

const PATTERNS: [&str; 7] = ["*", "a.b", "a.b/*", "a.b/x", "*.b/x", "c.d/y", "c.d/?/z"];
const PATHS: [&str; 7] = ["a.b", "a.b/x", "a.b/x/z", "a.b/y", "c.d/y", "c.d/y/z", "e.f"];
const SIGNS: [&str; 5] = ["<", "<=", "=", ">=", ">"];
/// ascending
const VERSIONS: [&str; 6] =
    ["v0.0.0-20190227155943-e225da77a7e6", "v0.1.0", "v1.0.0-rc.1", "v1.0.0", "v1.2.0", "v1.10.0"];

/// `PATTERNS` as Go's documentation has them: a pattern of n elements against the first n elements.
fn naive_pattern(pattern: &str, path: &str) -> bool {
    let elements: Vec<&str> = path.split('/').collect();
    let wanted: Vec<&str> = pattern.split('/').collect();
    elements.len() >= wanted.len()
        && wanted.iter().zip(&elements).all(|(wanted, element)| match *wanted {
            "*" => true,
            "*.b" => element.ends_with(".b"),
            "?" => element.chars().count() == 1,
            plain => plain == *element,
        })
}

fn naive_range(range: &[Vec<(usize, usize)>], at: usize) -> bool {
    range.is_empty()
        || range.iter().any(|bounds| {
            bounds.iter().all(|(sign, bound)| match at.cmp(bound) {
                Ordering::Less => *sign < 2,
                Ordering::Equal => (1..=3).contains(sign),
                Ordering::Greater => *sign > 2,
            })
        })
}

fn written(made: &[Made]) -> String {
    let rule = |rule: &Made| {
        let pattern = PATTERNS[rule.pattern];
        let alternatives = rule.range.iter().map(|bounds| {
            let bounds = bounds.iter().map(|(sign, version)| format!("{}{}", SIGNS[*sign], VERSIONS[*version]));
            bounds.collect::<Vec<_>>().join(" ")
        });
        let range = alternatives.collect::<Vec<_>>().join(" || ");
        match rule.action {
            0 => format!("allow {pattern} {range}\n"),
            1 => format!("deny {pattern} {range} \"no\" # comment\n"),
            2 => format!("route {pattern} = https://c\n"),
            _ => format!("route public {pattern} = https://c\n"),
        }
    };
    made.iter().map(rule).collect()
}

fn made() -> impl Strategy<Value = Vec<Made>> {
    let bounds = prop::collection::vec((0..SIGNS.len(), 0..VERSIONS.len()), 1..3);
    let rule =
        (0..4usize, 0..PATTERNS.len(), prop::collection::vec(bounds, 0..3)).prop_map(|(action, pattern, range)| {
            // A route has no range.
            Made { action, pattern, range: if action > 1 { Vec::new() } else { range } }
        });
    prop::collection::vec(rule, 0..8)
}

proptest! {
    #[test]
    fn rules_mean_what_a_naive_matcher_says(made in made(), is_private in any::<bool>()) {
        let rules = rules(&written(&made));
        for path in PATHS {
            let is_for = |rule: &&Made| naive_pattern(PATTERNS[rule.pattern], path) && !(rule.action == 3 && is_private);
            let number = |wanted: &Made| made.iter().position(|rule| std::ptr::eq(rule, wanted));
            let mut denied_all = true;
            for (at, text) in VERSIONS.iter().enumerate() {
                let expected = made.iter().filter(is_for).find(|rule| naive_range(&rule.range, at));
                let found = rules.of_version(&module(path), is_private, &version(text)).rule.map(|(number, _)| number);
                prop_assert_eq!(found, expected.and_then(number), "{}@{}", path, text);
                denied_all &= expected.is_some_and(|rule| rule.action == 1);
            }
            // A module that is denied as a whole has no version that is allowed.
            let decision = rules.of_module(&module(path), is_private);
            prop_assert!(decision.denied_by().is_none() || denied_all, "{}", path);
            let first_whole = made.iter().filter(is_for).find(|rule| rule.range.is_empty());
            if decision.denied_by().is_none() {
                let route = first_whole.filter(|rule| rule.action > 1).and_then(number);
                prop_assert_eq!(decision.route(), route);
            }
        }
    }
}

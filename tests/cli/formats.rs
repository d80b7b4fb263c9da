//! Four renderings of one audit, each read by what reads it in the world.

use serde_json::Value;

use crate::world::{NO_HASH, World};

/// A go.sum of every kind of line that needs no special log.
fn mixed() -> World {
    let world = World::new();
    let gosum = world.wrong_gosum();
    let last = gosum.lines().last().unwrap().to_owned();
    let more = format!("{last}\nnot a line\nexample.com/none v1.0.0 {NO_HASH}\ncorp.example/x v1.0.0 {NO_HASH}\n");
    world.machine.write("go.sum", gosum + &more);
    world
}

const PRIVATE: [&str; 2] = ["--private", "corp.example"];

#[test]
fn json_is_one_document() {
    let ran = mixed().run(&[&["audit", "--format", "json"], PRIVATE.as_slice()].concat());
    let report = ran.says(1, &[]).quiet().json();
    assert_eq!(report["schema"], "gosumcheck.audit/1");
    assert_eq!((&report["exit_code"], &report["total_lines"]), (&1.into(), &44.into()));
    let tally =
        report["tally"].as_array().unwrap().iter().map(|t| (t["verdict"].as_str().unwrap(), t["lines"].as_u64()));
    let expected = [("verified", 40), ("differs", 1), ("not-in-log", 1), ("malformed", 1), ("skipped", 1)];
    assert!(tally.eq(expected.map(|(verdict, lines)| (verdict, Some(lines)))), "{}", report["tally"]);
    assert_eq!((&report["duplicate_lines"], &report["files"][0]["lines"][40]["duplicate_of"]), (&1.into(), &40.into()));
    assert_eq!(report["files"][0]["lines"][0]["hash_in_file"], NO_HASH);
}

#[test]
fn sarif_points_at_the_lines() {
    let ran = mixed().run(&[&["audit", "--format", "sarif"], PRIVATE.as_slice()].concat());
    let sarif = ran.says(1, &[]).quiet().json();
    assert_eq!(
        (&sarif["version"], &sarif["runs"][0]["tool"]["driver"]["name"]),
        (&"2.1.0".into(), &"gosumcheck".into())
    );
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let at = |result: &Value| {
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "go.sum");
        (result["ruleId"].as_str().unwrap().to_owned(), place["region"]["startLine"].as_u64().unwrap())
    };
    let found: Vec<_> = results.iter().map(at).collect();
    let expected = [("differs", 1), ("malformed", 42), ("not-in-log", 43)];
    assert_eq!(found, expected.map(|(rule, line)| (rule.to_owned(), line)));
}

#[test]
fn junit_is_well_formed_and_counts() {
    let ran = mixed().run(&[&["audit", "--format", "junit"], PRIVATE.as_slice()].concat());
    let report = quick_junit::Report::deserialize_from_str(&ran.says(1, &[]).quiet().out).unwrap();
    let suite = report.test_suites.first().unwrap();
    assert_eq!((report.test_suites.len(), suite.tests, suite.failures, suite.errors), (1, 44, 3, 0));
}

#[test]
fn text_is_for_people_and_has_no_colours_in_a_file() {
    let world = mixed();
    let ran = world.run(&[&["audit"], PRIVATE.as_slice()].concat());
    ran.says(1, &["./go.sum:1:", "./go.sum:42:", "not a line", "What to do next:", "1 repeats an earlier line"])
        .quiet();
    assert!(!ran.out.contains('\x1b'));
    let verbose = world.run(&[&["audit", "-v"], PRIVATE.as_slice()].concat());
    assert_eq!(verbose.says(1, &["record "]).out.matches("./go.sum:").count(), 44);
}

#[test]
fn all_formats_tell_of_a_file_that_is_not_there() {
    let world = World::new();
    for format in ["text", "json", "sarif", "junit"] {
        world.run(&["audit", "nowhere", "--format", format]).says(2, &["nowhere", "No such file or directory"]);
    }
}

//! Real go.sum files against real answers of sum.golang.org: the audit finds what is known to be there, and nothing else.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is a failed test")]

#[path = "cli/command.rs"]
mod command;
mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use command::{Machine, Ran, file_url};
use serde_json::Value;

/// The signed tree head that `realdata/mirror` serves.
const TREE: u64 = 58_776_408;

/// The rows of a CSV file without quotes, without its heading.
fn rows(path: &Path) -> Vec<Vec<String>> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().skip(1).map(|row| row.split(',').map(str::to_owned).collect()).collect()
}

/// The go.sum and go.work.sum files in a folder.
fn gosums(folder: &Path) -> Vec<String> {
    let files = common::files_below(folder).into_iter().map(|path| path.display().to_string());
    files.filter(|path| path.ends_with(".sum")).collect()
}

fn audit(machine: &Machine, mirror: &Path, files: &[String]) -> Ran {
    let upstream = file_url(mirror);
    // The mirror is older than the head that the program carries.
    let latest = common::realdata().unwrap().join("mirror/latest").display().to_string();
    let options = ["audit", "--format", "json", "--private", "none", "--sumdb-url", &upstream, "--pin-head", &latest];
    let args: Vec<&str> = options.into_iter().chain(files.iter().map(String::as_str)).collect();
    machine.run(&args)
}

fn name(file: &Value) -> &str {
    file["path"].as_str().unwrap().rsplit('/').next().unwrap()
}

fn lines(file: &Value) -> impl Iterator<Item = &Value> {
    file["lines"].as_array().unwrap().iter()
}

/// The version as go.sum writes it: `v1.0.0/go.mod`.
fn version(line: &Value) -> String {
    let suffix = if line["kind"] == "go.mod" { "/go.mod" } else { "" };
    format!("{}{suffix}", line["version"].as_str().unwrap())
}

#[test]
fn every_real_file_has_exactly_the_known_findings() {
    let Some(realdata) = common::realdata() else { return };
    let machine = Machine::new();
    let ran = audit(&machine, &realdata.join("mirror"), &gosums(&realdata.join("gosum")));
    assert_eq!(ran.code, 1);
    ran.quiet();
    let report = ran.json();
    assert_eq!((&report["conclusion"], &report["head"]["size"]), (&"findings".into(), &TREE.into()));

    let mut found = BTreeMap::new();
    let mut differing = BTreeSet::new();
    for file in report["files"].as_array().unwrap() {
        let mut counts = BTreeMap::<&str, usize>::new();
        for line in lines(file) {
            *counts.entry(line["verdict"].as_str().unwrap()).or_default() += 1;
            if line["verdict"] == "differs" {
                let text = |field: &str| line[field].as_str().unwrap().to_owned();
                let number = line["line"].to_string();
                let hashes = [text("hash_in_file"), text("hash_in_log")];
                differing.insert(
                    [name(file).to_owned(), number, text("module"), version(line)]
                        .into_iter()
                        .chain(hashes)
                        .collect::<Vec<_>>(),
                );
            }
        }
        let [verified, differs, not_held] =
            ["verified", "differs", "not-held"].map(|of| counts.remove(of).unwrap_or(0));
        assert!(counts.is_empty(), "{}: {counts:?}", name(file));
        found.insert(name(file).to_owned(), [verified, differs, not_held]);
    }
    let expected = rows(&realdata.join("mirror-expected.csv"));
    let expected: BTreeMap<_, _> = expected
        .iter()
        .map(|row| (row[0].clone(), [1, 2, 3].map(|column: usize| row[column].parse::<usize>().unwrap())))
        .collect();
    assert_eq!((expected.len(), found), (80, expected));
    let known: BTreeSet<_> = rows(&realdata.join("mirror-differs.csv")).into_iter().collect();
    assert_eq!((known.len(), &differing), (43, &known));

    // What is kept is enough: the same again from a mirror that holds nothing.
    let empty = tempfile::tempdir().unwrap();
    let again = audit(&machine, empty.path(), &gosums(&realdata.join("gosum"))).json();
    assert_eq!(again["tally"], report["tally"]);
}

/// How many findings each malformed file has: one for each line that the manifest calls malformed, or one for all of them where it
/// has no other line; then the text is not shown, since it may be that of another file.
fn malformed(realdata: &Path) -> BTreeMap<String, usize> {
    let manifest = fs::read_to_string(realdata.join("manifest.csv")).unwrap();
    let rows = manifest.lines().filter_map(|row| row.strip_prefix("gosum-bad/"));
    let count = |row: &str| {
        let (before, rest) = row.split_once(" well-formed lines, ").unwrap();
        let malformed = rest.split_once(" malformed").unwrap().0.parse().unwrap();
        if before.ends_with(",0") || before.ends_with("\"0") { 1 } else { malformed }
    };
    rows.map(|row| (row.split(',').next().unwrap().to_owned(), count(row))).collect()
}

#[test]
fn every_malformed_line_has_its_number_and_its_reason() {
    let Some(realdata) = common::realdata() else { return };
    let files = gosums(&realdata.join("gosum-bad"));
    let ran = audit(&Machine::new(), &realdata.join("mirror"), &files);
    assert_eq!(ran.code, 1);
    let mut found = BTreeMap::new();
    for file in ran.json()["files"].as_array().unwrap() {
        let source = fs::read(file["path"].as_str().unwrap()).unwrap();
        let source: Vec<_> = source.split(|byte| *byte == b'\n').map(String::from_utf8_lossy).collect();
        let bad: Vec<_> = lines(file).filter(|line| line["verdict"] == "malformed").collect();
        for line in &bad {
            let number = usize::try_from(line["line"].as_u64().unwrap()).unwrap();
            let text = &source[number - 1];
            let why = line["why"].as_str().unwrap();
            assert!(!why.is_empty(), "{}:{number}", name(file));
            let shown = line["text"].as_str().unwrap();
            if shown == "(not shown)" {
                assert!(
                    why.starts_with("this is not a go.sum file: ") && lines(file).count() == 1,
                    "{}: {why}",
                    name(file)
                );
                continue;
            }
            // A line is shown up to 80 characters.
            let text_shown = shown.strip_suffix('…').unwrap_or(shown).trim();
            assert!(text.trim().starts_with(text_shown), "{}:{number}: {shown}", name(file));
            assert!(
                text_shown.chars().count() >= text.trim().chars().count().min(70),
                "{}:{number}: {shown}",
                name(file)
            );
            let is_marker = ["<<<<<<<", "=======", ">>>>>>>", "|||||||"].iter().any(|marker| text.starts_with(marker));
            assert_eq!(why.contains("conflict marker"), is_marker, "{}:{number}: {why}", name(file));
        }
        found.insert(name(file).to_owned(), bad.len());
    }
    let expected = malformed(&realdata);
    assert_eq!((expected.len(), found), (16, expected));
}

#[test]
fn every_damaged_lookup_is_refused_with_its_reason() {
    let Some(realdata) = common::realdata() else { return };
    let bad = realdata.join("lookup-bad");
    let mirror = tempfile::tempdir().unwrap();
    let machine = Machine::new();
    let files = common::files_below(&bad);
    assert_eq!(files.len(), 12);
    let mut modules = Vec::new();
    for path in &files {
        let name = path.strip_prefix(&bad).unwrap();
        let copy = mirror.path().join("lookup").join(name);
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(path, copy).unwrap();
        modules.push(name.display().to_string());
    }
    let hash = "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let gosum: String = modules.iter().map(|module| format!("{} {hash}\n", module.replace('@', " "))).collect();
    machine.write("go.sum", gosum);
    let report = audit(&machine, mirror.path(), &["go.sum".to_owned()]).says(2, &[]).json();
    assert_eq!(lines(&report["files"][0]).count(), modules.len());
    for line in lines(&report["files"][0]) {
        let (source, why) = (line["source"].as_str().unwrap(), line["why"].as_str().unwrap());
        assert_eq!((&line["verdict"], why.is_empty()), (&"refused".into(), false), "{line}");
        assert!(source.contains("/lookup/") && source.contains(line["module"].as_str().unwrap()), "{line}");
    }
    assert_eq!(common::files_below(&machine.home()).len(), 0, "something unproven was kept");

    let upstream = file_url(mirror.path());
    let asked: Vec<&str> = modules.iter().map(String::as_str).collect();
    let ran = machine.run(&[&["lookup", "--private", "none", "--sumdb-url", &upstream], asked.as_slice()].concat());
    assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{}", ran.show());
    assert_eq!(ran.err.lines().filter(|line| line.contains("refused")).count(), modules.len(), "{}", ran.show());
}

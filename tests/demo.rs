//! The demo at the head of the README is what a newcomer sees first: it works in a fresh checkout, also in one that cannot be
//! written. What all documents show, this one too, runs in `tests/docs`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is a failed test")]

#[path = "docs/blocks.rs"]
mod blocks;
#[path = "cli/command.rs"]
mod command;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use command::{Machine, Ran};

const FIRST: &str = "cargo run --release -- audit testdata/demo --sumdb-url \
                     file://$PWD/testdata/demo/sum.golang.org --data target/demo";

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    std::fs::read_to_string(repository().join("README.md")).unwrap()
}

/// What the README shows below its first command.
fn first_output() -> String {
    blocks::steps(&readme()).unwrap().swap_remove(0).output
}

/// Every file below a folder, with its bytes.
fn snapshot(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = walkdir::WalkDir::new(folder).into_iter().map(Result::unwrap);
    let files = entries.filter(|entry| entry.file_type().is_file());
    files
        .map(|entry| (entry.path().strip_prefix(folder).unwrap().to_owned(), std::fs::read(entry.path()).unwrap()))
        .collect()
}

/// A machine whose working folder is a checkout with what the demo needs.
fn checkout() -> Machine {
    let machine = Machine::new();
    for (path, bytes) in snapshot(&repository().join("testdata/demo")) {
        machine.write(&format!("testdata/demo/{}", path.display()), bytes);
    }
    machine
}

/// Runs a line as a shell would, with this binary in place of cargo's.
fn run(machine: &Machine, line: &str) -> Ran {
    let args = line.strip_prefix("cargo run --release -- ").or_else(|| line.strip_prefix("gosumcheck ")).unwrap();
    let here = machine.at("").display().to_string();
    let args: Vec<_> = args.split(' ').map(|arg| arg.replace("$PWD", here.trim_end_matches('/'))).collect();
    machine.run(&args.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn the_readme_begins_with_the_demo_which_says_nothing_on_standard_error() {
    let steps = blocks::steps(&readme()).unwrap();
    assert_eq!((steps[0].command.as_str(), steps[1].command.as_str()), (FIRST, "echo $?"));
    let ran = run(&checkout(), FIRST);
    assert_eq!((&ran.out, format!("{}\n", ran.code)), (&steps[0].output, steps[1].output.clone()));
    ran.quiet();
}

#[test]
fn the_demo_has_one_planted_line_and_proves_all_others() {
    let machine = checkout();
    let ran = run(&machine, &format!("{FIRST} --format json"));
    let report = ran.says(1, &[]).quiet().json();
    let lines = report["files"][0]["lines"].as_array().unwrap();
    assert_eq!(lines.len(), 27);
    for line in lines {
        let expected = if line["line"] == 18 { "differs" } else { "verified" };
        assert_eq!(line["verdict"], expected, "{line}");
    }
    assert_eq!((&lines[17]["module"], &lines[17]["version"]), (&"golang.org/x/text".into(), &"v0.26.0".into()));
}

#[test]
fn a_checkout_that_cannot_be_written_is_enough() {
    let machine = checkout();
    let demo = machine.at("testdata/demo");
    let before = snapshot(&demo);
    for entry in walkdir::WalkDir::new(&demo).contents_first(true).into_iter().map(Result::unwrap) {
        let mut permissions = entry.metadata().unwrap().permissions();
        permissions.set_readonly(true);
        std::fs::set_permissions(entry.path(), permissions).unwrap();
    }
    let elsewhere = tempfile::tempdir().unwrap();
    let data = elsewhere.path().join("data").display().to_string();
    let command = FIRST.replace("target/demo", &data);
    assert_eq!(run(&machine, &command).says(1, &["26 verified, 1 DIFFERS"]).out, first_output());
    // Root writes where it likes; so it is looked at besides.
    assert_eq!(snapshot(&demo), before);
    assert!(!machine.at("target").exists());
    // Folders are given back, so that the temporary ones can be removed.
    for entry in walkdir::WalkDir::new(&demo).into_iter().map(Result::unwrap) {
        let mut permissions = entry.metadata().unwrap().permissions();
        #[expect(clippy::permissions_set_readonly_false, reason = "a temporary folder of ours")]
        permissions.set_readonly(false);
        std::fs::set_permissions(entry.path(), permissions).unwrap();
    }
}

#[test]
fn the_readme_knows_every_command() {
    let (readme, help) = (readme(), Machine::new().run(&["--help"]).out);
    let commands = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let commands = commands.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names: Vec<_> =
        commands.map(|line| line.split_whitespace().next().unwrap()).filter(|name| *name != "help").collect();
    assert!(names.len() >= 4, "{names:?}");
    for name in names {
        assert!(readme.contains(&format!("gosumcheck {name}")), "{name}");
    }
}

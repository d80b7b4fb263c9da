//! The documents against the program and the repository: what they show is what happens, what they link to is there, and what
//! they list is complete.
//!
//! | file | question |
//! |---|---|
//! | `blocks` | which commands does a document show, and what below them |
//! | `console` | does each of them print that |
//! | `links` | is there what a link names |
//! | `index` | has the table of the tests every test program |

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is a failed test")]

mod blocks;
#[path = "../cli/command.rs"]
mod command;
#[path = "../common/mod.rs"]
mod common;
mod console;
#[path = "../../examples/fakelog/fake/mod.rs"]
mod fake;
mod index;
mod links;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The documents outside `docs/`.
const DOCUMENTS: [&str; 7] = [
    "README.md",
    "SECURITY.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "deploy/README.md",
    "testdata/demo/README.md",
    "tests/README.md",
];
/// Lines of the README, and characters of a line.
const README_LINES: usize = 120;
const README_COLUMNS: usize = 120;
/// Commands that the documents show, at least: fewer would mean that they are not found.
const MIN_COMMANDS: usize = 40;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every document: its path in the repository, and its text.
fn documents() -> Vec<(String, String)> {
    let docs = common::files_below(&root().join("docs")).into_iter();
    let docs = docs.map(|path| path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned());
    let paths = DOCUMENTS.into_iter().map(str::to_owned).chain(docs.filter(|path| path.ends_with(".md")));
    paths.map(|path| (path.clone(), fs::read_to_string(root().join(path)).unwrap())).collect()
}

#[test]
fn console_blocks_print_what_they_show() {
    let (mut commands, mut wrong) = (0, String::new());
    for (path, markdown) in documents() {
        match console::check(&markdown) {
            Ok(count) => commands += count,
            Err(why) => wrong += &format!("\n{path}, {why}"),
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(commands >= MIN_COMMANDS, "only {commands} commands were found");
}

#[test]
fn links_lead_somewhere() {
    let broken = documents().into_iter().flat_map(|(path, markdown)| links::broken(root(), &path, &markdown));
    assert_eq!(broken.collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn the_readme_is_short_and_leads_to_every_document() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.lines().count() <= README_LINES, "{} lines", readme.lines().count());
    let longest = readme.lines().max_by_key(|line| line.chars().count()).unwrap();
    assert!(longest.chars().count() <= README_COLUMNS, "{longest}");
    let linked = links::targets("README.md", &readme);
    let all: BTreeSet<String> =
        documents().into_iter().map(|(path, _)| path).filter(|path| path.starts_with("docs/")).collect();
    assert_eq!(all.difference(&linked).collect::<Vec<_>>(), [""; 0], "the README does not link to them");
}

#[test]
fn the_table_of_the_tests_is_complete() {
    let folder = root().join("tests");
    let entries = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let table = fs::read_to_string(folder.join("README.md")).unwrap();
    assert_eq!(index::differences(entries, &table), [""; 0]);
}

//! The table of `tests/README.md`: a row for every test program and every folder that they share, and no row for anything else.

use std::collections::BTreeSet;

const TABLE: &str = "README.md";

/// What the table lacks and what it has in excess; `entries` are the names in the folder of the tests.
pub(crate) fn differences(entries: impl Iterator<Item = String>, table: &str) -> Vec<String> {
    let there: BTreeSet<String> = entries.filter(|name| name != TABLE).collect();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    let mut listed = BTreeSet::new();
    let mut wrong = Vec::new();
    for (name, question) in rows {
        let name = name.trim_end_matches('/').to_owned();
        if question.trim().trim_matches('|').trim().is_empty() {
            wrong.push(format!("{name}: no question"));
        }
        if !there.contains(&name) {
            wrong.push(format!("{name}: not there"));
        }
        if !listed.insert(name.clone()) {
            wrong.push(format!("{name}: twice"));
        }
    }
    wrong.extend(there.difference(&listed).map(|name| format!("{name}: not in the table")));
    wrong
}

#[test]
fn a_test_program_outside_the_table_is_caught() {
    let there = || ["README.md", "a.rs", "b"].map(str::to_owned).into_iter();
    let table = "| where | what |\n|---|---|\n| `a.rs` | is a right? |\n| `b/` | is b? |\n";
    assert!(differences(there(), table).is_empty());
    let more = || there().chain(["c.rs".to_owned()]);
    assert_eq!(differences(more(), table), ["c.rs: not in the table"]);
    assert_eq!(differences(more(), &format!("{table}| `c.rs` | |\n")), ["c.rs: no question"]);
    assert_eq!(differences(there(), &format!("{table}| `d/` | is d? |\n")), ["d: not there"]);
    assert_eq!(differences(there(), &format!("{table}| `b/` | is b? |\n")), ["b: twice"]);
}

/// The scripts below `bench` that a text does not name.
fn unnamed(scripts: &[String], text: &str) -> Vec<String> {
    let is_named = |script: &str| [" ", "`"].iter().any(|end| text.contains(&format!("`{script}{end}")));
    scripts.iter().filter(|script| !is_named(script)).cloned().collect()
}

#[test]
fn contributing_names_every_benchmark() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = walkdir::WalkDir::new(root.join("bench")).into_iter().map(|entry| entry.unwrap().into_path());
    let scripts = files.filter(|path| path.extension().is_some_and(|end| end == "sh"));
    let scripts: Vec<String> = scripts.map(|path| path.strip_prefix(root).unwrap().display().to_string()).collect();
    assert!(scripts.len() > 25, "{scripts:?}");
    let text = std::fs::read_to_string(root.join("CONTRIBUTING.md")).unwrap();
    assert_eq!(unnamed(&scripts, &text), [""; 0]);
    assert_eq!(
        unnamed(&["bench/a.sh".to_owned(), "bench/b.sh".to_owned()], "`bench/a.sh DIR`, `bench/b.shx`"),
        ["bench/b.sh"]
    );
}

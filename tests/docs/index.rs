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

//! Rows: `on_mismatch`, the prefix, offline, the full log.

use gosumcheck::proxy::OnMismatch;

use crate::columns::Column;
use crate::matrix::Row;
use crate::world::{Policy, Stage};

/// What is proven and kept on disk: it is answered whether or not anybody can be asked.
const PROVEN: [Column; 5] = [Column::GoMod, Column::Zip, Column::Lookup, Column::Range, Column::Conditional];

/// Runs a change and the change back.
fn both_ways(names: [&'static str; 2], one: &Policy<'_>, other: &Policy<'_>, must_answer: &[Column]) {
    for (name, old, new) in [(names[0], one, other), (names[1], other, one)] {
        let row = Row { name, old: old.clone(), new: new.clone(), may_refuse: &[], must_answer };
        assert_eq!(row.run(), 11);
    }
}

#[test]
fn on_mismatch() {
    let stage = Stage::new();
    // The database has other bytes than the mirror: all files of it are refused, or given with a warning.
    let refuse = Policy { public: &stage.other_mirror, ..stage.policy() };
    let warn = Policy { on_mismatch: OnMismatch::Warn, ..refuse.clone() };
    both_ways(["warn to refuse", "refuse to warn"], &warn, &refuse, &[]);
}

#[test]
fn prefix() {
    let stage = Stage::new();
    let with = Policy { prefix: "/go", ..stage.policy() };
    both_ways(["prefix off to on", "prefix on to off"], &stage.policy(), &with, &PROVEN);
}

#[test]
fn offline() {
    let stage = Stage::new();
    let offline = Policy { offline: true, ..stage.policy() };
    both_ways(["online to offline", "offline to online"], &stage.policy(), &offline, &[]);
    let row = Row {
        name: "online to offline, nothing lost",
        old: stage.policy(),
        new: offline,
        may_refuse: &[],
        must_answer: &PROVEN[..4],
    };
    assert_eq!(row.run(), 11);
}

#[test]
fn full_log() {
    let stage = Stage::new();
    let full = Policy { full_log: true, ..stage.policy() };
    both_ways(["mirror off to on", "mirror on to off"], &stage.policy(), &full, &PROVEN);
}

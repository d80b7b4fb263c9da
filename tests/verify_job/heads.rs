//! Accepted heads, with when and by which route each was first seen.

use super::command::Machine;
use super::fake::FakeSumdb;

fn machine(db: &FakeSumdb, url: &str) -> Machine {
    let mut machine = Machine::new();
    machine.set("GOSUMDB", format!("{} {url}", db.vkey()));
    machine
}

#[test]
fn a_record_was_first_seen_between_two_heads() {
    let db = FakeSumdb::synthetic(3000, 7);
    db.grow(1000);
    let served = db.serve();
    let machine = machine(&db, &served.url());
    let module = |id| {
        let (path, version) = db.module(id);
        format!("{path}@{version}")
    };
    machine.run(&["heads", "ls", "--data", "d"]).says(0, &[]).quiet();
    machine.run(&["lookup", "--data", "d", &module(10)]).says(0, &[]);
    db.grow(2000);
    let ran = machine.run(&["lookup", "--data", "d", "--first-seen", &module(1500)]);
    let url = served.url();
    ran.says(0, &["is record 1500, first seen", "#   after 1000 ", "#   by 2000 ", url.trim_end_matches('/')]);
    // What is older than the first head that was seen.
    machine
        .run(&["lookup", "--data", "d", "--first-seen", &module(10)])
        .says(0, &["#   after no head of which the time is known", "#   by 1000 "]);
    let listed = machine.run(&["heads", "ls", "--data", "d"]);
    let sizes: Vec<&str> = listed.out.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(sizes, ["1000", "2000"], "{}", listed.show());
    // No head is noted twice.
    machine.run(&["lookup", "--data", "d", &module(11)]).says(0, &[]);
    assert_eq!(machine.run(&["heads", "ls", "--data", "d"]).out, listed.out);
}

#[test]
fn heads_of_others_are_consistent_pending_or_a_fork() {
    let db = FakeSumdb::synthetic(3000, 7);
    db.grow(2000);
    let served = db.serve();
    let machine = machine(&db, &served.url());
    machine.write("older", db.head(700));
    machine.run(&["heads", "add", "--data", "d", "older"]).complains(2, &["no head is remembered here yet"]);
    machine.run(&["sync", "--data", "d"]).says(0, &[]);
    let other = FakeSumdb::synthetic(3000, 7);
    other.fork(10);
    machine.write("newer", db.head(3000)).write("forged", other.head(700)).write("none", "nonsense\n");
    machine.run(&["heads", "add", "--data", "d", "older"]).says(0, &["older: consistent"]);
    machine.run(&["heads", "ls", "--data", "d"]).says(0, &["2000 ", "700 "]);
    machine.run(&["heads", "add", "--data", "d", "newer"]).says(2, &["newer: pending"]);
    machine.run(&["heads", "add", "--data", "d", "none", "older"]).says(2, &["older: consistent", "none"]);
    machine.run(&["heads", "add", "--data", "d", "forged"]).says(3, &["the log misbehaved", "verify-evidence"]);
    // The evidence stays, until a person moves it away.
    machine.run(&["verify", "--data", "d"]).says(3, &["THE LOG MISBEHAVED"]);
}

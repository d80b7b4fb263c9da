//! 0 all proven, 1 findings, 2 could not tell, 3 the log misbehaved; where several apply 3, then 1, then 2.

use crate::fake::FakeSumdb;
use crate::world::{DEAD, LINES, RECORDS, World};

#[test]
fn the_help_tells_the_exit_codes() {
    let machine = crate::command::Machine::new();
    for args in [&["--help"][..], &["audit", "--help"], &["lookup", "--help"], &["verify-proof", "--help"]] {
        let ran = machine.run(args);
        ran.says(
            0,
            &["Exit codes:", "0  all proven", "1  findings", "2  could not tell", "3  the log itself misbehaved"],
        );
        ran.says(0, &["3, then 1, then 2"]).quiet();
    }
    machine.run(&["verify-evidence", "--help"]).says(0, &["3  the evidence holds"]);
}

#[test]
fn each_code_is_given() {
    let world = World::new();
    world.run(&["audit"]).says(0, &["40 lines: 40 verified; proven under tree 1,000 of"]).quiet();
    world.machine.write("wrong/go.sum", world.wrong_gosum());
    world.run(&["audit", "wrong/go.sum"]).says(1, &["wrong/go.sum:1:", "DIFFERS", "39 verified, 1 DIFFERS"]).quiet();
    world.run(&["audit", "--upstream", DEAD, "--data", "fresh", "--jobs", "64"]).says(2, &["40 unavailable"]);
}

#[test]
fn a_finding_outweighs_what_could_not_be_told() {
    let world = World::new();
    world.machine.write("bad/go.sum", "<<<<<<< HEAD\n");
    world.run(&["audit", "bad", "nowhere"]).says(1, &["conflict marker", "nowhere:", "not read"]);
}

/// The log that the machine knows, and then another history from the same key.
fn forked() -> World {
    let world = World::new();
    world.run(&["audit"]).says(0, &[]);
    world.log.fork(500);
    // Records that this machine has not seen, so that it asks.
    world.machine.write("go.sum", crate::fake::write_gosum(&world.log, LINES, 8) + "<<<<<<< HEAD\n");
    world
}

#[test]
fn a_forked_log_outweighs_all_and_its_evidence_convinces_others() {
    for growth in [0, 300] {
        let world = forked();
        world.log.grow(RECORDS + growth);
        let head = std::fs::read(world.head_file()).unwrap();
        let ran = world.run(&["audit", ".", "nowhere"]);
        ran.says(3, &["THE LOG MISBEHAVED", "SECURITY ERROR", "old database:", "new database:", "conflict marker"]);
        let path = ran.out.lines().find_map(|line| line.strip_prefix("Evidence: ")).unwrap();
        world.run(&["verify-evidence", path]).says(3, &["misbehaved", "Publish the file"]).quiet();
        // A third party needs no more than the key, and no network.
        let third = crate::command::Machine::new();
        third.run(&["verify-evidence", path, "--sumdb", &world.log.vkey()]).says(3, &[]);
        third.run(&["verify-evidence", path]).complains(2, &["is no evidence against sum.golang.org"]);
        // The head does not move, and nobody gets an answer until a person has looked.
        assert_eq!(std::fs::read(world.head_file()).unwrap(), head);
        let lookup = world.run(&["lookup", &world.module(900)]);
        assert_eq!((lookup.code, lookup.out.as_str()), (3, ""), "{}", lookup.show());
        lookup.says(3, &["the log misbehaved", "verify-evidence", "the old one, of size 1000, in "]);
        lookup.says(3, &[&world.head_file().display().to_string()]);
        // All formats say so.
        for format in ["json", "sarif", "junit"] {
            world.run(&["audit", "--format", format]).says(3, &["misbehave"]);
        }
    }
}

#[test]
fn the_go_commands_own_head_is_a_second_witness() {
    let world = World::new();
    world.machine.write(&world.go_head(), world.log.head(700));
    world.run(&["audit"]).says(0, &["the go command's own head", "are one history"]);
    // A head of a larger tree is compared just as well.
    world.log.grow(RECORDS + 200);
    world.machine.write(&world.go_head(), world.log.head(RECORDS + 100));
    world.run(&["audit"]).says(0, &["are one history"]);
    // A damaged file is reported, and decides nothing.
    world.machine.write(&world.go_head(), "go.sum database tree\n");
    world.run(&["audit"]).says(0, &["warning: the go command's own head", "is damaged"]);
}

/// The path of the head of the go command, as it is printed.
fn go_head(world: &World) -> String {
    let path = world.go_head();
    world.machine.home().parent().unwrap().join(path.trim_start_matches("../")).display().to_string()
}

#[test]
fn a_go_command_that_was_shown_another_history_is_evidence() {
    let world = World::new();
    world.log.fork(300);
    let other = world.log.head(600);
    world.log.show_fork(false);
    world.machine.write(&world.go_head(), other);
    let ran = world.run(&["audit"]);
    ran.says(3, &["THE LOG MISBEHAVED", "40 verified"]);
    // It says in which file the older head stands.
    ran.says(
        3,
        &[&format!(
            "note: of the two signed tree heads, this machine has the old one, of size 600, in {}",
            go_head(&world)
        )],
    );
    let path = ran.out.lines().find_map(|line| line.strip_prefix("Evidence: ")).unwrap();
    world.run(&["verify-evidence", path]).says(3, &["misbehaved"]);
}

#[test]
fn evidence_that_does_not_hold_is_refused() {
    let world = World::new();
    let honest = format!("{}/latest", world.machine.at("").display());
    world.machine.write("latest", world.log.head(RECORDS));
    world.run(&["verify-evidence", &honest]).complains(2, &["latest: is no evidence", "SECURITY ERROR"]);
    world.run(&["verify-evidence", "nowhere"]).complains(2, &["nowhere: cannot be read: No such file"]);
    world.run(&["verify-evidence", "."]).complains(2, &["cannot be read"]);
    world.machine.write("bytes", b"\xff\xfe");
    world.run(&["verify-evidence", "bytes"]).complains(2, &["bytes: is no evidence", "UTF-8"]);
    // Another log's key proves nothing about this one.
    let other = FakeSumdb::named("other.example", 10, 1);
    world.run(&["verify-evidence", "latest", "--sumdb", &other.vkey()]).complains(2, &["other.example"]);
}

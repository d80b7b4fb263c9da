//! The data folder: what is proven is kept, nothing else is, and no accident loses it.

use std::process::Stdio;

use crate::command::Ran;
use crate::fake::write_gosum;
use crate::world::{DEAD, LINES, RECORDS, World};

#[test]
fn offline_first_then_online_then_offline_again() {
    let world = World::new();
    world.run(&["audit", "--offline"]).says(2, &["40 not held", "Run it once without --offline"]).quiet();
    world.run(&["lookup", &world.module(1), "--offline"]).complains(2, &["not held"]);
    assert_eq!(world.log.requests().len(), 0, "offline, somebody was asked");
    world.run(&["audit"]).says(0, &["40 verified"]);
    world.log.clear_requests();
    world.run(&["audit", "--offline"]).says(0, &["40 verified"]).quiet();
    world.run(&["audit"]).says(0, &["40 verified"]).quiet();
    assert_eq!(world.log.requests().len(), 0, "a second run asked");
}

#[test]
fn two_audits_at_once_in_one_data_folder() {
    for round in 0..3 {
        let world = World::new();
        // Both meet the log for the first time; one of them a larger tree.
        world.machine.write("other/go.sum", write_gosum(&world.log, LINES, 8));
        let start = |path: &str| {
            let mut command = world.machine.command(&["audit", path]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let first = start("go.sum");
        world.log.grow(RECORDS + 100 * round);
        let second = start("other");
        for child in [first, second] {
            Ran::of(child.wait_with_output().unwrap()).says(0, &["40 verified"]).quiet();
        }
        world.log.clear_requests();
        world.run(&["audit", "--offline", "go.sum", "other"]).says(0, &["80 verified"]);
    }
}

#[test]
fn a_full_disk_is_told_and_loses_nothing() {
    let world = World::new();
    world.run(&["audit"]).says(0, &["40 verified"]);
    let head = std::fs::read(world.head_file()).unwrap();
    world.log.grow(RECORDS + 500);
    world.machine.write("more/go.sum", write_gosum(&world.log, LINES, 9));
    // No file may grow at all: every write fails, as on a full disk.
    let limited = |command: &str| world.machine.shell(&format!("trap '' XFSZ; ulimit -f 0; {command}"));
    let data = world.cache().display().to_string();
    let data = data.split("/cache/").next().unwrap();
    // What can be proven is proven, and the disk is complained of on standard error.
    let audited = limited("exec $G audit more");
    audited.says(0, &["40 verified"]).warns(&[
        "warning: the newest signed tree head could not be stored",
        data,
        "cannot write",
        "File too large",
    ]);
    let looked_up = limited(&format!("exec $G lookup {}", world.module(RECORDS + 400)));
    looked_up.says(0, &["h1:"]).warns(&["warning: ", "could not be stored", data]);
    limited("exec $G lookup example.com/none@v1.0.0").says(1, &["not in the log"]);
    assert_eq!(std::fs::read(world.head_file()).unwrap(), head);
    // What was there still proves, on the full disk too.
    limited("exec $G audit").says(0, &["40 verified"]).quiet();
    // Two histories are reported, whether or not the evidence finds room.
    world.log.fork(500);
    let caught = limited(&format!("exec $G lookup {}", world.module(RECORDS + 300)));
    caught.says(3, &["two histories", "old database:", "the evidence is in no file of its own"]);
    world.log.show_fork(false);
    world.run(&["audit", "more"]).says(0, &["40 verified"]).quiet();
}

#[test]
fn a_data_folder_that_is_none() {
    let world = World::new();
    world.run(&["audit", "--data", "go.sum"]).complains(2, &["go.sum: is a file", "--data"]);
    world.run(&["audit", "--data", "go.sum/x"]).complains(2, &["go.sum/x", "--data"]);
    // One that cannot be made: what can be proven is proven, and that nothing is remembered is said.
    let audited = world.run(&["audit", "--data", "/proc/gosumcheck"]);
    audited.says(0, &["40 verified"]).warns(&["warning: ", "/proc/gosumcheck", "cannot"]);
}

#[test]
fn a_damaged_head_is_told_with_its_path() {
    let world = World::new();
    world.run(&["audit"]).says(0, &[]);
    std::fs::write(world.head_file(), "damaged").unwrap();
    world.run(&["audit"]).complains(2, &["heads/fakelog.example/latest: is not a tree head", "delete it"]);
}

#[test]
fn a_server_whose_data_folder_cannot_be_made_does_not_start() {
    let world = World::new();
    let data = ["--data", "/proc/gosumcheck"];
    for (words, rest) in [
        (&["serve", "--listen", "127.0.0.1:0", "--offline"][..], &[][..]),
        (&["run", "--proxy", DEAD], &["--", "true"]),
        (&["prefetch", "--proxy", DEAD], &["a.example/m@v1.0.0"]),
    ] {
        let ran = world.machine.run_to_the_end(&[words, &data, rest].concat());
        ran.complains(2, &["/proc/gosumcheck: the data folder cannot be made: ", "; name another with --data"]);
    }
}

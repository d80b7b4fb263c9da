//! What is audited: files, folders, standard input, several of them.

use std::io::Write as _;
use std::process::Stdio;

use crate::command::Ran;
use crate::world::World;

#[test]
fn standard_input() {
    let world = World::new();
    let mut child = world.machine.command(&["audit", "-"]);
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(world.wrong_gosum().as_bytes()).unwrap();
    let ran = Ran::of(child.wait_with_output().unwrap());
    ran.says(1, &["-:1:", "standard input", "39 verified, 1 DIFFERS"]).quiet();
}

#[test]
fn several_paths_and_folders_without_vendor_and_git() {
    let world = World::new();
    for path in ["a/go.sum", "a/b/go.work.sum", "a/vendor/x/go.sum", "a/.git/go.sum"] {
        world.machine.write(path, world.gosum());
    }
    let ran = world.run(&["audit", "a", "go.sum"]);
    ran.says(0, &["120 lines in 3 files: 120 verified; proven under tree"]).quiet();
    // Each module version was asked for once.
    let counts = world.log.counts("lookup");
    assert!(!counts.is_empty() && counts.values().all(|count| *count == 1), "{counts:?}");
    world.run(&["audit", "a/vendor"]).says(0, &["40 verified"]);
}

#[test]
fn an_empty_file_has_nothing_to_prove() {
    let world = World::new();
    world.machine.write("go.sum", "");
    world.run(&["audit"]).says(0, &["./go.sum:  0 lines  nothing to prove"]).quiet();
    assert_eq!(world.log.requests().len(), 0);
}

#[test]
fn line_ends_of_windows_are_told_and_taken() {
    let world = World::new();
    world.machine.write("go.sum", world.gosum().replace('\n', "\r\n").trim_end());
    world.run(&["audit"]).says(0, &["40 verified", "note: "]).quiet();
}

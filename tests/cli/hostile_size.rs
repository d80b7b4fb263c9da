//! A tree that is too large: many files, many folders, many lines. What is not looked at is named.

use crate::world::World;

/// Files of the large tree. A million was tried by hand.
const FILES: usize = 20_000;
/// Repeats of one line.
const REPEATS: usize = 100_000;
/// Bytes of a report on them: each repeat in a line of its own would take far more.
const MAX_REPORT_BYTES: usize = 2 << 20;

#[test]
fn a_tree_of_many_files_is_searched_to_its_end() {
    let world = World::new();
    for folder in 0..FILES / 200 {
        std::fs::create_dir_all(world.machine.at(&format!("tree/{folder}"))).unwrap();
        for file in 0..200 {
            std::fs::File::create(world.machine.at(&format!("tree/{folder}/{file}"))).unwrap();
        }
    }
    world.machine.write("tree/99/z/go.sum", world.gosum());
    world.run(&["audit", "tree"]).says(0, &["40 lines: 40 verified"]).quiet();
}

#[test]
fn too_deep_folders_are_named() {
    let world = World::new();
    world.machine.write("tree/go.sum", world.gosum());
    world.machine.write(&format!("tree/{}go.sum", "d/".repeat(80)), world.gosum());
    world.run(&["audit", "tree"]).says(2, &["40 verified", "not read", "64 folders deep"]).quiet();
}

/// Permissions keep nothing from root, so the folder that cannot be read is one whose path is too long for the system.
#[test]
fn a_folder_that_cannot_be_read_is_named() {
    use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};
    let world = World::new();
    world.machine.write("tree/go.sum", world.gosum());
    let mut folder = openat(CWD, world.machine.at("tree"), OFlags::DIRECTORY, Mode::empty()).unwrap();
    let name = "n".repeat(250);
    for _ in 0..20 {
        mkdirat(&folder, &name, Mode::RWXU).unwrap();
        folder = openat(&folder, &name, OFlags::DIRECTORY, Mode::empty()).unwrap();
    }
    world.run(&["audit", "tree"]).says(2, &["40 verified", "not read  File name too long"]).quiet();
    for format in ["json", "sarif", "junit"] {
        world.run(&["audit", "tree", "--format", format]).says(2, &["File name too long"]).quiet();
    }
}

#[test]
fn more_links_than_anybody_reads_are_counted() {
    let world = World::new();
    world.machine.write("tree/go.sum", world.gosum());
    for at in 0..3_000 {
        std::fs::create_dir_all(world.machine.at(&format!("tree/{at}"))).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", world.machine.at(&format!("tree/{at}/go.sum"))).unwrap();
    }
    let ran = world.run(&["audit", "tree"]);
    ran.says(2, &["40 verified", "is a link", "2,000 more"]).quiet();
    assert_eq!(ran.out.lines().filter(|line| line.contains("is a link")).count(), 1_000);
}

#[test]
fn names_that_no_terminal_should_see_are_escaped() {
    use std::os::unix::ffi::OsStrExt as _;
    let world = World::new();
    for name in [&b"\x1b[2J"[..], b"\xff\xfe", b"new\nline", "\u{202e}".as_bytes()] {
        let folder = world.machine.at("tree").join(std::ffi::OsStr::from_bytes(name));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("go.sum"), world.gosum()).unwrap();
    }
    for format in ["text", "json", "sarif", "junit"] {
        let ran = world.run(&["audit", "tree", "--format", format, "--verbose"]);
        ran.says(0, &[]).quiet();
        assert!(!ran.out.contains(['\u{1b}', '\u{202e}']), "{}", ran.show());
    }
    world.run(&["audit", "tree"]).says(0, &["160 lines in 4 files: 160 verified"]);
}

#[test]
fn repeats_beyond_any_use_are_counted_and_not_listed() {
    let world = World::new();
    let gosum = world.wrong_gosum();
    let first = format!("{}\n", gosum.lines().next().unwrap());
    world.machine.write("go.sum", gosum + &first.repeat(REPEATS));
    for format in ["text", "json", "sarif", "junit"] {
        let ran = world.run(&["audit", "--format", format, "--verbose"]);
        ran.says(1, &[]).quiet();
        assert!(ran.out.len() < MAX_REPORT_BYTES, "{} bytes as {format}", ran.out.len());
    }
    world.run(&["audit"]).says(1, &["100,040 lines: 39 verified, 100,001 DIFFERS; 100,000 repeat an earlier line"]);
    let report = world.run(&["audit", "--format", "json"]).json();
    assert_eq!((&report["total_lines"], &report["duplicate_lines"]), (&100_040.into(), &100_000.into()));
    let listed: u64 = report["files"][0]["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| 1 + line["unlisted_repeats"].as_u64().unwrap_or(0))
        .sum();
    assert_eq!(listed, 100_040);
}

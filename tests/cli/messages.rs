//! What a new user reads when something is not as it should be: one sentence that says who, what, and what next.

use crate::command::Machine;
use crate::fake::FakeSumdb;
use crate::world::{DEAD, LINES, World};

#[test]
fn without_arguments_it_shows_the_way() {
    let ran = Machine::new().run(&[]);
    ran.says(2, &["Usage: gosumcheck <COMMAND>", "Examples:", "gosumcheck audit", "Exit codes:"]);
    assert!(ran.out.is_empty());
}

#[test]
fn a_folder_without_go_sum() {
    let machine = Machine::new();
    machine
        .run(&["audit"])
        .says(2, &["./go.sum:  not read  No such file", "no go.sum in this folder", "audit PATH"])
        .quiet();
    machine.write("sub/main.go", "");
    machine.run(&["audit", "sub"]).says(2, &["sub:  not read  no go.sum or go.work.sum in it or below it"]).quiet();
    machine.run(&["audit", "nosuchfile"]).says(2, &["nosuchfile:  not read  No such file", "note: name files"]).quiet();
    machine.run(&["audit", "sub/main.go/go.sum"]).says(2, &["not read  Not a directory"]).quiet();
    // Nobody was asked, so nothing was kept.
    assert_eq!(std::fs::read_dir(machine.home()).unwrap().count(), 0);
}

/// Root may read everything, so this runs as nobody where it can, and else does not run.
#[cfg(unix)]
#[test]
fn an_unreadable_file() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;

    let machine = Machine::new();
    machine.write("go.sum", "secret");
    let path = machine.at("go.sum");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    let mut command = machine.command(&["audit"]);
    if std::fs::File::open(&path).is_ok() {
        std::fs::set_permissions(machine.at("../.."), std::fs::Permissions::from_mode(0o755)).unwrap();
        command.uid(65534);
    }
    // Somebody else may not be allowed to run a binary of ours.
    let Ok(output) = command.output() else { return };
    crate::command::Ran::of(output).says(2, &["./go.sum:  not read  Permission denied", "1 file not read"]).quiet();
}

#[test]
fn wrong_arguments() {
    let machine = Machine::new();
    machine.run(&["bogus"]).complains(2, &["unrecognized subcommand 'bogus'"]);
    machine.run(&["audit", "--format", "xml"]).complains(2, &["\"xml\"", "text, json, sarif, junit"]);
    machine.run(&["audit", "--jobs", "0"]).complains(2, &["0 is not in 1..=1024"]);
    machine.run(&["audit", "--bogus"]).complains(2, &["--bogus"]);
    machine.run(&["lookup"]).complains(2, &["MODULE@VERSION"]);
    machine.run(&["lookup", "x"]).complains(2, &["no @ between", "golang.org/x/text@v0.26.0"]);
    machine.run(&["lookup", "../x@v1.0.0"]).complains(2, &["../x"]);
    machine.run(&["verify-proof"]).complains(2, &["<FILE>"]);
    machine.write("go.sum", format!("example.com/m v1.0.0 {}\n", crate::world::NO_HASH));
    machine.run(&["audit", "--sumdb", "unknown"]).complains(2, &["invalid GOSUMDB \"unknown\"", "NAME+HASH+KEY"]);
    for url in ["ftp://x", "x", "http://h/?q", "file://relative"] {
        machine.run(&["audit", "--sumdb-url", url]).complains(2, &[url]);
    }
}

#[test]
fn a_dead_network() {
    let world = World::new();
    let ran = world.run(&["audit", "--sumdb-url", DEAD, "--jobs", "64"]);
    ran.says(2, &[DEAD, "Connection refused", "40 unavailable", "Check the network", "... and 30 more"]).quiet();
    let module = world.module(3);
    world.run(&["lookup", &module, "--sumdb-url", DEAD]).complains(2, &[&module, "Connection refused"]);
    // A second upstream answers for the first.
    let url = world.served.url();
    world.run(&["audit", "--sumdb-url", DEAD, "--sumdb-url", &url, "--jobs", "64"]).says(0, &["40 verified"]);
}

#[test]
fn a_wrong_key() {
    let world = World::new();
    let other = FakeSumdb::with_records(world.log.name(), &[], 99);
    let ran = world.run(&["audit", "--sumdb", &other.vkey(), "--sumdb-url", &world.served.url()]);
    ran.says(2, &["refused", &world.served.url(), "signature", "40 refused"]).quiet();
    // Nothing of it was kept: with the right key the log is met for the first time.
    world.run(&["audit"]).says(0, &["40 verified"]);
    // And now the wrong key meets a folder that remembers a head of the right one.
    let ran = world.run(&["audit", "--sumdb", &other.vkey(), "--sumdb-url", &world.served.url()]);
    ran.complains(2, &["latest: is a tree head of", "under another key than the one that is set", "--data"]);
}

#[test]
fn nothing_panics_where_nobody_listens() {
    let world = World::new();
    for format in ["text", "json", "sarif", "junit"] {
        let script = format!("{{ $G audit -v --format {format}; echo code $? >&2; }} | true");
        let ran = world.machine.shell(&script);
        assert_eq!(ran.err, "code 0\n", "{}", ran.show());
    }
    let module = world.module(3);
    for command in ["--help", "audit --help", &format!("lookup {module}")] {
        let ran = world.machine.shell(&format!("{{ $G {command}; echo code $? >&2; }} | true"));
        assert_eq!(ran.err, "code 0\n", "{}", ran.show());
    }
    world.machine.shell("$G audit --bogus 2>/dev/full").says(2, &[]);
    world.machine.shell("$G audit >&-").says(0, &[]);
    let ran = world.machine.shell("$G audit -v | head -1");
    assert_eq!((ran.out.lines().count(), ran.err.as_str()), (1, ""), "{}", ran.show());
}

#[test]
fn a_full_standard_output() {
    if !std::path::Path::new("/dev/full").exists() {
        return;
    }
    let world = World::new();
    world.machine.shell("$G audit >/dev/full").complains(2, &["standard output: cannot be written: No space left"]);
    let module = world.module(3);
    world.machine.shell(&format!("$G lookup {module} >/dev/full")).complains(2, &["standard output", "No space left"]);
    // What was found still counts.
    world.machine.write("go.sum", world.wrong_gosum());
    world.machine.shell("$G audit >/dev/full").complains(1, &["standard output"]);
}

#[test]
fn a_log_that_has_no_such_module() {
    let world = World::new();
    let gosum = world.gosum() + &format!("example.com/none v1.0.0 {}\n", crate::world::NO_HASH);
    world.machine.write("go.sum", gosum);
    let ran = world.run(&["audit"]);
    let url = world.served.url();
    ran.says(1, &["not in the log  example.com/none v1.0.0", &url, "404", "GOPRIVATE"]).quiet();
    assert!(ran.out.contains(&format!("{} lines: {LINES} verified, 1 not in the log", LINES + 1)));
}

#[test]
fn another_file_than_a_go_sum_is_named_and_not_to_be_changed() {
    let world = World::new();
    let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{:064}\nsize 123\n", 7);
    let go_mod = "module example.com/m\n\ngo 1.22\n\nrequire example.com/a v1.0.0\n";
    world
        .machine
        .write("m/go.mod", go_mod)
        .write("m/lfs/go.sum", &pointer)
        .write("m/Cargo.toml", "[package]\nname = \"m\"\n");
    for (path, code, words) in [
        ("m/go.mod", 2, "m/go.mod:  not read  is a go.mod, not a go.sum: name the go.sum beside it, m/go.sum"),
        ("m/lfs/go.sum", 2, "m/lfs/go.sum:  not read  is a Git LFS pointer"),
        ("m/lfs", 2, "git lfs pull"),
        ("m/Cargo.toml", 1, "this is not a go.sum file"),
    ] {
        let ran = world.run(&["audit", path]);
        ran.says(code, &[words]).quiet();
        for harm in ["go mod tidy", "elete the line", "note: name files"] {
            assert!(!ran.out.contains(harm), "{path}: {}", ran.show());
        }
    }
}

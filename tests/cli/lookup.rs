//! `gosumcheck lookup`: what is printed is proven, or nothing is.

use crate::world::{NO_HASH, World};

#[test]
fn proven_lines_are_printed_in_the_order_asked() {
    let world = World::new();
    let (first, second) = (world.module(900), world.module(4));
    let ran = world.run(&["lookup", &first, &second]);
    ran.says(0, &[]).quiet();
    assert_eq!(ran.out, world.log.record_text(900) + &world.log.record_text(4));
}

#[test]
fn an_unknown_module_is_a_finding_and_the_others_are_printed() {
    let world = World::new();
    let known = world.module(4);
    let ran = world.run(&["lookup", "example.com/none@v1.0.0", &known]);
    ran.says(1, &["gosumcheck: example.com/none@v1.0.0: not in the log of", "404"]);
    assert_eq!((ran.out.as_str(), ran.err.lines().count()), (world.log.record_text(4).as_str(), 1));
}

#[test]
fn a_private_module_is_not_asked_for() {
    let mut world = World::new();
    world.machine.set("GOPRIVATE", "corp.example");
    let ran = world.run(&["lookup", "corp.example/x@v1.0.0", &world.module(4)]);
    ran.complains(2, &["corp.example/x@v1.0.0 matches corp.example", "--private none"]);
    assert_eq!(world.log.requests().len(), 0);
    world.run(&["lookup", "corp.example/x@v1.0.0", "--private", "none"]).complains(1, &["not in the log"]);
}

#[test]
fn what_a_lying_server_says_is_not_printed() {
    for fault in
        ["wrong-record", "wrong-id", "forged", "extra-lines", "note-lines", "absent-line", "unsigned", "wrong-key"]
    {
        let world = World::new();
        world.log.fault(fault);
        let ran = world.run(&["lookup", &world.module(4)]);
        assert_eq!(ran.code == 0, ran.out == world.log.record_text(4), "{fault}: {}", ran.show());
        if ran.code != 0 {
            ran.complains(2, &["refused"]);
        }
        assert!(!ran.out.contains(NO_HASH));
        world.log.clear_faults();
        world.run(&["lookup", &world.module(4)]).says(0, &[]);
    }
}

#[test]
fn a_wrong_spelling_is_answered_with_the_right_one() {
    let world = World::new();
    for (text, words) in [
        ("github.com/docker/docker@v20.10.0", "write github.com/docker/docker@v20.10.0+incompatible"),
        ("github.com/!burnt!sushi/toml@v0.3.1", "write github.com/BurntSushi/toml@v0.3.1"),
        ("https://github.com/BurntSushi/toml@v0.3.1", "write github.com/BurntSushi/toml@v0.3.1"),
        ("example.com/a@1.5.2", "write example.com/a@v1.5.2"),
        ("example.com/a@latest", "`go list -m example.com/a@latest`"),
        ("example.com/a@v1.5.2/go.mod", "write example.com/a@v1.5.2"),
        ("example.com/a", "go list -m -versions example.com/a"),
    ] {
        world.run(&["lookup", text]).complains(2, &[words]);
    }
    assert_eq!(world.log.requests().len(), 0);
}

//! `audit --proof` and `verify-proof`: what one machine has proven, another believes with the log's key alone.

use crate::command::Machine;
use crate::world::{NO_HASH, RECORDS, World};

/// A machine that knows the key and reaches nobody, with a proof and the go.sum that it covers.
fn third_party() -> (World, Machine) {
    let world = World::new();
    world.run(&["audit", "--proof", "p.txt"]).says(0, &["40 verified"]).quiet();
    let mut other = Machine::new();
    other.set("GOSUMDB", world.log.vkey()).set("GOPROXY", "off");
    other.write("p.txt", world.machine.read("p.txt")).write("go.sum", world.gosum());
    (world, other)
}

#[test]
fn a_proof_needs_no_network_and_no_trust() {
    let (world, other) = third_party();
    world.log.clear_requests();
    other.run(&["verify-proof", "p.txt"]).says(0, &["p.txt: ", "are proven to be in the tree of size 1000 of"]).quiet();
    other.run(&["verify-proof", "p.txt", "go.sum"]).says(0, &["40 verified"]).quiet();
    for format in ["json", "sarif", "junit"] {
        other.run(&["verify-proof", "p.txt", "go.sum", "--format", format]).says(0, &[]).quiet();
    }
    assert_eq!(world.log.requests().len(), 0);
    assert_eq!(std::fs::read_dir(other.home()).unwrap().count(), 0);
    // A line that was changed, and one that is not covered.
    other.write("changed.sum", world.wrong_gosum());
    other.run(&["verify-proof", "p.txt", "changed.sum"]).says(1, &["changed.sum:1:", "DIFFERS", "39 verified"]);
    other.write("more.sum", world.gosum() + &format!("example.com/more v1.0.0 {NO_HASH}\n"));
    let ran = other.run(&["verify-proof", "p.txt", "more.sum"]);
    ran.says(2, &["more.sum:41:", "has no proof of it", "audit --proof FILE", "40 verified, 1 not held"]);
    assert!(!ran.out.contains("--offline") && !ran.out.contains("--upstream"), "options that it does not have");
    other.run(&["verify-proof", "p.txt", "more.sum", "--private", "example.com"]).says(0, &["1 skipped"]);
    other.run(&["verify-proof", "p.txt", "nowhere"]).says(2, &["nowhere:  not read"]);
}

#[test]
fn one_changed_byte_anywhere_and_it_proves_nothing() {
    let (_, other) = third_party();
    let proof = other.read("p.txt");
    let first = proof.match_indices("c2sp.org/tlog-proof@v1").nth(1).unwrap().0;
    let mut at = 0;
    for line in proof[..first].lines() {
        let middle = at + line.len() / 2;
        at += line.len() + 1;
        let mut bytes = proof.clone().into_bytes();
        bytes[middle] = if bytes[middle] == b'A' { b'B' } else { b'A' };
        other.write("bad.txt", &bytes);
        other.run(&["verify-proof", "bad.txt", "go.sum"]).complains(2, &["bad.txt: proves nothing: "]);
    }
    // Cut in the middle of a proof; between two; to nothing.
    other.write("cut.txt", &proof[..first + 100]);
    other.run(&["verify-proof", "cut.txt", "go.sum"]).complains(2, &["proves nothing"]);
    other.write("cut.txt", &proof[..first]);
    other.run(&["verify-proof", "cut.txt", "go.sum"]).says(2, &["not held"]);
    other.write("cut.txt", "");
    other.run(&["verify-proof", "cut.txt", "go.sum"]).complains(2, &["proves nothing"]);
    other.run(&["verify-proof", "nowhere"]).complains(2, &["nowhere: cannot be read: No such file"]);
    // Another database's key.
    other.run(&["verify-proof", "p.txt", "--sumdb", "sum.golang.org"]).complains(2, &["proves nothing"]);
}

#[test]
fn a_proof_that_cannot_be_written_costs_no_report_and_no_older_proof() {
    let (world, _) = third_party();
    let before = world.machine.read("p.txt");
    let ran = world.machine.shell("trap '' XFSZ; ulimit -f 1; exec $G audit --proof p.txt");
    ran.says(2, &["40 verified", "p.txt: cannot write the proofs: File too large"]);
    assert_eq!(world.machine.read("p.txt"), before);
    let left: Vec<_> =
        std::fs::read_dir(world.machine.at("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_str().unwrap().contains(".tmp")), "{left:?}");
    world.run(&["audit", "--proof", "no/such/folder"]).says(2, &["40 verified", "no/such/folder: cannot write"]);
    if std::path::Path::new("/dev/full").exists() {
        world
            .run(&["audit", "--proof", "/dev/full"])
            .says(2, &["40 verified", "/dev/full: cannot write", "No space left"]);
    }
    // A finding stays one.
    world.machine.write("go.sum", world.wrong_gosum());
    world.run(&["audit", "--proof", "no/such/folder"]).says(1, &["1 DIFFERS", "no/such/folder: cannot write"]);
    // Where nothing was proven there is nothing to write.
    world.machine.write("empty.sum", "");
    world.run(&["audit", "empty.sum", "--proof", "none.txt"]).says(0, &["none.txt is not written: nothing was proven"]);
    assert!(!world.machine.at("none.txt").exists());
}

#[test]
fn a_proof_can_go_down_a_pipe() {
    let (world, other) = third_party();
    let ran = world.machine.shell("$G audit --proof /dev/stdout | grep -c tlog-proof");
    assert_eq!(ran.out.trim(), other.read("p.txt").matches("tlog-proof").count().to_string(), "{}", ran.show());
}

#[test]
fn proofs_that_cannot_both_be_true_prove_nothing() {
    for growth in [0, 300] {
        let (world, other) = third_party();
        world.log.fork(0);
        world.log.grow(RECORDS + growth);
        // A machine that was shown the other history from the start.
        let mut deceived = Machine::new();
        deceived.set("GOSUMDB", format!("{} {}", world.log.vkey(), world.served.url()));
        deceived.write("go.sum", world.gosum()).run(&["audit", "--proof", "q.txt"]).says(1, &["DIFFERS"]);
        let [one, two] = [other.read("p.txt"), deceived.read("q.txt")];
        for (first, second) in [(&one, &two), (&two, &one)] {
            other.write("both.txt", format!("{first}{second}"));
            let alone = other.run(&["verify-proof", "both.txt"]);
            if growth > 0 {
                // Two sizes cannot be compared without the tiles.
                alone.complains(2, &["both.txt: proves two records of ", "two histories"]);
                other.run(&["verify-proof", "both.txt", "go.sum"]).complains(2, &["proves two records of "]);
                continue;
            }
            alone.says(3, &["the log misbehaved", "SECURITY ERROR"]);
            assert_eq!(alone.out, "");
            other.write("build.log", &alone.err).run(&["verify-evidence", "build.log"]).says(3, &["misbehaved"]);
            for format in ["text", "json", "sarif", "junit"] {
                let ran = other.run(&["verify-proof", "both.txt", "go.sum", "--format", format]);
                ran.says(3, &["SECURITY ERROR", "no answer that can be trusted"]);
            }
        }
    }
}

//! Witnesses as users meet them: keys, policies, cosigned heads, and what is wrong with them.

use std::os::unix::fs::PermissionsExt as _;

use gosumcheck::sumdb::note::{KeyKind, Note, Signature, SignerKey, VerifierKey, message};

use crate::command::{Machine, file_url};
use crate::common::Serving;
use crate::world::{RECORDS, World};

/// 2026-11-01T00:00:00Z
const LONG_AGO: u64 = 1_793_491_200;

fn witness(seed: u8) -> SignerKey {
    SignerKey::of_kind(KeyKind::Witness, &format!("w{seed}.example"), [seed; 32]).unwrap()
}

/// A world whose policy needs two of three witnesses, and a distributor, a folder, with nothing in it yet.
fn world() -> (World, [SignerKey; 3]) {
    let world = World::new();
    let all = [1, 2, 3].map(witness);
    let [a, b, c] = all.each_ref().map(SignerKey::vkey);
    let text = format!(
        "log {}\nwitness a {a}\nwitness b {b}\nwitness c {c}\ngroup two 2 a b c\nquorum two\n",
        world.log.vkey()
    );
    world.machine.write("policy", text);
    std::fs::create_dir(world.machine.at("dist")).unwrap();
    (world, all)
}

impl World {
    /// Puts the head of `size` into the distributor, cosigned by `by`.
    fn distribute(&self, name: &str, size: u64, by: &[&SignerKey], time: u64) {
        let note = self.cosigned(size, |text| by.iter().map(|key| key.cosign(text, time)).collect());
        self.machine.write(&format!("dist/{name}"), note);
    }

    fn cosigned(&self, size: u64, signatures: impl Fn(&str) -> Vec<Signature>) -> String {
        let head = self.log.head(size);
        let key = VerifierKey::parse(&self.log.vkey()).unwrap();
        let note = Note::open(head.as_bytes(), &[key]).unwrap();
        note.countersigned(&signatures(note.text()))
    }

    fn under_policy(&self, args: &[&str]) -> crate::command::Ran {
        let dist = file_url(&self.machine.at("dist"));
        self.run(&[args, &["--policy", "policy", "--distributor", &dist]].concat())
    }
}

#[test]
fn keys_are_made_for_one_purpose_and_shown_without_their_secret() {
    let machine = Machine::new();
    let made = machine.run(&["key", "generate", "--kind", "cosignature", "mirror.example/go", "k"]);
    made.says(0, &["mirror.example/go+"]).warns(&["a cosignature key, for `serve --cosign`"]);
    let file = machine.read("k");
    assert_eq!(machine.at("k").metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(file.starts_with("PRIVATE+KEY+mirror.example/go+"));
    let key = SignerKey::parse(file.trim_end()).unwrap();
    assert_eq!(made.out.trim_end(), key.vkey().to_string());
    assert_eq!(machine.run(&["key", "show", "k"]).out, made.out);
    // PRIVATE, KEY, the name, the id, and base64 that may have plus signs of its own.
    let secret = file.trim_end().splitn(5, '+').nth(4).unwrap();
    assert_eq!(secret.len(), 44);
    machine.run(&["key", "generate", "--kind", "note", "mirror.example", "k"]).complains(2, &["k: is there already"]);
    assert_eq!(machine.read("k"), file);
    machine.run(&["key", "generate", "--kind", "note", "mirror.example", "n"]).says(0, &["mirror.example+"]);
    machine.run(&["key", "generate", "mirror.example", "m"]).complains(2, &["--kind"]);
    machine.run(&["key", "generate", "--kind", "note", "a b", "m"]).complains(2, &["white space"]);
    assert!(!machine.at("m").exists(), "no key, no file");
    machine.run(&["key", "show", "nowhere"]).complains(2, &["nowhere: cannot be read"]);
    // A server says which key it cosigns with, and of the secret nothing.
    let check = ["serve", "--check-config", "--sumdb", "sum.golang.org", "--cosign"];
    let shown = machine.run(&[&check[..], &["k"]].concat());
    shown.says(0, &["cosign "]);
    assert!(!shown.show().contains(secret), "{}", shown.show());
    machine.run(&[&check[..], &["n"]].concat()).complains(2, &["is not for cosignatures"]);
    std::fs::set_permissions(machine.at("k"), std::fs::Permissions::from_mode(0o644)).unwrap();
    machine.run(&[&check[..], &["k"]].concat()).complains(2, &["k: is a secret key", "chmod 600"]);
}

#[test]
fn a_head_counts_with_the_quorum_s_cosignatures_wherever_they_come_from() {
    let (world, [a, b, c]) = world();
    let module = world.module(5);
    for args in [&["audit"][..], &["lookup", &module], &["sync"]] {
        world.under_policy(args).says(2, &["quorum missing", "needs 2 or more of 3"]);
    }
    world.distribute("checkpoint.1", RECORDS, &[&a], LONG_AGO);
    world.under_policy(&["lookup", &module]).complains(2, &["quorum missing"]);
    // The quorum on one copy.
    world.distribute("checkpoint.2", RECORDS, &[&a, &b], LONG_AGO);
    world.under_policy(&["audit"]).says(0, &["40 verified", "w1.example", "2026-11-01T00:00:00Z"]);
    // The log moves on, and the witnesses do not: what they cosigned is proven, and no more.
    world.log.grow(2 * RECORDS);
    world.under_policy(&["audit"]).says(0, &["40 verified"]);
    let newer = world.module(RECORDS + 1);
    world.under_policy(&["lookup", &newer]).complains(2, &["quorum missing", "2000"]);
    // The quorum over two distributors, each with one witness's signature; the newer head is taken up.
    world.distribute("checkpoint.2", 2 * RECORDS, &[&b], LONG_AGO);
    std::fs::create_dir(world.machine.at("other")).unwrap();
    world.machine.write("other/checkpoint", world.cosigned(2 * RECORDS, |text| vec![c.cosign(text, LONG_AGO + 60)]));
    let other = file_url(&world.machine.at("other"));
    world.under_policy(&["lookup", &newer, "--distributor", &other]).says(0, &["h1:"]);
    // It is remembered with both.
    world.under_policy(&["lookup", &newer, "--offline"]).says(0, &["h1:"]);
    let kept = std::fs::read_to_string(world.head_file()).unwrap();
    assert!(kept.contains("w2.example") && kept.contains("w3.example"), "{kept}");
}

#[test]
fn a_remembered_head_without_cosignatures_waits_for_them() {
    let (world, [a, b, _]) = world();
    let module = world.module(5);
    world.run(&["lookup", &module]).says(0, &["h1:"]);
    world.under_policy(&["lookup", &module]).complains(2, &["quorum missing"]);
    world.under_policy(&["lookup", &module, "--offline"]).complains(2, &["quorum missing"]);
    world.distribute("checkpoint.2", RECORDS, &[&a, &b], LONG_AGO);
    world.under_policy(&["lookup", &module]).says(0, &["h1:"]);
    world.under_policy(&["lookup", &module, "--offline"]).says(0, &["h1:"]);
}

#[test]
fn a_pinned_head_without_cosignatures_binds_and_does_not_count() {
    let (world, [a, b, _]) = world();
    let module = world.module(5);
    world.machine.write("pin", world.log.head(RECORDS / 2));
    let lookup = || world.under_policy(&["lookup", &module, "--pin-head", "pin"]);
    // What the witnesses cosigned is older than the pinned head.
    world.distribute("checkpoint.2", RECORDS / 4, &[&a, &b], LONG_AGO);
    lookup().complains(2, &["quorum missing", "is older than the one of 500 that is pinned"]);
    assert!(!world.head_file().exists());
    world.distribute("checkpoint.2", RECORDS, &[&a, &b], LONG_AGO);
    lookup().says(0, &["h1:"]);
}

#[test]
fn each_wrong_cosignature_is_named_for_what_it_is() {
    let (world, [a, b, _]) = world();
    let module = world.module(5);
    let put = |note: String| {
        world.machine.write("dist/checkpoint.2", note);
    };
    // Replayed from an older head.
    let older = world.log.head(RECORDS - 1);
    let older = older.split("\n\n").next().unwrap().to_owned() + "\n";
    put(world.cosigned(RECORDS, |text| vec![a.cosign(text, LONG_AGO), b.cosign(&older, LONG_AGO)]));
    world.under_policy(&["lookup", &module]).complains(2, &["false cosignature: w2.example+"]);
    // Witnesses that sign what the log did not.
    let text = world.log.head(RECORDS).split("\n\n").next().unwrap().replace("1000", "1001") + "\n";
    put(message(&text, &[a.cosign(&text, LONG_AGO), b.cosign(&text, LONG_AGO)]).unwrap());
    world.under_policy(&["lookup", &module]).complains(2, &["wrong head cosigned: w1.example+"]);
    // An older cosigned head, replayed: it is true, and what is newer does not count.
    world.distribute("checkpoint.2", 4, &[&a, &b], LONG_AGO);
    world.under_policy(&["lookup", &module]).complains(2, &["quorum missing", "size 1000"]);
    // Witnesses that cosigned another history of the log: that is the log's doing, and evidence.
    world.distribute("checkpoint.2", RECORDS, &[&a, &b], LONG_AGO);
    world.under_policy(&["lookup", &module]).says(0, &["h1:"]);
    world.log.prepare_fork(10);
    world.log.show_fork(true);
    world.distribute("checkpoint.2", RECORDS, &[&a, &b], LONG_AGO);
    let unseen = world.module(700);
    world.under_policy(&["lookup", &unseen]).says(3, &["SECURITY ERROR", "— w1.example"]);
}

#[test]
fn proofs_hold_under_cosigned_heads_that_are_old_enough() {
    let (world, [a, b, c]) = world();
    world.distribute("checkpoint.2", RECORDS, &[&a, &b], LONG_AGO);
    world.under_policy(&["audit", "--proof", "p"]).says(0, &["40 verified"]);
    let verify = |args: &[&str]| world.run(&[&["verify-proof", "p", "--policy", "policy"], args].concat());
    verify(&[]).says(0, &["proven"]).warns(&["cosigned by w1.example at 2026-11-01T00:00:00Z, w2.example"]);
    verify(&["--min-age", "1h"]).says(0, &["proven"]);
    verify(&["--min-age", "1h", "go.sum"]).says(0, &["40 verified"]);
    verify(&["--min-age", "500000h"]).complains(2, &["p: too young", "at 2026-11-01T00:00:00Z"]);
    world.run(&["verify-proof", "p", "--min-age", "7d"]).complains(2, &["--policy"]);
    // Others' quorum; and heads that were not cosigned.
    world.machine.write("other", format!("witness c {}\nquorum c\n", c.vkey()));
    world.run(&["verify-proof", "p", "--policy", "other"]).complains(2, &["p: proves nothing: quorum missing"]);
    world.machine.write("none", "quorum none\n");
    world.run(&["verify-proof", "p", "--policy", "none"]).says(0, &["proven"]);
    world.run(&["verify-proof", "p", "--policy", "none", "--min-age", "7d"]).complains(2, &["needs none"]);
}

#[test]
fn policies_are_read_strictly() {
    let (world, _) = world();
    for (text, words) in [
        ("quorum x\n", "policy: malformed policy line 1: no earlier line defines \"x\""),
        ("\n\nwitness a b c d\nquorum a\n", "line 3"),
        ("", "newline"),
    ] {
        world.machine.write("policy", text);
        world.under_policy(&["audit"]).complains(2, &[words]);
        world.run(&["verify", "--policy", "policy"]).complains(2, &[words]);
    }
    world
        .machine
        .write("policy", "log sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8\nquorum none\n");
    world.under_policy(&["audit"]).complains(2, &["it is about other logs"]);
    world.run(&["audit", "--policy", "nowhere"]).complains(2, &["nowhere: the policy cannot be read"]);
}

#[test]
fn verify_wants_the_newest_head_cosigned() {
    let (world, [a, b, _]) = world();
    world.run(&["sync"]).says(0, &["1,000 records"]);
    world.run(&["verify", "--policy", "policy"]).says(1, &["head-uncosigned", "quorum missing"]);
    world.run(&["verify"]).says(0, &[]);
    world.distribute("checkpoint.2", RECORDS, &[&a, &b], LONG_AGO);
    world.under_policy(&["sync"]).says(0, &["1,000 records"]);
    world.run(&["verify", "--policy", "policy"]).says(0, &["cosigned by w1.example at 2026-11-01T00:00:00Z"]);
}

#[test]
fn two_servers_are_each_other_s_witnesses() {
    let (world, _) = world();
    let made = |name: &str| {
        let host = format!("{name}.example");
        world.run(&["key", "generate", "--kind", "cosignature", &host, name]).out.trim_end().to_owned()
    };
    let [one, two] = ["one", "two"].map(made);
    world.machine.write("both", format!("witness one {one}\nwitness two {two}\ngroup both all one two\nquorum both\n"));
    let serve = |name: &str| {
        let data = format!("{name}-data");
        world.run(&["sync", "--data", &data]).says(0, &["1,000 records"]);
        let args = ["serve", "--listen", "127.0.0.1:0", "--data", &data, "--cosign", name, "--proxy", "off"];
        Serving::start(&mut world.machine.command(&args))
    };
    let servers = ["one", "two"].map(serve);
    let origin = "46613be2987d5d316f5ad065e4aa2eee26ccdd3de17a3735cd0da18156a22bdd";
    let [first, second] = servers.each_ref().map(|server| format!("{}/tlog/{origin}", server.url));
    let audit = ["audit", "--policy", "both", "--distributor", &first];
    world.run(&audit).says(2, &["quorum missing"]);
    let both = world.run(&[&audit[..], &["--distributor", &second]].concat());
    both.says(0, &["40 verified", "one.example", "two.example"]);
    for server in servers {
        let (_, logged) = server.end("-TERM");
        assert!(logged.contains("cosigning as") && !logged.contains("PRIVATE"), "{logged}");
    }
}

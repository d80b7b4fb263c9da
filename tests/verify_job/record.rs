//! The record that each run leaves, and its metrics.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::command::Machine;
use super::log::World;
use super::machine;
use super::world::{Module, World as Stored};

#[test]
fn each_run_appends_what_it_found() {
    let world = World::new(600, &[600]);
    let machine = machine(&world);
    machine.run(&["journal", "verify"]).says(0, &["0 entries"]);
    machine.run(&["verify", "--record"]).says(0, &["600 records"]);
    let good = world.bytes("records");
    let mut damaged = good.clone();
    damaged[70] ^= 1;
    world.put("records", &damaged);
    machine.run(&["verify", "--record", "--repair", "--metrics", "m.prom"]).says(1, &["could not be repaired"]);
    world.put("records", &good);
    machine.run(&["verify", "--record"]).says(0, &[]);
    let ran = machine.run(&["journal", "ls"]);
    ran.says(0, &["head 600: exit 0, 0 findings, 0 repairs", "head 600: exit 1, 1 finding, 0 repairs"]);
    assert_eq!(ran.out.lines().count(), 3, "{}", ran.show());
    machine.run(&["journal", "verify"]).says(0, &["3 entries, the last has the hash "]);
    let metrics = machine.read("m.prom");
    assert!(metrics.contains("gosumcheck_verify_exit_code{database=\"fakelog.example\"} 1\n"), "{metrics}");
    assert!(metrics.contains("kind=\"records-damaged\"} 1\n"), "{metrics}");
    // The last complete run, and what is open of all: also for one that covers a part, and one that is not recorded.
    let value = |name: &str| {
        let metrics = machine.read("m.prom");
        let line = metrics
            .lines()
            .find_map(|line| line.strip_prefix(&format!("gosumcheck_verify_{name} ")).map(str::to_owned));
        line.unwrap_or_else(|| panic!("{name}: {metrics}")).parse::<u64>().unwrap()
    };
    let [ended, full_ended, full_code] = ["ended_seconds", "full_ended_seconds", "full_exit_code"]
        .map(|name| format!("{name}{{database=\"fakelog.example\"}}"));
    let open = "open_findings{database=\"fakelog.example\",kind=\"records-damaged\"}";
    machine.run(&["verify", "--record", "--since", "last", "--metrics", "m.prom"]).says(0, &[]);
    assert_eq!((value(&full_code), value(open)), (0, 0));
    assert!(value(&full_ended) > 0 && value(&full_ended) <= value(&ended));
    world.put("records", &damaged);
    machine.run(&["verify", "--record", "--metrics", "m.prom"]).says(1, &[]);
    assert_eq!((value(&full_code), value(open), value(&full_ended)), (1, 1, value(&ended)));
    world.put("records", &good);
    machine.run(&["verify", "--sample", "1%", "--metrics", "m.prom"]).says(0, &[]);
    assert_eq!((value(&full_code), value(open)), (1, 1), "a part of it clears nothing");
    machine.run(&["verify", "--record", "--metrics", "m.prom"]).says(0, &[]);
    assert_eq!((value(&full_code), value(open)), (0, 0));
    // An entry that is changed shows, and nothing is written after it.
    let path = world.root.path().join("verify/journal.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.lines().all(|line| line.starts_with("{\"began\":")), "{text}");
    fs::write(&path, text.replacen("\"findings\":1", "\"findings\":0", 1)).unwrap();
    machine.run(&["journal", "verify"]).says(1, &["line 3: does not have the hash of the entry before it"]);
    machine.run(&["verify", "--record"]).says(2, &["600 records", "move the file away"]);
    // An empty folder has a run too.
    let empty = Machine::new();
    fs::create_dir(empty.at("data")).unwrap();
    empty.run(&["verify", "--data", "data", "--record"]).says(0, &["nothing was checked"]);
    empty.run(&["journal", "ls", "--data", "data"]).says(0, &["no signed head: exit 0"]);
}

#[test]
fn the_record_is_signed_where_there_is_a_key() {
    use gosumcheck::sumdb::note::SignerKey;
    let world = World::new(600, &[600]);
    let machine = machine(&world);
    let key = SignerKey::from_seed("corp.example/verify", [7; 32]).unwrap();
    machine.write("key", format!("{}\n", key.secret_text())).write("not-a-key", "PRIVATE+KEY+x\n");
    let mode = |name: &str, mode| fs::set_permissions(machine.at(name), fs::Permissions::from_mode(mode)).unwrap();
    mode("not-a-key", 0o600);
    mode("key", 0o644);
    machine.run(&["verify", "--record", "--sign-key", "key"]).complains(2, &["key: ", "chmod 600"]);
    mode("key", 0o600);
    let vkey = key.vkey().to_string();
    let verify = |key: &str| machine.run(&["journal", "verify", "--key", key]).code;
    machine.run(&["verify", "--record"]).says(0, &[]);
    assert_eq!(verify(&vkey), 1, "nothing is signed");
    machine.run(&["verify", "--record", "--sign-key", "key"]).says(0, &[]);
    machine
        .run(&["journal", "verify", "--key", &vkey])
        .says(0, &["2 entries, 1 of them signed by the key, the last has"]);
    let other = SignerKey::from_seed("corp.example/verify", [8; 32]).unwrap();
    machine.run(&["journal", "verify", "--key", &other.vkey().to_string()]).says(1, &["line 2: is not signed by"]);
    machine.run(&["verify", "--record"]).says(0, &[]);
    machine.run(&["journal", "verify", "--key", &vkey]).says(1, &["line 3: is not signed"]);
    assert_eq!(verify("x"), 2);
    for wrong in ["not-a-key", "nowhere"] {
        machine.run(&["verify", "--record", "--sign-key", wrong]).complains(2, &[wrong]);
    }
}

#[test]
fn a_sync_over_a_damaged_log_says_so() {
    let world = World::new(600, &[600]);
    let served = world.db.serve();
    let mut machine = machine(&world);
    machine.set("GOSUMDB", format!("{} {}", world.db.vkey(), served.url()));
    machine.run(&["sync"]).says(0, &["up to date"]);
    // What the right edge is made of is looked at before anything else.
    let good = world.bytes("hashes.1");
    world.put("hashes.1", &[&good[..9], b"#", &good[10..]].concat());
    machine.run(&["sync"]).says(2, &["the hashes at the right edge", "run `gosumcheck verify`"]);
    world.put("hashes.1", &good);
    let good = world.bytes("offsets");
    world.put("offsets", &[&good[..14], b"#", &good[15..]].concat());
    let ran = machine.run(&["sync"]);
    ran.says(1, &["the copy is DAMAGED", "gosumcheck verify --repair"]);
    assert!(!ran.out.contains("up to date"), "{}", ran.show());
    world.put("offsets", &good);
    // A bit of a record shows only when all of them are read: in a verification, of which there is a record.
    let good = world.bytes("records");
    let mut damaged = good.clone();
    damaged[70] ^= 1;
    world.put("records", &damaged);
    machine.run(&["verify", "--record"]).says(1, &["records-damaged"]);
    machine.run(&["sync"]).says(1, &["the copy is DAMAGED", "found records-damaged at 2"]);
    machine.run(&["verify", "--record", "--repair"]).says(0, &["repaired"]);
    machine.run(&["sync"]).says(0, &["up to date"]);
    assert_eq!(world.bytes("records"), good);
}

#[test]
fn a_run_that_leaves_the_log_out_clears_nothing_of_it() {
    let world = Stored::of(vec![Module::new("example.com/m", "v1.0.0", 20)]);
    let served = world.log.db.serve();
    let mut machine = Machine::new();
    machine.set("GOSUMDB", format!("{} {}", world.log.db.vkey(), served.url()));
    machine.set("GOSUMCHECK_DATA", world.root().to_str().unwrap());
    let verify =
        |args: &[&str]| machine.run(&[&["verify", "--record", "--private", "none", "--no-index"], args].concat());
    machine.run(&["sync"]).says(0, &["up to date"]);
    let good = world.log.bytes("records");
    let mut damaged = good.clone();
    damaged[70] ^= 1;
    world.log.put("records", &damaged);
    verify(&[]).says(1, &["records-damaged"]);
    verify(&["--no-log"]).says(0, &["module files"]);
    machine.run(&["sync"]).says(1, &["the copy is DAMAGED", "found records-damaged at 2"]);
    // Nor does one that covers what is new, which is complete then, and finds it again.
    verify(&["--since", "last"]).says(1, &["everything is covered", "records-damaged"]);
    verify(&["--repair"]).says(0, &["repaired"]);
    machine.run(&["sync"]).says(0, &["up to date"]);
    assert_eq!(world.log.bytes("records"), good);
}

//! A world that lies about the log: each lie has its class, its evidence and its exit code, and evidence stands by itself wherever it has
//! been copied.

use std::fs;
use std::path::PathBuf;

use super::command::{Machine, Ran};
use super::fake::{FakeSumdb, Given, Served};

/// A log of 3,000 records that shows 1,000, its server, and a user of it.
pub(super) struct World {
    pub(super) log: FakeSumdb,
    pub(super) served: Served,
    pub(super) machine: Machine,
}

impl World {
    pub(super) fn new() -> World {
        let log = FakeSumdb::synthetic(3_000, 7);
        let served = log.serve();
        log.grow(1_000);
        let mut machine = Machine::new();
        machine.set("GOSUMDB", format!("{} {}", log.vkey(), served.url()));
        World { log, served, machine }
    }

    pub(super) fn run(&self, args: &[&str]) -> Ran {
        self.machine.run(&[args, &["--data", "d"]].concat())
    }

    fn lookup(&self, id: u64) -> Ran {
        let (path, version) = self.log.module(id);
        self.run(&["lookup", "--private", "none", &format!("{path}@{version}")])
    }

    /// The evidence that stops every advance.
    fn evidence(&self) -> Vec<PathBuf> {
        let all = fs::read_dir(self.folder().join("log/fakelog.example/evidence")).into_iter().flatten();
        let paths = all.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("fork-")).collect()
    }

    fn folder(&self) -> PathBuf {
        self.machine.at("d")
    }

    /// The log is caught: one piece of evidence, which `verify-evidence` accepts.
    fn is_caught(&self, ran: &Ran) {
        ran.says(3, &["SECURITY ERROR"]);
        let evidence = self.evidence();
        assert_eq!(evidence.len(), 1, "{}", ran.show());
        let path = evidence[0].display().to_string();
        self.machine.run(&["verify-evidence", &path]).says(3, &["misbehaved"]);
    }
}

/// The same log under another address, which shows another history from record `at` on.
pub(super) fn fork_of(at: u64, size: u64) -> (FakeSumdb, Served) {
    let log = FakeSumdb::synthetic(3_000, 7);
    log.grow(size);
    log.fork(at);
    let served = log.serve();
    (log, served)
}

#[test]
fn a_forked_upstream_stops_every_advance_until_a_person_clears_it() {
    let world = World::new();
    world.lookup(5).says(0, &[]);
    world.log.fork(10);
    world.log.grow(2_000);
    world.is_caught(&world.lookup(6));
    world.log.show_fork(false);
    // The honest history is back: still nothing newer is accepted, by any command.
    for command in [&["sync"][..], &["verify"]] {
        world.is_caught(&world.run(command));
    }
    world.is_caught(&world.lookup(1_500));
    // What the remembered head proves stays proven.
    world.lookup(5).says(0, &[]);
    world.run(&["heads", "clear-fork"]).says(2, &["not cleared"]);
    world.is_caught(&world.run(&["sync"]));
    // However long it is: a note may have a megabyte of signatures.
    let evidence = &world.evidence()[0];
    fs::write(evidence, "-".repeat(2 << 20) + "\n" + &fs::read_to_string(evidence).unwrap()).unwrap();
    world.run(&["heads", "clear-fork", "--yes"]).says(0, &["does not contain", "the evidence is kept in"]);
    assert_eq!(world.evidence().len(), 0);
    world.run(&["heads", "clear-fork", "--yes"]).says(0, &["there is no fork to clear"]);
    world.run(&["sync"]).says(0, &[]);
    world.run(&["verify"]).says(0, &[]);
}

#[test]
fn two_routes_that_disagree_are_a_fork_in_verify_and_stop_sync() {
    let world = World::new();
    world.run(&["sync"]).says(0, &[]);
    world.log.grow(1_500);
    let (_other, forked) = fork_of(1_100, 1_500);
    let [one, other] = [format!("{}/latest", world.served.url()), format!("{}/latest", forked.url())];
    world.run(&["verify", "--head-route", &one]).says(0, &["1 routes show signed heads of one history"]);
    assert_eq!(world.evidence().len(), 0);
    let ran = world.run(&["verify", "--head-route", &one, "--head-route", &other]);
    ran.says(3, &["THE LOG MISBEHAVED"]);
    assert_eq!(world.evidence().len(), 1);
    world.is_caught(&world.run(&["sync"]));
}

#[test]
fn a_stale_head_is_a_finding() {
    let world = World::new();
    world.run(&["sync"]).says(0, &[]);
    let route = format!("{}/latest", world.served.url());
    world.run(&["verify", "--head-route", &route]).says(0, &[]);
    let seen = world.folder().join("heads/fakelog.example/seen.jsonl");
    let text = fs::read_to_string(&seen).unwrap();
    let year = text.split("\"seen\":\"").nth(1).unwrap()[..4].to_owned();
    fs::write(&seen, text.replace(&format!("\"seen\":\"{year}"), "\"seen\":\"2019")).unwrap();
    world.run(&["verify", "--head-route", &route]).says(1, &["head-stale", "since 2019", "stale-head"]);
    // A route that shows an older head than one that was known long ago.
    world.log.grow(600);
    world.run(&["verify", "--head-route", &route]).says(1, &["head-stale", "shows a head of 600 records", "1000"]);
    // One that does not answer proves nothing.
    world
        .run(&["verify", "--head-route", "http://127.0.0.1:9/latest", "--head-stale", "168h"])
        .says(1, &["shows no signed head"]);
}

#[test]
fn a_clock_that_jumped_is_a_finding() {
    let world = World::new();
    world.run(&["sync"]).says(0, &[]);
    world.run(&["verify"]).says(0, &[]);
    let seen = world.folder().join("heads/fakelog.example/seen.jsonl");
    let text = fs::read_to_string(&seen).unwrap();
    let year = text.split("\"seen\":\"").nth(1).unwrap()[..4].to_owned();
    fs::write(&seen, text.replace(&format!("\"seen\":\"{year}"), "\"seen\":\"9019")).unwrap();
    world.run(&["verify"]).says(1, &["clock-jumped", "that of 1000 records", "clock-jump: the clock says"]);
    world.run(&["verify", "--no-log", "--no-modules"]).says(2, &[]);
}

#[test]
fn a_head_without_the_quorum_is_told_with_its_class() {
    let world = World::new();
    world.run(&["sync"]).says(0, &[]);
    let witness = gosumcheck::sumdb::note::SignerKey::from_seed("w.example", [7; 32]).unwrap().vkey();
    world.machine.write("policy", format!("log {}\nwitness w {witness}\nquorum w\n", world.log.vkey()));
    world.run(&["verify", "--policy", "policy"]).says(1, &["head-uncosigned", "quorum-missing"]);
}

#[test]
fn a_replayed_old_head_moves_nothing() {
    let world = World::new();
    world.log.grow(2_000);
    world.lookup(1_900).says(0, &[]);
    world.log.grow(1_000);
    world.lookup(7).says(0, &[]);
    world.lookup(1_950).says(2, &[]);
    world.run(&["sync"]).says(2, &[]);
    let head = fs::read_to_string(world.folder().join("heads/fakelog.example/latest")).unwrap();
    assert!(head.contains("\n2000\n"), "{head}");
}

#[test]
fn a_planted_record_conflict_is_the_logs_fault() {
    let hash = |letter: &str| format!("h1:{}=", letter.repeat(43));
    let given = |module: &str, zip: &str| Given::new(module, "v1.0.0", &hash(zip), &hash("A"));
    let log = FakeSumdb::of_records(&[given("a.example/m", "A"), given("b.example/m", "A"), given("a.example/m", "E")]);
    let served = log.serve();
    let mut machine = Machine::new();
    machine.set("GOSUMDB", format!("{} {}", log.vkey(), served.url()));
    machine.run(&["sync", "--data", "d"]);
    machine.run(&["verify", "--data", "d"]).says(1, &["duplicate", "record"]);
}

#[test]
fn first_contact_with_a_log_that_forked_before_the_pinned_head_is_refused_everywhere() {
    for command in ["lookup", "sync"] {
        let world = World::new();
        world.machine.write("pin", world.log.head(800));
        world.log.fork(10);
        let pin = ["--pin-head", "pin"];
        let (path, version) = world.log.module(900);
        let module = format!("{path}@{version}");
        let ran = match command {
            "lookup" => world.run(&[&["lookup", "--private", "none"][..], &pin, &[&module]].concat()),
            _ => world.run(&[&["sync"][..], &pin].concat()),
        };
        world.is_caught(&ran);
        assert!(!world.folder().join("heads/fakelog.example/latest").exists(), "{command}");
    }
    // A copy that was made without it.
    let world = World::new();
    world.machine.write("pin", world.log.head(800));
    world.log.fork(10);
    world.run(&["sync"]).says(0, &[]);
    world.run(&["verify", "--pin-head", "pin"]).says(3, &["THE LOG MISBEHAVED"]);
    world.machine.write("other", FakeSumdb::named("other.example", 5, 1).head(5));
    world
        .run(&["sync", "--pin-head", "other"])
        .says(2, &["--pin-head: other: is not a signed tree head of fakelog.example"]);
    world.run(&["sync", "--pin-head", "none"]).says(2, &["--pin-head: none: cannot be read"]);
    // A server says so before it starts.
    world.run(&["serve", "--check-config", "--pin-head", "pin"]).says(0, &["heads.pin"]);
    world
        .run(&["serve", "--check-config", "--pin-head", "other"])
        .says(2, &["--pin-head: other: is not a signed tree head of fakelog.example"]);
}

#[test]
fn a_pinned_head_of_another_database_of_the_settings_is_passed_over() {
    let world = World::new();
    let other = FakeSumdb::named("other.example", 700, 5);
    let served = other.serve();
    world.machine.write("pin", world.log.head(800));
    world.machine.write("other-pin", other.head(600));
    let of = [world.log.vkey(), other.vkey()];
    let urls = [world.served.url(), served.url()];
    let settings = format!(
        "data = \"d\"\nsumdb = [\"{} {}\", \"{} {}\"]\n[heads]\npin = [\"pin\", \"other-pin\"]\n",
        of[0], urls[0], of[1], urls[1]
    );
    world.machine.write("c.toml", settings);
    for (key, url) in of.iter().zip(&urls) {
        world.run(&["sync", "--sumdb", &format!("{key} {url}")]).says(0, &[]);
        world.run(&["verify", "--config", "c.toml", "--sumdb", key]).says(0, &["2 signed heads"]);
        let route = format!("{url}/latest");
        world
            .run(&["verify", "--config", "c.toml", "--sumdb", key, "--head-route", &route])
            .says(0, &["of one history"]);
    }
    // One that no database of the settings signed is refused as ever.
    world.machine.write("stranger", FakeSumdb::named("stranger.example", 5, 1).head(5));
    let refused = world.run(&["verify", "--config", "c.toml", "--sumdb", &of[1], "--pin-head", "stranger"]);
    refused.says(2, &["--pin-head: stranger: is not a signed tree head of other.example"]);
}

#[test]
fn evidence_survives_mail_logs_and_trackers_and_no_change_of_its_content() {
    let world = World::new();
    world.lookup(5).says(0, &[]);
    world.log.fork(10);
    world.log.grow(2_000);
    world.is_caught(&world.lookup(6));
    let text = fs::read_to_string(&world.evidence()[0]).unwrap();
    let each = |change: &dyn Fn(&str) -> String| text.lines().map(|line| change(line) + "\n").collect::<String>();
    let mangled = [
        text.replace('\n', "\r\n"),
        each(&|line| format!("> {line}")),
        each(&|line| format!("> > {line}").trim_end().to_owned()),
        each(&|line| format!("    {line}")),
        each(&|line| line.trim().to_owned()),
        each(&|line| line.replace('\t', "        ")),
        each(&|line| format!("{}  \t", line.trim_end())),
        each(&|line| format!("2026-11-28T09:00:00Z #12 0.3 {line}\r")),
        format!("To: ops\n\n{}\n-- \nThe build\n", text.trim_end()),
    ];
    for (number, text) in mangled.iter().enumerate() {
        world.machine.write("report.txt", text);
        let ran = world.machine.run(&["verify-evidence", "report.txt"]);
        assert_eq!(ran.code, 3, "{number}: {}\n{text}", ran.show());
    }
    // Each letter of a note or a hash counts.
    let lines: Vec<&str> = text.lines().collect();
    for (number, line) in lines.iter().enumerate().filter(|(_, line)| line.len() > 1 && line.starts_with('\t')) {
        let last = line.trim_end_matches('=').len() - 2;
        let other = if &line[last..=last] == "A" { "B" } else { "A" };
        let changed = format!("{}{other}{}", &line[..last], &line[last + 1..]);
        let tampered: Vec<&str> =
            lines[..number].iter().chain([&changed.as_str()]).chain(&lines[number + 1..]).copied().collect();
        world.machine.write("report.txt", tampered.join("\n"));
        let ran = world.machine.run(&["verify-evidence", "report.txt"]);
        assert_eq!(ran.code, 2, "line {number}: {}", ran.show());
    }
}

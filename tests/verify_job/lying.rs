//! A world that lies about the log: each lie has its class, its evidence and its exit code, and evidence stands by itself wherever it has
//! been copied.

use std::fs;
use std::path::PathBuf;

use gosumcheck::sumdb::checkpoint::{Checkpoint, Policy};
use gosumcheck::sumdb::note::VerifierKey;

use super::command::{Machine, Ran};
use super::common::Serving;
use super::fake::{FakeSumdb, Given, Served};

/// A log of 3,000 records that shows 1,000, its server, and a user of it.
struct World {
    log: FakeSumdb,
    served: Served,
    machine: Machine,
}

impl World {
    fn new() -> World {
        let log = FakeSumdb::synthetic(3_000, 7);
        let served = log.serve();
        log.grow(1_000);
        let mut machine = Machine::new();
        machine.set("GOSUMDB", format!("{} {}", log.vkey(), served.url()));
        World { log, served, machine }
    }

    fn run(&self, args: &[&str]) -> Ran {
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
fn fork_of(at: u64, size: u64) -> (FakeSumdb, Served) {
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
fn what_is_wrong_with_a_named_file_names_the_place_that_names_it() {
    let mut world = World::new();
    world.run(&["sync"]).says(0, &[]);
    world.machine.write("other", FakeSumdb::named("other.example", 5, 1).head(5)).write("text", "nonsense\n");
    world.machine.write("key", "PRIVATE+KEY+x\n");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(world.machine.at("key"), mode).unwrap();
    let wrong = "other: is not a signed tree head of fakelog.example";
    let check = ["serve", "--check-config", "--config", "c.toml"];
    for (settings, place) in [
        ("[heads]\npin = [\"other\"]\n", format!("c.toml:2: heads.pin: {wrong}")),
        ("policy = \"text\"\n", "c.toml:1: policy: text: ".to_owned()),
        ("cosign = \"key\"\n", "c.toml:1: cosign: key: holds no key".to_owned()),
        ("\ndistributors = [\"ftp://x\"]\n", "c.toml:2: distributors: ftp://x: ".to_owned()),
    ] {
        world.machine.write("c.toml", settings);
        world.run(&check).says(2, &[&place]);
    }
    world.machine.write("c.toml", "[heads]\npin = \"other\"\n");
    world.run(&["verify", "--config", "c.toml"]).says(2, &[&format!("c.toml:2: heads.pin: {wrong}")]);
    world.machine.write("c.toml", "[verify]\nsign_key = \"key\"\n");
    world.run(&["verify", "--record", "--config", "c.toml"]).says(2, &["c.toml:2: verify.sign_key: key: holds no key"]);
    world.run(&["verify", "--record", "--sign-key", "key"]).says(2, &["--sign-key: key: holds no key"]);
    world.run(&["sync", "--policy", "text"]).says(2, &["--policy: text: "]);
    world.machine.set("GOSUMCHECK_PIN_HEAD", "other");
    let ran = world.run(&["verify"]);
    ran.says(2, &[&format!("GOSUMCHECK_PIN_HEAD: {wrong}")]);
    assert!(!ran.show().contains("--pin-head"), "{}", ran.show());
}

#[test]
fn a_server_cosigns_each_head_before_anybody_asks_and_with_one_key_one_database() {
    let world = World::new();
    let made = world.machine.run(&["key", "generate", "--kind", "cosignature", "mirror.example/go", "k"]);
    let vkey = VerifierKey::parse(made.out.trim()).unwrap();
    let log = VerifierKey::parse(&world.log.vkey()).unwrap();
    let policy = Policy::witnessed(log, std::slice::from_ref(&vkey), 1).unwrap();
    let path = world.machine.at("d/heads/fakelog.example").join(format!("cosigned.{:08x}", vkey.id()));
    let args =
        ["--mirror", "--sync-interval", "1s", "--cosign", world.machine.at("k").to_str().unwrap()].map(str::to_owned);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let serving = serve(&world.machine, "d", &world.log, &world.served.url(), &args);
    for size in [1_000, 1_500] {
        world.log.grow(size);
        // It is renamed into its place, so it is never seen half written.
        let cosigned = || Checkpoint::open(&fs::read(&path).ok()?, &policy).ok().map(|head| head.tree().size);
        while cosigned() != Some(size) {
            std::thread::yield_now();
        }
    }
    drop(serving);
    // Heads of all checksum databases have the same first line.
    let other = FakeSumdb::named("other.example", 700, 5);
    let refused =
        world.run(&["serve", "--listen", "127.0.0.1:0", "--proxy", "off", "--cosign", "k", "--sumdb", &other.vkey()]);
    refused.says(2, &["--cosign: the key of mirror.example/go has cosigned heads of another database"]);
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

/// A server of this database at `url`, with its data in `data` of `machine`.
fn serve(machine: &Machine, data: &str, log: &FakeSumdb, url: &str, args: &[&str]) -> Serving {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_gosumcheck"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--proxy", "off", "--data"]).arg(machine.at(data));
    command.args(["--sumdb", &format!("{} {url}", log.vkey())]).args(args);
    command.env_clear().env("HOME", machine.at(".")).env("GOENV", "off");
    Serving::start(&mut command)
}

/// The evidence in a data folder, waited for.
fn evidence_in(machine: &Machine, data: &str) -> PathBuf {
    let dir = machine.at(data).join("log/fakelog.example/evidence");
    loop {
        let found = fs::read_dir(&dir).into_iter().flatten().map(|entry| entry.unwrap().path());
        let is_fork = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with("fork-");
        if let Some(path) = found.into_iter().find(is_fork) {
            return path;
        }
        std::thread::yield_now();
    }
}

#[test]
fn a_server_tells_another_its_head_and_believes_a_proof_that_the_log_forked() {
    let world = World::new();
    // The other server knows another history from record 10 on, and has more of it.
    let (other, forked) = fork_of(10, 2_000);
    world
        .machine
        .run(&["sync", "--data", "other", "--sumdb", &format!("{} {}", other.vkey(), forked.url())])
        .says(0, &[]);
    let theirs = serve(&world.machine, "other", &other, &forked.url(), &["--offline"]);
    world.run(&["sync"]).says(0, &[]);
    // Nobody has the tiles of their head for us: by itself it shows nothing.
    let nobody = "http://127.0.0.1:1";
    let route = format!("{}/gossip/fakelog.example", theirs.url.trim_end_matches('/'));
    let _ours = serve(&world.machine, "d", &world.log, nobody, &["--head-route", &route]);
    for data in ["d", "other"] {
        let path = evidence_in(&world.machine, data).display().to_string();
        world.machine.run(&["verify-evidence", &path]).says(3, &["misbehaved"]);
    }
}

#[test]
fn verify_tells_its_head_to_routes_that_exchange_heads() {
    let world = World::new();
    world.run(&["sync", "--data", "behind"]).says(0, &[]);
    let behind = serve(&world.machine, "behind", &world.log, &world.served.url(), &["--offline"]);
    let route = format!("{}/gossip/fakelog.example", behind.url.trim_end_matches('/'));
    world.run(&["sync"]).says(0, &[]);
    let ran = world.run(&["verify", "--head-route", &route]);
    ran.says(0, &["1 routes show signed heads of one history"]);
    assert!(!ran.out.contains("cannot compare"), "{}", ran.show());
    world.log.grow(1_500);
    world.run(&["sync"]).says(0, &[]);
    world.run(&["verify", "--head-route", &route]).says(0, &["cannot compare our head of 1500 records yet"]);
    let waiting = fs::read_to_string(world.machine.at("behind/heads/fakelog.example/pending")).unwrap();
    assert!(waiting.contains("\n1500\n"), "{waiting}");
    // A claim that nothing proves is a warning.
    let (told, url) = claims("inconsistent: believe me\n", 200, world.log.head(1_000));
    world
        .run(&["verify", "--head-route", &url])
        .says(0, &["calls our head of 1500 records inconsistent, and proves nothing"]);
    let request = told.join().unwrap();
    assert!(
        request.starts_with("POST /gossip/x HTTP/1.1") && request.contains("go.sum database tree\n1500\n"),
        "{request}"
    );
    assert!(!request.to_lowercase().contains("authorization") && !request.contains("secret"), "{request}");
    let (told, url) = claims("no\n", 405, world.log.head(1_000));
    let ran = world.run(&["verify", "--head-route", &url]);
    assert!(ran.code == 0 && !ran.out.contains("our head"), "{}", ran.show());
    told.join().unwrap();
}

/// A server that shows `note` to one client, and then answers what it is sent with these words; gives what it was sent.
fn claims(words: &'static str, status: u16, note: String) -> (std::thread::JoinHandle<String>, String) {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://me:secret@{}/gossip/x", listener.local_addr().unwrap());
    let answer = move |status: u16, body: &str| {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
        let is_whole = |request: &[u8]| {
            let text = String::from_utf8_lossy(request).into_owned();
            let length =
                text.to_lowercase().split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
            text.find("\r\n\r\n").is_some_and(|end| request.len() >= end + 4 + length.unwrap_or(0_usize))
        };
        while !is_whole(&request) {
            let read = stream.read(&mut buffer).unwrap();
            assert!(read > 0, "the request ends early");
            request.extend_from_slice(&buffer[..read]);
        }
        let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        String::from_utf8(request).unwrap()
    };
    let told = std::thread::spawn(move || {
        answer(200, &note);
        answer(status, words)
    });
    (told, url)
}

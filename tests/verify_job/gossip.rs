//! Servers that tell each other their heads, cosign them, and are told where a setting is wrong.

use std::fs;
use std::path::PathBuf;

use gosumcheck::sumdb::checkpoint::{Checkpoint, Policy};
use gosumcheck::sumdb::note::VerifierKey;

use super::command::Machine;
use super::common::Serving;
use super::fake::FakeSumdb;
use super::lying::{World, fork_of};

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
    world.machine.run(&["sync", "--data", "behind"]).says(0, &[]);
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

//! x/mod's client against fakelog, and our client against x/mod's server.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use super::fake::{Ending, FakeSumdb, write_gosum};
use super::world::{Go, World, expect, go, scratch};

/// Records in the log: more than two levels of tiles, and a right edge on each.
const RECORDS: u64 = 100_003;
/// Lines that are looked up.
const LINES: usize = 600;

/// x/mod's client over the file `gosum`, with its state in `state`.
pub fn client(go: &Go, log: &FakeSumdb, url: &str, state: &str, gosum: &str) -> Command {
    let mut client = go.program("client");
    client.args(["-key", &log.vkey(), "-url", url, "-state", state, gosum]);
    client
}

#[test]
fn xmods_client_verifies_what_fakelog_serves() {
    let Some(go) = go() else { return };
    let log = FakeSumdb::synthetic(RECORDS, 7);
    let served = log.serve();
    let folder = scratch();
    let path = |name: &str| folder.path().join(name).display().to_string();
    for (round, ending) in [(1, Ending::One), (2, Ending::Two)] {
        log.set_ending(ending);
        let (state, gosum) = (path(&format!("state{round}")), path(&format!("go.sum{round}")));
        fs::write(&gosum, write_gosum(&log, LINES, round)).unwrap();
        let mut client = client(go, &log, &served.url(), &state, &gosum);
        assert_eq!(expect(0, &client.output().unwrap()), format!("verified {LINES}\n"));
        log.clear_requests();
        assert_eq!(expect(0, &client.output().unwrap()), format!("verified {LINES}\n"));
        assert_eq!(log.requests().len(), 0, "all was kept");
    }
    // And it refuses what fakelog spoils, so it did look.
    log.fault("wrong-record:lookup/*");
    let state = path("state");
    let out = expect(1, &client(go, &log, &served.url(), &state, &path("go.sum1")).output().unwrap());
    assert!(out.lines().count() > LINES / 2, "{out}");
}

/// x/mod's server; it ends when this is dropped.
struct Server {
    child: Child,
    vkey: String,
    url: String,
}

impl Server {
    fn start(go: &Go, arguments: &[&str]) -> Server {
        let mut command = go.program("server");
        let mut child = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut next = |name: &str| lines.next().unwrap().unwrap().strip_prefix(name).unwrap().to_owned();
        Server { vkey: next("vkey: "), url: next("url: "), child }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn our_client_verifies_what_xmods_server_serves() {
    let Some(go) = go() else { return };
    // Of 700 module versions 300 are in the log; asking for the others makes it grow, a head for each.
    for (records, known) in [("1", "-1"), ("700", "-1"), ("700", "300"), ("700", "0")] {
        let folder = scratch();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let gosum = path("go.sum");
        let server = Server::start(go, &["-records", records, "-known", known, "-gosum", &gosum]);
        let world = World::new(go, &format!("{} {}", server.vkey, server.url));
        expect(0, &world.gosumcheck("data", &["audit", &gosum]));
        // Modules that it does not have are findings.
        fs::write(
            path("absent.sum"),
            "example.com/absent v1.0.0/go.mod h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        )
        .unwrap();
        let out = expect(1, &world.gosumcheck("data", &["audit", &path("absent.sum")]));
        assert!(out.contains("not in the log"), "{out}");
        // All is kept: nobody is there to ask now.
        drop(server);
        expect(0, &world.gosumcheck("data", &["audit", &gosum]));
    }
}

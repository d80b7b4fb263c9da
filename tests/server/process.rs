//! The built binary: it prints where it listens, logs, syncs, and stops on a signal.

use std::net::SocketAddr;
use std::process::Command;

use serde_json::Value;

use crate::client::{ask, get};
use crate::common::Serving;
use crate::fake::FakeSumdb;
use crate::world::until;

/// A running `gosumcheck serve`.
struct Process {
    serving: Serving,
    at: SocketAddr,
    _home: tempfile::TempDir,
}

impl Process {
    fn start(args: &[&str]) -> Process {
        let home = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_gosumcheck"));
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(args);
        command.env_clear().env("HOME", home.path()).env("GOENV", "off").current_dir(home.path());
        let serving = Serving::start(&mut command);
        Process { at: serving.address(), serving, _home: home }
    }

    /// Sends a signal and waits for the end. Returns the exit code and the log.
    fn end(self, signal: &str) -> (i32, String) {
        self.serving.end(signal)
    }
}

fn log() -> FakeSumdb {
    let db = FakeSumdb::synthetic(2000, 3);
    db.grow(1000);
    db
}

#[test]
fn it_syncs_in_the_background_and_then_needs_no_upstream() {
    let db = log();
    let upstream = db.serve();
    let sumdb = format!("{} {}", db.vkey(), upstream.url());
    let process = Process::start(&["--sumdb", &sumdb, "--data", "data", "--mirror", "--sync-interval", "1s"]);
    // Answered on demand until the full log is there.
    let path = format!("/{}", db.lookup_path(5));
    assert_eq!(get(process.at, &path).status, 200);
    let file = format!("/log/{}/head", db.name());
    until("the log is synced", || get(process.at, &file).status == 200);
    assert_eq!(get(process.at, &file).text(), db.head(1000));
    db.grow(2000);
    until("and synced again", || get(process.at, &file).text() == db.head(2000));
    drop(upstream);
    assert_eq!(get(process.at, &format!("/{}", db.lookup_path(1999))).status, 200);
    assert_eq!(get(process.at, "/readyz").status, 200);
    let (code, logged) = process.end("-TERM");
    assert_eq!(code, 0, "{logged}");
    assert!(logged.contains("synced: 1000 new records"), "{logged}");
}

#[test]
fn the_access_log_has_one_line_of_json_a_request() {
    let db = log();
    let upstream = db.serve();
    let sumdb = format!("{} {}", db.vkey(), upstream.url());
    let process = Process::start(&["--sumdb", &sumdb, "--data", "data", "--access-log", "all", "--log-format", "json"]);
    let taken = ask(process.at, "GET", "/latest", &[("X-Request-Id", "abc-1"), ("User-Agent", "Go \u{202e}\"x\"")]);
    assert_eq!(taken.header("x-request-id"), Some("abc-1"));
    let made = ask(process.at, "GET", "/%1b%5b31m/nothing", &[("X-Request-Id", "not sane\t")]);
    let made = made.header("x-request-id").unwrap().to_owned();
    assert!(made.len() > 8 && made.is_ascii() && !made.contains(' '));
    let (code, logged) = process.end("-INT");
    assert_eq!(code, 0);
    let lines: Vec<Value> = logged.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let line = |id: &str| lines.iter().find(|line| line["id"] == id).unwrap_or_else(|| panic!("{id} in {logged}"));
    let first = line("abc-1");
    assert_eq!((&first["status"], &first["route"], &first["method"]), (&200.into(), &"latest".into(), &"GET".into()));
    assert!(!first["agent"].as_str().unwrap().contains('\u{202e}'), "{first}");
    assert_eq!(line(&made)["path"], "/%1b%5b31m/nothing");
}

#[test]
fn by_default_only_failures_are_logged() {
    let db = log();
    let upstream = db.serve();
    let sumdb = format!("{} {}", db.vkey(), upstream.url());
    let process = Process::start(&["--sumdb", &sumdb, "--data", "data"]);
    assert_eq!(get(process.at, "/latest").status, 200);
    assert_eq!(get(process.at, "/nothing").status, 404);
    assert_eq!(get(process.at, "/tile/9").status, 400);
    let (code, logged) = process.end("-TERM");
    assert_eq!(code, 0);
    assert!(logged.contains("path=/tile/9") && !logged.contains("/latest") && !logged.contains("/nothing"), "{logged}");
}

#[test]
fn it_answers_below_its_prefix_and_can_serve_no_modules() {
    let db = log();
    let upstream = db.serve();
    let sumdb = format!("{} {}", db.vkey(), upstream.url());
    let process =
        Process::start(&["--sumdb", &sumdb, "--data", "data", "--prefix", "/artifacts/go/", "--proxy", "off"]);
    assert_eq!(get(process.at, "/artifacts/go/latest"), get(process.at, "/latest"));
    assert_eq!(get(process.at, "/artifacts/go/healthz").status, 200);
    assert_eq!(get(process.at, "/artifacts/go/example.com/m/@v/list").status, 403);
    assert!(get(process.at, "/artifacts/go").text().contains("http://localhost/artifacts/go"));
    assert_eq!(process.end("-TERM").0, 0);
}

#[test]
fn two_databases_are_served_side_by_side() {
    let (one, two) = (log(), FakeSumdb::named("sum.example.org/two", 300, 9));
    let (first, second) = (one.serve(), two.serve());
    let sumdb = [format!("{} {}", one.vkey(), first.url()), format!("{} {}", two.vkey(), second.url())];
    let process = Process::start(&["--sumdb", &sumdb[0], "--sumdb", &sumdb[1], "--data", "data"]);
    assert_eq!(get(process.at, "/latest").text(), one.head(1000));
    assert_eq!(get(process.at, &format!("/sumdb/{}/latest", one.name())).text(), one.head(1000));
    assert_eq!(get(process.at, "/sumdb/sum.example.org/two/latest").text(), two.head(300));
    assert_eq!(get(process.at, "/sumdb/sum.example.org/latest").status, 404);
    assert_eq!(process.end("-TERM").0, 0);
}

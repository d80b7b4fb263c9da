//! The command as its users meet it: the one line that it says, its exit codes, its options, and how it is stopped.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::fake::{FakeSumdb, Given, Served};
use super::machine::{Machine, Ran};
use super::world::expected;

/// Nobody listens there.
const DEAD: &str = "http://127.0.0.1:1";
/// A process has this long to do what is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

struct User {
    machine: Machine,
    log: FakeSumdb,
    served: Served,
}

impl User {
    fn of(log: FakeSumdb) -> User {
        let served = log.serve();
        let mut machine = Machine::new();
        machine.set("GOSUMDB", format!("{} {}", log.vkey(), served.url()));
        machine.set("GOSUMCHECK_DATA", machine.at("data").to_str().unwrap());
        User { machine, log, served }
    }

    fn new(size: u64) -> User {
        let log = FakeSumdb::synthetic(2000, 51);
        log.grow(size);
        User::of(log)
    }

    fn sync(&self, args: &[&str]) -> Ran {
        self.machine.run(&[&["sync"], args].concat())
    }

    fn held(&self, file: &str) -> Option<Vec<u8>> {
        std::fs::read(self.machine.at("data/log").join(self.log.name()).join(file)).ok()
    }

    fn holds(&self, size: u64) -> bool {
        self.held("head").is_some_and(|head| head == self.log.head(size).as_bytes())
    }
}

#[test]
fn one_line_says_what_was_done() {
    let user = User::new(1000);
    let root = user.log.root(1000);
    let ran = user.sync(&[]);
    ran.quiet().says(0, &["fakelog.example: 1,000 records (+1,000 new, ", &format!(" s, head 1000 {root}\n")]);
    assert_eq!(ran.out.lines().count(), 1);
    assert_eq!(user.held("records"), expected(&user.log, 1000).remove("records"));
    user.sync(&[]).quiet().says(0, &[&format!("fakelog.example: 1,000 records, up to date, head 1000 {root}\n")]);
    user.log.grow(1300);
    user.sync(&["--limit-rate", "100MB"]).quiet().says(0, &["1,300 records (+300 new, "]);
    user.log.grow(2000);
    user.sync(&["--to", "1999"]).quiet().says(
        0,
        &[
            "1,792 records (+492 new, ",
            "the log has 2,000, and nothing new is served until a sync reaches a signed head",
        ],
    );
    assert!(user.holds(1300));
    user.sync(&[]).quiet().says(0, &["2,000 records (+208 new, "]);
    user.sync(&["--data", "new"]).quiet().says(0, &["2,000 records (+2,000 new, "]);
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let user = User::new(10);
    for (args, word) in [
        (&["--limit-rate", "fast"][..], "not a size"),
        (&["--limit-rate", "0"], "a rate of 0"),
        (&["--follow", "0s"], "one second or more"),
        (&["--follow", "soon"], "--follow"),
        (&["--to", "some"], "--to"),
        (&["--to", "1", "--follow", "5m"], "cannot be used with"),
        (&["--jobs", "0"], "--jobs"),
    ] {
        user.sync(args).complains(2, &[word]);
    }
    assert!(user.log.requests().is_empty());
}

#[test]
fn exit_codes_say_whose_fault_it_was() {
    let user = User::new(1000);
    user.sync(&["--sumdb-url", DEAD]).complains(2, &[DEAD, "cannot connect"]);
    user.log.fault("flip:tile/8/data/001");
    user.sync(&[]).complains(2, &[&user.served.url(), "tile/8/data/001", "refused", "warning"]);
    assert!(user.held("head").is_none());
    user.log.clear_faults();
    let good = FakeSumdb::synthetic(2000, 51);
    good.grow(1000);
    let good_served = good.serve();
    user.log.fault("flip:tile/8/data/002");
    let ran = user.sync(&["--sumdb-url", &user.served.url(), "--sumdb-url", &good_served.url()]);
    ran.says(0, &["1,000 records", &format!("warning: {}: 1 answers refused", user.served.url())]);
    user.log.clear_faults();
    user.log.fork(500);
    let head = user.held("head");
    user.sync(&[]).says(3, &["the log misbehaved", "SECURITY ERROR"]);
    assert_eq!(user.held("head"), head);
}

#[test]
fn odd_records_are_findings() {
    let h1 = "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let given = [
        Given::new("example.com/m", "v1.0.0", h1, h1),
        Given::raw("example.com/odd", "v1.0.0", &format!("example.com/odd v1.0.0 {h1}\n")),
    ];
    let user = User::of(FakeSumdb::of_records(&given));
    let ran = user.sync(&[]);
    ran.says(1, &["fakelog.example: record 1 ", "2 records (+2 new"]);
    user.sync(&[]).says(0, &["up to date"]);
}

/// Waits until `done`, or fails with what is waited for.
fn wait(child: &mut Child, what: &str, mut done: impl FnMut(&mut Child) -> bool) {
    let began = Instant::now();
    while !done(child) {
        if began.elapsed() > PATIENCE {
            let _ = child.kill();
            panic!("waited in vain: {what}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn terminate(child: &Child) {
    let killed = std::process::Command::new("/bin/sh").args(["-c", &format!("kill -TERM {}", child.id())]).status();
    assert!(killed.unwrap().success());
}

/// The lines that the process says on standard output, as they come.
fn lines(child: &mut Child) -> Receiver<String> {
    let (told, lines) = channel();
    let out = BufReader::new(child.stdout.take().unwrap());
    std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| told.send(line)));
    lines
}

#[test]
fn a_log_is_followed_through_its_faults_until_somebody_stops_it() {
    let user = User::new(500);
    let mut command = user.machine.command(&["sync", "--follow", "1s"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = lines(&mut child);
    let first = lines.recv_timeout(PATIENCE).unwrap();
    assert!(first.contains("500 records (+500 new"), "{first}");
    user.log.fault("status:404:latest,times=1");
    user.log.grow(900);
    let mut next = String::new();
    while !next.contains("900 records") {
        next = lines.recv_timeout(PATIENCE).unwrap();
    }
    assert!(next.contains("(+400 new") && user.holds(900), "{next}");
    terminate(&child);
    wait(&mut child, "the end", |child| child.try_wait().unwrap().is_some());
    let ran = Ran::of(child.wait_with_output().unwrap());
    ran.says(0, &["404", "trying again in 1 s", "stopped; the next sync"]);
}

#[test]
fn a_sync_that_is_stopped_has_marked_how_far_it_was() {
    let log = FakeSumdb::synthetic(60_000, 52);
    // The last tile does not come, so that the sync is there to be stopped.
    log.fault("stalled:tile/8/data/234*");
    let user = User::of(log);
    let mut command = user.machine.command(&["sync"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait(&mut child, "all tiles but one are asked for", |_| user.log.counts("tile/8/data").len() == 235);
    terminate(&child);
    wait(&mut child, "the end", |child| child.try_wait().unwrap().is_some());
    Ran::of(child.wait_with_output().unwrap()).says(0, &["stopped; the next sync goes on from here"]);
    let marked: u64 =
        String::from_utf8(user.held("progress").unwrap()).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!(marked > 0 && marked <= 59_904, "{marked}");
    user.log.clear_faults();
    user.log.clear_requests();
    user.sync(&[]).quiet().says(0, &["60,000 records"]);
    assert_eq!(user.log.counts("tile/8/data").len() as u64, 235 - marked / 256);
    assert_eq!(user.held("records"), expected(&user.log, 60_000).remove("records"));
}

//! What systemd is told over its socket, and the sockets that it passes. No systemd is needed for it.

use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::common::Serving;
use crate::world::{Files, command, get_plain};

/// A test that hangs fails after this.
const PATIENCE: Duration = Duration::from_secs(60);

/// The messages that a server sends to systemd, taken as they come: a full socket would hold up the server.
struct Notified(Receiver<Vec<String>>);

impl Notified {
    fn new(files: &Files) -> Notified {
        let socket = UnixDatagram::bind(files.path("notify")).unwrap();
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(len) = socket.recv(&mut bytes) {
                let lines = String::from_utf8_lossy(&bytes[..len]).lines().map(str::to_owned).collect();
                if sender.send(lines).is_err() {
                    return;
                }
            }
        });
        Notified(receiver)
    }

    /// The lines of the next message.
    fn next(&self) -> Vec<String> {
        self.0.recv_timeout(PATIENCE).unwrap()
    }

    /// The next message that is not about the watchdog.
    fn next_state(&self) -> Vec<String> {
        loop {
            let lines = self.next();
            if lines != ["WATCHDOG=1"] {
                return lines;
            }
        }
    }
}

fn server(files: &Files, args: &[&str]) -> Command {
    let mut command = command(files, &[&["--listen", "127.0.0.1:0", "--offline"], args].concat());
    command.env("NOTIFY_SOCKET", files.path("notify"));
    command
}

#[test]
fn ready_reloading_and_stopping_are_told() {
    let files = Files::empty();
    let notified = Notified::new(&files);
    let serving = Serving::start(&mut server(&files, &[]));
    assert_eq!(notified.next(), ["READY=1"]);
    assert!(Command::new("kill").args(["-HUP", &serving.id().to_string()]).status().unwrap().success());
    let [state, time] = notified.next().try_into().unwrap();
    assert_eq!(state, "RELOADING=1");
    assert!(time.strip_prefix("MONOTONIC_USEC=").is_some_and(|time| time.parse::<u64>().unwrap() > 0), "{time}");
    assert_eq!(notified.next(), ["READY=1"]);
    assert_eq!(serving.end("-TERM").0, 0);
    assert_eq!(notified.next(), ["STOPPING=1"]);
}

#[test]
fn the_watchdog_is_told_while_the_server_answers() {
    let files = Files::empty();
    let notified = Notified::new(&files);
    let serving = Serving::start(server(&files, &[]).env("WATCHDOG_USEC", "400000"));
    assert_eq!(notified.next_state(), ["READY=1"]);
    for _ in 0..3 {
        assert_eq!(notified.next(), ["WATCHDOG=1"]);
    }
    assert_eq!(serving.end("-TERM").0, 0);
    assert_eq!(notified.next_state(), ["STOPPING=1"]);
    // The watchdog of another process is not notified.
    let other = Serving::start(server(&files, &[]).env("WATCHDOG_USEC", "400000").env("WATCHDOG_PID", "1"));
    assert_eq!(notified.next(), ["READY=1"]);
    assert_eq!(other.end("-TERM").0, 0);
    assert_eq!(notified.next(), ["STOPPING=1"]);
}

/// Starts a server by way of a shell, which gives it the listening socket as descriptor 3, and the variables of systemd.
fn passed(files: &Files, name: &str, args: &str) -> (std::net::TcpListener, Command) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let program = env!("CARGO_BIN_EXE_gosumcheck");
    let script = format!(
        "exec 3<&0 0</dev/null; export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES={name}; exec {program} serve --data data --offline {args}"
    );
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &script]).current_dir(files.dir.path());
    command.env_clear().env("HOME", files.dir.path()).env("GOENV", "off");
    // The shell has the socket as its standard input.
    command.stdin(Stdio::from(OwnedFd::from(listener.try_clone().unwrap())));
    (listener, command)
}

#[test]
fn a_socket_of_systemd_is_served_under_its_name() {
    let files = Files::empty();
    let (listener, mut command) = passed(&files, "web", "--listen systemd:web");
    let at = listener.local_addr().unwrap();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    // The request waits in the socket until the server is there.
    let answer = get_plain(at, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert!(answer.ends_with("alive\n"), "{answer}");
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let mut told = String::new();
    child.stdout.take().unwrap().read_to_string(&mut told).unwrap();
    assert_eq!(told, format!("listening: http://{at}\n"));
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_socket_that_systemd_did_not_pass_is_missed() {
    let files = Files::empty();
    let (_listener, mut command) = passed(&files, "web", "--listen systemd:other");
    let ran = command.output().unwrap();
    let told = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert_eq!(ran.status.code(), Some(2), "{told}");
    assert!(told.contains("systemd:other: systemd passed no socket of this name"), "{told}");
}

#[test]
fn the_unit_is_one_that_systemd_takes() {
    let unit = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/gosumcheck.service");
    let text = std::fs::read_to_string(unit).unwrap();
    for line in ["Type=notify", "ExecReload=/bin/kill -HUP $MAINPID", "WatchdogSec=60s"] {
        assert!(text.lines().any(|other| other == line), "{line}");
    }
}

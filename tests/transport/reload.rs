//! SIGHUP and `serve --reload`: all that changed is taken over or nothing, with one line, and no request is lost meanwhile.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::common::Serving;
use crate::kit::until;
use crate::world::{Authority, Files, at, client, command, connect, get, tcp};

const SETTINGS: &str = "\
listen = \"none\"
offline = true
data = \"data\"

[log]
level = \"info\"

[tls]
listen = \"127.0.0.1:0\"
cert = \"cert.pem\"
key = \"key.pem\"
check_interval = \"1h\"
";

fn start(files: &Files, settings: &str) -> Serving {
    files.write("g.toml", settings);
    Serving::start(&mut server(files, &[]))
}

/// `gosumcheck serve` with the file of settings.
fn server(files: &Files, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gosumcheck"));
    command.args(["serve", "--config", "g.toml"]).args(args).current_dir(files.dir.path());
    command.env_clear().env("HOME", files.dir.path()).env("GOENV", "off");
    command
}

/// Exit code, standard output and standard error of `serve --reload`.
fn reload(files: &Files) -> (i32, String, String) {
    let ran = server(files, &["--reload"]).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (ran.status.code().unwrap(), text(&ran.stdout), text(&ran.stderr))
}

fn hang_up(serving: &Serving) {
    assert!(Command::new("kill").args(["-HUP", &serving.id().to_string()]).status().unwrap().success());
}

/// The number of the certificate that a server shows.
fn shown(serving: &Serving, authority: &Authority) -> Vec<u8> {
    let mut stream = connect(at(serving), &client(authority, None));
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock).unwrap();
    }
    stream.conn.peer_certificates().unwrap()[0].to_vec()
}

#[test]
fn all_of_what_changed_is_taken_over_and_said_in_one_line() {
    let authority = Authority::new("private");
    let (first, second) = (authority.plain("first"), authority.plain("second"));
    let files = Files::of(&first);
    let serving = start(&files, SETTINGS);
    assert_eq!(shown(&serving, &authority), first.der.to_vec());
    assert_eq!(reload(&files), (0, "reloaded: nothing has changed\n".to_owned(), String::new()));
    files.put(&second);
    files.write("g.toml", &SETTINGS.replace("\"info\"", "\"debug\""));
    let (code, told, _) = reload(&files);
    assert!(code == 0 && told.starts_with("reloaded: changed: certificate cert.pem (valid for "), "{told}");
    assert!(told.ends_with("; log.level debug\n") && told.lines().count() == 1, "{told}");
    assert_eq!(shown(&serving, &authority), second.der.to_vec());
    // Once taken over it is not taken over again.
    assert_eq!(reload(&files).1, "reloaded: nothing has changed\n");
    let (code, logged) = serving.end("-TERM");
    assert!(code == 0 && logged.contains("reloaded: changed: certificate cert.pem"), "{logged}");
}

#[test]
fn what_is_wrong_or_needs_a_restart_changes_nothing_and_is_named() {
    let authority = Authority::new("private");
    let (first, second) = (authority.plain("first"), authority.plain("second"));
    let files = Files::of(&first);
    let serving = start(&files, SETTINGS);
    let tables = "\n[limits]\nidle_timeout = \"5s\"\n";
    let cases = [
        (SETTINGS.replace("\"cert.pem\"", "\"none.pem\""), "none.pem: cannot be read: No such file"),
        (SETTINGS.replace("offline = true", "offline = true\nwords = 1"), "\"words\" is not a setting"),
        (SETTINGS.replace("\"info\"", "\"loud\""), "log.level: not one of"),
        (SETTINGS.replace("127.0.0.1:0", "127.0.0.1:1"), "needs a restart: tls.listen"),
        (SETTINGS.to_owned() + tables, "needs a restart: limits.idle_timeout"),
        (
            SETTINGS.replace("offline = true", "offline = true\nproxy = \"off\""),
            "needs a restart: proxy is off, or was",
        ),
        (
            SETTINGS.replace("offline = true", "hosts = [\"a.example\"]\nprivate = \"corp.example\"\noffline = true"),
            "needs a restart: hosts",
        ),
    ];
    for (number, (settings, why)) in cases.iter().enumerate() {
        // A right certificate beside what is wrong is not taken over either.
        files.put(&second);
        files.write("g.toml", &settings.replace("level = \"info\"", "level = \"trace\""));
        hang_up(&serving);
        until("it was tried", || serving.logged().matches("not reloaded, and nothing has changed: ").count() > number);
        let logged = serving.logged();
        let last = logged.lines().rfind(|line| line.contains("not reloaded")).unwrap_or_default();
        // The complaint about a file of settings has more lines.
        assert!(last.contains(why) || logged.contains(why), "{why}: {logged}");
        assert_eq!(shown(&serving, &authority), first.der.to_vec(), "{why}");
        assert!(!logged.contains("TRACE"), "{logged}");
    }
    files.write("g.toml", SETTINGS);
    files.write("key.pem", &first.key_pem);
    let (code, out, err) = reload(&files);
    assert!(code == 2 && out.is_empty(), "{out}{err}");
    assert!(err.contains("nothing has changed: key.pem: is not the key of the certificate in cert.pem"), "{err}");
    assert_eq!(serving.end("-TERM").0, 0);
    let (code, _, err) = reload(&files);
    assert!(code == 2 && err.contains("no server runs over the data folder data"), "{err}");
}

#[test]
fn a_server_that_reads_another_file_is_left_alone_and_says_which() {
    let authority = Authority::new("private");
    let files = Files::of(&authority.plain("server"));
    let serving = start(&files, SETTINGS);
    files.write("other.toml", &SETTINGS.replace("\"info\"", "\"debug\""));
    let reload_with = |named: &[&str], variable: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gosumcheck"));
        command.args(["serve", "--reload", "--data", "data"]).args(named).current_dir(files.dir.path());
        command.env_clear().env("HOME", files.dir.path()).env("GOENV", "off").env("GOSUMCHECK_CONFIG", variable);
        let ran = command.output().unwrap();
        (ran.status.code().unwrap(), String::from_utf8(ran.stdout).unwrap() + &String::from_utf8(ran.stderr).unwrap())
    };
    for (named, variable) in [(&["--config", "other.toml"][..], ""), (&[], "other.toml")] {
        let (code, told) = reload_with(named, variable);
        assert_eq!(code, 2, "{told}");
        for words in ["reads its settings from ", "/g.toml, not ", "/other.toml: it is as it was"] {
            assert!(told.contains(words), "{words}: {told}");
        }
    }
    assert!(!serving.logged().contains("reloaded"), "{}", serving.logged());
    // The same file by another path, or none that is named.
    for named in [&["--config", "./g.toml"][..], &[]] {
        assert_eq!(reload_with(named, ""), (0, "reloaded: nothing has changed\n".to_owned()));
    }
}

#[test]
fn the_files_are_read_again_by_themselves_too() {
    let authority = Authority::new("private");
    let (first, second) = (authority.plain("first"), authority.plain("second"));
    let files = Files::of(&first);
    let serving = start(&files, &SETTINGS.replace("\"1h\"", "\"10ms\""));
    files.write("cert.pem", &second.pem);
    // Between the two writes the key is another one's; what was right is served on.
    until("it complains", || serving.logged().contains("the files of TLS have changed and are not right"));
    assert_eq!(shown(&serving, &authority), first.der.to_vec());
    files.write("key.pem", &second.key_pem);
    until("it is served", || shown(&serving, &authority) == second.der.to_vec());
    assert_eq!(serving.logged().matches("are not right").count(), 1, "said once");
}

/// Ends the clients of a test, whether it passes or fails.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Requests that each client sends at least.
const REQUESTS: u64 = 200;

#[test]
fn no_request_is_lost_while_certificates_are_reloaded() {
    let authority = Authority::new("private");
    let certificates = [authority.plain("first"), authority.plain("second")];
    let files = Files::of(&certificates[0]);
    let serving = start(&files, SETTINGS);
    let (at, trusting) = (at(&serving), client(&authority, None));
    let (stop, answered) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let new_connections = || {
            let mut count = 0;
            while count < REQUESTS || !stop.load(Ordering::Relaxed) {
                let answer = get(at, &trusting, "/healthz").unwrap();
                assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
                count += 1;
                answered.fetch_add(1, Ordering::Relaxed);
            }
        };
        let one_connection = || {
            let mut stream = BufReader::new(connect(at, &trusting));
            let mut count = 0;
            while count < REQUESTS || !stop.load(Ordering::Relaxed) {
                let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
                stream.get_mut().write_all(request).unwrap();
                let mut line = String::new();
                stream.read_line(&mut line).unwrap();
                assert_eq!(line, "HTTP/1.1 200 OK\r\n");
                while line != "alive\n" {
                    line.clear();
                    assert_ne!(stream.read_line(&mut line).unwrap(), 0);
                }
                count += 1;
                answered.fetch_add(1, Ordering::Relaxed);
            }
        };
        let ends = Ends(&stop);
        let clients = [scope.spawn(new_connections), scope.spawn(new_connections), scope.spawn(one_connection)];
        for round in 1..=20 {
            files.put(&certificates[round % 2]);
            let before = answered.load(Ordering::Relaxed);
            if round % 2 == 0 {
                hang_up(&serving);
            } else {
                let (code, told, err) = reload(&files);
                assert!(code == 0 && told.contains("changed: certificate"), "{told}{err}");
            }
            let taken_over = || serving.logged().matches("reloaded: changed: certificate").count();
            until("it is taken over", || taken_over() == round);
            if round % 5 == 0 {
                // What is wrong costs no request either.
                files.write("g.toml", "words = 1\n");
                assert_eq!(reload(&files).0, 2);
                files.write("g.toml", SETTINGS);
            }
            // Requests are answered between two reloads.
            until("more answers", || answered.load(Ordering::Relaxed) > before + 4);
        }
        drop(ends);
        clients.into_iter().for_each(|client| client.join().unwrap());
    });
    assert_eq!(serving.end("-TERM").0, 0);
}

/// The status of `/readyz` over a new connection; none where nobody listens any more.
fn ready(at: std::net::SocketAddr) -> Option<String> {
    let mut stream = TcpStream::connect(at).ok()?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split(' ').nth(1).map(str::to_owned)
}

#[test]
fn a_stop_turns_readyz_first_then_finishes_what_is_in_flight() {
    let files = Files::of(&Authority::new("private").plain("server"));
    let site = crate::kit::Site::of(&[crate::kit::Spec::new("example.com/a", "v1.0.0").noise(2_000_000)]);
    let (mirror, sumdb) = (site.mirror.url(), site.sumdb());
    let args = ["--listen", "127.0.0.1:0", "--drain-delay", "1s", "--proxy", &mirror, "--sumdb", &sumdb];
    let serving = Serving::start(&mut command(&files, &[&args[..], &["--private", "none"]].concat()));
    until("it is ready", || ready(at(&serving)).as_deref() == Some("200"));
    let mut download = tcp(at(&serving));
    let path = "/example.com/a/@v/v1.0.0.zip";
    download.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).unwrap();
    let mut first = [0; 12];
    download.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    let address = at(&serving);
    assert!(Command::new("kill").args(["-TERM", &serving.id().to_string()]).status().unwrap().success());
    until("readyz says that it stops", || ready(address).as_deref() != Some("200"));
    // It still listens.
    assert_eq!(ready(address).as_deref(), Some("503"));
    until("it does not listen any more", || ready(address).is_none());
    let mut rest = Vec::new();
    download.read_to_end(&mut rest).unwrap();
    assert!(rest.ends_with(&site.corpus.zip("example.com/a", "v1.0.0")[..]), "{} bytes", rest.len());
}

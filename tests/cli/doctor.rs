//! `gosumcheck doctor` on broken machines: what it says of each is a file in testdata/golden/doctor; and what it writes, it puts back.
//!
//! UPDATE_GOLDEN=1 writes the files anew.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::command::{Machine, Ran};
use crate::common::go_command;

/// What `go.env` of an installation has.
const GO_ENV: &str = "GOPROXY=https://proxy.golang.org,direct\nGOSUMDB=sum.golang.org\nGOTOOLCHAIN=auto\n";

/// A machine with a Go installation, and nothing wrong with it.
pub(crate) fn machine(version: &str) -> Machine {
    let mut machine = Machine::new();
    machine.write("goroot/go.env", GO_ENV).write("goroot/VERSION", format!("{version}\ntime 2026-10-01T00:00:00Z\n"));
    machine.set("GOROOT", machine.at("goroot").display().to_string());
    machine
}

/// One kind of broken machine.
struct Case {
    name: &'static str,
    variables: &'static [(&'static str, &'static str)],
    /// below the working folder; `netrc` is the user's
    files: &'static [(&'static str, &'static str)],
    code: i32,
}

const fn variables(name: &'static str, variables: &'static [(&'static str, &'static str)], code: i32) -> Case {
    Case { name, variables, files: &[], code }
}

const fn files(name: &'static str, files: &'static [(&'static str, &'static str)], code: i32) -> Case {
    Case { name, variables: &[], files, code }
}

const REQUIRES: &str = "module a.example/m\n\ngo 1.24\n\nrequire golang.org/x/text v0.26.0\n";

const CASES: [Case; 30] = [
    variables("healthy", &[], 0),
    variables("sumdb-off", &[("GOSUMDB", "off")], 1),
    variables("sumdb-invalid", &[("GOSUMDB", "sum.example.com")], 1),
    variables(
        "sumdb-other",
        &[("GOSUMDB", "fakelog.example+a4bb786a+AXzkilt2v9LMwkeu20P0rN3AGyM0loVG8cNppseYbwHa")],
        0,
    ),
    variables("nosumdb-all", &[("GONOSUMDB", "*")], 1),
    variables("private-github", &[("GOPRIVATE", "corp.example,github.com")], 1),
    variables("private-dot-com", &[("GOPRIVATE", "*.com")], 1),
    variables("noproxy-all", &[("GONOPROXY", "*")], 1),
    variables("pattern-with-scheme", &[("GOPRIVATE", "https://corp.example/team")], 1),
    variables("pattern-with-blank", &[("GOPRIVATE", "corp.example, git.example")], 1),
    variables("pattern-malformed", &[("GOPRIVATE", "corp.example,[")], 1),
    variables("nosumdb-leaks-to-proxy", &[("GONOSUMDB", "corp.example")], 1),
    variables("noproxy-leaks-to-sumdb", &[("GONOPROXY", "corp.example")], 1),
    variables("nosumcheck", &[("GONOSUMCHECK", "1")], 1),
    variables("goflags-insecure", &[("GOFLAGS", "-insecure -trimpath")], 1),
    variables("goflags-mod", &[("GOFLAGS", "-mod=mod")], 1),
    variables("goflags-vendor", &[("GOFLAGS", "-mod=vendor")], 1),
    variables("goinsecure", &[("GOINSECURE", "git.corp.example")], 1),
    variables("goinsecure-all", &[("GOINSECURE", "*")], 1),
    variables("govcs-all", &[("GOVCS", "*:all")], 1),
    variables("proxy-off", &[("GOPROXY", "off")], 0),
    variables("proxy-direct", &[("GOPROXY", "direct")], 0),
    variables("proxy-pipe", &[("GOPROXY", "https://a.example|https://b.example|direct")], 1),
    variables("proxy-without-tls", &[("GOPROXY", "http://goproxy.corp.example,direct")], 1),
    variables("proxy-password", &[("GOPROXY", "https://me:s3cret@goproxy.corp.example")], 1),
    variables("proxy-invalid", &[("GOPROXY", "noproxy")], 1),
    files(
        "netrc-open",
        &[("netrc", "machine a.example login me password s3cret\ndefault login me password s3cret\n")],
        1,
    ),
    files("no-go-sum", &[("go.mod", REQUIRES)], 1),
    files("vendor", &[("go.mod", REQUIRES), ("go.sum", ""), ("vendor/modules.txt", "")], 1),
    files("toolchain", &[("go.mod", "module a.example/m\n\ngo 1.24\n\ntoolchain go1.26.9\n")], 0),
];

#[track_caller]
fn is_golden(name: &str, machine: &Machine, printed: &str) {
    let root = machine.home().parent().unwrap().display().to_string();
    let printed = printed.replace(&root, "/machine");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/golden/doctor").join(name).with_extension("txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &printed).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(printed, golden, "{name}");
}

#[test]
fn each_broken_machine_is_described() {
    for Case { name, variables, files, code } in CASES {
        let mut machine = machine("go1.26.8");
        for (name, value) in variables {
            machine.set(name, *value);
        }
        for (path, text) in files {
            if *path == "netrc" {
                fs::write(machine.home().join(".netrc"), text).unwrap();
                fs::set_permissions(machine.home().join(".netrc"), fs::Permissions::from_mode(0o644)).unwrap();
            } else {
                machine.write(path, text);
            }
        }
        let ran = machine.run(&["doctor", "--offline"]);
        is_golden(name, &machine, &ran.out);
        assert!(ran.code == code && ran.err.is_empty(), "{name}: {}", ran.show());
        assert!(!ran.out.contains("s3cret"), "{}", ran.out);
        let json = machine.run(&["doctor", "--offline", "--format", "json"]).json();
        let ids = json["findings"].as_array().unwrap().iter().map(|finding| finding["id"].as_str().unwrap().to_owned());
        for id in ids {
            assert!(ran.out.contains(&format!(" {id}: ")), "{name}: {id}");
        }
    }
}

#[test]
fn each_go_is_judged_by_its_version() {
    for (name, version, toolchain) in [
        ("go-1.25.9", "go1.25.9", ""),
        ("go-1.26.3", "go1.26.3", ""),
        ("toolchain-vulnerable", "go1.25.13", "module a.example/m\n\ngo 1.25\n\ntoolchain go1.26.1 // pinned\n"),
    ] {
        let machine = machine(version);
        if !toolchain.is_empty() {
            machine.write("go.mod", toolchain);
        }
        let ran = machine.run(&["doctor", "--offline"]);
        is_golden(name, &machine, &ran.out);
        assert_eq!(ran.code, 1);
    }
    let machine = Machine::new();
    is_golden("no-go", &machine, &machine.run(&["doctor", "--offline"]).says(0, &[]).out);
}

/// A server that answers every request with this status; its URL.
fn answering(status: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]); // the request
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}

#[test]
fn proxies_are_asked_whether_they_relay_the_database() {
    let doctor = |list: &str| {
        let mut machine = machine("go1.26.8");
        machine.set("GOPROXY", list).run(&["doctor"])
    };
    let relays = answering("200 OK");
    doctor(&relays).says(0, &[&format!("sum.golang.org, by way of {relays}")]);
    let silent = answering("404 Not Found");
    doctor(&format!("{silent},{relays}")).says(1, &["WARNING  proxy-no-relay: ", &silent, "`gosumcheck serve`"]);
    let broken = answering("500 Internal Server Error");
    doctor(&broken).says(1, &["ERROR    proxy-unreachable: ", &broken]);
    doctor("http://127.0.0.1:1").says(1, &["proxy-unreachable", "refused"]);
}

/// With the real go command on PATH, whose settings are in a file of this machine's.
fn with_go(machine: &mut Machine) -> Option<std::path::PathBuf> {
    let go = go_command()?;
    let file = machine.home().join("go-env");
    machine.set("PATH", go.parent().unwrap().display().to_string()).set("GOENV", file.display().to_string());
    machine.set("GOPROXY", "").set("GOTELEMETRY", "off");
    Some(file)
}

fn ids(ran: &Ran) -> Vec<String> {
    let findings = ran.json()["findings"].as_array().unwrap().clone();
    findings.iter().map(|finding| finding["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_is_written_is_put_back() {
    let mut machine = Machine::new();
    let Some(file) = with_go(&mut machine) else { return };
    let before = "# mine\nGOSUMDB=off\nGOPRIVATE=corp.example, *\nGOFLAGS=-trimpath -insecure\n";
    fs::write(&file, before).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let json = ["doctor", "--offline", "--format", "json"];
    let broken = ids(&machine.run(&json));
    for id in ["sumdb-off", "goflags-insecure", "pattern-matches-nothing"] {
        assert!(broken.iter().any(|found| found == id), "{id}: {broken:?}");
    }
    machine
        .run(&["doctor", "--offline", "--fix"])
        .says(0, &["\ngo env -u GOSUMDB\n", "\ngo env -w GOFLAGS=-trimpath\n"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), before, "--fix prints");
    machine.run(&["doctor", "--offline", "--write"]).says(0, &["go env -u GOSUMDB", "--undo"]);
    let mended = ids(&machine.run(&json));
    assert!(mended.iter().all(|id| ["direct-after-comma", "go-vulnerable"].contains(&id.as_str())), "{mended:?}");
    // A second run that changes more is undone together with the first.
    assert!(std::process::Command::new(go_command().unwrap()).args(["version"]).status().unwrap().success());
    machine.run(&["doctor", "--offline", "--write"]).says(0, &["nothing was written"]);
    machine.run(&["doctor", "--undo"]).says(0, &["is what it was before"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    machine.run(&["doctor", "--undo"]).says(0, &["nothing to undo"]);
}

#[test]
fn a_file_that_was_changed_since_is_left_alone() {
    let mut machine = Machine::new();
    let Some(file) = with_go(&mut machine) else { return };
    fs::write(&file, "GOSUMDB=off\n").unwrap();
    machine.run(&["doctor", "--offline", "--write"]).says(0, &[]);
    fs::write(&file, "GOPROXY=direct\n").unwrap();
    machine.run(&["doctor", "--undo"]).complains(2, &["was changed since", "go-env.json"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "GOPROXY=direct\n");
}

#[test]
fn what_cannot_be_written_is_said() {
    let mut machine = machine("go1.26.8");
    machine.set("GOSUMDB", "off");
    // The environment is for its owner to change.
    machine.run(&["doctor", "--offline", "--write"]).says(0, &["nothing was written; the rest is for you"]);
    machine.run(&["doctor", "--offline", "--fix"]).says(0, &["# sumdb-off: ", "\nunset GOSUMDB\n"]);
    machine.run(&["doctor", "--fix", "--write"]).complains(2, &["--fix"]);
}

#[test]
fn only_this_machine_is_asked_without_tls() {
    let is_warned_of = |url: &str| {
        let mut machine = machine("go1.26.8");
        let ids = ids(&machine.set("GOPROXY", url).run(&["doctor", "--offline", "--format", "json"]));
        ids.iter().any(|id| id == "proxy-without-tls")
    };
    for url in ["http://localhost:3000", "http://127.0.0.2/go", "http://[::1]:3000", "http://me:s3cret@127.0.0.1"] {
        assert!(!is_warned_of(url), "{url}");
    }
    for url in ["http://localhost.corp.example", "http://127.0.0.1.corp.example", "http://localhost@corp.example"] {
        assert!(is_warned_of(url), "{url}");
    }
}

#[test]
fn a_shell_takes_the_commands_and_passes_over_the_words() {
    let mut machine = machine("go1.25.9");
    let netrc = machine.at("my netrc");
    fs::write(&netrc, "default login me password s3cret\n").unwrap();
    fs::set_permissions(&netrc, fs::Permissions::from_mode(0o644)).unwrap();
    machine.set("NETRC", netrc.display().to_string()).set("GOFLAGS", "-insecure -tags=a, b");
    let quoted = format!("\nchmod 600 '{}'\n", netrc.display());
    let words = format!("\n# name hosts in {} with `machine`", netrc.display());
    machine
        .run(&["doctor", "--offline", "--fix"])
        .says(0, &["\nexport GOFLAGS='-tags=a, b'\n", &quoted, &words, "\n# install Go 1.25.13, "]);
    // A word of that name is not an entry.
    fs::write(&netrc, "machine a.example login me password default\n").unwrap();
    let ids = ids(&machine.run(&["doctor", "--offline", "--format", "json"]));
    assert!(ids.iter().any(|id| id == "netrc-open") && !ids.iter().any(|id| id == "netrc-default"), "{ids:?}");
}

//! The go command before a proxy that refuses: it is told why, and does not go on to another source.

use std::process::Command;

use tempfile::TempDir;

use crate::common::Serving;
use crate::kit::{FakeMirror, Fault, Machine, Site, Spec, Tamper, expect};

const DOWNLOAD: [&str; 3] = ["mod", "download", "example.com/a@v1.0.0"];

/// `gosumcheck serve` over mirrors.
struct Server {
    serving: Serving,
    _data: TempDir,
}

impl Server {
    fn start(site: &Site, proxy: &str, more: &[&str]) -> Server {
        let data = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_gosumcheck"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--data", "data", "--sumdb", &site.sumdb()]);
        command.args(["--proxy", proxy]).args(more).current_dir(data.path());
        command.env_clear().env("HOME", data.path()).env("GOENV", "off");
        Server { serving: Serving::start(&mut command), _data: data }
    }

    /// Stops it; gives what it logged.
    fn stop(self) -> String {
        self.serving.end("-TERM").1
    }
}

fn site() -> Site {
    Site::of(&[Spec::new("example.com/a", "v1.0.0").noise(50_000), Spec::new("example.com/b", "v1.0.0")])
}

/// A go command that asks the proxy, and after it the repositories themselves.
fn machine(site: &Site, server: &Server) -> Option<Machine> {
    Machine::new(&format!("{},direct", server.serving.url), &site.sumdb())
}

/// Nothing was asked of a repository.
#[track_caller]
fn is_not_bypassed(told: &str) {
    assert!(told.contains("403 Forbidden") && told.contains("server response:"), "{told}");
    assert!(!told.contains("go-get=1") && !told.contains("unrecognized import path"), "{told}");
}

#[test]
fn go_shows_both_hashes_and_asks_nobody_else() {
    let site = site();
    let server = Server::start(&site, &site.mirror.url(), &[]);
    let Some(machine) = machine(&site, &server) else { return };
    site.mirror.fault("*/a/@v/*.zip", Fault::Zip(Tamper::FlipBit));
    let (_, told) = expect(1, &machine.go(&machine.path("."), &DOWNLOAD));
    is_not_bypassed(&told);
    let got =
        told.lines().find_map(|line| line.trim().strip_prefix("got      h1:")).unwrap_or_else(|| panic!("{told}"));
    assert!(told.contains(&format!("expected {}", site.corpus.h1_zip("example.com/a", "v1.0.0"))), "{told}");
    assert!(!site.corpus.go_sum().contains(got), "{told}");
    assert!(
        told.contains("SECURITY") && told.contains(&site.mirror.url()) && told.contains("No upstream has"),
        "{told}"
    );
    // The whole build stops at it, and the rest of the modules is served.
    let folder = machine.project("main", &[("example.com/a", "v1.0.0")]);
    let (_, told) = expect(1, &machine.go(&folder, &["mod", "tidy"]));
    is_not_bypassed(&told);
    expect(0, &machine.go(&machine.path("."), &["mod", "download", "example.com/b@v1.0.0"]));
}

#[test]
fn go_is_told_why_of_whatever_came_instead() {
    for (pattern, fault, words) in [
        ("*.zip", Fault::Html, "zip"),
        ("*.zip", Fault::Empty, "zip"),
        ("*.zip", Fault::Zip(Tamper::ParentName), "expected h1:"),
        ("*.mod", Fault::WrongGoMod, "(go.mod)"),
        ("*.zip", Fault::Swap("example.com/b/@v/v1.0.0.zip".to_owned()), "expected h1:"),
    ] {
        let site = site();
        let server = Server::start(&site, &site.mirror.url(), &[]);
        let Some(machine) = machine(&site, &server) else { return };
        site.mirror.fault(pattern, fault);
        let (_, told) = expect(1, &machine.go(&machine.path("."), &DOWNLOAD));
        is_not_bypassed(&told);
        assert!(told.contains("SECURITY") && told.contains(words) && told.contains("refused/"), "{told}");
        assert!(!told.contains("Truncated"), "all of it is shown: {told}");
    }
}

#[test]
fn an_outage_does_not_lead_go_elsewhere_either() {
    let site = site();
    let server = Server::start(&site, &site.mirror.url(), &[]);
    let Some(machine) = machine(&site, &server) else { return };
    site.mirror.fault("*.zip", Fault::Redirect("ftp://nowhere.example/".to_owned()));
    let (_, told) = expect(1, &machine.go(&machine.path("."), &DOWNLOAD));
    assert!(told.contains("502 Bad Gateway") && told.contains("redirects to a ftp URL"), "{told}");
}

#[test]
fn with_an_honest_second_upstream_the_build_succeeds() {
    for separator in [",", "|"] {
        let site = site();
        let honest: FakeMirror = site.mirror();
        let proxy = [site.mirror.url(), honest.url()].join(separator);
        let server = Server::start(&site, &proxy, &[]);
        let Some(machine) = machine(&site, &server) else { return };
        site.mirror.fault("*.zip", Fault::Zip(Tamper::AddFile));
        site.mirror.fault("*.mod", Fault::WrongGoMod);
        let folder = machine.project("main", &[("example.com/a", "v1.0.0"), ("example.com/b", "v1.0.0")]);
        expect(0, &machine.go(&folder, &["mod", "tidy"]));
        expect(0, &machine.go(&folder, &["build", "./..."]));
        let written = std::fs::read_to_string(folder.join("go.sum")).unwrap();
        assert_eq!((written.lines().count(), written), (4, site.corpus.go_sum()));
        let logged = server.stop();
        assert_eq!(logged.matches("refused: ").count(), 4, "{logged}");
    }
}

#[test]
fn with_warn_the_bytes_are_given_and_go_itself_refuses() {
    let site = site();
    let server = Server::start(&site, &site.mirror.url(), &["--on-mismatch", "warn"]);
    let Some(machine) = machine(&site, &server) else { return };
    site.mirror.fault("*.zip", Fault::Zip(Tamper::FlipBit));
    let (_, told) = expect(1, &machine.go(&machine.path("."), &DOWNLOAD));
    assert!(told.contains("SECURITY ERROR") && told.contains("checksum mismatch"), "{told}");
    let logged = server.stop();
    assert!(logged.contains("UNPROVEN"), "{logged}");
}

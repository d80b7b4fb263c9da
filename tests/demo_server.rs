//! `cargo run --example demo`, as a new user runs it: four lines to paste, a lie that is refused and shown, and nothing left behind.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is a failed test")]

#[path = "server/client.rs"]
#[allow(dead_code, unreachable_pub, clippy::as_conversions, reason = "another test uses the rest")]
mod client;
#[path = "common/mod.rs"]
mod common;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use client::{ask, get};
use common::go_command;

/// The running demo; it ends when this is dropped.
struct Demo {
    child: Child,
    lines: BTreeMap<String, String>,
    /// where it makes its folder
    folder: tempfile::TempDir,
}

/// The demo, built as this test is: a program that is not the one of this checkout would be another one.
fn program() -> PathBuf {
    let binary = Path::new(env!("CARGO_BIN_EXE_gosumcheck"));
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--offline", "--example", "demo"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    if binary.parent().unwrap().ends_with("release") {
        build.arg("--release");
    }
    let target = binary.parent().and_then(Path::parent).unwrap();
    assert!(build.arg("--target-dir").arg(target).status().unwrap().success());
    binary.with_file_name("examples").join("demo")
}

impl Demo {
    fn start() -> Demo {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let mut demo = Command::new(program());
        let mut child = demo.env("TMPDIR", folder.path()).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().take(4);
        let lines = lines.map(|line| {
            let line = line.unwrap();
            let (what, text) = line.split_once(':').unwrap();
            (what.to_owned(), text.trim().to_owned())
        });
        Demo { lines: lines.collect(), child, folder }
    }

    /// Ends it as Ctrl-C does; gives its exit code, and what is left of it.
    fn interrupt(mut self) -> (Option<i32>, usize) {
        let sent = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let code = self.child.wait().unwrap().code();
        (code, std::fs::read_dir(self.folder.path()).unwrap().count())
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended
        let _ = self.child.wait();
    }
}

#[test]
fn the_lie_is_refused_and_shown_and_nothing_is_left() {
    let demo = Demo::start();
    let at = demo.lines["page"].strip_prefix("http://").unwrap().trim_end_matches('/').parse().unwrap();
    let page = || ask(at, "GET", "/", &[("Accept", "text/html")]).text();
    assert!(page().contains("None so far"));
    assert!(
        demo.lines["setup"].contains("GOPROXY=http://") && demo.lines["lie"].ends_with("demo.example/wallet@v0.9.1")
    );
    // What go asks for: the lying mirror is asked first, and for the one there is an honest one.
    assert_eq!(get(at, "/demo.example/greeting/@v/v1.2.0.zip").status, 200);
    let refused = get(at, "/demo.example/wallet/@v/v0.9.1.zip");
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("expected h1:") && refused.text().contains("got      h1:"), "{refused:?}");
    let page = page();
    assert!(page.contains("demo.example/wallet@v0.9.1") && page.contains("demo.example/greeting@v1.2.0"), "{page}");
    assert_eq!(std::fs::read_dir(demo.folder.path()).unwrap().count(), 1);
    assert_eq!(demo.interrupt(), (Some(0), 0));
}

#[test]
fn the_lines_can_be_pasted() {
    let Some(go) = go_command() else { return };
    let demo = Demo::start();
    let paste = |lines: &[&str]| {
        let lines: Vec<&str> = lines.iter().map(|line| demo.lines[*line].as_str()).collect();
        let paths = std::env::join_paths([go.parent().unwrap(), Path::new("/usr/bin"), Path::new("/bin")]).unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", &lines.join(" && ")]).env_clear().env("PATH", paths).env("HOME", demo.folder.path());
        shell.output().unwrap()
    };
    let built = paste(&["setup", "build"]);
    let said = String::from_utf8_lossy(&built.stdout);
    assert!(said.contains("These bytes were proven."), "{said} {}", String::from_utf8_lossy(&built.stderr));
    let lied = paste(&["setup", "lie"]);
    let said = String::from_utf8_lossy(&lied.stderr);
    assert!(!lied.status.success() && said.contains("SECURITY: demo.example/wallet@v0.9.1"), "{said}");
    // What go fetched, built and remembers of the database went into the demo's folder, and not into the user's.
    let home = std::fs::read_dir(demo.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let ours = home.filter(|name| name != ".config" && !name.to_string_lossy().starts_with("gosumcheck-demo-"));
    assert_eq!(ours.count(), 0, "go keeps its telemetry in .config, and nothing else stays");
}

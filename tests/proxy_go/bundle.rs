//! The real go builds the project from a bundle: on a machine whose data folder has nothing else, with no upstream at all.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::kit::{Machine, expect};
use crate::real::{project, real};
use crate::served::serve;

/// No server is there.
const NOBODY: &str = "http://127.0.0.1:1";

/// Runs the program over a data folder.
fn run(data: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gosumcheck"));
    let environment = std::env::vars_os().filter(|(name, _)| name == "PATH" || name == "TMPDIR");
    command.env_clear().envs(environment).env("HOME", data).env("GOENV", "off").stdin(Stdio::null());
    command.args(arguments).arg("--data").arg(data.join("data")).output().unwrap()
}

#[test]
fn a_bundle_builds_a_real_project_where_no_network_is() {
    let Some(real) = real() else { return };
    let (log, here, there) = (real.log(), crate::real::scratch(), crate::real::scratch());
    let served = log.serve();
    let bundle = here.path().join("build.tar").display().to_string();
    let folder = project(here.path());
    let go_mod = folder.join("go.mod").display().to_string();
    let sumdb = format!("{} {}", log.vkey(), served.url());
    let export = ["export", &bundle, "--for", &go_mod, "--sumdb", &sumdb, "--proxy", &real.url()];
    let (told, _) = expect(0, &run(here.path(), &export));
    assert!(told.starts_with("exported "), "{told}");
    drop(served);

    let nobody = format!("{} {NOBODY}", log.vkey());
    let asked = log.requests_for("").len();
    let (told, _) = expect(0, &run(there.path(), &["import", &bundle, "--sumdb", &nobody, "--proxy", NOBODY]));
    assert!(told.contains(" (bundle): ") && told.contains("0 held before, in "), "{told}");
    let data = there.path().join("data");
    let server = serve(&data, &["--sumdb", &nobody, "--proxy", NOBODY, "--offline"]);
    let Some(machine) = Machine::new(&server.url, &format!("{} {}", log.vkey(), server.url)) else { return };
    let folder = project(&machine.path("."));
    expect(0, &machine.go(&folder, &["mod", "download"]));
    let program = machine.path("program").display().to_string();
    expect(0, &machine.go(&folder, &["build", "-o", &program, "."]));
    let (told, _) = expect(0, &machine.go(&folder, &["mod", "verify"]));
    assert_eq!(told, "all modules verified\n");
    assert_eq!(log.requests_for("").len(), asked, "nobody was asked");
}

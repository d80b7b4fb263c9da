//! `gosumcheck run` with the real go command: a cold build is proven, a lie is refused or passed over, and the report can be checked.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::kit::{Fault, Machine, Site, Spec, Tamper, expect};

const MODULES: [(&str, &str); 2] = [("example.com/a", "v1.0.0"), ("example.com/c/v2", "v2.0.1")];

fn site() -> Site {
    Site::of(&[
        Spec::new("example.com/Upper/b", "v1.2.0").license(),
        Spec::new("example.com/a", "v1.0.0").requires("example.com/Upper/b", "v1.2.0").noise(100_000),
        Spec::new("example.com/c/v2", "v2.0.1"),
    ])
}

/// `gosumcheck run` on a machine, in `folder`, with go's own settings for the upstreams.
fn run(machine: &Machine, folder: &Path, options: &[&str], words: &[&str]) -> Command {
    let go = machine.command(&[]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_gosumcheck"));
    command.arg("run").arg("--data").arg(machine.path("data")).args(options).arg("--").arg(go.get_program());
    for (name, value) in go.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.args(words).current_dir(folder);
    command
}

/// A project with its go.sum, on a machine that has none of its modules.
fn project(site: &Site, machine: &Machine) -> std::path::PathBuf {
    let folder = machine.project("main", &MODULES);
    expect(0, &run(machine, &folder, &[], &["mod", "tidy"]).output().unwrap());
    assert_eq!(std::fs::read_to_string(folder.join("go.sum")).unwrap().lines().count(), 6);
    machine.forget();
    std::fs::remove_dir_all(machine.path("data")).unwrap();
    assert!(site.mirror.count("*.zip") >= 3);
    folder
}

#[test]
fn a_cold_build_is_proven_and_reported() {
    let site = site();
    let Some(machine) = site.machine() else { return };
    let folder = project(&site, &machine);
    let options = ["--report", "report.json", "--proof", "proofs"];
    let (_, err) = expect(0, &run(&machine, &folder, &options, &["build", "./..."]).output().unwrap());
    assert!(err.ends_with("3 modules proven, 0 refused, tree 1,503\n"), "{err}");
    let report: Value = serde_json::from_slice(&std::fs::read(folder.join("report.json")).unwrap()).unwrap();
    let modules = report["modules"].as_array().unwrap();
    assert_eq!(modules.len(), 3);
    assert!(modules.iter().all(|module| module["given"] == serde_json::json!(["zip", "mod"])), "{report:#}");
    let proofs: String = modules.iter().map(|module| module["proof"].as_str().unwrap()).collect();
    assert_eq!(proofs, std::fs::read_to_string(folder.join("proofs")).unwrap());
    let mut check = Command::new(env!("CARGO_BIN_EXE_gosumcheck"));
    check.args(["verify-proof", "proofs", "go.sum", "--private", "none", "--sumdb", &site.log.vkey()]);
    let (out, _) = expect(0, &check.current_dir(&folder).output().unwrap());
    assert!(out.contains("6 lines: 6 verified"), "{out}");
    // Warm: nothing is asked for, and the lines are proven all the same.
    let (_, err) = expect(0, &run(&machine, &folder, &[], &["build", "./..."]).output().unwrap());
    assert!(err.ends_with("3 modules proven, 0 refused, tree 1,503\n"), "{err}");
}

#[test]
fn a_lie_is_passed_over_where_a_mirror_is_honest_and_refused_where_none_is() {
    let site = site();
    let Some(mut machine) = site.machine() else { return };
    let folder = project(&site, &machine);
    let honest = site.mirror();
    site.mirror.fault("*v1.0.0.zip", Fault::Zip(Tamper::FlipBit));
    let (_, err) = expect(1, &run(&machine, &folder, &[], &["build", "./..."]).output().unwrap());
    assert!(err.contains("403 Forbidden") && err.contains("SECURITY: example.com/a@v1.0.0"), "the child's: {err}");
    assert!(err.contains("gosumcheck: REFUSED  example.com/a/@v/v1.0.0.zip: SECURITY"), "ours: {err}");
    assert!(err.contains("1 refused"), "{err}");
    machine.set("GOPROXY", &format!("{},{}", site.mirror.url(), honest.url()));
    machine.forget();
    let (_, err) = expect(0, &run(&machine, &folder, &[], &["build", "./..."]).output().unwrap());
    assert!(err.ends_with("3 modules proven, 0 refused, tree 1,503\n"), "{err}");
}

#[test]
fn without_a_network_a_build_fails_with_the_reason_or_has_what_is_kept() {
    let site = site();
    let Some(mut machine) = site.machine() else { return };
    let folder = project(&site, &machine);
    let (mirror, sumdb) = (site.mirror.url(), site.sumdb());
    let dead = format!("{} http://127.0.0.1:1", site.log.vkey());
    machine.set("GOPROXY", "http://127.0.0.1:1");
    machine.set("GOSUMDB", &dead);
    let (_, err) = expect(1, &run(&machine, &folder, &[], &["build", "./..."]).output().unwrap());
    assert!(err.contains("503 Service Unavailable") || err.contains("502 Bad Gateway"), "the child's: {err}");
    assert!(err.contains("gosumcheck: not had: example.com/a/@v/v1.0.0.mod: "), "ours: {err}");
    assert!(err.ends_with("0 modules proven, 0 refused, no tree\n"), "{err}");
    machine.set("GOPROXY", &mirror);
    machine.set("GOSUMDB", &sumdb);
    expect(0, &run(&machine, &folder, &[], &["build", "./..."]).output().unwrap());
    machine.forget();
    machine.set("GOPROXY", "http://127.0.0.1:1");
    machine.set("GOSUMDB", &dead);
    let (_, err) = expect(0, &run(&machine, &folder, &[], &["build", "./..."]).output().unwrap());
    assert!(err.ends_with("3 modules proven, 0 refused, tree 1,503\n"), "{err}");
}

//! The real go builds a project of 146 modules by way of the proxy: cold, then from what the proxy has kept while nobody else
//! answers; and asks it everything else that it asks a proxy.

use std::fs;
use std::path::Path;

use crate::common::Serving;
use crate::fake::FakeSumdb;
use crate::kit::{Corpus, FakeMirror, Machine, Spec, expect, log_of};
use crate::real::{Real, go_sum, project, real};
use crate::served::serve;

/// No server is there.
const NOBODY: &str = "http://127.0.0.1:1";

/// `go` for which `server` is GOPROXY and the log is asked there too.
fn machine(server: &Serving, log: &FakeSumdb) -> Option<Machine> {
    Machine::new(&server.url, &format!("{} {}", log.vkey(), server.url))
}

/// Everything that a project is built with, from nothing; the go.sum must be what go itself wrote.
#[track_caller]
fn build(machine: &Machine) {
    machine.forget();
    let folder = project(&machine.path("."));
    fs::remove_file(folder.join("go.sum")).unwrap();
    expect(0, &machine.go(&folder, &["mod", "tidy"]));
    assert_eq!(fs::read_to_string(folder.join("go.sum")).unwrap(), go_sum(), "byte for byte");
    expect(0, &machine.go(&folder, &["mod", "download", "all"]));
    let program = machine.path("program").display().to_string();
    expect(0, &machine.go(&folder, &["build", "-o", &program, "."]));
    let (told, _) = expect(0, &machine.go(&folder, &["mod", "verify"]));
    assert_eq!(told, "all modules verified\n");
}

/// What is kept below `data`, each file by its path.
fn kept(data: &Path, end: &str) -> usize {
    let modules = data.join("modules");
    let entries = walkdir::WalkDir::new(modules).into_iter().map(Result::unwrap);
    entries.filter(|entry| entry.path().to_string_lossy().ends_with(end)).count()
}

#[test]
fn cold_and_then_with_nobody_upstream() {
    let Some(real) = real() else { return };
    let (log, data) = (real.log(), crate::real::scratch());
    let served = log.serve();
    let sumdb = format!("{} {}", log.vkey(), served.url());
    let server = serve(data.path(), &["--sumdb", &sumdb, "--proxy", &real.url()]);
    let Some(machine) = machine(&server, &log) else { return };
    build(&machine);
    assert!(kept(data.path(), ".zip") >= 100, "each zip is kept once it is proven");
    let looked_up = log.requests_for("lookup/").len();
    drop((server, served));

    let nobody = format!("{} {NOBODY}", log.vkey());
    let server = serve(data.path(), &["--sumdb", &nobody, "--proxy", NOBODY]);
    let Some(machine) = self::machine(&server, &log) else { return };
    build(&machine);
    assert_eq!(log.requests_for("lookup/").len(), looked_up, "nobody is there to be asked");

    // What is kept is a proxy itself.
    drop(server);
    let tree = format!("file://{}", data.path().join("modules").display());
    let again = log.serve();
    let Some(machine) = Machine::new(&tree, &format!("{} {}", log.vkey(), again.url())) else { return };
    expect(0, &machine.go(&project(&machine.path(".")), &["build", "-o", "program", "."]));
}

/// The real modules, behind a server that also knows a branch, a toolchain, and a second major version from before modules.
fn site(real: &Real) -> (Corpus, FakeSumdb) {
    let corpus = real.corpus();
    corpus.add(&Spec::toolchain("go1.99.0"));
    corpus.add(&Spec::new("example.com/branched", "v0.0.0-20260102030405-0123456789ab"));
    corpus.query("example.com/branched", "master", "v0.0.0-20260102030405-0123456789ab");
    corpus.add(&Spec::new("example.com/old", "v2.0.0+incompatible"));
    corpus.query("example.com/old", "v2.0.0", "v2.0.0+incompatible");
    let mut records = real.records();
    records.extend(corpus.records());
    (corpus, log_of(records, 1000))
}

#[test]
fn versions_queries_and_toolchains() {
    let Some(real) = real() else { return };
    let (corpus, log) = site(real);
    let (served, mirror, data) = (log.serve(), FakeMirror::serve(&corpus), crate::real::scratch());
    let sumdb = format!("{} {}", log.vkey(), served.url());
    let server = serve(data.path(), &["--sumdb", &sumdb, "--proxy", &mirror.url()]);
    let Some(machine) = machine(&server, &log) else { return };
    let folder = project(&machine.path("."));

    let (told, _) = expect(0, &machine.go(&folder, &["list", "-m", "-versions", "github.com/pkg/errors"]));
    assert!(told.starts_with("github.com/pkg/errors ") && told.contains(" v0.9.1"), "{told}");
    expect(0, &machine.go(&folder, &["get", "github.com/pkg/errors@latest"]));
    expect(0, &machine.go(&folder, &["get", "example.com/branched@master"]));
    let go_mod = fs::read_to_string(folder.join("go.mod")).unwrap();
    assert!(go_mod.contains("example.com/branched v0.0.0-20260102030405-0123456789ab"), "{go_mod}");
    expect(0, &machine.go(&folder, &["get", "example.com/old@v2.0.0"]));
    let go_mod = fs::read_to_string(folder.join("go.mod")).unwrap();
    assert!(go_mod.contains("example.com/old v2.0.0+incompatible"), "{go_mod}");
    expect(0, &machine.go(&folder, &["mod", "verify"]));

    let (_, told) = expect(1, &machine.go(&folder, &["get", "example.com/nothing@latest"]));
    assert!(told.contains("404 Not Found"), "{told}");

    let machine = machine.with("GOTOOLCHAIN", "go1.99.0");
    let (told, _) = expect(0, &machine.go(&machine.path("."), &["version"]));
    assert!(told.starts_with("go version go1.99.0 "), "{told}");
    assert_eq!(mirror.count("golang.org/toolchain/*.zip"), 1);
}

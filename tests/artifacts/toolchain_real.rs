//! The version of Go that built a program, held against a real record of sum.golang.org: `testdata/toolchain` has that of
//! golang.org/toolchain v0.0.1-go1.25.10.linux-amd64, with the signed head and the six tiles that it takes to prove it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::command::{Machine, Ran, file_url};
use crate::kit::crafted::programs::{elf, inline};

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/toolchain")
}

/// Audits a program that says that this version of Go built it.
fn audit(machine: &Machine, sumdb: &str, version: &str, arguments: &[&str]) -> Ran {
    let built = "path\tx\nmod\tx\t(devel)\t\nbuild\tGOARCH=amd64\nbuild\tGOOS=linux\n";
    machine.write("program", elf(&inline(version, built)));
    let latest = testdata().join("latest").display().to_string();
    // Older than the head that the program carries.
    let options = ["audit", "program", "--sumdb-url", sumdb, "--pin-head", &latest];
    let all: Vec<&str> = options.into_iter().chain(arguments.iter().copied()).collect();
    machine.run(&all)
}

#[test]
fn a_release_of_go_has_a_real_record_and_nothing_is_claimed_of_another() {
    let (mut machine, sumdb) = (Machine::new(), file_url(&testdata()));
    machine.set("GOPROXY", "off");
    let known = audit(&machine, &sumdb, "go1.25.10", &[]);
    known.says(0, &["built by go1.25.10; sum.golang.org has this release in record 53,691,920", "1 main module"]);
    // That a flaw is known of the release is told with it.
    known.says(0, &["CVE-2026-56864 (fixed in go1.25.13 and go1.26.6)"]);
    // Only the database itself or a full copy of the log can say that there is none (tests of programs).
    for format in ["text", "json"] {
        let unknown = audit(&machine, &sumdb, "go1.25.99", &["--format", format]);
        unknown.says(0, &["released is not known: golang.org/toolchain@v0.0.1-go1.25.99.linux-amd64"]);
        assert!(!unknown.out.contains("has this release"), "{}", unknown.show());
    }
}

#[test]
fn a_record_that_was_changed_proves_no_release() {
    let folder = tempfile::tempdir().unwrap();
    for file in crate::common::files_below(&testdata()) {
        let to = folder.path().join(file.strip_prefix(testdata()).unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, fs::read(file).unwrap()).unwrap();
    }
    let lookup = folder.path().join("lookup/golang.org/toolchain@v0.0.1-go1.25.10.linux-amd64");
    let record = fs::read_to_string(&lookup).unwrap();
    fs::write(&lookup, record.replace("h1:Plk0", "h1:Plk1")).unwrap();
    let mut machine = Machine::new();
    machine.set("GOPROXY", "off");
    let ran = audit(&machine, &file_url(folder.path()), "go1.25.10", &[]);
    assert!(!ran.out.contains("has this release") && ran.out.contains("was released is not known"), "{}", ran.show());
}

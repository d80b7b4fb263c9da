//! The go command over a mirror and a log of the corpus.

use std::fs;

use crate::kit::{Fault, Site, Spec, Tamper, expect};

/// Three modules, one of which needs another, and a toolchain.
fn site() -> Site {
    let site = Site::of(&[
        Spec::new("example.com/Upper/b", "v1.2.0").license(),
        Spec::new("example.com/a", "v1.0.0").requires("example.com/Upper/b", "v1.2.0").noise(100_000),
        Spec::new("example.com/a", "v1.1.0").requires("example.com/Upper/b", "v1.2.0"),
        Spec::new("example.com/c/v2", "v2.0.1").file("d/d.go", b"package d\n").stored().folders(),
        Spec::toolchain("go1.99.0"),
    ]);
    site.corpus.query("example.com/a", "master", "v1.0.0");
    site
}

#[test]
fn go_builds_with_modules_of_the_corpus() {
    let site = site();
    let Some(machine) = site.machine() else { return };
    let folder = machine.project("main", &[("example.com/a", "v1.0.0"), ("example.com/c/v2", "v2.0.1")]);
    expect(0, &machine.go(&folder, &["mod", "tidy"]));
    expect(0, &machine.go(&folder, &["build", "./..."]));
    let written = fs::read_to_string(folder.join("go.sum")).unwrap();
    let true_lines = site.corpus.go_sum();
    assert_eq!(written.lines().count(), 6, "{written}");
    assert!(written.lines().all(|line| true_lines.contains(line)), "{written}\n{true_lines}");
    assert_eq!(site.mirror.count("*.zip"), 3);
    assert_eq!(site.log.requests_for("lookup/").len(), 3);
    let (versions, _) = expect(0, &machine.go(&folder, &["list", "-m", "-versions", "example.com/a"]));
    assert_eq!(versions, "example.com/a v1.0.0 v1.1.0\n");
    expect(0, &machine.go(&folder, &["get", "example.com/a@latest"]));
    assert!(fs::read_to_string(folder.join("go.mod")).unwrap().contains("example.com/a v1.1.0"));
    expect(0, &machine.go(&folder, &["get", "example.com/a@master"]));
    assert!(fs::read_to_string(folder.join("go.mod")).unwrap().contains("example.com/a v1.0.0"));
}

#[test]
fn go_refuses_a_changed_zip() {
    let site = site();
    let Some(machine) = site.machine() else { return };
    site.mirror.fault_times("*.zip", 1, Fault::Zip(Tamper::FlipBit));
    let arguments = ["mod", "download", "example.com/a@v1.0.0"];
    let (_, told) = expect(1, &machine.go(&machine.path("."), &arguments));
    assert!(told.contains("SECURITY ERROR") && told.contains(&site.corpus.h1_zip("example.com/a", "v1.0.0")), "{told}");
    // Another zip of the same files is as good.
    site.mirror.fault_times("*.zip", 1, Fault::Zip(Tamper::Repacked));
    expect(0, &machine.go(&machine.path("."), &arguments));
}

#[test]
fn go_switches_to_a_toolchain_of_the_corpus() {
    let site = site();
    let Some(machine) = site.machine() else { return };
    let machine = machine.with("GOTOOLCHAIN", "go1.99.0");
    let (told, _) = expect(0, &machine.go(&machine.path("."), &["version"]));
    assert!(told.starts_with("go version go1.99.0 "), "{told}");
    assert_eq!(site.log.requests_for("lookup/golang.org/toolchain@").len(), 1);
}

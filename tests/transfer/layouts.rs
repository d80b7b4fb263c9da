//! Each layout: all of it, nothing that is wrong, and again.

use std::fs;
use std::path::PathBuf;

use crate::common::Serving;
use crate::world::{FILES, World, content_of, get, write};

/// Each layout, with the name that `--as` has for it and where one of its zips, one `.mod` and one `.info` lie.
fn layouts(world: &World) -> [(PathBuf, &'static str, [&'static str; 3]); 4] {
    [
        (
            world.module_cache("modcache"),
            "gomodcache",
            [
                "cache/download/a.example/!two/@v/v1.2.0.zip",
                "cache/download/a.example/!two/@v/v1.2.0.mod",
                "cache/download/a.example/!two/@v/v1.2.0.info",
            ],
        ),
        (
            world.goproxy("caches"),
            "goproxy",
            ["a.example/!two/@v/v1.2.0.zip", "a.example/!two/@v/v1.2.0.mod", "a.example/!two/@v/v1.2.0.info"],
        ),
        (
            world.goproxyio("gopath"),
            "goproxyio",
            [
                "pkg/mod/cache/download/a.example/!two/@v/v1.2.0.zip",
                "pkg/mod/cache/download/a.example/!two/@v/v1.2.0.mod",
                "pkg/mod/cache/download/a.example/!two/@v/v1.2.0.info",
            ],
        ),
        (
            world.athens("athens"),
            "athens",
            ["a.example/Two/v1.2.0/source.zip", "a.example/Two/v1.2.0/go.mod", "a.example/Two/v1.2.0/v1.2.0.info"],
        ),
    ]
}

#[test]
fn all_of_each_layout_is_proven_and_taken_over() {
    let world = World::new();
    for (path, name, parts) in layouts(&world) {
        let (from, data) = (path.display().to_string(), format!("data-{name}"));
        let dry = world.import(&from, &data, &["--dry-run"]);
        dry.says(
            0,
            &[&format!("would import 3 module versions ({name}): {FILES} files right ("), "0 held before, in "],
        );
        assert!(world.stored(&data).is_empty(), "{name}: a dry run stores nothing");
        let ran = world.import(&from, &data, &[]);
        ran.says(0, &[&format!("imported 3 module versions ({name}): {FILES} files proven and stored (")]);
        assert_eq!(world.stored(&data), world.everything(), "{name}");
        let again = world.import(&from, &data, &["--as", name]);
        again.says(0, &[&format!("{name}): 0 files proven and stored (0 B), {FILES} held before, in ")]);
        let dry = world.import(&from, &data, &["--dry-run"]);
        dry.says(0, &[&format!("{name}): 0 files right (0 B), {FILES} held before, in ")]);
        // What is told otherwise since is taken over.
        let info = path.join(parts[2]);
        let kept = fs::read(&info).unwrap();
        fs::write(&info, br#"{"Version":"v1.2.0","Time":"2001-02-03T04:05:06Z"}"#).unwrap();
        let other = world.import(&from, &data, &[]);
        other.says(0, &[&format!("1 file proven and stored (50 B), {} held before", FILES - 1)]);
        fs::write(&info, kept).unwrap();
        // What it was taken for can be overruled, and then has to be that.
        let other = if name == "athens" { "gomodcache" } else { "athens" };
        if other == "gomodcache" {
            world.import(&from, &data, &["--as", other]).says(2, &["there is no folder", "cache/download"]);
        }
    }
}

#[test]
fn planted_corruption_is_named_and_nothing_of_it_is_stored() {
    let world = World::new();
    for (path, name, [zip, go_mod, info]) in layouts(&world) {
        for (number, (file, end, whence)) in
            [(zip, ".zip", "REFUSED"), (go_mod, ".mod", "REFUSED"), (info, ".info", "REFUSED")].into_iter().enumerate()
        {
            let data = format!("wrong-{name}-{number}");
            let right = fs::read(path.join(file)).unwrap();
            let mut wrong = right.clone();
            // The last byte of an `.info` is its closing brace.
            let at = if end == ".zip" { content_of(&right) } else { right.len() - 1 };
            wrong[at] ^= 0x55;
            fs::write(path.join(file), &wrong).unwrap();
            let ran = world.import(&path.display().to_string(), &data, &[]);
            ran.says(1, &[&format!("{whence}   a.example/!two/@v/v1.2.0{end}: "), "1 refused"]);
            let dry = world.import(&path.display().to_string(), &format!("dry-{data}"), &["--dry-run"]);
            dry.says(1, &[&format!("{whence}   a.example/!two/@v/v1.2.0{end}: "), "1 refused"]);
            let mut expected = world.everything();
            let name_of = format!("a.example/!two/@v/v1.2.0{end}");
            let mut stored = world.stored(&data);
            if end == ".info" {
                // What the name alone says stands in its place.
                assert_eq!(stored.remove(&name_of).unwrap(), br#"{"Version":"v1.2.0"}"#);
            }
            if end == ".zip" {
                // Only beside a zip an `.info` is kept.
                expected.remove("a.example/!two/@v/v1.2.0.info");
            }
            expected.remove(&name_of);
            assert_eq!(stored, expected, "{name} {end}");
            fs::write(path.join(file), &right).unwrap();
            // Mended, the next import goes on from there.
            world.import(&path.display().to_string(), &data, &[]).says(0, &[]);
            if end != ".info" {
                assert_eq!(world.stored(&data), world.everything(), "{name} {end}");
            }
        }
    }
}

#[test]
fn what_the_log_does_not_have_is_named_and_private_modules_need_a_flag() {
    let world = World::new();
    let root = world.goproxy("caches");
    let folder = root.join("c.example/unknown/@v");
    for (end, bytes) in [
        ("mod", &b"module c.example/unknown\n"[..]),
        ("info", br#"{"Version":"v1.0.0","Time":"2024-01-02T03:04:05Z"}"#),
    ] {
        write(&folder.join(format!("v1.0.0.{end}")), bytes);
    }
    let ran = world.import("caches", "data", &[]);
    ran.says(1, &["UNPROVEN  c.example/unknown/@v/v1.0.0.mod: ", "1 not in the log"]);
    assert_eq!(world.stored("data"), world.everything(), "not even its .info is kept");
    // Private: nobody is asked about it, and it is left out without harm.
    let asked = world.site.log.requests_for("lookup/").len();
    let ran = world.import("caches", "data", &["--private", "c.example/*"]);
    ran.says(0, &["1 private left out"]);
    assert_eq!(world.site.log.requests_for("lookup/").len(), asked);
    let ran = world.import("caches", "data", &["--private", "c.example/*", "--with-private"]);
    ran.says(0, &["proven and stored"]);
    assert!(world.at("data/private/c.example/unknown/@v/v1.0.0.mod").is_file());
    assert!(!world.at("data/modules/c.example").exists());
    // It is pinned now, as by a first download.
    fs::write(folder.join("v1.0.0.mod"), "module c.example/unknown // otherwise\n").unwrap();
    fs::remove_file(world.at("data/private/c.example/unknown/@v/v1.0.0.mod")).unwrap();
    let ran = world.import("caches", "data", &["--private", "c.example/*", "--with-private"]);
    ran.says(1, &["REFUSED   c.example/unknown/@v/v1.0.0.mod"]);
}

#[test]
fn what_a_rule_refuses_is_not_taken_over() {
    let world = World::new();
    world.goproxy("caches");
    let rules =
        "deny a.example/Two >=v1.2.0 \"CVE-2026-0001: use v1.3.0\"\nroute public b.example/* = https://b.example\n";
    write(&world.at("rules"), rules.as_bytes());
    let refused = "REFUSED   a.example/!two/@v/v1.2.0.zip: a.example/Two@v1.2.0 is refused by a rule";
    for arguments in [&["--rules", "rules", "--dry-run"][..], &["--rules", "rules"]] {
        let ran = world.import("caches", "data", arguments);
        ran.says(1, &[refused, "CVE-2026-0001: use v1.3.0", "line 1 of its rules", "2 refused"]);
    }
    let mut expected = world.everything();
    expected.retain(|name, _| !name.contains("!two"));
    assert_eq!((expected.len(), world.stored("data")), (FILES - 3, expected));
    // As a server does that only logs what it would refuse.
    write(&world.at("settings.toml"), b"rules = \"rules\"\ndry_run = true\n");
    world.import("caches", "data", &["--config", "settings.toml"]).says(0, &["6 held before, in "]);
    assert_eq!(world.stored("data"), world.everything());
}

#[test]
fn beside_a_running_server_what_a_log_proves_is_imported_and_given_at_once() {
    let world = World::new();
    world.goproxy("caches");
    let sumdb = world.site.sumdb();
    let mut with_nobody = world.command(&["serve", "--listen", "127.0.0.1:0", "--data", "data", "--offline"]);
    with_nobody.args(["--sumdb", &sumdb, "--proxy", "https://proxy.example"]);
    let serving = Serving::start(&mut with_nobody);
    let ran = world.import("caches", "data", &["--private", "b.example/*", "--with-private"]);
    ran.says(2, &["another gosumcheck serves this data folder", "2 not judged", "b.example/three/v3/@v/v3.0.1.zip"]);
    let ran = world.import("caches", "data", &["--private", "b.example/*"]);
    ran.says(0, &["another gosumcheck serves this data folder", "6 held before, 1 private left out"]);
    let body = get(&serving, "/a.example/!two/@v/v1.2.0.zip");
    assert_eq!(body, world.site.corpus.zip("a.example/Two", "v1.2.0"));
}

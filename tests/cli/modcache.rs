//! `audit --modcache`: what builds read is judged, whatever is there of a module version, and advice fits a cache.

use std::os::unix::fs::symlink;

use gosumcheck::sumdb::dirhash::{h1_files, h1_go_mod};
use gosumcheck::sumdb::hash::sha256;

use crate::fake::{FakeSumdb, Given};
use crate::world::{NO_HASH, World};

const GO_MOD: &str = "module example.com/M\n";
const FOLDER: &str = "mod/example.com/!m@v1.0.0";
const CACHE: &str = "mod/cache/download/example.com/!m/@v";

/// A log of one module, whose unpacked folder has a go.mod and two files.
fn unpacked() -> World {
    let name = |file: &str| format!("example.com/M@v1.0.0/{file}").into_bytes();
    let files = [(name("go.mod"), GO_MOD), (name("a.go"), "package a\n"), (name("sub/b.go"), "package sub\n")];
    let zip = h1_files(files.iter().map(|(name, text)| (name.as_slice(), sha256(text.as_bytes())))).unwrap();
    let (zip, go_mod) = (format!("h1:{zip}"), format!("h1:{}", h1_go_mod(GO_MOD.as_bytes())));
    let world = World::of(FakeSumdb::of_records(&[Given::new("example.com/M", "v1.0.0", &zip, &go_mod)]));
    world.machine.write(&format!("{FOLDER}/go.mod"), GO_MOD);
    world.machine.write(&format!("{FOLDER}/a.go"), "package a\n");
    world.machine.write(&format!("{FOLDER}/sub/b.go"), "package sub\n");
    world
}

#[test]
fn an_unpacked_module_is_judged_with_and_without_what_was_downloaded() {
    let world = unpacked();
    let audit = || world.run(&["audit", "--modcache", "mod"]);
    audit().says(0, &["1 line: 1 verified"]).quiet();
    world.machine.write(&format!("{CACHE}/v1.0.0.mod"), GO_MOD);
    audit().says(0, &["2 lines: 2 verified"]).quiet();
    world.machine.write(&format!("{FOLDER}/new.go"), "package a\n");
    audit()
        .says(1, &["!m@v1.0.0:  DIFFERS", "example.com/M v1.0.0", "go clean -modcache", "1 verified, 1 DIFFERS"])
        .quiet();
    std::fs::remove_file(world.machine.at(&format!("{FOLDER}/new.go"))).unwrap();
    world.machine.write(&format!("{FOLDER}/a.go"), "package a // changed\n");
    audit().says(1, &["1 DIFFERS"]);
    std::fs::remove_file(world.machine.at(&format!("{FOLDER}/a.go"))).unwrap();
    audit().says(1, &["1 DIFFERS"]);
    std::fs::remove_dir_all(world.machine.at(FOLDER)).unwrap();
    std::fs::create_dir(world.machine.at(FOLDER)).unwrap();
    audit().says(1, &["1 DIFFERS"]);
}

#[test]
fn links_in_unpacked_modules_are_followed_within_the_cache_and_named_beyond_it() {
    let world = unpacked();
    let file = world.machine.at(&format!("{FOLDER}/a.go"));
    let relink = |target: &str| {
        std::fs::remove_file(&file).unwrap();
        symlink(target, &file).unwrap();
        world.run(&["audit", "--modcache", "mod"])
    };
    world.machine.write("mod/store/a", "package a\n").write("a.go", "package a\n");
    relink("../../store/a").says(0, &["1 verified"]).quiet();
    relink("../../../a.go").says(2, &["a.go: is a link that leads out of the module cache", "1 unavailable"]).quiet();
    relink("none").says(2, &["a.go: No such file", "could not be read"]).quiet();
    // A whole module, and a whole folder of modules.
    relink("../../store/a");
    symlink("!m@v1.0.0", world.machine.at("mod/example.com/n@v1.0.0")).unwrap();
    symlink("example.com", world.machine.at("mod/example.org")).unwrap();
    let ran = world.run(&["audit", "--modcache", "mod"]);
    ran.says(2, &["1 verified", "n@v1.0.0:  not read  is a link", "mod/example.org:  not read  is a link"]);
}

#[test]
fn what_go_unpacks_again_is_a_note() {
    let world = unpacked();
    world.machine.write(&format!("{CACHE}/v1.0.0.mod"), GO_MOD).write(&format!("{CACHE}/v1.0.0.partial"), "");
    std::fs::remove_file(world.machine.at(&format!("{FOLDER}/a.go"))).unwrap();
    world
        .run(&["audit", "--modcache", "mod"])
        .says(0, &["1 verified", "note: 1 unpacked modules were not read"])
        .quiet();
}

#[test]
fn an_emptied_go_mod_differs() {
    let world = unpacked();
    world.machine.write(&format!("{CACHE}/v1.0.0.mod"), "");
    let ran = world.run(&["audit", "--modcache", "mod"]);
    ran.says(1, &["v1.0.0.mod:  DIFFERS", "1 verified, 1 DIFFERS"]).quiet();
    assert!(!ran.out.contains("ignored by go"), "{}", ran.show());
    // Of a module that the log does not have, too.
    world.machine.write("other/cache/download/example.com/other/@v/v1.0.0.mod", "");
    world.run(&["audit", "--modcache", "other"]).says(1, &["v1.0.0.mod:  not in the log"]);
    // In a go.sum go drops the line.
    let line = "example.com/other v1.0.0/go.mod h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY=\n";
    world.machine.write("go.sum", line);
    world.run(&["audit"]).says(0, &["ignored by go"]).quiet();
}

#[test]
fn advice_is_for_a_cache() {
    let world = unpacked();
    world.machine.write(&format!("{CACHE}/v1.0.0.zip"), "PK\u{3}\u{4}cut");
    for format in ["text", "json", "junit", "sarif"] {
        let ran = world.run(&["audit", "--modcache", "mod", "--format", format]);
        ran.says(1, &["v1.0.0.zip", "-modcache`"]).quiet();
        if format == "text" {
            ran.says(1, &["Delete the file"]);
            for wrong in ["go mod tidy", "go.sum line", "onflict marker", NO_HASH] {
                assert!(!ran.out.contains(wrong), "{wrong}: {}", ran.show());
            }
        }
    }
}

//! What is audited: files, folders, standard input, several of them.

use std::io::Write as _;
use std::process::Stdio;

use crate::command::Ran;
use crate::fake::{FakeSumdb, Given};
use crate::world::{NO_HASH, World};

#[test]
fn standard_input() {
    let world = World::new();
    let mut child = world.machine.command(&["audit", "-"]);
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(world.wrong_gosum().as_bytes()).unwrap();
    let ran = Ran::of(child.wait_with_output().unwrap());
    ran.says(1, &["-:1:", "standard input", "39 verified, 1 DIFFERS"]).quiet();
}

#[test]
fn several_paths_and_folders_without_vendor_and_git() {
    let world = World::new();
    for path in ["a/go.sum", "a/b/go.work.sum", "a/vendor/x/go.sum", "a/.git/go.sum"] {
        world.machine.write(path, world.gosum());
    }
    let ran = world.run(&["audit", "a", "go.sum"]);
    ran.says(0, &["120 lines in 3 files: 120 verified; proven under tree"]).quiet();
    // Each module version was asked for once.
    let counts = world.log.counts("lookup");
    assert!(!counts.is_empty() && counts.values().all(|count| *count == 1), "{counts:?}");
    world.run(&["audit", "a/vendor"]).says(0, &["40 verified"]);
}

#[test]
fn an_empty_file_has_nothing_to_prove() {
    let world = World::new();
    world.machine.write("go.sum", "");
    world.run(&["audit"]).says(0, &["./go.sum:  0 lines  nothing to prove"]).quiet();
    assert_eq!(world.log.requests().len(), 0);
}

#[test]
fn line_ends_of_windows_are_told_and_taken() {
    let world = World::new();
    world.machine.write("go.sum", world.gosum().replace('\n', "\r\n").trim_end());
    world.run(&["audit"]).says(0, &["40 verified", "note: "]).quiet();
}

#[test]
fn a_module_cache_is_hashed_again() {
    let go_mod = "module example.com/m\n";
    let hash = format!("h1:{}", gosumcheck::sumdb::dirhash::h1_go_mod(go_mod.as_bytes()));
    let log = FakeSumdb::of_records(&[Given::new("example.com/m", "v1.0.0", NO_HASH, &hash)]);
    let mut world = World::of(log);
    let cached = "mod/cache/download/example.com/m/@v/v1.0.0.mod";
    world.machine.write(cached, go_mod);
    world.run(&["audit", "--modcache", "mod"]).says(0, &["1 line: 1 verified"]).quiet();
    // The go command's own settings say where it is.
    let cache = world.machine.at("mod").display().to_string();
    world.machine.set("GOMODCACHE", cache);
    world.run(&["audit", "--modcache"]).says(0, &["1 verified"]);
    world.machine.write(cached, format!("{go_mod}\n"));
    world.run(&["audit", "--modcache"]).says(1, &["v1.0.0.mod:  DIFFERS", &hash]);
    world.machine.write(&cached.replace(".mod", ".zip"), "not a zip");
    world.run(&["audit", "--modcache"]).says(1, &["v1.0.0.zip:", "malformed"]);
    world
        .run(&["audit", "--modcache", "nowhere"])
        .says(2, &["nowhere", "not read", "No such file", "go env GOMODCACHE"])
        .quiet();
    world.machine.write("empty/cache/download/x", "");
    world.run(&["audit", "--modcache", "empty"]).says(2, &["no module in it"]).quiet();
    world.run(&["audit", "--modcache", "mod", "go.sum"]).complains(2, &["cannot be used with"]);
}

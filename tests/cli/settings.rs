//! The database is found as the go command finds it, and flags overrule that.

use crate::fake::{FakeSumdb, write_gosum};
use crate::world::{DEAD, NO_HASH, World};

/// A machine that reaches its log only by a proxy; its own address is this machine, where no log listens.
fn behind_proxy() -> World {
    let mut world = World::of(FakeSumdb::named("127.0.0.1/sumdb", 500, 3));
    let vkey = world.log.vkey();
    world.machine.set("GOSUMDB", vkey);
    world
}

#[test]
fn gosumdb_off_is_told_and_overruled() {
    let mut world = World::new();
    let sumdb = format!("{} {}", world.log.vkey(), world.served.url());
    world.machine.set("GOSUMDB", "off");
    world.run(&["audit"]).complains(2, &["GOSUMDB=off", "--sumdb sum.golang.org"]);
    world.run(&["lookup", &world.module(1)]).complains(2, &["GOSUMDB=off"]);
    world.run(&["audit", "--sumdb", &sumdb]).says(0, &["40 verified"]);
}

#[test]
fn a_proxy_that_relays_the_database_is_used_for_everything() {
    let mut world = behind_proxy();
    let deaf = FakeSumdb::named("other.example", 10, 1);
    let other = deaf.serve();
    world.machine.set("GOPROXY", format!("{},{},direct", other.url(), world.served.url()));
    world.run(&["audit"]).says(0, &["40 verified"]);
    let asked = world.log.requests();
    assert!(asked.iter().any(|request| request.path.ends_with("supported")), "{asked:?}");
    assert_eq!(deaf.counts("lookup").len(), 0);
    // A second run asks nobody, not even whether the proxy is still there.
    world.log.clear_requests();
    world.machine.set("GOPROXY", DEAD);
    world.run(&["audit"]).says(0, &["40 verified"]);
    world.run(&["lookup", &module_of(&world.gosum())]).says(0, &[]);
    assert_eq!(world.log.requests().len(), 0);
    // The same with so many answers that they are kept in one file.
    let many = write_gosum(&world.log, 300, 8);
    world.machine.write("many/go.sum", &many);
    world.machine.set("GOPROXY", world.served.url());
    world.run(&["audit", "many"]).says(0, &["300 verified"]);
    assert!(world.cache().join("pack").is_file());
    world.log.clear_requests();
    world.machine.set("GOPROXY", DEAD);
    world.run(&["audit", "many"]).says(0, &["300 verified"]);
    world.run(&["lookup", &module_of(&many)]).says(0, &[]);
    assert_eq!(world.log.requests().len(), 0);
}

/// The module version of a go.sum's first line.
fn module_of(gosum: &str) -> String {
    let mut fields = gosum.split([' ', '\n']);
    let (module, version) = (fields.next().unwrap(), fields.next().unwrap());
    format!("{module}@{}", version.trim_end_matches("/go.mod"))
}

#[test]
fn what_is_kept_but_damaged_is_asked_for_again() {
    let mut world = behind_proxy();
    world.machine.set("GOPROXY", world.served.url());
    world.run(&["audit"]).says(0, &["40 verified"]);
    let tiles: Vec<_> = walkdir::WalkDir::new(world.cache().join("tile")).into_iter().map(Result::unwrap).collect();
    for tile in tiles.iter().filter(|entry| entry.file_type().is_file()) {
        std::fs::write(tile.path(), "damaged").unwrap();
    }
    world.run(&["audit"]).says(0, &["40 verified"]);
}

#[test]
fn without_a_relay_the_database_itself_is_asked() {
    let mut world = behind_proxy();
    let deaf = FakeSumdb::named("other.example", 10, 1);
    let other = deaf.serve();
    for proxy in [format!("{},direct", other.url()), "direct".to_owned(), "off".to_owned()] {
        world.machine.set("GOPROXY", proxy);
        world.run(&["audit", "--jobs", "64"]).says(2, &["https://127.0.0.1/sumdb"]);
    }
    // A proxy that does not answer at all decides nothing, unless it is followed by a bar.
    world.machine.set("GOPROXY", format!("{DEAD},{}", world.served.url()));
    world.run(&["audit"]).complains(2, &[DEAD, "Connection refused", "--upstream"]);
    world.machine.set("GOPROXY", format!("{DEAD}|{}", world.served.url()));
    world.run(&["audit"]).says(0, &["40 verified"]);
}

#[test]
fn the_file_of_go_env_w_is_read() {
    let mut world = World::new();
    let (module, _) = world.log.module(1);
    let settings = format!("GOSUMDB={} {}\nGOPRIVATE={module}\n", world.log.vkey(), world.served.url());
    world.machine.write("go.env", settings);
    world.machine.write("go.sum", world.log.record_text(1) + &world.log.record_text(2));
    let path = world.machine.at("go.env").display().to_string();
    world.machine.set("GOSUMDB", "").set("GOENV", path);
    world.run(&["audit"]).says(0, &["2 verified, 2 skipped", &format!("exempted by {module}")]);
    // The environment goes before it.
    world.machine.set("GOSUMDB", "off");
    world.run(&["audit"]).complains(2, &["GOSUMDB=off"]);
}

#[test]
fn private_modules_are_not_asked_for() {
    let mut world = World::new();
    let private = format!("corp.example/a/b v1.0.0 {NO_HASH}\ncorp.example/x v1.0.0/go.mod {NO_HASH}\n");
    world.machine.write("go.sum", world.gosum() + &private);
    world.run(&["audit"]).says(1, &["2 not in the log"]);
    for (name, value) in [("GOPRIVATE", "*.invalid,corp.example"), ("GONOSUMDB", "none.example,corp.example/*")] {
        world.machine.set(name, value);
        world.log.clear_requests();
        world.run(&["audit"]).says(0, &["40 verified, 2 skipped", "exempted by corp.example"]).quiet();
        assert!(world.log.counts("").keys().all(|path| !path.contains("corp.example")));
    }
    // GONOSUMDB overrules GOPRIVATE, and --private both.
    world.machine.set("GONOSUMDB", "corp.example/a");
    world.run(&["audit"]).says(1, &["1 not in the log, 1 skipped"]);
    world.run(&["audit", "--private", "none"]).says(1, &["2 not in the log"]);
    world.run(&["audit", "--private", "corp.example"]).says(0, &["2 skipped"]);
    for wrong in ["[,corp.example", "corp.example, x.example", ""] {
        world.run(&["audit", "--private", wrong]).complains(2, &["--private is \"", "write "]);
    }
    world.machine.set("GONOSUMDB", "none");
    world.run(&["audit"]).says(1, &["2 not in the log"]);
    // What go takes for a pattern that matches nothing, and so names to everybody.
    for (pattern, told) in [
        ("x.example, corp.example", "keeps \"corp.example\" private"),
        ("https://corp.example/", "keeps \"corp.example\" private"),
        ("corp.example/[", "keeps \"corp.example\" private"),
    ] {
        world.machine.set("GONOSUMDB", pattern);
        world.log.clear_requests();
        world
            .run(&["audit", "--data", "fresh-too"])
            .says(0, &["2 skipped", "warning: GONOSUMDB", "matches no module", told]);
        assert!(world.log.counts("").keys().all(|path| !path.contains("corp.example")), "{pattern}");
    }
    world.machine.set("GONOSUMDB", "[");
    world.run(&["audit"]).says(1, &["2 not in the log", "It makes no module private"]);
    world.machine.set("GONOSUMDB", "none");
    // A go.sum of nothing else asks nobody at all.
    world.machine.write("go.sum", private);
    world.log.clear_requests();
    world.run(&["audit", "--private", "corp.example", "--data", "fresh"]).says(0, &["2 skipped; nothing was proven"]);
    assert_eq!(world.log.requests().len(), 0);
}

#[test]
fn a_gate_that_proved_nothing_does_not_pass_by_an_inherited_setting() {
    let mut world = World::new();
    world.run(&["audit", "--proof", "p.txt"]).says(0, &["40 verified"]);
    for (name, value) in [("GOPRIVATE", "*"), ("GONOSUMDB", "*.*,*")] {
        world.machine.set(name, value);
        let ran = world.run(&["audit"]);
        ran.says(2, &["40 skipped", "nothing was proven: GOPRIVATE or GONOSUMDB", "--private none"]).quiet();
        assert_eq!(world.run(&["audit", "--format", "json"]).json()["conclusion"], "could-not-tell");
        world.run(&["verify-proof", "p.txt", "go.sum"]).says(2, &["40 skipped", "nothing was proven"]);
        // Who says so with an argument means it, and a part that is proven is a proof.
        world.run(&["audit", "--private", "*"]).says(0, &["40 skipped"]);
        world.run(&["audit", "--private", "none"]).says(0, &["40 verified"]);
    }
    world.machine.write("empty.sum", "");
    world.run(&["audit", "empty.sum"]).says(0, &["nothing to prove"]);
}

#[test]
fn a_setting_that_does_nothing_is_told() {
    let mut world = World::new();
    world.machine.set("GONOSUMCHECK", "1");
    world.run(&["audit"]).says(0, &["warning: ", "GONOSUMCHECK"]).quiet();
    let ran = world.run(&["lookup", &world.module(3)]);
    ran.says(0, &[]);
    assert!(ran.err.contains("warning") && ran.err.contains("GONOSUMCHECK"), "{}", ran.show());
}

#[test]
fn the_data_folder_follows_its_variable_and_its_flag() {
    let mut world = World::new();
    world.machine.set("GOSUMCHECK_DATA", "by-variable");
    world.run(&["audit"]).says(0, &[]);
    assert!(world.machine.at("by-variable/cache").is_dir());
    world.run(&["audit", "--data", "by-flag"]).says(0, &[]);
    assert!(world.machine.at("by-flag/cache").is_dir());
    assert_eq!(std::fs::read_dir(world.machine.home()).unwrap().count(), 0);
}

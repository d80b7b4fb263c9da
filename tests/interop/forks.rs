//! A log that signs two histories: x/mod's client, the go command and ours write the same report, and ours checks them all.

use std::fs;

use super::common::files_below;
use super::fake::{FakeSumdb, write_gosum};
use super::world::{World, copy_of, expect, go, gosum_of, log_of, source, told};
use super::xmod::client;

#[test]
fn the_report_is_x_mods_byte_for_byte() {
    let Some(go) = go() else { return };
    let log = FakeSumdb::synthetic(30_000, 11);
    log.grow(20_000);
    let served = log.serve();
    let world = World::new(go, &format!("{} {}", log.vkey(), served.url()));
    let path = |name: &str| world.path(name).display().to_string();
    fs::write(path("before"), write_gosum(&log, 40, 1)).unwrap();
    fs::write(path("after"), write_gosum(&log, 40, 2)).unwrap();
    let theirs = |gosum: &str| client(go, &log, &served.url(), &path("state"), &path(gosum)).output().unwrap();
    expect(0, &theirs("before"));
    expect(0, &world.gosumcheck("data", &["audit", &path("before")]));

    log.fork(12_345);
    log.grow(30_000);
    let report = expect(3, &theirs("after"));
    expect(3, &world.gosumcheck("data", &["audit", &path("after")]));
    let saved = files_below(&world.path("data")).into_iter().find(|file| file.parent().unwrap().ends_with("evidence"));
    let saved = saved.unwrap();
    assert_eq!(fs::read_to_string(&saved).unwrap(), format!("{report}\n"));

    fs::write(path("report"), report).unwrap();
    for file in [path("report"), saved.display().to_string()] {
        let out = expect(3, &world.gosumcheck("none", &["verify-evidence", &file]));
        assert!(out.contains("20000") && out.contains("30000"), "{out}");
    }
    // The same report is nothing against another log.
    let other = FakeSumdb::named(log.name(), 1, 12).vkey();
    expect(2, &world.gosumcheck("none", &["verify-evidence", "--sumdb", &other, &path("report")]));
}

#[test]
fn what_the_go_command_prints_is_evidence() {
    let Some(go) = go() else { return };
    let log = log_of(&gosum_of("ten"));
    let size = log.size();
    // So far apart that no tile of the one head has the name of one of the other: where they do, Go's client finds the new
    // one "inconsistent" with the one it kept, and does not come to compare histories.
    log.grow(60_000);
    let served = log.serve();
    let world = World::new(go, &format!("{} {}", log.vkey(), served.url()));
    expect(0, &world.go(copy_of("ten").path(), &["mod", "download", "all"]));
    // It forgets its modules and what was said of them, but neither the head nor the tiles.
    let tiles = world.sumdb_cache(log.name()).join("tile");
    fs::rename(&tiles, world.path("tile")).unwrap();
    fs::remove_dir_all(world.path("modcache")).unwrap();
    fs::create_dir_all(world.sumdb_cache(log.name())).unwrap();
    fs::rename(world.path("tile"), &tiles).unwrap();
    log.fork(50_000);
    log.grow(size);
    let (code, _, err) = told(&world.go(copy_of("ten").path(), &["mod", "download", "all"]));
    assert!(code == 1 && err.contains("SECURITY ERROR"), "{code} {err}");
    let path = world.path("stderr");
    fs::write(&path, err).unwrap();
    expect(3, &world.gosumcheck("none", &["verify-evidence", &path.display().to_string()]));

    // Ours, at first contact with the second history, has the go command's memory to tell by.
    let gosum = source("ten").join("go.sum").display().to_string();
    expect(3, &world.gosumcheck("data", &["audit", &gosum]));
}

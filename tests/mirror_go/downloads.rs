//! `go mod download` of 37 real modules, verified by the mirror.

use std::fs;

use super::common::Serving;
use super::fake::{FakeSumdb, Given, read_gosum};
use super::served::{serve, sumdb, sync};
use super::world::{World, copy_of, expect, go, gosum_of, told};

/// No server is there.
const NOBODY: &str = "http://127.0.0.1:1";

/// Downloads all modules of `module`, and finds the go.sum that is kept here.
#[track_caller]
fn download(world: &World, module: &str) {
    let folder = copy_of(module);
    expect(0, &world.go(folder.path(), &["mod", "download", "all"]));
    let written = fs::read_to_string(folder.path().join("go.sum")).unwrap();
    let kept = gosum_of(module);
    let missing: Vec<_> = written.lines().filter(|line| !kept.contains(line)).collect();
    assert!(written.lines().count() > 20 && missing.is_empty(), "{missing:?}");
}

/// A log that has the modules before half of it is written, on three levels of tiles.
fn log() -> FakeSumdb {
    let hash = "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let filler = |n| Given::new(&format!("example.com/filler{n}"), "v1.0.0", hash, hash);
    let records: Vec<_> = (0..30_000).map(filler).collect();
    let after = (30_000..70_000).map(filler);
    let all = records.into_iter().chain(read_gosum(&gosum_of("thirty"))).chain(after);
    FakeSumdb::of_records(&all.collect::<Vec<_>>())
}

#[test]
fn by_every_road_and_with_nobody_upstream() {
    let Some(go) = go() else { return };
    let log = log();
    let upstream = log.serve();
    let mut world = World::new(go, "off");
    sync(&world, "data", &log, &upstream.url());
    drop(upstream);
    let server = serve(&world, "data", &log, NOBODY);
    let modules = world.proxy.clone();
    let direct = [server.url.clone(), format!("{}/sumdb/{}", server.url, log.name())];
    for url in direct {
        world = fresh(world, sumdb(&log, &url), modules.clone());
        download(&world, "thirty");
    }
    // The modules themselves come from another proxy of the list.
    let proxies = format!("{},{modules}", server.url);
    world = fresh(world, log.vkey(), proxies);
    download(&world, "thirty");
}

/// The same machine with nothing kept by the go command.
fn fresh(mut world: World, sumdb: String, proxy: String) -> World {
    for folder in ["gopath", "modcache"] {
        let _ = fs::remove_dir_all(world.path(folder));
    }
    (world.sumdb, world.proxy) = (sumdb, proxy);
    world
}

#[test]
fn with_an_older_and_with_a_newer_head_remembered() {
    let Some(go) = go() else { return };
    let log = log();
    let (size, url) = (log.size(), |server: &Serving| sumdb(&log, &server.url));
    let upstream = log.serve();
    let mut world = World::new(go, &sumdb(&log, &upstream.url()));

    log.grow(40_000);
    download(&world, "ten");
    log.grow(60_000);
    sync(&world, "data", &log, &upstream.url());
    let server = serve(&world, "data", &log, &upstream.url());
    log.clear_requests();
    world.sumdb = url(&server);
    download(&world, "thirty");
    assert_eq!(log.requests().len(), 0, "an older head is one that the mirror knows");

    world = fresh(world, sumdb(&log, &upstream.url()), go.proxy());
    log.grow(size);
    download(&world, "ten");
    log.clear_requests();
    world.sumdb = url(&server);
    download(&world, "thirty");
    assert_eq!(log.requests_for("lookup/").len(), 0, "what the mirror holds is asked of nobody");
    assert!(!log.requests_for("tile/").is_empty(), "a newer head is caught up with");
}

#[test]
fn a_mirror_of_a_fork_is_found_out() {
    let Some(go) = go() else { return };
    let log = log();
    let size = log.size();
    log.grow(60_000);
    let upstream = log.serve();
    let mut world = World::new(go, &sumdb(&log, &upstream.url()));
    download(&world, "ten");
    // It forgets its modules and what was said of them, but neither the head nor the tiles.
    let tiles = world.sumdb_cache(log.name()).join("tile");
    fs::rename(&tiles, world.path("tile")).unwrap();
    fs::remove_dir_all(world.path("modcache")).unwrap();
    fs::create_dir_all(world.sumdb_cache(log.name())).unwrap();
    fs::rename(world.path("tile"), &tiles).unwrap();
    log.fork(50_000);
    log.grow(size);
    sync(&world, "data", &log, &upstream.url());
    drop(upstream);
    let server = serve(&world, "data", &log, NOBODY);
    world.sumdb = sumdb(&log, &server.url);
    let (code, _, err) = told(&world.go(copy_of("ten").path(), &["mod", "download", "all"]));
    assert!(code == 1 && err.contains("SECURITY ERROR"), "{code} {err}");
}

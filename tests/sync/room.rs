//! When a data tile is asked for again with room for the longest that there can be: where it was too long, and only there.

use gosumcheck::fault::{Cause, Fault};

use super::fake::{FakeSumdb, Given};
use super::world::{World, assert_same, expected};

/// So many records, of which each is longer than any real one: 100 of them are more than the length that is expected of a tile.
fn long(records: usize) -> FakeSumdb {
    let given = |n: usize| {
        let name = format!("example.com/m{n}");
        Given::raw(&name, "v1.0.0", &format!("{name} v1.0.0 h1:{}\n", "x".repeat(16_000)))
    };
    FakeSumdb::of_records(&(0..records).map(given).collect::<Vec<_>>())
}

#[test]
fn a_tile_that_is_too_long_is_asked_for_again_with_more_room() {
    for (records, tile) in [(256, "tile/8/data/000"), (100, "tile/8/data/000.p/100")] {
        let log = long(records);
        let served = log.serve();
        let world = World::new(&log);
        assert!(world.sync(&[&served.url()]).unwrap().committed);
        assert_same(&world.files(), &expected(&log, records as u64), tile);
        assert_eq!(log.counts("tile/8/data")[tile], 2);
    }
}

#[test]
fn a_tile_that_one_upstream_has_and_is_too_long_is_asked_for_again_whatever_the_others_say() {
    let log = long(256);
    let served = log.serve();
    let world = World::new(&log);
    for bases in [["http://127.0.0.1:1", &served.url()], [&served.url(), "http://127.0.0.1:1"]] {
        assert!(world.sync(&bases).unwrap().committed);
        assert_eq!(log.counts("tile/8/data").into_values().sum::<usize>(), 2);
        log.clear_requests();
        std::fs::remove_dir_all(world.dir()).unwrap();
    }
}

#[test]
fn a_partial_tile_that_was_dropped_for_one_that_is_too_long_is_had_of_that() {
    let log = long(256);
    let served = log.serve();
    log.fault("stale:100");
    log.fault("status:404:tile/8/data/000.p/100");
    let world = World::new(&log);
    assert_eq!(world.sync(&[&served.url()]).unwrap().tree.size, 100);
    assert_same(&world.files(), &expected(&log, 100), "out of the full tile");
}

#[test]
fn a_tile_that_cannot_be_had_is_not_asked_for_again() {
    let (tile, tries) = ("tile/8/data/001", 2);
    for (fault, cause, asked) in [
        ("status:500", Cause::Upstream, tries),
        ("status:403", Cause::Upstream, 1),
        ("status:404", Cause::Upstream, 1),
        ("reset", Cause::Upstream, tries),
        // To where nobody listens.
        ("redirect", Cause::Upstream, tries),
    ] {
        let log = FakeSumdb::synthetic(600, 5);
        let served = log.serve();
        log.fault(&format!("{fault}:{tile}"));
        let synced = World::new(&log).sync(&[&served.url()]);
        let Err(Fault::Unavailable { cause: told, .. }) = synced else { panic!("{fault}: {synced:?}") };
        assert_eq!((told, log.counts("tile/8/data")[tile]), (cause, asked), "{fault}");
    }
}

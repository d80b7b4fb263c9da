//! Another copy as the source: its files come in long stretches by range, and are proven like any tile. Files that lie or are
//! not there cost a detour, no more.

use super::fake::FakeSumdb;
use super::world::{World, assert_same, expected};

const SIZE: u64 = 100_300;

/// A log that is served with the files of a full copy of it.
fn copied() -> FakeSumdb {
    let log = FakeSumdb::synthetic(SIZE, 71);
    for (name, bytes) in expected(&log, SIZE) {
        log.publish(&format!("log/{}/{name}", log.name()), bytes);
    }
    log
}

#[test]
fn the_files_of_another_copy_take_the_place_of_tiles() {
    let log = copied();
    let served = log.serve();
    for base in [served.url(), format!("{}/sumdb/{}", served.url(), log.name())] {
        log.clear_requests();
        let world = World::new(&log);
        let synced = world.sync(&[&base]).unwrap();
        assert_eq!((synced.records, synced.committed), (SIZE, true));
        assert_same(&world.files(), &expected(&log, SIZE), &base);
        assert_eq!(log.counts("tile/8/data").into_keys().collect::<Vec<_>>(), ["tile/8/data/391.p/204"]);
        assert_eq!(log.counts(&format!("log/{}/records", log.name())).into_values().sum::<usize>(), 7);
        assert!(synced.complaints.is_empty(), "{:?}", synced.complaints);
    }
}

#[test]
fn files_that_lie_or_fail_cost_a_detour() {
    let log = copied();
    let served = log.serve();
    let names = ["head", "offsets", "records"].map(|file| format!("log/{}/{file}", log.name()));
    for name in &names {
        for fault in ["flip", "status:404", "status:500", "truncated", "reset", "too-long"] {
            log.clear_faults();
            log.fault(&format!("{fault}:{name}"));
            let world = World::new(&log);
            world.sync(&[&served.url()]).unwrap_or_else(|why| panic!("{fault} {name}: {why}"));
            assert_same(&world.files(), &expected(&log, SIZE), &format!("{fault} {name}"));
        }
    }
}

#[test]
fn files_that_lag_are_used_as_far_as_they_go() {
    let log = FakeSumdb::synthetic(SIZE, 72);
    for (name, bytes) in expected(&log, 70_000) {
        log.publish(&format!("log/{}/{name}", log.name()), bytes);
    }
    let served = log.serve();
    let world = World::new(&log);
    world.sync(&[&served.url()]).unwrap();
    assert_same(&world.files(), &expected(&log, SIZE), "from files that lag");
    let tiles = log.counts("tile/8/data").len();
    assert!((119..=119 + 64).contains(&tiles), "{tiles} tiles one by one");
}

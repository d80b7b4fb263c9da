//! A sync that nobody disturbs: every shape of log, both forms of data tiles, growth, and going on where another one stopped.

use std::fs;

use gosumcheck::store::index::AnomalyKind;
use gosumcheck::sync::SyncOptions;

use super::fake::{Ending, FakeSumdb, Given};
use super::world::{PLAIN, World, assert_same, expected};

/// One record, the sides of a tile, of several tiles, of a tile of tiles, and beyond.
const SIZES: [u64; 9] = [1, 255, 256, 257, 1000, 65_535, 65_536, 65_537, 131_500];

#[test]
fn every_shape_of_log_is_copied_byte_for_byte() {
    for ending in [Ending::One, Ending::Two] {
        let log = FakeSumdb::synthetic(131_500, 11);
        log.set_ending(ending);
        let served = log.serve();
        for size in SIZES {
            log.grow(size);
            let world = World::new(&log);
            let synced = world.sync(&[&served.url()]).unwrap();
            assert_eq!((synced.before, synced.tree.size, synced.records, synced.committed), (0, size, size, true));
            assert!(synced.anomalies.is_empty() && synced.complaints.is_empty(), "{:?}", synced.complaints);
            assert_same(&world.files(), &expected(&log, size), &format!("{size} {ending:?}"));
        }
    }
}

#[test]
fn no_leaf_hash_is_fetched_but_those_at_the_edge() {
    let log = FakeSumdb::synthetic(131_500, 11);
    let served = log.serve();
    let world = World::new(&log);
    world.sync(&[&served.url()]).unwrap();
    let asked: Vec<String> = log.counts("tile/8/0/").into_keys().collect();
    assert_eq!(asked, ["tile/8/0/513.p/172"]);
    assert!(log.counts("tile/").values().all(|times| *times == 1), "nothing is asked for twice");
    log.clear_requests();
    let again = world.sync(&[&served.url()]).unwrap();
    assert_eq!((again.before, again.records, again.committed), (131_500, 0, true));
    assert_eq!(log.counts("tile/8/data").len(), 0, "what is held is not brought again");
}

#[test]
fn a_log_that_grows_is_followed_and_keeps_all_its_heads() {
    let log = FakeSumdb::synthetic(70_000, 12);
    let served = log.serve();
    let world = World::new(&log);
    let mut heads = Vec::new();
    for size in [3, 3, 200, 256, 300, 301, 65_530, 70_000] {
        log.grow(size);
        world.sync(&[&served.url()]).unwrap();
        if heads.last() != Some(&log.head(size)) {
            heads.push(log.head(size));
        }
        let mut expected = expected(&log, size);
        expected
            .insert("heads".to_owned(), heads.iter().map(|head| format!("{head}\n")).collect::<String>().into_bytes());
        assert_same(&world.files(), &expected, &format!("grown to {size}"));
    }
}

#[test]
fn a_sync_that_stopped_at_a_size_is_gone_on_with() {
    let log = FakeSumdb::synthetic(70_000, 13);
    let served = log.serve();
    let world = World::new(&log);
    let stopped = world.sync_as(&[&served.url()], &SyncOptions { to: Some(66_000), ..PLAIN }).unwrap();
    assert_eq!((stopped.tree.size, stopped.committed, stopped.newest), (65_792, false, 70_000));
    assert!(world.held().head().unwrap().is_none(), "nothing is served");
    log.clear_requests();
    let synced = world.sync(&[&served.url()]).unwrap();
    assert_eq!((synced.records, synced.committed), (70_000 - 65_792, true));
    assert_eq!(log.counts("tile/8/data").len(), 70_000_usize.div_ceil(256) - 257, "only what was missing is brought");
    assert_same(&world.files(), &expected(&log, 70_000), "in two steps");
    let same = world.sync_as(&[&served.url()], &SyncOptions { to: Some(300), ..PLAIN }).unwrap();
    assert_eq!((same.tree.size, same.committed), (70_000, true), "it never goes back");
    let exact = World::new(&log).sync_as(&[&served.url()], &SyncOptions { to: Some(70_000), ..PLAIN }).unwrap();
    assert!(exact.committed);
}

/// What is marked as held and is not of this log is given up, down to what is committed.
#[test]
fn what_another_log_left_is_given_up() {
    let (other, log) = (FakeSumdb::synthetic(66_000, 14), FakeSumdb::synthetic(66_000, 15));
    let (other_served, served) = (other.serve(), log.serve());
    let (strange, world) = (World::new(&other), World::new(&log));
    strange.sync_as(&[&other_served.url()], &SyncOptions { to: Some(65_000), ..PLAIN }).unwrap();
    fs::create_dir_all(world.data.path().join("log")).unwrap();
    fs::rename(strange.dir(), world.dir()).unwrap();
    let synced = world.sync(&[&served.url()]).unwrap();
    assert_eq!(synced.records, 66_000);
    assert_same(&world.files(), &expected(&log, 66_000), "after another log's leftovers");
}

#[test]
fn tiles_are_spread_over_the_upstreams_and_any_of_them_will_do() {
    let (one, two) = (FakeSumdb::synthetic(66_000, 16), FakeSumdb::synthetic(66_000, 16));
    let (one_served, two_served) = (one.serve(), two.serve());
    let world = World::new(&one);
    world.sync(&[&one_served.url(), &two_served.url()]).unwrap();
    // They take turns; one that has as many requests as it is sent at once is passed over.
    let [of_one, of_two] = [&one, &two].map(|log| log.counts("tile/8/data").len());
    assert_eq!(of_one + of_two, 258, "each tile is asked for once");
    assert!(of_one.min(of_two) >= 32, "{of_one} and {of_two}");
    assert_same(&world.files(), &expected(&one, 66_000), "from two");
}

#[test]
fn a_partial_tile_that_was_dropped_is_the_beginning_of_the_full_one() {
    let log = FakeSumdb::synthetic(70_000, 17);
    let served = log.serve();
    let world = World::new(&log);
    log.grow(66_100);
    // The head is remembered; by the time of the sync the log has gone on and dropped the partial tiles.
    let head = world.sync_as(&[&served.url()], &SyncOptions { to: Some(0), ..PLAIN }).unwrap();
    assert_eq!(head.newest, 66_100);
    log.grow(70_000);
    log.fault(&format!("stale:{}:latest", 66_100));
    log.fault("status:404:tile/8/data/258.p/52");
    log.fault("status:404:tile/8/0/258.p/52");
    world.sync(&[&served.url()]).unwrap();
    assert_same(&world.files(), &expected(&log, 66_100), "from full tiles");
}

#[test]
fn odd_records_are_told_and_do_not_stop_it() {
    let mut given: Vec<Given> = (0..600).map(|n| Given::new("example.com/m", &format!("v1.0.{n}"), H1, H1)).collect();
    given[5] = Given::raw("example.com/odd", "v1.0.0", "nonsense\n");
    given[300] = Given::raw("example.com/odd", "v1.0.1", &format!("example.com/odd v1.0.1 {H1}\n"));
    given[599] = Given::raw("example.com/odd", "v1.0.2", "a\tb c\nd e f\n");
    given[400] = Given::new("example.com/m", "v1.0.7", &H1.replacen('A', "B", 1), H1);
    given[450] = Given::new("example.com/M", "v1.0.450", H1, H1);
    let log = FakeSumdb::of_records(&given);
    let served = log.serve();
    let world = World::new(&log);
    let synced = world.sync(&[&served.url()]).unwrap();
    assert!(synced.committed);
    let told: Vec<_> = synced.anomalies.iter().map(|oddity| (oddity.kind(), oddity.newest())).collect();
    let malformed = [5, 300, 599].map(|id| (AnomalyKind::Malformed, id));
    assert_eq!(told.iter().filter(|(kind, _)| *kind == AnomalyKind::Malformed).copied().collect::<Vec<_>>(), malformed);
    assert!(
        told.contains(&(AnomalyKind::Duplicate, 400)) && told.contains(&(AnomalyKind::CaseCollision, 450)),
        "{told:?}"
    );
    assert!(world.sync(&[&served.url()]).unwrap().anomalies.is_empty(), "each is told once");
    assert_same(&world.files(), &expected(&log, 600), "with odd records");
}

const H1: &str = "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

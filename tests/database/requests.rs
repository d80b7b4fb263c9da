//! What is asked for: each thing once, in few rounds, and nothing that is known.

use std::collections::BTreeSet;

use super::fake::FakeSumdb;
use super::world::{World, ask};

const RECORDS: u64 = 300_000;
const MODULES: u64 = 1_000;

/// Records all over the log, its ends among them.
fn ids(count: u64) -> Vec<u64> {
    let spread: BTreeSet<u64> = (0..count - 2).map(|n| n * 297 + n % 7).chain([RECORDS - 2, RECORDS - 1]).collect();
    assert_eq!(spread.len() as u64, count);
    spread.into_iter().collect()
}

#[test]
fn a_cold_run_asks_once_for_each_thing_and_a_warm_one_for_nothing() {
    let log = FakeSumdb::synthetic(RECORDS, 11);
    let served = log.serve();
    let url = served.url();
    let world = World::new(&log);
    let ids = ids(MODULES);
    log.fault("slow:20");
    world.prove(&[&url], &ids);
    assert_eq!(log.requests_for("lookup/").len() as u64, MODULES);
    for (path, times) in log.counts("") {
        assert_eq!(times, 1, "{path}");
        assert!(path.starts_with("lookup/") || path.starts_with("tile/8/"), "{path}");
    }
    assert!(log.requests().iter().all(|request| request.status == 200));
    assert_eq!(log.counts("tile/8/data/").len(), 0);
    world.assert_cache_is_honest();

    log.clear_requests();
    world.prove(&[&url], &ids);
    world.prove(&[], &ids);
    let database = world.database(&[&url]);
    let modules: Vec<_> = ids.iter().map(|id| world.module(*id)).collect();
    ask(&database, &modules).unwrap();
    assert_eq!((database.upstreams().requests(), log.requests()), (0, vec![]));

    // Ten more modules: ten lookups, and the tiles that are not at hand.
    let held = world.cached();
    let more: Vec<u64> = (0..10).map(|n| 150_000 + n * 14_000).collect();
    world.prove(&[&url], &[ids.as_slice(), more.as_slice()].concat());
    assert_eq!(log.requests_for("lookup/").len(), 10);
    assert!(log.requests_for("tile/").len() <= 10);
    assert!(log.requests().iter().all(|request| !held.contains_key(&request.path)));
}

/// Edge, full tiles for the comparison of heads, tiles above the records: all in sequence at most four rounds.
#[test]
fn tiles_come_in_at_most_four_rounds() {
    let log = FakeSumdb::synthetic(RECORDS, 11);
    let served = log.serve();
    log.fault("slow:20");
    let world = World::new(&log);
    let some: Vec<u64> = ids(MODULES).into_iter().step_by(20).collect();
    log.grow(200_000);
    world.prove(&[&served.url()], &[1, 199_999]);
    assert!(log.rounds("tile/") <= 4, "cold: {}", log.rounds("tile/"));
    log.grow(RECORDS);
    log.clear_requests();
    world.prove(&[&served.url()], &some);
    assert!(log.rounds("tile/") <= 4, "after growth: {}", log.rounds("tile/"));
    assert!(log.counts("").values().all(|times| *times == 1));
    assert_eq!(world.head(), Some(log.head(RECORDS)));
    world.assert_cache_is_honest();
}

/// The head of a batch is known with its last lookup; the edge of the tree that came with the first is asked for before.
#[test]
fn the_edge_is_asked_for_before_the_last_lookup_is_there() {
    let log = FakeSumdb::synthetic(RECORDS, 11);
    let served = log.serve();
    let world = World::new(&log);
    let last = world.module(150_000).lookup_path();
    log.fault(&format!("slow:2000:{last}"));
    world.prove(&[&served.url()], &[1, 150_000]);
    let end = log.requests_for(&last).iter().map(|request| request.end).max().unwrap();
    let edge = log.requests_for("tile/").into_iter().filter(|request| request.path.contains(".p/"));
    let begins: Vec<u64> = edge.map(|request| request.begin).collect();
    assert!(begins.len() >= 2 && begins.iter().all(|begin| *begin < end), "{begins:?} {end}");
    assert!(log.counts("").values().all(|times| *times == 1));
    world.assert_cache_is_honest();
}

/// An edge that was asked for ahead and does not prove is asked of the next source, and its source is to blame.
#[test]
fn an_edge_that_came_ahead_and_does_not_prove_is_asked_of_others() {
    let log = FakeSumdb::synthetic(RECORDS, 11);
    let lying = FakeSumdb::synthetic(RECORDS, 11);
    lying.fault("flip:tile/8/2/000.p/4");
    let (liar, served, world) = (lying.serve(), log.serve(), World::new(&log));
    world.prove(&[&liar.url(), &served.url()], &[1, 150_000]);
    let edge = ["tile/8/0/x001/171.p/224", "tile/8/1/004.p/147", "tile/8/2/000.p/4"];
    let asked = |log: &FakeSumdb| edge.map(|tile| log.requests_for(tile).len());
    assert_eq!((asked(&lying), asked(&log)), ([1; 3], [1; 3]));
    world.assert_cache_is_honest();
}

/// Nothing is lost by what is known already: not by tiles, heads or lookups of an older tree.
#[test]
fn an_older_cache_is_used_under_a_newer_head() {
    let log = FakeSumdb::synthetic(RECORDS, 11);
    let served = log.serve();
    let world = World::new(&log);
    log.grow(200_000);
    let old: Vec<u64> = (0..200_000).step_by(9_973).collect();
    world.prove(&[&served.url()], &old);
    let held = world.cached();
    log.grow(RECORDS);
    log.clear_requests();
    world.prove(&[&served.url()], &old);
    assert_eq!(log.requests(), []);
    world.prove(&[&served.url()], &[old.as_slice(), &[299_999]].concat());
    assert_eq!(log.requests_for("lookup/").len(), 1);
    assert!(log.requests().iter().all(|request| !held.contains_key(&request.path)), "{:?}", log.counts(""));
}

#[test]
fn progress_is_told_up_to_the_end() {
    let log = FakeSumdb::synthetic(70_000, 11);
    let served = log.serve();
    let world = World::new(&log);
    let told = std::sync::Mutex::new(Vec::new());
    let note = |stage: &str, done: usize, total: usize| told.lock().unwrap().push((stage.to_owned(), done, total));
    let asked: Vec<_> = (0..10).map(|n| world.module(n * 6_000)).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(world.database(&[&served.url()]).records(&asked, &note)).unwrap();
    let told = told.into_inner().unwrap();
    assert!(told.iter().all(|(_, done, total)| done <= total));
    assert!(told.contains(&("lookups".to_owned(), 10, 10)));
    assert!(told.iter().any(|(stage, done, total)| stage == "tiles" && done == total));
}

//! The newest head as a sync uses it: compared with an older head, and its tree fetched and dropped part by part.

use gosumcheck::fault::Fault;
use gosumcheck::sumdb::tile::Want;

use super::fake::FakeSumdb;
use super::world::{World, runtime};

const SIZE: u64 = 70_000;

#[test]
fn tiles_are_fetched_and_dropped_and_the_edge_stays() {
    let log = FakeSumdb::synthetic(SIZE, 41);
    let served = log.serve();
    let world = World::new(&log);
    let database = world.database(&[&served.url()]);
    runtime().block_on(async {
        let mut newest = database.newest(&|_, _, _| {}).await.unwrap();
        assert_eq!(newest.given(), [newest.head().clone()]);
        database.fetch_tiles(&mut newest, &[Want::Leaf(5)], &|_, _, _| {}).await.unwrap();
        assert!(newest.tree().leaf(5).is_some());
        newest.forget_up_to(0);
        assert!(newest.tree().leaf(5).is_none() && newest.tree().has_edge());
        log.fault("status:404:tile/8/0/000");
        let fault = database.fetch_tiles(&mut newest, &[Want::Leaf(5)], &|_, _, _| {}).await.unwrap_err();
        assert!(fault.to_string().contains("tile/8/0/000"), "{fault}");
        // What could not be had is asked for again.
        log.clear_faults();
        database.fetch_tiles(&mut newest, &[Want::Leaf(5)], &|_, _, _| {}).await.unwrap();
    });
}

#[test]
fn the_newest_tree_contains_an_older_one_or_the_log_is_caught() {
    let log = FakeSumdb::synthetic(SIZE, 41);
    let served = log.serve();
    let world = World::new(&log);
    let database = world.database(&[&served.url()]);
    let older = |log: &FakeSumdb| database.open_head(log.head(1_000).as_bytes()).unwrap();
    let fork = FakeSumdb::synthetic(SIZE, 41);
    fork.fork(100);
    runtime().block_on(async {
        let mut newest = database.newest(&|_, _, _| {}).await.unwrap();
        database.require_contains(&mut newest, &older(&log), &|_, _, _| {}).await.unwrap();
        let fault = database.require_contains(&mut newest, &older(&fork), &|_, _, _| {}).await.unwrap_err();
        assert!(matches!(fault, Fault::Forked { .. }), "{fault}");
    });
    assert_eq!(world.evidence().len(), 1);
    let remembered = database.remembered_heads().unwrap();
    assert_eq!(remembered.iter().map(|head| head.tree().size).collect::<Vec<_>>(), [SIZE]);
}

//! No answer is older than one before.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::join_all;
use gosumcheck::fault::Fault;

use super::fake::FakeSumdb;
use super::world::{World, tile};

const RECORDS: u64 = 3000;

#[tokio::test(flavor = "multi_thread")]
async fn many_askers_of_a_growing_log_never_see_it_shrink() {
    let world = Arc::new(World::new(&FakeSumdb::synthetic(RECORDS, 1)));
    let served = world.log.serve();
    world.log.grow(500);
    let relay = world.relay(&[&served.url()]);
    let floor = Arc::new(AtomicU64::new(0));
    for round in 0..20_u64 {
        let tasks = (0..16_u64).map(|task| {
            let (world, relay, floor) = (Arc::clone(&world), relay.clone(), Arc::clone(&floor));
            tokio::spawn(async move {
                let before = floor.load(Ordering::SeqCst);
                let size = if task % 8 == 7 {
                    world.size_of(&relay.latest().await.unwrap())
                } else {
                    let id = (round * 16 + task) % 500;
                    let answer = world.lookup(&relay, id).await;
                    world.assert_found(id, &answer)
                };
                floor.fetch_max(size, Ordering::SeqCst);
                assert!(size >= before, "{size} after {before}");
            })
        });
        // Half of the rounds the upstream shows an older tree than before.
        let grown = 500 + round * 100;
        world.log.grow(grown);
        if round % 2 == 1 {
            world.log.fault(&format!("stale:{}:lookup/*", grown - 50));
        }
        join_all(tasks).await.into_iter().for_each(Result::unwrap);
        world.log.clear_faults();
    }
    assert!(floor.load(Ordering::SeqCst) > 2000);
    // And the next process begins there, though the upstream shows less.
    world.log.grow(600);
    let relay = world.relay(&[&served.url()]);
    assert_eq!(world.size_of(&relay.latest().await.unwrap()), floor.load(Ordering::SeqCst));
}

#[tokio::test]
async fn the_newest_head_is_asked_for_now_and_then_and_remembered_through_an_outage() {
    let world = World::new(&FakeSumdb::synthetic(RECORDS, 2));
    let served = world.log.serve();
    world.log.grow(1000);
    let relay = world.relay(&[&served.url()]);
    for _ in 0..20 {
        assert_eq!(world.size_of(&relay.latest().await.unwrap()), 1000);
    }
    assert_eq!(world.log.requests_for("latest").len(), 1);
    drop(served);
    let relay = world.relay(&["http://127.0.0.1:1"]);
    assert_eq!(world.size_of(&relay.latest().await.unwrap()), 1000);
    // A tile that only a newer tree has may well exist: an outage is not a denial.
    assert!(matches!(tile(&relay, "tile/8/0/011").await, Err(Fault::Unavailable { .. })));
}

#[tokio::test]
async fn a_head_that_was_given_and_cannot_be_answered_for_is_said_to_be_so() {
    let world = World::new(&FakeSumdb::synthetic(RECORDS, 3));
    let served = world.log.serve();
    let relay = world.relay(&[&served.url()]);
    world.assert_found(5, &world.lookup(&relay, 5).await);
    std::fs::remove_dir_all(world.cache().join("tile")).unwrap();
    let relay = world.relay(&[]);
    assert!(matches!(relay.latest().await, Err(Fault::Unavailable { .. })));
    let relay = world.relay(&[&served.url()]);
    assert_eq!(world.size_of(&relay.latest().await.unwrap()), RECORDS);
}

#[tokio::test]
async fn a_timeline_that_was_deleted_while_we_serve_does_not_let_a_fork_in() {
    let world = World::new(&FakeSumdb::synthetic(RECORDS, 4));
    let served = world.log.serve();
    world.log.grow(1000);
    let relay = world.relay(&[&served.url()]);
    world.assert_found(5, &world.lookup(&relay, 5).await);
    std::fs::remove_file(world.head_file()).unwrap();
    world.log.grow(2000);
    world.log.fork(300);
    assert!(matches!(world.lookup(&relay, 1500).await, Err(Fault::Forked { .. })));
    assert_eq!(world.evidence(), 1);
}

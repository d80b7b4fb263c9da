//! An upstream that lies: its lie never comes out again, and the next upstream is asked.

use gosumcheck::fault::Fault;
use gosumcheck::relay::LookupAnswer;

use super::fake::FakeSumdb;
use super::world::{World, tile};

const RECORDS: u64 = 66_100;

/// Each with whether another answer than a fault may be given: what was spoiled is not needed, or not believed.
const LIES: [(&str, bool); 16] = [
    ("flip:tile/8/0/000:9", false),
    ("flip:tile/8/1/000", false),
    ("flip:tile/8/0/258.p/52", false),
    ("flip:tile/8/2/000.p/1", false),
    ("wrong-record:lookup/*", false),
    ("wrong-id:lookup/*", false),
    ("forged:lookup/*", false),
    ("extra-lines:lookup/*", false),
    ("note-lines:lookup/*", true),
    ("absent-line:lookup/*", false),
    ("truncated", false),
    ("too-long", false),
    ("unsigned", false),
    ("wrong-key", false),
    ("unknown-key", true),
    ("status:500", false),
];

#[tokio::test]
async fn no_lie_about_a_record_is_passed_on() {
    let (log, honest) = (FakeSumdb::synthetic(RECORDS, 1), FakeSumdb::synthetic(RECORDS, 1));
    let (served, other) = (log.serve(), honest.serve());
    for (lie, harmless) in LIES {
        let world = World::new(&log);
        log.fault(lie);
        let relay = world.relay(&[&served.url()]);
        match relay.lookup(&world.module(5)).await {
            Ok(LookupAnswer::Found(_)) if harmless => {}
            Err(Fault::Refused { .. } | Fault::Unavailable { .. }) => {}
            other => panic!("{lie}: {other:?}"),
        }
        let relay = world.relay(&[&served.url(), &other.url()]);
        world.assert_record(5, &relay.lookup(&world.module(5)).await);
        log.clear_faults();
    }
}

#[tokio::test]
async fn no_lie_about_a_tile_is_passed_on() {
    let (log, honest) = (FakeSumdb::synthetic(RECORDS, 2), FakeSumdb::synthetic(RECORDS, 2));
    let (served, other) = (log.serve(), honest.serve());
    for (lie, path) in [
        ("flip:tile/8/0/000", "tile/8/0/000"),
        ("flip:tile/8/0/000", "tile/8/0/000.p/3"),
        ("flip:tile/8/1/000", "tile/8/0/000"),
        ("flip:tile/8/0/258.p/52", "tile/8/0/258.p/3"),
        ("flip:tile/8/data/000:20", "tile/8/data/000"),
        ("flip:tile/8/data/000:20000", "tile/8/data/000.p/1"),
        ("flip:tile/8/data/258.p/52:30", "tile/8/data/258.p/52"),
        ("truncated:tile/8/data/*", "tile/8/data/000"),
        ("too-long:tile/8/data/*", "tile/8/data/000"),
        ("status:500:tile/8/data/*", "tile/8/data/000"),
        ("status:404:tile/8/data/*", "tile/8/data/000"),
        ("status:404:tile/8/0/*", "tile/8/0/000"),
    ] {
        let world = World::new(&log);
        log.fault(lie);
        let relay = world.relay(&[&served.url()]);
        let answer = tile(&relay, path).await;
        assert!(matches!(answer, Err(Fault::Refused { .. } | Fault::Unavailable { .. })), "{lie}: {answer:?}");
        let relay = world.relay(&[&served.url(), &other.url()]);
        assert_eq!(tile(&relay, path).await.unwrap().unwrap(), world.log.honest(path).unwrap(), "{lie}");
        log.clear_faults();
    }
}

#[tokio::test]
async fn a_partial_tile_of_records_that_the_log_has_dropped_is_cut_from_the_full_one() {
    let world = World::new(&FakeSumdb::synthetic(RECORDS + 1000, 3));
    let served = world.log.serve();
    world.log.grow(RECORDS);
    let relay = world.relay(&[&served.url()]);
    relay.latest().await.unwrap();
    world.log.grow(RECORDS + 1000);
    world.log.fault("status:404:tile/8/data/258.p/52");
    let honest = world.log.honest("tile/8/data/258.p/51").unwrap();
    assert_eq!(tile(&relay, "tile/8/data/258.p/51").await.unwrap().unwrap(), honest);
}

#[tokio::test]
async fn a_fork_is_caught_and_what_was_proven_before_is_not_given_under_it() {
    let world = World::new(&FakeSumdb::synthetic(3000, 4));
    let served = world.log.serve();
    world.log.grow(1000);
    let relay = world.relay(&[&served.url()]);
    assert_eq!(world.assert_found(5, &world.lookup(&relay, 5).await), 1000);
    world.log.grow(2000);
    world.log.fork(300);
    assert!(matches!(world.lookup(&relay, 1500).await, Err(Fault::Forked { .. })));
    assert!(matches!(tile(&relay, "tile/8/0/006").await, Err(Fault::Forked { .. })));
    assert_eq!(world.evidence(), 1);
    // What was proven before still is.
    world.log.show_fork(false);
    assert_eq!(world.assert_found(5, &world.lookup(&relay, 5).await), 1000);
}

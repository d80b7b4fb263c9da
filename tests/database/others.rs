//! Heads that others show, compared with the timeline and with each other.

use gosumcheck::sumdb::checkpoint::Checkpoint;

use super::fake::FakeSumdb;
use super::world::{World, runtime};

#[test]
fn heads_that_agree_among_themselves_are_not_of_the_timeline_for_that() {
    let log = FakeSumdb::synthetic(2_000, 17);
    let served = log.serve();
    let world = World::new(&log);
    world.prove(&[&served.url()], &[5]);
    let compare = || {
        let open = |size| Checkpoint::open(log.head(size).as_bytes(), &world.policy()).unwrap();
        runtime().block_on(world.database(&[&served.url()]).compare_all_of(&[1_000, 1_500].map(open))).unwrap()
    };
    assert_eq!(compare(), [true, true]);
    // A source of another history, which has no tile of the tree that is remembered here.
    std::fs::remove_dir_all(world.cache()).unwrap();
    log.fork(10);
    log.grow(1_500);
    assert_eq!(compare(), [false, false]);
    assert!(world.evidence().is_empty(), "nothing shows yet that they contradict it");
}

//! Pinned heads: first contact is held to them, at the price of one consistency proof, and later nothing is asked for on their account.

use gosumcheck::database::{Answer, Batch, Database};
use gosumcheck::fault::Fault;
use gosumcheck::sumdb::checkpoint::Checkpoint;

use super::fake::FakeSumdb;
use super::timeline::assert_caught;
use super::world::{World, ask};

const PIN: u64 = 1_000;

/// A log of 2,000 records, whose head of 1,000 is pinned.
fn world() -> (World, super::fake::Served, Checkpoint) {
    let log = FakeSumdb::synthetic(2_000, 21);
    let served = log.serve();
    let world = World::new(&log);
    let pin = Checkpoint::open(log.head(PIN).as_bytes(), &world.policy()).unwrap();
    (world, served, pin)
}

fn database(world: &World, url: &str, pin: &Checkpoint) -> Database {
    world.database(&[url]).pinned(vec![pin.clone()])
}

fn try_ask(world: &World, database: &Database, ids: &[u64]) -> Result<Batch, Fault> {
    let asked: Vec<_> = ids.iter().map(|id| world.module(*id)).collect();
    ask(database, &asked)
}

fn size(batch: &Batch) -> u64 {
    batch.proven_under.as_ref().unwrap().tree().size
}

#[test]
fn first_contact_costs_one_consistency_proof_and_later_contacts_nothing() {
    let (world, served, pin) = world();
    let plain = World::new(&world.log);
    plain.prove(&[&served.url()], &[1_500]);
    let without = world.log.requests().len();
    world.log.clear_requests();
    let batch = try_ask(&world, &database(&world, &served.url(), &pin), &[1_500]).unwrap();
    world.assert_proven(1_500, &batch.answers[0]);
    // Of the tiles that the root at 1,000 takes, one is not needed for the record: tile/8/0/003.
    assert_eq!((size(&batch), world.log.requests().len()), (2_000, without + 1));
    // A new process with an empty cache asks for what one without a pinned head asks for.
    std::fs::remove_dir_all(world.cache()).unwrap();
    world.log.clear_requests();
    try_ask(&world, &database(&world, &served.url(), &pin), &[1_500]).unwrap();
    assert_eq!(world.log.requests().len(), without);
    assert!(world.evidence().is_empty());
}

#[test]
fn a_log_that_forked_before_the_pinned_head_is_refused_at_first_contact() {
    for at in [0, 1, 500, PIN - 1] {
        let (world, served, pin) = world();
        world.log.fork(at);
        let fault = try_ask(&world, &database(&world, &served.url(), &pin), &[1_500]).err().unwrap();
        let fork = assert_caught(&world, &fault, (None, 0));
        assert_eq!((fork.old, fork.new.size), (pin.tree(), 2_000), "at {at}");
        // Nothing is accepted afterwards either, from no source, until a person clears it.
        world.log.show_fork(false);
        let stopped = try_ask(&world, &database(&world, &served.url(), &pin), &[1_500]).err().unwrap();
        assert_eq!(stopped.exit_code(), 3);
        world.clear_forks();
        assert_eq!(size(&try_ask(&world, &database(&world, &served.url(), &pin), &[1_500]).unwrap()), 2_000);
    }
}

#[test]
fn another_tree_of_the_pinned_size_needs_no_tile() {
    let (world, served, _) = world();
    world.log.fork(10);
    let pin = Checkpoint::open(world.log.head(2_000).as_bytes(), &world.policy()).unwrap();
    world.log.show_fork(false);
    let fault = try_ask(&world, &database(&world, &served.url(), &pin), &[1_500]).err().unwrap();
    assert_eq!(assert_caught(&world, &fault, (None, 0)).old.size, 2_000);
}

/// The head that comes is older than the pinned one: all is proven under that, or nothing is.
#[test]
fn an_older_first_head_gives_way_to_the_pinned_one_or_is_refused() {
    let (world, served, pin) = world();
    world.log.fault("stale:400");
    let batch = try_ask(&world, &database(&world, &served.url(), &pin), &[300]).unwrap();
    world.assert_proven(300, &batch.answers[0]);
    assert_eq!((size(&batch), world.head()), (PIN, Some(world.log.head(PIN))));

    // A mirror of that time has no tile of the pinned tree.
    let (world, served, pin) = self::world();
    world.log.grow(400);
    let batch = try_ask(&world, &database(&world, &served.url(), &pin), &[300]).unwrap();
    let Answer::Unknown(why) = &batch.answers[0] else { panic!("{:?}", batch.answers) };
    assert!(format!("{why:?}").contains("records is older than the one of 1000 that is pinned"), "{why:?}");
    assert_eq!((world.head(), world.cached().len()), (None, 0));
}

/// The memory of an earlier version, which was held to no pinned head: the next newer head is.
#[test]
fn a_timeline_that_was_not_held_to_the_pinned_head_is_held_at_the_next_head() {
    for is_forked in [false, true] {
        let (world, served, pin) = world();
        if is_forked {
            world.log.fork(10);
        }
        world.log.grow(1_500);
        world.prove(&[&served.url()], &[5]);
        // Without news nothing is compared.
        try_ask(&world, &database(&world, &served.url(), &pin), &[5]).unwrap();
        world.log.grow(2_000);
        let asked = try_ask(&world, &database(&world, &served.url(), &pin), &[1_700]);
        assert_eq!(asked.is_err(), is_forked);
        assert_eq!(world.evidence().len(), usize::from(is_forked));
    }
}

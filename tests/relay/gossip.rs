//! Heads that clients send.

use gosumcheck::fault::Fault;
use gosumcheck::relay::Gossip;
use gosumcheck::sumdb::evidence::Evidence;

use super::fake::FakeSumdb;
use super::world::World;

const HELD: u64 = 2_000;

/// A server that holds the first 2,000 records of a log of 3,000, and whose head has moved to it.
async fn world() -> (World, gosumcheck::relay::Relay) {
    let world = World::new(&FakeSumdb::synthetic(3_000, 21));
    world.mirror(HELD);
    let relay = world.relay(&[]);
    relay.latest().await.unwrap();
    (world, relay)
}

#[tokio::test]
async fn a_head_is_consistent_pending_or_inconsistent() {
    let (world, relay) = world().await;
    for size in [1, 255, 256, 1_999, HELD] {
        assert_eq!(relay.gossip(world.log.head(size).as_bytes()).await.unwrap(), Gossip::Consistent, "{size}");
    }
    assert_eq!(relay.waiting_heads().await.unwrap(), 0);
    assert_eq!(relay.gossip(world.log.head(2_500).as_bytes()).await.unwrap(), Gossip::Pending);
    // A note of another key, or with another root, is none of the log's.
    let altered = world.log.head(1_000).replacen("\n1000\n", "\n1001\n", 1);
    for note in [altered.as_str(), FakeSumdb::named("other.example", 9, 1).head(9).as_str(), "", "x\n\n"] {
        assert!(matches!(relay.gossip(note.as_bytes()).await, Err(Fault::Refused { .. })), "{note}");
    }
    assert_eq!((relay.waiting_heads().await.unwrap(), world.evidence()), (1, 0));
    // What the log signed of another history.
    for (size, at) in [(HELD, 10), (1_500, 20)] {
        world.log.fork(at);
        let Err(Fault::Forked { evidence, saved }) = relay.gossip(world.log.head(size).as_bytes()).await else {
            panic!()
        };
        assert_eq!(evidence.check(&world.policy()).unwrap().new.size, HELD);
        let text = std::fs::read_to_string(saved.unwrap()).unwrap();
        assert!(Evidence::find(&text, &world.policy()).is_ok());
    }
    assert_eq!(world.evidence(), 2);
}

/// What waits survives a restart, and is judged as soon as the head has moved far enough.
#[tokio::test]
async fn heads_that_wait_are_judged_when_the_head_has_moved() {
    let (world, relay) = world().await;
    for size in [2_100, 2_200, 2_900] {
        assert_eq!(relay.gossip(world.log.head(size).as_bytes()).await.unwrap(), Gossip::Pending);
    }
    world.log.fork(2_050);
    assert_eq!(relay.gossip(world.log.head(2_300).as_bytes()).await.unwrap(), Gossip::Pending);
    world.log.show_fork(false);
    drop(relay);
    world.mirror(2_500);
    let relay = world.relay(&[]);
    relay.latest().await.unwrap();
    let Err(Fault::Forked { evidence, .. }) = relay.compare_waiting().await else { panic!() };
    assert_eq!(evidence.check(&world.policy()).unwrap().old.size, 2_300);
    assert_eq!((relay.waiting_heads().await.unwrap(), world.evidence()), (1, 1));
    assert_eq!(relay.gossip(world.log.head(2_200).as_bytes()).await.unwrap(), Gossip::Consistent);
    // Compared once for each head.
    relay.compare_waiting().await.unwrap();
    assert_eq!(world.relay(&[]).waiting_heads().await.unwrap(), 1);
}

/// One client sends a million notes: of ten heads, with signatures of keys that nobody knows.
#[tokio::test]
async fn a_million_posts_cost_no_more_than_the_heads_they_hold() {
    let (world, relay) = world().await;
    let mut notes = Vec::new();
    for junk in 0..100 {
        for size in (0..5).flat_map(|n| [1_000 + n, 2_500 + n]) {
            let line = format!("\u{2014} somebody.example {}{junk:02}AA\n", "A".repeat(20));
            notes.push(format!("{}{line}", world.log.head(size)));
        }
    }
    for post in 0..1_000_000 {
        let sent = relay.gossip(notes[post % notes.len()].as_bytes()).await.unwrap();
        assert_eq!(sent, if post % 2 == 0 { Gossip::Consistent } else { Gossip::Pending });
    }
    assert_eq!(relay.waiting_heads().await.unwrap(), 5);
    let file = world.data.path().join("heads").join(world.log.name()).join("pending");
    assert!(file.metadata().unwrap().len() < 2_000, "{} bytes", file.metadata().unwrap().len());
}

//! With a full log: what it holds is answered from disk, what it lacks from under a newer head.

use std::fs;

use futures_util::FutureExt as _;
use gosumcheck::database::{Answer, Batch};
use gosumcheck::fault::Fault;
use gosumcheck::relay::{LookupAnswer, RelayOptions};
use gosumcheck::store::index;
use gosumcheck::sumdb::module::{ModuleVersion, Patterns};

use super::fake::{FakeSumdb, Given};
use super::world::{World, tile};

/// In the full log, and what the upstream has grown to since.
const HELD: u64 = 66_100;
const GROWN: u64 = 66_500;

#[track_caller]
fn assert_proven(batch: &Batch) {
    let unproven = batch.answers.iter().find(|answer| !matches!(answer, Answer::Found(_)));
    assert!(unproven.is_none(), "{unproven:?}");
}

fn offline() -> RelayOptions {
    RelayOptions { offline: true, ..RelayOptions::default() }
}

#[tokio::test]
async fn all_that_it_holds_stays_in_the_house() {
    let world = World::new(&FakeSumdb::synthetic(HELD, 1));
    let served = world.log.serve();
    world.mirror(HELD);
    let relay = world.relay(&[&served.url()]);
    for id in (0..HELD).step_by(1009).chain([255, 256, 65_535, 65_536, HELD - 1]) {
        assert_eq!(world.assert_found(id, &world.lookup(&relay, id).await), HELD);
    }
    for path in [
        "tile/8/0/000",
        "tile/8/0/258.p/52",
        "tile/8/0/100.p/9",
        "tile/8/1/000.p/200",
        "tile/8/1/001.p/2",
        "tile/8/2/000.p/1",
        "tile/8/data/000",
        "tile/8/data/000.p/255",
        "tile/8/data/258.p/52",
        "tile/8/data/258.p/51",
    ] {
        assert_eq!(tile(&relay, path).await.unwrap().unwrap(), world.log.honest(path).unwrap(), "{path}");
    }
    assert_eq!(world.size_of(&relay.latest().await.unwrap()), HELD);
    assert_eq!(world.log.requests().len(), 0);
    let status = relay.status();
    assert_eq!((status.head.unwrap().size, status.mirror.unwrap().size, status.forks), (HELD, HELD, 0));
    assert!(status.writable.is_ok());
    assert_eq!(relay.mirror().unwrap().head, world.log.head(HELD).as_bytes());
    assert!(relay.wants_sync().now_or_never().is_none());
}

#[tokio::test]
async fn an_audit_asks_nobody_for_what_it_holds() {
    let world = World::new(&FakeSumdb::synthetic(GROWN, 2));
    let served = world.log.serve();
    world.log.grow(HELD);
    world.mirror(HELD);
    let asked: Vec<_> = (0..HELD).step_by(601).map(|id| world.module(id)).collect();
    for bases in [&[][..], &[&*served.url()]] {
        let batch = world.database(bases).records(&asked, &|_, _, _| {}).await.unwrap();
        assert_proven(&batch);
        assert_eq!(batch.proven_under.unwrap().tree().size, HELD);
    }
    assert_eq!(world.log.requests().len(), 0);
    // A version that came later is asked for, and all are proven under its head.
    world.log.grow(GROWN);
    let asked = [world.module(5), world.module(GROWN - 1)];
    let batch = world.database(&[&served.url()]).records(&asked, &|_, _, _| {}).await.unwrap();
    assert_proven(&batch);
    assert_eq!(batch.proven_under.unwrap().tree().size, GROWN);
    assert_eq!(world.log.requests_for("lookup/").len(), 1);
}

#[tokio::test]
async fn a_version_that_came_later_is_read_through_under_a_newer_head() {
    let world = World::new(&FakeSumdb::synthetic(GROWN, 3));
    let served = world.log.serve();
    world.log.grow(HELD);
    world.mirror(HELD);
    let relay = world.relay(&[&served.url()]);
    assert_eq!(world.assert_found(5, &world.lookup(&relay, 5).await), HELD);
    world.log.grow(GROWN);
    assert_eq!(world.assert_found(GROWN - 1, &world.lookup(&relay, GROWN - 1).await), GROWN);
    assert_eq!(world.log.requests_for("lookup/").len(), 1);
    assert!(relay.wants_sync().now_or_never().is_some(), "it is known to lag");
    // What is held is answered from disk, but never again under the older head.
    assert_eq!(world.assert_found(5, &world.lookup(&relay, 5).await), GROWN);
    assert_eq!(world.assert_found(6, &world.lookup(&relay, 6).await), GROWN);
    assert_eq!(world.size_of(&relay.latest().await.unwrap()), GROWN);
    for path in [
        "tile/8/0/258",
        "tile/8/0/258.p/53",
        "tile/8/0/259.p/196",
        "tile/8/1/001.p/3",
        "tile/8/data/258",
        "tile/8/data/259.p/7",
    ] {
        assert_eq!(tile(&relay, path).await.unwrap().unwrap(), world.log.honest(path).unwrap(), "{path}");
    }
    assert_eq!(world.log.requests_for("lookup/").len(), 1);

    // The next process remembers what was given, and has what it takes, whether or not somebody can be asked.
    drop(served);
    let relay = world.relay_with(&[], offline());
    assert_eq!(world.size_of(&relay.latest().await.unwrap()), GROWN);
    assert_eq!(world.assert_found(7, &world.lookup(&relay, 7).await), GROWN);
    assert_eq!(relay.status().mirror.unwrap().size, HELD);

    // A sync catches up, perhaps in another process; all is from disk then.
    world.mirror(GROWN);
    relay.refresh().unwrap();
    assert_eq!(relay.status().mirror.unwrap().size, GROWN);
    for id in [0, HELD, GROWN - 2] {
        assert_eq!(world.assert_found(id, &world.lookup(&relay, id).await), GROWN);
    }
}

#[tokio::test]
async fn a_newer_committed_head_is_answered_under_at_once() {
    let world = World::new(&FakeSumdb::synthetic(GROWN, 4));
    world.mirror(HELD);
    let relay = world.relay(&[]);
    assert_eq!(world.assert_found(5, &world.lookup(&relay, 5).await), HELD);
    let older = fs::read(world.folder().log(world.log.name()).unwrap().dir().join("head")).unwrap();
    world.mirror(GROWN);
    assert_eq!(world.assert_found(5, &world.lookup(&relay, 5).await), HELD);
    relay.refresh().unwrap();
    assert_eq!(world.assert_found(5, &world.lookup(&relay, 5).await), GROWN);
    assert_eq!(world.assert_found(GROWN - 1, &world.lookup(&relay, GROWN - 1).await), GROWN);
    // An old file that is put back moves nothing, here or in the next process.
    fs::write(world.folder().log(world.log.name()).unwrap().dir().join("head"), older).unwrap();
    relay.refresh().unwrap();
    assert_eq!(world.assert_found(6, &world.lookup(&relay, 6).await), GROWN);
    let relay = world.relay(&[]);
    assert!(matches!(relay.latest().await, Err(Fault::Unavailable { .. })), "what was given cannot be answered for");
    assert!(world.lookup(&relay, 6).await.is_err());
}

#[tokio::test]
async fn a_client_with_a_newer_head_is_answered_too() {
    let world = World::new(&FakeSumdb::synthetic(GROWN, 5));
    let served = world.log.serve();
    world.mirror(HELD);
    let relay = world.relay(&[&served.url()]);
    for path in ["tile/8/0/259.p/196", "tile/8/0/258", "tile/8/1/001.p/3", "tile/8/data/258"] {
        assert_eq!(tile(&relay, path).await.unwrap().unwrap(), world.log.honest(path).unwrap(), "{path}");
    }
    assert_eq!(world.log.requests_for("latest").len(), 1);
    // Beyond that there is nothing, and a client that repeats the request does not cause one to the upstreams each time.
    for _ in 0..50 {
        assert_eq!(tile(&relay, "tile/8/0/260").await.unwrap(), None);
    }
    assert!(world.log.requests_for("latest").len() <= 2);
    assert!(relay.wants_sync().now_or_never().is_some(), "it is known to lag");
    let offline = World::new(&world.log);
    offline.mirror(HELD);
    let relay = offline.relay_with(&[&served.url()], self::offline());
    assert_eq!(tile(&relay, "tile/8/0/259.p/196").await.unwrap(), None);
}

#[tokio::test]
async fn what_it_lacks_is_asked_for_unless_it_is_private_or_nobody_may_be() {
    let world = World::new(&FakeSumdb::synthetic(300, 6));
    let served = world.log.serve();
    world.mirror(300);
    let absent = ModuleVersion::new("example.com/absent", "v1.0.0").unwrap();
    let answer = world.relay_with(&[&served.url()], offline()).lookup(&absent).await;
    assert!(matches!(answer, Ok(LookupAnswer::NotHeld(_))), "{answer:?}");
    let options = RelayOptions { private: Patterns::parse("example.com/absent"), ..RelayOptions::default() };
    let answer = world.relay_with(&[&served.url()], options).lookup(&absent).await;
    assert!(matches!(answer, Ok(LookupAnswer::Private { .. })), "{answer:?}");
    assert_eq!(world.log.requests().len(), 0);
    let answer = world.relay(&[&served.url()]).lookup(&absent).await;
    assert!(matches!(answer, Ok(LookupAnswer::NotInLog { .. })), "{answer:?}");
    let answer = world.relay(&["http://127.0.0.1:1"]).lookup(&absent).await;
    assert!(matches!(answer, Err(Fault::Unavailable { .. })), "an outage is not a denial: {answer:?}");
}

/// A source denies records that were added since the copy was made: they are read from the log, and found.
#[tokio::test]
async fn a_denied_record_beyond_the_copy_is_found_by_reading() {
    let world = World::new(&FakeSumdb::synthetic(900, 10));
    let served = world.log.serve();
    world.mirror(300);
    let log = world.folder().log(world.log.name()).unwrap();
    index::update(&log, &world.relay(&[]).mirror().unwrap().snapshot, &|_, _| {}).unwrap();
    let denied = [300, 511, 512, 899];
    denied.iter().for_each(|id| world.log.fault(&format!("status:404:{}", world.log.lookup_path(*id))));
    let relay = world.relay(&[&served.url()]);
    assert_eq!(relay.status().indexed, 300);
    for id in denied {
        assert_eq!(world.assert_found(id, &world.lookup(&relay, id).await), 900);
    }
    let absent = ModuleVersion::new("example.com/absent", "v1.0.0").unwrap();
    let answer = relay.lookup(&absent).await;
    assert!(matches!(answer, Ok(LookupAnswer::NotInLog { .. })), "{answer:?}");
}

#[tokio::test]
async fn a_full_log_with_another_history_than_was_given_is_a_fork() {
    let honest = FakeSumdb::synthetic(300, 7);
    let world = World::new(&honest);
    let served = honest.serve();
    honest.grow(250);
    let relay = world.relay(&[&served.url()]);
    world.assert_found(3, &world.lookup(&relay, 3).await);
    honest.grow(300);
    honest.fork(100);
    world.mirror(300);
    honest.show_fork(false);
    let relay = world.relay(&[&served.url()]);
    assert!(matches!(world.lookup(&relay, 3).await, Err(Fault::Forked { .. })));
    assert!(matches!(relay.latest().await, Err(Fault::Forked { .. })));
    assert!(matches!(tile(&relay, "tile/8/0/000").await, Err(Fault::Forked { .. })));
    assert_eq!((world.evidence(), relay.status().forks), (1, 1));
}

#[tokio::test]
async fn a_damaged_record_is_not_given_out() {
    let world = World::new(&FakeSumdb::synthetic(300, 8));
    world.mirror(300);
    let path = world.folder().log(world.log.name()).unwrap().dir().join("records");
    let mut bytes = fs::read(&path).unwrap();
    let text = world.log.record_text(7);
    let at = memchr::memmem::find(&bytes, text.as_bytes()).unwrap() + text.find("h1:").unwrap() + 9;
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    fs::write(&path, bytes).unwrap();
    let relay = world.relay(&[]);
    let fault = world.lookup(&relay, 7).await.unwrap_err();
    assert!(fault.to_string().contains("gosumcheck verify"), "{fault}");
    world.assert_found(8, &world.lookup(&relay, 8).await);
    for (id, is_listed) in [(7, false), (8, true)] {
        let module = world.module(id);
        assert_eq!(relay.versions(module.path()).await.unwrap().contains(module.version()), is_listed, "{id}");
    }
}

#[tokio::test]
async fn a_log_that_holds_nonsense_is_mirrored_with_it() {
    let sound = |n: u64| Given::new(&format!("example.com/m{n}"), "v1.0.0", "h1:x=", "h1:y=");
    let hash = "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let twice = Given::new("example.com/twice", "v1.0.0", hash, hash);
    let odd = Given::raw("example.com/odd", "v1.0.0", "not a record at all\n");
    let records = [sound(0), odd, twice.clone(), sound(1), twice];
    let world = World::new(&FakeSumdb::of_records(&records));
    world.mirror(5);
    let relay = world.relay(&[]);
    world.assert_found(2, &world.lookup(&relay, 2).await);
    assert_eq!(
        tile(&relay, "tile/8/data/000.p/5").await.unwrap().unwrap(),
        world.log.honest("tile/8/data/000.p/5").unwrap()
    );
}

#[tokio::test]
async fn the_index_may_lag_be_rebuilt_or_be_damaged() {
    let world = World::new(&FakeSumdb::synthetic(GROWN, 9));
    let log = world.folder().log(world.log.name()).unwrap();
    world.mirror(HELD);
    let relay = world.relay(&[]);
    assert_eq!(relay.status().indexed, 0);
    let found = async |size: u64| {
        for id in [0, 700, HELD - 1, size - 1] {
            assert_eq!(world.assert_found(id, &world.lookup(&world.relay(&[]), id).await), size);
            assert_eq!(world.assert_found(id, &world.lookup(&relay, id).await), size);
        }
    };
    found(HELD).await;
    index::update(&log, &relay.mirror().unwrap().snapshot, &|_, _| {}).unwrap();
    relay.refresh().unwrap();
    assert_eq!(relay.status().indexed, HELD);
    found(HELD).await;
    world.mirror(GROWN);
    relay.refresh().unwrap();
    assert_eq!((relay.status().indexed, relay.status().mirror.unwrap().size), (HELD, GROWN));
    found(GROWN).await;
    index::rebuild(&log, &relay.mirror().unwrap().snapshot, &|_, _| {}).unwrap();
    relay.refresh().unwrap();
    assert_eq!(relay.status().indexed, GROWN);
    found(GROWN).await;
    fs::write(log.index_path(), "no index").unwrap();
    relay.refresh().unwrap();
    assert_eq!(relay.status().indexed, 0);
    found(GROWN).await;
}

//! Without a full log: read through, proven, kept.

use futures_util::future::join_all;
use gosumcheck::fault::Fault;
use gosumcheck::relay::{LookupAnswer, RelayOptions};
use gosumcheck::sumdb::module::{ModuleVersion, Patterns};

use super::fake::FakeSumdb;
use super::world::{World, tile};

/// Three levels of tiles, a right edge on each.
const RECORDS: u64 = 66_100;

fn absent() -> ModuleVersion {
    ModuleVersion::new("example.com/absent", "v1.0.0").unwrap()
}

#[tokio::test]
async fn lookups_tiles_and_the_head_are_the_logs_own() {
    let world = World::new(&FakeSumdb::synthetic(RECORDS, 1));
    let served = world.log.serve();
    let relay = world.relay(&[&served.url()]);
    assert_eq!(world.size_of(&relay.latest().await.unwrap()), RECORDS);
    for id in [0, 255, 256, 65_535, 65_536, RECORDS - 1] {
        assert_eq!(world.assert_found(id, &world.lookup(&relay, id).await), RECORDS);
    }
    let paths = [
        "tile/8/0/000",
        "tile/8/0/000.p/1",
        "tile/8/0/000.p/255",
        "tile/8/0/258.p/52",
        "tile/8/0/258.p/3",
        "tile/8/1/000",
        "tile/8/1/000.p/7",
        "tile/8/1/001.p/1",
        "tile/8/1/001.p/2",
        "tile/8/2/000.p/1",
        "tile/8/data/000",
        "tile/8/data/000.p/9",
        "tile/8/data/258.p/52",
        "tile/8/data/258.p/1",
    ];
    for path in paths {
        let bytes = tile(&relay, path).await.unwrap().unwrap();
        assert_eq!(bytes, world.log.honest(path).unwrap(), "{path}");
    }
    for path in
        ["tile/8/0/258.p/53", "tile/8/0/258", "tile/8/0/259", "tile/8/2/000.p/2", "tile/8/3/000.p/1", "tile/8/data/259"]
    {
        assert_eq!(tile(&relay, path).await.unwrap(), None, "{path}");
    }
    // All was kept: the next process asks nobody, with or without being allowed to.
    world.log.clear_requests();
    let options = RelayOptions { offline: true, ..RelayOptions::default() };
    for relay in [world.relay_with(&[&served.url()], options), world.relay(&[])] {
        assert_eq!(world.size_of(&relay.latest().await.unwrap()), RECORDS);
        for id in [0, 65_536, RECORDS - 1] {
            world.assert_found(id, &world.lookup(&relay, id).await);
        }
        for path in paths {
            assert_eq!(tile(&relay, path).await.unwrap().unwrap(), world.log.honest(path).unwrap(), "{path}");
        }
        assert!(matches!(world.lookup(&relay, 9).await, Ok(LookupAnswer::NotHeld(_))));
    }
    assert_eq!(world.log.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_askers_are_one() {
    let world = World::new(&FakeSumdb::synthetic(RECORDS, 2));
    let served = world.log.serve();
    world.log.fault("slow:20");
    let relay = world.relay(&[&served.url()]);
    // As tasks of a server: what the relay gives can be sent between threads.
    let asked = (0..100).map(|_| {
        tokio::spawn({
            let (relay, module) = (relay.clone(), world.module(70));
            async move {
                relay.latest().await.unwrap();
                tile(&relay, "tile/8/0/000").await.unwrap();
                relay.lookup(&module).await
            }
        })
    });
    for answer in join_all(asked).await {
        world.assert_found(70, &answer.unwrap());
    }
    let counts = world.log.counts("");
    assert!(counts.values().all(|count| *count == 1), "{counts:?}");
    assert_eq!(world.log.requests_for("lookup/").len(), 1);
}

#[tokio::test]
async fn a_denial_is_asked_once_and_told_in_the_logs_words() {
    let world = World::new(&FakeSumdb::synthetic(100, 3));
    let served = world.log.serve();
    let relay = world.relay(&[&served.url()]);
    for _ in 0..3 {
        let Ok(LookupAnswer::NotInLog { by }) = relay.lookup(&absent()).await else { panic!() };
        assert!(by[0].contains("404") && by[0].contains(&served.url()), "{by:?}");
        assert!(by[1].contains("none of the 100 records"), "{by:?}");
    }
    assert_eq!(world.log.requests_for("lookup/").len(), 1);
}

#[tokio::test]
async fn a_private_name_never_leaves_and_offline_nobody_is_asked() {
    let world = World::new(&FakeSumdb::synthetic(100, 4));
    let served = world.log.serve();
    let private = Patterns::parse("*.corp.example.com,example.com/absent");
    let relay = world.relay_with(&[&served.url()], RelayOptions { private, offline: false });
    assert_eq!(
        relay.lookup(&absent()).await.unwrap(),
        LookupAnswer::Private { pattern: "example.com/absent".to_owned() }
    );
    let options = RelayOptions { offline: true, ..RelayOptions::default() };
    let relay = world.relay_with(&[&served.url()], options);
    assert!(matches!(relay.lookup(&absent()).await, Ok(LookupAnswer::NotHeld(_))));
    assert!(matches!(relay.latest().await, Err(Fault::Unavailable { .. })));
    assert_eq!(tile(&relay, "tile/8/0/000").await.unwrap(), None);
    assert_eq!(world.log.requests().len(), 0);
}

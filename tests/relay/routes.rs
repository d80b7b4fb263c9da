//! The same log by other routes.

use gosumcheck::fault::Fault;
use gosumcheck::relay::{HeadRoute, Shown};
use gosumcheck::upstream::{Http, Settings};

use super::fake::{FakeSumdb, Served};
use super::world::World;

fn route(served: &Served) -> HeadRoute {
    let settings = Settings { tries: 1, ..Settings::default() };
    HeadRoute { url: format!("{}/latest", served.url()), http: Http::new(settings) }
}

/// A log of this size under another address.
fn other(size: u64) -> (FakeSumdb, Served) {
    let log = FakeSumdb::synthetic(3_000, 21);
    log.grow(size);
    let served = log.serve();
    (log, served)
}

#[tokio::test]
async fn each_route_is_compared_and_the_one_that_was_first_is_noted() {
    let world = World::new(&FakeSumdb::synthetic(3_000, 21));
    world.log.grow(1_000);
    let served = world.log.serve();
    let relay = world.relay(&[&served.url()]);
    relay.latest().await.unwrap();
    let (_newer, newer) = other(1_500);
    let (_older, older) = other(700);
    let silent = HeadRoute { url: "http://127.0.0.1:9/latest".to_owned(), ..route(&older) };
    let routes = [route(&newer), route(&older), silent];
    // Nobody that is asked for tiles has those of the newer head.
    relay.ask_routes(&routes).await.unwrap();
    let shown: Vec<Shown> = relay.routes().into_iter().map(|(_, shown)| shown).collect();
    assert!(
        matches!(&shown[..], [Shown::Unproven(newer), Shown::OneHistory(older), Shown::Nothing(_)]
        if (newer.size, older.size) == (1_500, 700)),
        "{shown:?}"
    );
    assert_eq!(relay.head().unwrap().size, 1_000);
    world.log.grow(1_500);
    relay.ask_routes(&routes).await.unwrap();
    assert!(matches!(relay.routes()[0].1, Shown::OneHistory(tree) if tree.size == 1_500));
    assert_eq!(relay.head().unwrap().size, 1_500);
    let seen = world.folder().head(world.log.name()).unwrap().sightings().unwrap();
    assert_eq!((seen.last().unwrap().size, seen.last().unwrap().route.as_str()), (1_500, routes[0].name().as_str()));
}

#[tokio::test]
async fn two_routes_that_disagree_stop_every_advance_until_the_fork_is_cleared() {
    let world = World::new(&FakeSumdb::synthetic(3_000, 21));
    world.log.grow(1_000);
    let served = world.log.serve();
    let relay = world.relay(&[&served.url()]);
    relay.latest().await.unwrap();
    let (forked, by) = other(900);
    forked.fork(10);
    let Err(Fault::Forked { evidence, .. }) = relay.ask_routes(&[route(&by), route(&served)]).await else { panic!() };
    assert_eq!(evidence.check(&world.policy()).unwrap().old.size, 900);
    let shown = relay.routes();
    assert!(matches!((&shown[0].1, &shown[1].1), (Shown::Forked, Shown::OneHistory(_))), "{shown:?}");
    world.log.grow(2_000);
    assert!(matches!(relay.ask_routes(&[route(&served)]).await, Err(Fault::Forked { .. })));
    assert_eq!(relay.head().unwrap().size, 1_000);
    let folder = world.folder();
    for path in folder.log(world.log.name()).unwrap().forks().unwrap() {
        folder.clear_evidence(&path).unwrap();
    }
    relay.ask_routes(&[route(&served)]).await.unwrap();
    assert_eq!(relay.head().unwrap().size, 2_000);
}

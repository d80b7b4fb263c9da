//! `/gossip/NAME` over HTTP.

use gosumcheck::sumdb::checkpoint::Policy;
use gosumcheck::sumdb::evidence::Evidence;
use gosumcheck::sumdb::note::VerifierKey;

use crate::client::{Reply, ask, get, head, raw};
use crate::world::World;

fn post(world: &World, path: &str, content: &str) -> Reply {
    let len = content.len().to_string();
    Reply::parse(&raw(world.at, (head("POST", path, &[("Content-Length", &len)]) + content).as_bytes()))
}

#[test]
fn a_client_sends_a_head_and_reads_one_word() {
    let world = World::full();
    let path = format!("/gossip/{}", world.db.name());
    assert_eq!(get(world.at, &path).text(), get(world.at, "/latest").text());
    for (note, status, word) in [
        (world.db.head(300), 200, "consistent\n"),
        (world.db.head(600), 200, "consistent\n"),
        (world.db.head(900), 202, "pending\n"),
        (world.db.head(900), 202, "pending\n"),
    ] {
        let reply = post(&world, &path, &note);
        assert_eq!(
            (reply.status, reply.text().as_str(), reply.header("cache-control")),
            (status, word, Some("no-store"))
        );
    }
    assert_eq!(post(&world, &path, "no note").status, 400);
    assert_eq!(post(&world, &path, &"x".repeat(65 << 10)).status, 413);
    assert_eq!(post(&world, "/gossip/other.example", &world.db.head(300)).status, 404);
    assert_eq!(post(&world, "/latest", &world.db.head(300)).status, 405);
    assert_eq!(ask(world.at, "PUT", &path, &[]).status, 405);
    assert_eq!(get(world.at, "/readyz").status, 200);
    // The log signed another history too: that is shown, kept, and stops the server's advance.
    world.db.fork(10);
    let reply = post(&world, &path, &world.db.head(400));
    assert_eq!((reply.status, reply.text().lines().next()), (409, Some("inconsistent")));
    let policy = Policy::log(VerifierKey::parse(&world.db.vkey()).unwrap());
    assert_eq!(Evidence::find(&reply.text(), &policy).unwrap().old.size, 400);
    assert_eq!(world.log().forks().unwrap().len(), 1);
}

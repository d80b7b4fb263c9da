//! Bytes that come before their record: the database and the upstreams are asked at the same time, and of what cannot be proven
//! nothing stays.

use gosumcheck::proxy::Denied;

use crate::kit::{Corpus, Fault, Gate, Spec, until};
use crate::world::{World, absent, ask};

const ZIP: &str = "example.com/a/@v/v1.0.0.zip";
const GO_MOD: &str = "example.com/a/@v/v1.0.0.mod";
const UNLOGGED: &str = "example.com/unlogged/@v/v1.0.0.zip";

fn world() -> World {
    let unlogged = Spec::new("example.com/unlogged", "v1.0.0").noise(200_000).unlogged();
    World::new(Corpus::of(&[Spec::new("example.com/a", "v1.0.0").noise(200_000), unlogged]), 1)
}

#[test]
fn the_bytes_are_asked_for_while_the_database_is() {
    let world = world();
    world.log.fault("slow:3600000:lookup/*");
    let gate = Gate::new();
    world.mirrors[0].fault(ZIP, Fault::Drip(gate.clone()));
    let proxy = world.proxy();
    let asking = proxy.clone();
    let client = world.runtime.spawn(async move { ask(&asking, ZIP).await.is_ok() });
    gate.wait(1);
    gate.open();
    until("the zip is here", || !world.mirrors[0].requests_for(ZIP).is_empty() && world.arrivals().len() == 1);
    until("the database is asked", || world.log.requests_for("lookup/").len() == 1);
    assert_eq!(world.stored(), [""; 0], "nothing has a name before it is proven");
    // Bytes that nothing proves yet do not justify work without a client.
    client.abort();
    assert!(world.runtime.block_on(client).is_err());
    until("nothing is left", || proxy.work()[0].tasks == 0 && proxy.work()[0].queue.running == 0);
    until("nothing stays", || world.arrivals().is_empty());
    world.log.clear_faults();
    world.expect_true(&proxy, ZIP);
}

#[test]
fn of_what_the_log_does_not_have_nothing_stays() {
    let world = world();
    let gate = Gate::new();
    world.mirrors[0].fault(UNLOGGED, Fault::Drip(gate.clone()));
    gate.release(1_000);
    let proxy = world.proxy();
    // The answer does not wait for the rest of the bytes.
    absent(world.ask(&proxy, UNLOGGED));
    assert_eq!((world.stored().len(), world.arrivals(), world.incidents()), (0, vec![], vec![]));
    // That it is not in the log is remembered: nobody is asked for another file of it.
    let asked = world.mirrors[0].count("*");
    absent(world.ask(&proxy, "example.com/unlogged/@v/v1.0.0.mod"));
    assert_eq!(world.mirrors[0].count("*"), asked);
}

#[test]
fn of_what_cannot_be_proven_nothing_stays() {
    for fault in ["forged:lookup/*", "wrong-key:lookup/*", "status:500:lookup/*", "flip:tile/*"] {
        let world = world();
        world.log.fault(fault);
        let proxy = world.proxy();
        for path in [ZIP, GO_MOD] {
            let answer = world.ask(&proxy, path);
            assert!(matches!(answer, Err(Denied::Fault(_))), "{fault}: {answer:?}");
            assert_eq!((world.stored().len(), world.arrivals(), world.incidents()), (0, vec![], vec![]), "{fault}");
        }
    }
}

/// A first upstream that breaks off while the database is asked leaves its part to the second one.
#[test]
fn a_part_that_came_early_is_gone_on_with() {
    let mut world = World::new(Corpus::of(&[Spec::new("example.com/a", "v1.0.0").noise(200_000)]), 2);
    world.settings.tries = 1;
    world.mirrors[0].fault(ZIP, Fault::Truncated);
    world.expect_true(&world.proxy(), ZIP);
    let ranges: Vec<bool> =
        world.mirrors[1].requests_for(ZIP).iter().map(|request| request.header("range").is_some()).collect();
    assert_eq!((ranges, world.stored(), world.arrivals().len()), (vec![true], vec![ZIP.to_owned()], 0));
}

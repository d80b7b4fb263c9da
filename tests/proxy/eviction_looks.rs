//! How often a full store is looked at, what of other processes is seen, and what a download waits for.

use std::sync::Arc;

use gosumcheck::proxy::{Proxy, ProxyLimits, StoreLimits};
use gosumcheck::store::modules::{Proof, Provenance};
use gosumcheck::sumdb::gosum::{Kind, SumHash};
use gosumcheck::sumdb::module::ModuleVersion;

use crate::kit::{Corpus, Fault, Gate, Spec, until};
use crate::world::{World, ask, bytes};

const LIMIT: u64 = 8_000_000;
/// Bytes of a usual zip: 60 of them and what stands beside them are about the limit.
const LEN: usize = 100_000;
/// Modules; the last is a large one.
const COUNT: usize = 200;
const LARGE: usize = COUNT;

fn name(number: usize) -> String {
    format!("example.com/m{number:03}")
}

fn zip(number: usize) -> String {
    format!("{}/@v/v1.0.0.zip", name(number))
}

fn is_stored(world: &World, number: usize) -> bool {
    world.data.path().join("modules").join(zip(number)).is_file()
}

fn world() -> World {
    let spec = |number: usize| Spec::new(&name(number), "v1.0.0").noise(if number == LARGE { 19 * LEN } else { LEN });
    World::new(Corpus::of(&(0..=COUNT).map(spec).collect::<Vec<_>>()), 1)
}

fn proxy(world: &World) -> Proxy {
    let store = StoreLimits { max_size: Some(LIMIT), ..StoreLimits::default() };
    world.limited(ProxyLimits { store, ..ProxyLimits::default() })
}

/// Asks for modules, from the first on, until one of them has been removed; gives the number of the next.
fn fill(world: &World, proxy: &Proxy) -> usize {
    let mut next = 0;
    while proxy.evicted().files == 0 {
        world.expect_true(proxy, &zip(next));
        next += 1;
    }
    assert!(next > 40 && next < 80, "{next}");
    assert!(!is_stored(world, 0) && is_stored(world, 1));
    next
}

#[test]
fn a_full_store_is_walked_through_once_however_much_goes_through_it() {
    let world = world();
    let proxy = proxy(&world);
    let next = fill(&world, &proxy);
    let walks = proxy.store_status().walks;
    (next..COUNT).for_each(|number| world.expect_true(&proxy, &zip(number)));
    let status = proxy.store_status();
    assert!(status.evicted.files > 100, "{status:?}");
    assert_eq!(status.walks, walks, "all of it was looked at again");
    // What is known of it is what is there.
    let held = world.folder().modules().inventory().unwrap().bytes;
    let counted = status.stored.unwrap();
    assert!(held <= counted && counted <= LIMIT, "{held} bytes are stored, {counted} are counted");
}

#[test]
fn what_another_process_removes_is_found() {
    let world = world();
    let proxy = proxy(&world);
    let next = fill(&world, &proxy);
    let (walks, evicted) = (proxy.store_status().walks, proxy.evicted());
    let other = world.folder().modules();
    for number in 1..10 {
        let module = ModuleVersion::new(&name(number), "v1.0.0").unwrap();
        assert!(other.evict(&module, Kind::Zip).unwrap() > 0);
    }
    // What another one removed was counted until it was to be removed: then there is room.
    world.expect_true(&proxy, &zip(next));
    assert_eq!(proxy.store_status().walks, walks + 1);
    assert_eq!(proxy.evicted(), evicted);
    assert!(is_stored(&world, 10));
    // From now on it is known what is there.
    (next + 1..next + 30).for_each(|number| world.expect_true(&proxy, &zip(number)));
    assert_eq!(proxy.store_status().walks, walks + 1);
    assert!(proxy.evicted().files > evicted.files);
}

#[test]
fn what_another_process_stores_is_found() {
    let world = world();
    let proxy = proxy(&world);
    world.runtime.block_on(proxy.complete_admissions()).unwrap();
    let next = fill(&world, &proxy);
    let walks = proxy.store_status().walks;
    let other = world.folder().modules();
    for number in COUNT - 10..COUNT {
        let module = ModuleVersion::new(&name(number), "v1.0.0").unwrap();
        let mut arrival = other.arrival(&module, Kind::Zip).unwrap();
        arrival.append(&world.corpus.file(&zip(number)).unwrap()).unwrap();
        let hash = SumHash::parse(&world.corpus.h1_zip(&name(number), "v1.0.0")).unwrap();
        let by = Provenance::Recorded(Proof { database: world.log.vkey(), record: 0 });
        other.admit(arrival, &hash, &by).unwrap();
    }
    // The plan is for what this process knew of; the next one is not.
    (next..next + 20).for_each(|number| world.expect_true(&proxy, &zip(number)));
    assert_eq!(proxy.store_status().walks, walks + 1);
    let held = world.folder().modules().inventory().unwrap().bytes;
    assert!(held <= LIMIT, "{held} bytes are stored");
}

/// Who removes files for a large download asks an upstream that is slow; a small one goes on as soon as there is room for it.
#[test]
fn a_download_does_not_wait_for_room_that_another_one_needs() {
    let world = world();
    let proxy = Arc::new(proxy(&world));
    let next = fill(&world, &proxy);
    let (first, second) = (Gate::new(), Gate::new());
    world.mirrors[0].fault_at(&zip(1), 0, 1, Fault::Hold(first.clone()));
    world.mirrors[0].fault_at(&zip(12), 0, 1, Fault::Hold(second.clone()));
    let waited = proxy.store_status().waited;
    let begin = |number: usize| {
        let proxy = Arc::clone(&proxy);
        world.runtime.spawn(async move { bytes(ask(&proxy, &zip(number)).await) })
    };
    let large = begin(LARGE);
    first.wait(1);
    let small = begin(next);
    until("two downloads wait", || proxy.store_status().waited == waited + 2);
    first.open();
    let small = world.runtime.block_on(small).unwrap();
    assert!(small == world.corpus.file(&zip(next)).unwrap());
    second.wait(1);
    assert!(!large.is_finished());
    second.open();
    let large = world.runtime.block_on(large).unwrap();
    assert!(large == world.corpus.file(&zip(LARGE)).unwrap());
}

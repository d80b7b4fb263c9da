//! Entries that are kept together in one file: read as others are, and never believed where they are false.

use std::collections::BTreeMap;
use std::fs;

use super::fake::{FakeSumdb, Served};
use super::world::{World, ask, is_not_held, unpack};

const RECORDS: u64 = 70_000;

/// Enough for two groups of answers and one of tiles.
fn ids() -> Vec<u64> {
    (0..150).map(|n| n * 466 + n % 5).collect()
}

/// A world that has asked for `ids` once, and what its pack holds.
fn world() -> (World, Served, BTreeMap<String, Vec<u8>>) {
    let log = FakeSumdb::synthetic(RECORDS, 61);
    let served = log.serve();
    let world = World::new(&log);
    world.prove(&[&served.url()], &ids());
    let packed = unpack(&fs::read(world.pack()).unwrap());
    assert!(packed.keys().any(|path| path.starts_with("lookup/")), "{:?}", packed.keys());
    assert!(packed.keys().any(|path| path.starts_with("tile/8/0/")), "{:?}", packed.keys());
    (world, served, packed)
}

/// How many entries are in files of their own.
fn files(world: &World, packed: &BTreeMap<String, Vec<u8>>) -> usize {
    world.cached().len() - packed.len()
}

#[test]
fn what_comes_by_the_dozen_is_in_one_file() {
    let (world, served, packed) = world();
    assert!(packed.len() >= 128 && files(&world, &packed) < 128, "{} {}", packed.len(), files(&world, &packed));
    world.assert_cache_is_honest();
    world.log.clear_requests();
    world.prove(&[&served.url()], &ids());
    world.prove(&[], &ids());
    assert_eq!(world.log.requests(), []);
    // Without the memo that the second run has left.
    fs::remove_dir_all(world.cache().join("batch")).unwrap();
    world.prove(&[], &ids()[..20]);
    world.prove(&[], &ids()[100..]);
    // The same from files alone, as the go command's own cache has them.
    fs::remove_file(world.pack()).unwrap();
    super::trees::write_tree(&world.cache(), &packed);
    world.prove(&[], &ids());
    assert_eq!(world.log.requests(), []);
}

/// Every byte of the tables and of some entries: whatever is lost is fetched again, and then nobody is asked any more.
#[test]
fn a_damaged_pack_is_healed() {
    let (world, served, _) = world();
    let whole = world.cached();
    let pack = fs::read(world.pack()).unwrap();
    let places = (0..pack.len()).filter(|at| at % 60_000 < 3 || at % 1_000 == 500 && *at < 20_000);
    let flips = places.map(|at| {
        let mut damaged = pack.clone();
        damaged[at] ^= 4;
        damaged
    });
    let cuts = [0, 1, 100, pack.len() / 2, pack.len() - 1].map(|len| pack[..len].to_vec());
    let others = [vec![b'\n'; 5], vec![0; pack.len()], [pack.as_slice(), b"5 tile/8/0/000\n\n12"].concat()];
    let doubled = [pack.as_slice(), pack.as_slice()].concat();
    for damaged in flips.chain(cuts).chain(others).chain([doubled]) {
        fs::write(world.pack(), &damaged).unwrap();
        let _ = fs::remove_dir_all(world.cache().join("batch"));
        world.prove(&[&served.url()], &ids());
        world.log.clear_requests();
        let _ = fs::remove_dir_all(world.cache().join("batch"));
        world.prove(&[&served.url()], &ids());
        assert_eq!(world.log.requests(), []);
    }
    fs::write(world.pack(), &pack).unwrap();
    assert!(world.cached() == whole);
}

/// A false entry where there is nobody to ask takes nothing else down with it.
#[test]
fn a_false_entry_of_a_pack_is_not_held_offline() {
    let (world, _served, packed) = world();
    let (path, genuine) = packed.iter().find(|(path, _)| path.starts_with("lookup/")).unwrap();
    let false_bytes = String::from_utf8(genuine.clone()).unwrap().replacen("h1:", "h1;", 1);
    let pack = fs::read(world.pack()).unwrap();
    let at = pack.windows(genuine.len()).position(|bytes| bytes == genuine).unwrap();
    let pack = [&pack[..at], false_bytes.as_bytes(), &pack[at + genuine.len()..]].concat();
    fs::write(world.pack(), pack).unwrap();
    let answers = world.ask(&[], &ids());
    for (id, answer) in ids().iter().zip(&answers) {
        if world.log.lookup_path(*id) == *path {
            assert!(is_not_held(answer), "{answer:?}");
        } else {
            world.assert_proven(*id, answer);
        }
    }
}

#[test]
fn something_else_in_the_place_of_the_pack_is_named() {
    let log = FakeSumdb::synthetic(RECORDS, 61);
    let served = log.serve();
    let world = World::new(&log);
    fs::create_dir_all(world.pack().join("mine")).unwrap();
    let database = world.database(&[&served.url()]);
    let asked: Vec<_> = ids().iter().map(|id| world.module(*id)).collect();
    let batch = ask(&database, &asked).unwrap();
    ids().iter().zip(&batch.answers).for_each(|(id, answer)| world.assert_proven(*id, answer));
    let failures = database.store_failures();
    let told: Vec<String> = failures.iter().filter_map(|failed| Some(failed.last.as_ref()?.to_string())).collect();
    let is_named = |text: &String| text.contains(world.pack().to_str().unwrap()) && text.contains("move it away");
    assert!(told.iter().any(is_named), "{told:?}");
}

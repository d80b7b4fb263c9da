//! A data folder that is damaged, cannot be written, or is in another state than it was left in.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use gosumcheck::fault::Fault;
use gosumcheck::store::failing::{FailingDisk, Moment, Then};

use super::fake::FakeSumdb;
use super::world::{World, ask};

const IDS: [u64; 3] = [0, 700, 69_999];

fn world() -> (World, super::fake::Served) {
    let log = FakeSumdb::synthetic(70_000, 31);
    let served = log.serve();
    let world = World::new(&log);
    world.prove(&[&served.url()], &IDS);
    (world, served)
}

fn damage(path: &Path, bytes: &[u8]) {
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Every entry, damaged in every way: fetched again, and put right.
#[test]
fn a_damaged_entry_is_healed() {
    let (world, served) = world();
    let whole = world.cached();
    for (path, bytes) in &whole {
        let file = world.cache().join(path);
        let mut flipped = bytes.clone();
        flipped[bytes.len() / 3] ^= 4;
        let other = whole.iter().find(|(other, held)| *other != path && held.len() == bytes.len());
        let other = other.map_or_else(|| vec![b'x'; bytes.len()], |(_, held)| held.clone());
        // At the front: the note of a response that is proven already is not read again.
        let longer = [b"x", bytes.as_slice()].concat();
        for damaged in [&[], flipped.as_slice(), other.as_slice(), &bytes[..bytes.len() / 4], longer.as_slice()] {
            damage(&file, damaged);
            world.log.clear_requests();
            world.prove(&[&served.url()], &IDS);
            assert!(
                world.log.counts("").contains_key(path) && world.log.counts("").values().all(|n| *n == 1),
                "{path}"
            );
            assert!(world.cached() == whole, "{path}");
        }
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        world.prove(&[&served.url()], &IDS);
        assert!(world.cached() == whole, "{path}");
    }
}

/// A false entry is not believed where there is nobody to ask, and takes nothing else down with it.
#[test]
fn a_damaged_entry_offline_is_not_held() {
    let (world, _served) = world();
    let file = world.cache().join(world.log.lookup_path(700));
    let genuine = fs::read_to_string(&file).unwrap();
    for forged in
        [genuine.replace("v0", "v1"), genuine.replacen("700\n", "701\n", 1), genuine.replacen("h1:", "h1:A", 1)]
    {
        damage(&file, forged.as_bytes());
        let answers = world.ask(&[], &IDS);
        world.assert_proven(0, &answers[0]);
        world.assert_proven(69_999, &answers[2]);
        assert!(super::world::is_not_held(&answers[1]), "{:?}", answers[1]);
    }
}

fn head_fault(world: &World, url: &str) -> Fault {
    let fault = world.try_ask(&[url], &IDS).err().unwrap();
    assert!(matches!(fault, Fault::Unavailable { .. }), "{fault}");
    let text = fault.to_string();
    assert!(text.contains("latest") && text.to_lowercase().contains("restore it from a backup"), "{text}");
    fault
}

/// What is remembered cannot be guessed: a head that is not one stops everything, and stays as it is for a person to see.
#[test]
fn a_head_that_is_none_stops_everything() {
    let (world, served) = world();
    let file = world.head_file();
    let head = fs::read_to_string(&file).unwrap();
    let stranger = FakeSumdb::synthetic(70_000, 32);
    for bytes in [&head[..head.len() / 2], &head.replace("70000", "69999"), "", "garbage", "\0", &stranger.head(70_000)]
    {
        damage(&file, bytes.as_bytes());
        head_fault(&world, &served.url());
        assert_eq!(fs::read_to_string(&file).unwrap(), bytes);
    }
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    head_fault(&world, &served.url());
    fs::remove_dir(&file).unwrap();
    // None is first contact. All else is still there.
    world.log.clear_requests();
    world.prove(&[&served.url()], &IDS);
    assert_eq!(world.log.requests(), []);
    assert_eq!(world.head(), Some(head));
}

/// The disk fails at change number n: one message that names the path; nothing false is left, nothing is lost, and the
/// next run finishes the work.
#[test]
fn a_disk_that_fails_at_any_moment() {
    let log = FakeSumdb::synthetic(70_000, 31);
    let served = log.serve();
    let count = {
        let (world, disk) = (World::new(&log), Arc::new(FailingDisk::never()));
        let database = world.database_on(disk.clone(), &[&served.url()]);
        let asked: Vec<_> = IDS.iter().map(|id| world.module(*id)).collect();
        ask(&database, &asked).unwrap();
        disk.calls().len()
    };
    for moment in [Moment::Before, Moment::Torn, Moment::After] {
        for at in 0..count {
            let world = World::new(&log);
            let disk = Arc::new(FailingDisk::new(at, moment, Then::Dead));
            let asked: Vec<_> = IDS.iter().map(|id| world.module(*id)).collect();
            match ask(&world.database_on(disk, &[&served.url()]), &asked) {
                Err(fault @ Fault::Unavailable { .. }) => {
                    let text = fault.to_string();
                    assert!(
                        text.contains(world.data.path().to_str().unwrap()) && text.contains("free some space"),
                        "{text}"
                    );
                }
                Ok(batch) => IDS.iter().zip(&batch.answers).for_each(|(id, answer)| world.assert_proven(*id, answer)),
                Err(fault) => panic!("{moment:?} {at}: {fault}"),
            }
            let litter = world.data.path().join("tmp");
            if litter.exists() {
                fs::remove_dir_all(&litter).unwrap();
            }
            world.assert_cache_is_honest();
            assert!(world.head().is_none_or(|head| head == log.head(70_000)));
            world.prove(&[&served.url()], &IDS);
            world.assert_cache_is_honest();
        }
    }
}

/// What is held can be used where nothing can be written.
#[test]
fn a_disk_that_cannot_be_written_can_be_read() {
    let (world, served) = world();
    let dead = || Arc::new(FailingDisk::new(0, Moment::Before, Then::Dead));
    let asked: Vec<_> = IDS.iter().map(|id| world.module(*id)).collect();
    let batch = ask(&world.database_on(dead(), &[]), &asked).unwrap();
    IDS.iter().zip(&batch.answers).for_each(|(id, answer)| world.assert_proven(*id, answer));
    let fault = ask(&world.database_on(dead(), &[&served.url()]), &[world.module(5)]).err().unwrap();
    assert!(matches!(fault, Fault::Unavailable { .. }), "{fault}");
}

/// A file where a folder belongs is a person's doing: it is named and left alone.
#[test]
fn something_else_in_the_way_is_named() {
    let log = FakeSumdb::synthetic(70_000, 31);
    let served = log.serve();
    for blocked in ["cache", "cache/fakelog.example", "cache/fakelog.example/tile/8/0", "tmp"] {
        let world = World::new(&log);
        let path = world.data.path().join(blocked);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "mine").unwrap();
        let fault = world.try_ask(&[&served.url()], &IDS).err().unwrap().to_string();
        assert!(fault.contains(path.to_str().unwrap()), "{blocked}: {fault}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
        assert_eq!(world.head(), None);
    }
}

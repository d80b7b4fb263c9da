//! A data folder that is damaged, cannot be written, or is in another state than it was left in.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use gosumcheck::fault::Fault;
use gosumcheck::store::Folder;
use gosumcheck::store::failing::{FailingDisk, Moment, Then};
use gosumcheck::store::failures::{FailedWrites, WriteKind};

use super::fake::FakeSumdb;
use super::timeline::remembered;
use super::world::{World, ask, files_below, runtime};

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

/// What a disk says that takes nothing more.
const REFUSALS: [ErrorKind; 4] =
    [ErrorKind::StorageFull, ErrorKind::QuotaExceeded, ErrorKind::ReadOnlyFilesystem, ErrorKind::PermissionDenied];

/// The disk fails at change number n, in whatever way: the answers are given all the same, under the newest head; nothing false is
/// left, nothing is lost, and the next run finishes the work.
#[test]
fn a_disk_that_fails_at_any_moment() {
    let log = FakeSumdb::synthetic(70_000, 31);
    let served = log.serve();
    let count = {
        let (world, disk) = (World::new(&log), Arc::new(FailingDisk::never()));
        let database = world.database_on(disk.clone(), &[&served.url()]);
        let asked: Vec<_> = IDS.iter().map(|id| world.module(*id)).collect();
        ask(&database, &asked).unwrap();
        assert!(database.store_failures().iter().all(|failure| failure.count == 0));
        disk.calls().len()
    };
    let moments = [Moment::Before, Moment::Torn, Moment::After];
    let cases = moments.into_iter().flat_map(|moment| (0..count).map(move |at| (moment, at)));
    for ((moment, at), error) in cases.zip(REFUSALS.into_iter().cycle()) {
        let world = World::new(&log);
        let disk = Arc::new(FailingDisk::new(at, moment, Then::Dead).failing_with(error));
        let asked: Vec<_> = IDS.iter().map(|id| world.module(*id)).collect();
        let database = world.database_on(disk.clone(), &[&served.url()]);
        let batch = ask(&database, &asked).unwrap_or_else(|fault| panic!("{moment:?} {at} {error}: {fault}"));
        IDS.iter().zip(&batch.answers).for_each(|(id, answer)| world.assert_proven(*id, answer));
        assert_eq!(batch.proven_under.unwrap().tree().size, 70_000);
        let failures = database.store_failures();
        let told: Vec<String> = failures.iter().filter_map(|failed| Some(failed.last.as_ref()?.to_string())).collect();
        // What fails last is to remove a draft, on which nothing depends at all.
        assert!(!told.is_empty() || disk.calls()[at..].iter().all(|call| call == "remove"), "{moment:?} {at}");
        let root = world.data.path().to_str().unwrap();
        assert!(told.iter().all(|text| text.contains(root) && text.contains("cannot ")), "{told:?}");
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

/// What is held can be used where nothing can be written, and what is not held is proven there.
#[test]
fn a_disk_that_cannot_be_written_can_be_read() {
    let (world, served) = world();
    let asked: Vec<_> = IDS.iter().map(|id| world.module(*id)).collect();
    for error in REFUSALS {
        let dead = || Arc::new(FailingDisk::refusing(error));
        let batch = ask(&world.database_on(dead(), &[]), &asked).unwrap();
        IDS.iter().zip(&batch.answers).for_each(|(id, answer)| world.assert_proven(*id, answer));
        let database = world.database_on(dead(), &[&served.url()]);
        world.assert_proven(5, &ask(&database, &[world.module(5)]).unwrap().answers[0]);
        let failed = |kind| database.store_failures().iter().any(|failed| failed.write == kind && failed.count > 0);
        assert!(failed(WriteKind::Cache) && !failed(WriteKind::Head), "{error}");
    }
}

/// A head that the disk does not take is in force in this process: nothing is accepted that does not contain it, and it is stored as
/// soon as the disk takes it.
#[test]
fn a_head_that_cannot_be_stored_is_held_in_memory() {
    let log = FakeSumdb::synthetic(2_000, 21);
    let served = log.serve();
    log.grow(1_000);
    let world = World::new(&log);
    world.prove(&[&served.url()], &[0]);
    let stored = world.head();
    log.grow(1_500);
    let disk = Arc::new(FailingDisk::refusing(ErrorKind::StorageFull));
    let database = world.database_on(disk, &[&served.url()]);
    let batch = ask(&database, &[world.module(1_400)]).unwrap();
    assert_eq!(batch.proven_under.unwrap().tree().size, 1_500);
    assert_eq!(world.head(), stored);
    let head = |failed: &FailedWrites| failed.write == WriteKind::Head && failed.count > 0;
    assert!(database.store_failures().iter().any(head));
    // Two histories that part between the stored head and the one in memory: larger, of one size, and older than it.
    log.grow(2_000);
    log.fork(1_200);
    for size in [2_000, 1_500] {
        log.grow(size);
        let fault = ask(&database, &[world.module(1_300)]).err().unwrap();
        assert!(matches!(fault, Fault::Forked { saved: None, .. }), "{size}: {fault}");
        assert_eq!(fault.exit_code(), 3);
    }
    assert!(database.store_failures().iter().any(|failed| failed.write == WriteKind::Evidence && failed.count > 0));
    log.show_fork(false);
    // After a restart only the stored head is known, and the database goes on from there.
    log.grow(2_000);
    world.prove(&[&served.url()], &[0, 1_900]);
    assert_eq!(world.head(), Some(log.head(2_000)));
    let batch = ask(&database, &[world.module(1_950)]).unwrap();
    assert_eq!(batch.proven_under.unwrap().tree().size, 2_000);
}

/// The disk is full for one moment: the same process stores the head with its next questions.
#[test]
fn a_head_is_stored_when_the_disk_takes_it_again() {
    let log = FakeSumdb::synthetic(1_000, 21);
    let served = log.serve();
    let counting = Arc::new(FailingDisk::never());
    ask(&World::new(&log).database_on(counting.clone(), &[&served.url()]), &[World::new(&log).module(3)]).unwrap();
    let at = counting.calls().iter().position(|call| call == "write_new durable").unwrap();
    let world = World::new(&log);
    let disk = Arc::new(FailingDisk::new(at, Moment::Before, Then::Recovers));
    let database = world.database_on(disk, &[&served.url()]);
    ask(&database, &[world.module(3)]).unwrap();
    assert_eq!(world.head(), None);
    ask(&database, &[world.module(4)]).unwrap();
    assert_eq!(world.head(), Some(log.head(1_000)));
}

/// A file where a folder belongs is a person's doing: it is named and left alone, and the answers are given.
#[test]
fn something_else_in_the_way_is_named() {
    let log = FakeSumdb::synthetic(70_000, 31);
    let served = log.serve();
    for blocked in ["cache", "cache/fakelog.example", "cache/fakelog.example/tile/8/0", "tmp"] {
        let world = World::new(&log);
        let path = world.data.path().join(blocked);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "mine").unwrap();
        let database = world.database(&[&served.url()]);
        let asked: Vec<_> = IDS.iter().map(|id| world.module(*id)).collect();
        let batch = ask(&database, &asked).unwrap();
        IDS.iter().zip(&batch.answers).for_each(|(id, answer)| world.assert_proven(*id, answer));
        let failures = database.store_failures();
        let told: Vec<String> = failures.iter().filter_map(|failed| Some(failed.last.as_ref()?.to_string())).collect();
        assert!(told.iter().any(|text| text.contains(path.to_str().unwrap())), "{blocked}: {told:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
        // The head does not live in the cache.
        assert_eq!(world.head().is_none(), blocked == "tmp", "{blocked}");
    }
}

/// A command that opens a folder read-only proves as much as another. It stores no newer head, and keeps none to be stored later.
#[test]
fn a_folder_that_is_opened_read_only_stays_as_it_is() {
    let (world, served) = remembered();
    let before = files_below(world.data.path());
    let database = world.open(&Folder::look(world.data.path()).unwrap(), &[&served.url()]);
    let batch = ask(&database, &[world.module(1_500)]).unwrap();
    world.assert_proven(1_500, &batch.answers[0]);
    assert_eq!(batch.proven_under.unwrap().tree().size, 2_000);
    assert!(database.unstored().is_none());
    assert!(database.store_failures().iter().all(|failed| failed.count == 0));
    assert!(files_below(world.data.path()) == before);
}

/// The file of the head is emptied after it was read and before the swap. This differs from a full disk: the remembered head is
/// lost, and another must not take its place.
#[test]
fn a_head_that_is_lost_before_the_swap_stops_everything() {
    let (world, served) = remembered();
    let database = world.database(&[&served.url()]);
    let lose = |stage: &str, _, _| {
        if stage == "tiles" {
            damage(&world.head_file(), b"");
        }
    };
    let fault = runtime().block_on(database.records(&[world.module(1_500)], &lose)).err().unwrap();
    assert!(matches!(fault, Fault::Unavailable { .. }) && fault.to_string().contains("is empty"), "{fault}");
    assert_eq!((database.unstored(), world.head()), (None, Some(String::new())));
}

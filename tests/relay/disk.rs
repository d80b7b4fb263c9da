//! A disk that takes nothing, or fails at any moment: what can be proven is answered, and only the next process asks again.

use std::io::ErrorKind;
use std::sync::Arc;

use gosumcheck::relay::Relay;
use gosumcheck::store::failing::{FailingDisk, Moment, Then};
use gosumcheck::store::failures::WriteKind;
use gosumcheck::store::space::{Floor, Space};

use super::fake::FakeSumdb;
use super::world::{World, tile};

const RECORDS: u64 = 66_100;
const IDS: [u64; 2] = [9, 66_000];
const TILES: [&str; 5] =
    ["tile/8/0/000", "tile/8/0/258.p/3", "tile/8/1/000", "tile/8/data/000", "tile/8/data/258.p/52"];

async fn assert_answers(world: &World, relay: &Relay, why: &str) {
    assert_eq!(world.size_of(&relay.latest().await.unwrap_or_else(|fault| panic!("{why}: {fault}"))), RECORDS);
    for id in IDS {
        let answer = world.lookup(relay, id).await;
        assert!(answer.is_ok(), "{why}: {answer:?}");
        assert_eq!(world.assert_found(id, &answer), RECORDS);
    }
    for path in TILES {
        let answer = tile(relay, path).await;
        let bytes = answer.unwrap_or_else(|fault| panic!("{why} {path}: {fault}")).unwrap();
        assert_eq!(bytes, world.log.honest(path).unwrap(), "{why} {path}");
    }
}

#[tokio::test]
async fn lookups_and_tiles_are_answered_whenever_the_disk_fails() {
    let log = FakeSumdb::synthetic(RECORDS, 1);
    let served = log.serve();
    let counting = Arc::new(FailingDisk::never());
    let world = World::new(&log);
    assert_answers(&world, &world.relay_on(counting.clone(), &[&served.url()]), "no failure").await;
    let changes = counting.calls().len();
    assert!(changes > 20, "{changes}");
    let errors = [ErrorKind::StorageFull, ErrorKind::QuotaExceeded, ErrorKind::ReadOnlyFilesystem];
    for (k, error) in (0..changes).zip(errors.into_iter().cycle()) {
        for (moment, then) in
            [(Moment::Torn, Then::Dead), (Moment::Before, Then::Recovers), (Moment::After, Then::Dead)]
        {
            let why = format!("k={k} {error} {moment:?} {then:?}");
            let world = World::new(&log);
            let disk = Arc::new(FailingDisk::new(k, moment, then).failing_with(error));
            assert_answers(&world, &world.relay_on(disk, &[&served.url()]), &why).await;
        }
    }
}

#[tokio::test]
async fn a_disk_that_takes_nothing_is_reported_and_counted() {
    let world = World::new(&FakeSumdb::synthetic(RECORDS, 1));
    let served = world.log.serve();
    let relay = world.relay_on(Arc::new(FailingDisk::refusing(ErrorKind::StorageFull)), &[&served.url()]);
    assert_answers(&world, &relay, "full").await;
    assert_answers(&world, &relay, "full, from memory").await;
    let status = relay.status();
    assert_eq!((status.head.unwrap().size, status.unstored), (RECORDS, Some(RECORDS)));
    assert!(status.writable.unwrap_err().to_string().contains("free some space"));
    let count = |kind| relay.store_failures().iter().find(|failed| failed.write == kind).unwrap().count;
    assert!(count(WriteKind::Cache) >= 4 && count(WriteKind::Head) >= 1 && count(WriteKind::Module) == 0);
    assert_eq!(std::fs::read_dir(world.data.path()).unwrap().count(), 0);
}

/// Below the floor the disk is not even asked to write what can be fetched again. The head is stored all the same.
#[tokio::test]
async fn below_the_floor_nothing_is_stored_but_the_head() {
    let world = World::new(&FakeSumdb::synthetic(RECORDS, 1));
    let served = world.log.serve();
    let disk = Arc::new(FailingDisk::never());
    let room = |free, free_files| Space { free, size: 1 << 30, free_files, files: 100_000 };
    for short in [room(9_999_999, 90_000), room(1 << 29, 1_024)] {
        disk.set_space(short);
        let folder = world.folder_on(disk.clone());
        folder.set_floor(Floor::Bytes(10_000_000));
        let relay = world.relay_in(&folder, &[&served.url()]);
        assert_answers(&world, &relay, "below the floor").await;
        assert!(world.folder().head(world.log.name()).unwrap().path().is_file());
        assert!(!world.cache().join("tile").exists() && !world.cache().join("lookup").exists());
        let why = relay.status().writable.unwrap_err().to_string();
        assert!(why.contains("--disk-floor") && why.contains("free some space"), "{why}");
    }
    disk.set_space(room(1 << 29, 90_000));
    let folder = world.folder_on(disk);
    folder.set_floor(Floor::Bytes(10_000_000));
    let relay = world.relay_in(&folder, &[&served.url()]);
    assert_answers(&world, &relay, "above the floor").await;
    assert!(world.cache().join("tile/8/0/000").is_file() && relay.status().writable.is_ok());
    assert!(relay.store_failures().iter().all(|failed| failed.count == 0));
}

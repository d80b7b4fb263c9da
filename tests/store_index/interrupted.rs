//! A build or an append that fails anywhere leaves the old index, or none, or the new one; and the next attempt succeeds.

use std::fs;
use std::sync::Arc;

use gosumcheck::store::Index;
use gosumcheck::store::failing::{FailingDisk, Moment, Then};
use gosumcheck::store::index::grow_tuned;

use crate::fake::FakeSumdb;
use crate::world::{World, exists, small};

const MOMENTS: [Moment; 3] = [Moment::Before, Moment::Torn, Moment::After];

#[test]
fn a_build_that_fails_at_any_change_of_the_disk_can_be_started_again() {
    let world = World::new(FakeSumdb::synthetic(400, 31));
    let tuning = small((36, 27));
    for old in [None, Some(100)] {
        let begin = || {
            let _ = fs::remove_file(world.index_path());
            old.map(|size| world.rebuild(size, tuning).unwrap());
        };
        begin();
        let counting = Arc::new(FailingDisk::never());
        grow_tuned(&world.on(counting.clone()), &world.all(), tuning, true, &|_, _| {}).unwrap();
        let changes = counting.calls().len();
        assert!(changes >= 8, "{:?}", counting.calls());
        for k in 0..changes {
            for moment in MOMENTS {
                begin();
                let disk = Arc::new(FailingDisk::new(k, moment, Then::Dead));
                let told = grow_tuned(&world.on(disk), &world.all(), tuning, true, &|_, _| {});
                match Index::open(&world.log).unwrap() {
                    None => assert!(told.is_err()),
                    Some(index) => {
                        let size = index.size().unwrap();
                        assert!(told.is_err() && Some(size) == old || size == 400, "k={k} {moment:?}: {size}");
                        world.assert_complete(&index, size);
                    }
                }
                world.grow(400, tuning).unwrap();
                world.assert_complete(&world.open(), 400);
                world.rebuild(400, tuning).unwrap();
                assert!(!exists(&world.index_path(), ".new"));
            }
        }
    }
}

#[test]
fn what_a_killed_build_left_behind_is_thrown_away() {
    let world = World::new(FakeSumdb::synthetic(400, 32));
    for suffix in [".new", ".new-wal", ".new-journal", "-wal", "-journal", "-shm"] {
        let mut name = world.index_path().into_os_string();
        name.push(suffix);
        fs::write(&name, vec![0x5a; 10_000]).unwrap();
    }
    assert!(Index::open(&world.log).unwrap().is_none());
    world.grow(400, small((36, 27))).unwrap();
    world.assert_complete(&world.open(), 400);
    world.grow(400, small((36, 27))).unwrap();
    assert!(!exists(&world.index_path(), ".new"));
}

#[test]
fn nothing_is_left_in_tmp() {
    let world = World::new(FakeSumdb::synthetic(400, 33));
    world.grow(400, small((36, 27))).unwrap();
    let left = fs::read_dir(world.root.path().join("tmp")).unwrap().count();
    assert_eq!(left, 0);
}

#[test]
fn an_append_that_stops_between_two_batches_goes_on_there() {
    let world = World::new(FakeSumdb::synthetic(600, 34));
    world.rebuild(100, small((36, 27))).unwrap();
    // A panic in the caller's progress ends the transaction as suddenly as a kill.
    let stop = std::panic::AssertUnwindSafe(|| {
        let progress = |done, _| assert!(done < 300, "stopped");
        grow_tuned(&world.log, &world.all(), small((36, 27)), false, &progress)
    });
    assert!(std::panic::catch_unwind(stop).is_err());
    let index = world.open();
    let size = index.size().unwrap();
    assert!((300..600).contains(&size), "{size}");
    world.assert_complete(&index, size);
    world.grow(600, small((36, 27))).unwrap();
    world.assert_complete(&index, 600);
}

#[test]
fn a_damaged_log_is_named_and_leaves_the_index_alone() {
    let world = World::new(FakeSumdb::synthetic(600, 35));
    world.rebuild(200, small((36, 27))).unwrap();
    let (snapshot, path) = (world.all(), world.log.dir().join("records"));
    let whole = fs::read(&path).unwrap();
    let mut damaged = whole.clone();
    let blank = damaged.windows(2).position(|pair| pair == b"\n\n").unwrap();
    damaged[blank] = b'x';
    fs::write(&path, &damaged).unwrap();
    for anew in [true, false] {
        let told = grow_tuned(&world.log, &snapshot, small((36, 27)), anew, &|_, _| {});
        if anew {
            assert!(told.unwrap_err().to_string().contains("data tile 0 is damaged"));
        }
    }
    fs::write(&path, &whole).unwrap();
    fs::write(world.log.dir().join("offsets"), vec![0xff; 24]).unwrap();
    let told = grow_tuned(&world.log, &snapshot, small((36, 27)), true, &|_, _| {});
    assert!(told.unwrap_err().to_string().contains("is damaged"));
}

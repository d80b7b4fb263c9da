//! Every record is found, and every version of a module, however the index came to be and however often keys collide.

use std::sync::atomic::{AtomicBool, Ordering};

use gosumcheck::store::Index;
use gosumcheck::store::index::{Tuning, update};
use gosumcheck::sumdb::module::{ModulePath, ModuleVersion};
use gosumcheck::sumdb::record::claimed;

use crate::fake::FakeSumdb;
use crate::world::{WIDTHS, World, given, lookup, small};

#[test]
fn all_that_was_indexed_is_found_in_bulk_and_step_by_step() {
    let world = World::new(FakeSumdb::synthetic(900, 11));
    assert!(Index::open(&world.log).unwrap().is_none());
    for width in WIDTHS {
        for size in [1, 2, 255, 256, 257, 600, 900] {
            assert_eq!(world.rebuild(size, small(width)).unwrap().size, size);
            let index = world.open();
            assert_eq!(index.size().unwrap(), size);
            world.assert_complete(&index, size);
        }
        world.rebuild(100, small(width)).unwrap();
        for size in [100, 101, 256, 300, 512, 900] {
            assert_eq!(world.grow(size, small(width)).unwrap().size, size);
            let index = world.open();
            assert_eq!(index.size().unwrap(), size);
            world.assert_complete(&index, size);
        }
    }
}

#[test]
fn an_appended_index_answers_as_a_rebuilt_one() {
    let world = World::new(FakeSumdb::synthetic(1500, 12));
    let answers = |index: &Index| {
        let module = |id| ModuleVersion::new(&world.db.module(id).0, &world.db.module(id).1).unwrap();
        let answer = |id| (index.candidates(&module(id)).unwrap(), index.versions(module(id).path()).unwrap());
        (0..1500).map(answer).collect::<Vec<_>>()
    };
    for width in WIDTHS {
        world.rebuild(1500, small(width)).unwrap();
        let rebuilt = answers(&world.open());
        world.rebuild(700, small(width)).unwrap();
        world.grow(1500, small(width)).unwrap();
        assert_eq!(answers(&world.open()), rebuilt, "{width:?}");
    }
}

#[test]
fn with_keys_of_full_width_only_what_was_asked_for_is_found() {
    let world = World::new(FakeSumdb::synthetic(2000, 13));
    update(&world.log, &world.all(), &|_, _| {}).unwrap();
    let (index, snapshot) = (world.open(), world.all());
    for id in 0..2000 {
        let (path, version) = world.db.module(id);
        let module = ModuleVersion::new(&path, &version).unwrap();
        assert_eq!(index.candidates(&module).unwrap(), [id]);
        assert_eq!(lookup(&index, &snapshot, &module).unwrap(), [id]);
    }
    let stranger = ModuleVersion::new("example.com/stranger", "v1.2.3").unwrap();
    assert!(index.candidates(&stranger).unwrap().is_empty());
    assert!(index.versions(stranger.path()).unwrap().is_empty());
    assert!(index.anomalies().unwrap().is_empty());
}

#[test]
fn twins_in_another_case_are_in_the_same_range() {
    let world = World::of(&[given("example.com/Foo", "v1.0.0", 1), given("example.com/foo", "v1.0.0", 2)]);
    update(&world.log, &world.all(), &|_, _| {}).unwrap();
    let index = world.open();
    for path in ["example.com/Foo", "example.com/foo", "example.com/FOO"] {
        assert_eq!(index.versions(&ModulePath::parse(path).unwrap()).unwrap(), [0, 1]);
    }
    let one = ModuleVersion::new("example.com/Foo", "v1.0.0").unwrap();
    assert_eq!(index.candidates(&one).unwrap(), [0]);
}

#[test]
fn an_empty_log_has_an_empty_index() {
    let world = World::new(FakeSumdb::synthetic(300, 14));
    assert_eq!(world.rebuild(0, Tuning::default()).unwrap().size, 0);
    let index = world.open();
    assert_eq!(index.size().unwrap(), 0);
    assert!(index.candidates(&ModuleVersion::new("example.com/m", "v1.0.0").unwrap()).unwrap().is_empty());
    world.grow(300, small((36, 27))).unwrap();
    world.assert_complete(&index, 300);
}

#[test]
fn much_that_is_missing_is_made_in_bulk_and_little_is_appended() {
    let world = World::new(FakeSumdb::synthetic(900, 15));
    let tuning = Tuning { append_most: 50, append_share: 4, ..small((36, 27)) };
    world.grow(400, tuning).unwrap();
    let first = world.open();
    world.grow(500, tuning).unwrap();
    assert!(first.is_current(), "a hundred of five hundred are appended");
    assert_eq!(first.size().unwrap(), 500);
    world.grow(900, tuning).unwrap();
    assert!(!first.is_current(), "four hundred of nine hundred are not");
    // The old index still answers for the records that it has.
    assert_eq!(first.size().unwrap(), 500);
    world.assert_complete(&first, 500);
    world.assert_complete(&world.open(), 900);
}

#[test]
fn progress_goes_up_to_the_size() {
    let world = World::new(FakeSumdb::synthetic(700, 16));
    for (anew, size) in [(true, 500), (false, 700)] {
        let told = std::cell::RefCell::new(Vec::new());
        let progress = |done, total| told.borrow_mut().push((done, total));
        gosumcheck::store::index::grow_tuned(&world.log, &world.at(size), small((36, 27)), anew, &progress).unwrap();
        let told = told.into_inner();
        assert!(told.is_sorted() && told.iter().all(|(_, total)| *total == size), "{told:?}");
        assert_eq!(told.last(), Some(&(size, size)));
    }
}

#[test]
fn readers_go_on_while_records_are_appended_and_the_index_is_made_anew() {
    let world = World::new(FakeSumdb::synthetic(1200, 17));
    world.rebuild(300, small((36, 27))).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let index = world.open();
                let snapshot = world.all();
                while !done.load(Ordering::Relaxed) {
                    let size = index.size().unwrap();
                    for id in [0, size / 2, size - 1] {
                        let (path, version) = world.db.module(id);
                        let module = ModuleVersion::new(&path, &version).unwrap();
                        assert_eq!(lookup(&index, &snapshot, &module).unwrap(), [id]);
                    }
                }
            });
        }
        for size in (300..=1200).step_by(90) {
            world.grow(size, small((36, 27))).unwrap();
        }
        world.rebuild(1200, small((36, 27))).unwrap();
        done.store(true, Ordering::Relaxed);
    });
    world.assert_complete(&world.open(), 1200);
}

#[test]
fn the_tally_tells_an_index_that_lacks_an_entry_or_has_another() {
    let world = World::new(FakeSumdb::synthetic(700, 18));
    world.rebuild(500, small((36, 27))).unwrap();
    world.grow(700, small((36, 27))).unwrap();
    let index = world.open();
    let texts: Vec<String> = (0..700).map(|id| world.db.record_text(id)).collect();
    let records: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
    let claims: Vec<_> = (0..).zip(&records).filter_map(|(id, record)| Some((id, claimed(record)?))).collect();
    let (older, newer) = claims.split_at(256);
    let expected = index.expected(newer) + index.expected(older);
    assert_eq!(index.tally().unwrap(), expected);
    drop(index);
    for damage in [
        "DELETE FROM record WHERE id = 300",
        "UPDATE record SET id = 301 WHERE id = 300",
        "UPDATE record SET key = key + 1 WHERE id = 300",
        "INSERT INTO record VALUES (1, 300)",
    ] {
        world.rebuild(700, small((36, 27))).unwrap();
        assert_eq!(world.open().tally().unwrap(), expected);
        rusqlite::Connection::open(world.index_path()).unwrap().execute_batch(damage).unwrap();
        assert_ne!(world.open().tally().unwrap(), expected, "{damage}");
    }
}

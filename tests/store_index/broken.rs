//! An index that is not what it should be is recognised and named; whatever bytes it has, nothing panics and no lookup lies.

use std::fs;
use std::os::unix::fs::FileExt as _;

use gosumcheck::store::Index;
use gosumcheck::store::index::update;
use gosumcheck::sumdb::module::ModuleVersion;
use proptest::prelude::*;
use rusqlite::Connection;

use crate::fake::FakeSumdb;
use crate::world::{World, given, lookup, small};

fn told(world: &World) -> [String; 2] {
    let open = Index::open(&world.log).unwrap_err().to_string();
    let grow = world.grow(world.db.size(), small((36, 27))).unwrap_err().to_string();
    [open, grow]
}

#[test]
fn what_is_no_index_is_named_with_the_next_step() {
    let world = World::new(FakeSumdb::synthetic(300, 41));
    world.rebuild(300, small((36, 27))).unwrap();
    let (path, whole) = (world.index_path(), fs::read(world.index_path()).unwrap());
    let sql = |sql: &str| {
        fs::write(&path, &whole).unwrap();
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    };
    let cases: [(&str, &dyn Fn()); 8] = [
        ("is empty", &|| fs::write(&path, b"").unwrap()),
        ("is damaged", &|| fs::write(&path, vec![b'x'; 10_000]).unwrap()),
        ("is not an index of gosumcheck", &|| sql("PRAGMA application_id = 7")),
        ("made by a newer gosumcheck", &|| sql("PRAGMA user_version = 2")),
        ("no longer read", &|| sql("PRAGMA user_version = 0")),
        ("does not say what it is about", &|| sql("UPDATE meta SET size = -1")),
        ("is damaged", &|| sql("DROP TABLE meta")),
        ("is the index of other.example", &|| sql("UPDATE meta SET origin = 'other.example'")),
    ];
    for (part, damage) in cases {
        for suffix in ["-wal", "-shm"] {
            let mut name = path.clone().into_os_string();
            name.push(suffix);
            let _ = fs::remove_file(name);
        }
        damage();
        for text in told(&world) {
            assert!(text.contains(part) && text.contains("gosumcheck index --rebuild"), "{part}: {text}");
        }
        world.rebuild(300, small((36, 27))).unwrap();
        world.assert_complete(&world.open(), 300);
    }
}

#[test]
fn a_folder_in_its_place_is_named() {
    let world = World::new(FakeSumdb::synthetic(10, 42));
    fs::create_dir(world.index_path()).unwrap();
    assert!(told(&world).iter().all(|text| text.contains("is not a file")));
}

#[test]
fn an_index_that_is_ahead_of_the_log_is_told_from_one_of_another_log() {
    let world = World::new(FakeSumdb::synthetic(300, 43));
    world.rebuild(300, small((36, 27))).unwrap();
    let (index, older) = (world.open(), world.at(200));
    index.check(&world.all()).unwrap();
    let ahead =
        [index.check(&older).unwrap_err().to_string(), update(&world.log, &older, &|_, _| {}).unwrap_err().to_string()];
    for text in ahead {
        assert!(text.contains("knows 300 records and the log has 200") && text.contains("--rebuild"), "{text}");
    }
    let other = World::new(FakeSumdb::synthetic(300, 44));
    fs::copy(world.index_path(), other.index_path()).unwrap();
    let text = other.grow(300, small((36, 27))).unwrap_err().to_string();
    assert!(text.contains("made of another log") && text.contains("--rebuild"), "{text}");
    assert!(other.open().check(&other.all()).is_err());
}

#[test]
fn a_truncated_file_never_lies() {
    let world = World::new(FakeSumdb::synthetic(1000, 45));
    world.rebuild(1000, small((36, 27))).unwrap();
    let whole = fs::read(world.index_path()).unwrap();
    for len in (0..whole.len()).step_by(1111) {
        fs::write(world.index_path(), &whole[..len]).unwrap();
        ask_everything(&world, 50);
    }
}

#[test]
fn an_index_that_was_tampered_with_cannot_make_a_lookup_lie() {
    let world = World::of(&[given("example.com/good", "v1.0.0", 1), given("example.com/evil", "v1.0.0", 2)]);
    world.rebuild(2, small((36, 27))).unwrap();
    // The two records change places.
    Connection::open(world.index_path()).unwrap().execute_batch("UPDATE record SET id = 1 - id").unwrap();
    let good = ModuleVersion::new("example.com/good", "v1.0.0").unwrap();
    let index = world.open();
    assert_eq!(index.candidates(&good).unwrap(), [1]);
    assert!(lookup(&index, &world.all(), &good).unwrap().is_empty());
    Connection::open(world.index_path()).unwrap().execute_batch("UPDATE record SET id = -5").unwrap();
    assert!(index.candidates(&good).unwrap_err().to_string().contains("--rebuild"));
}

/// Asks all that can be asked, of whatever is there. A lookup gives the right record, or none, or a fault.
fn ask_everything(world: &World, step: usize) {
    let Ok(Some(index)) = Index::open(&world.log) else { return };
    let snapshot = world.all();
    for id in (0..world.db.size()).step_by(step) {
        let (path, version) = world.db.module(id);
        let module = ModuleVersion::new(&path, &version).unwrap();
        if let Ok(found) = lookup(&index, &snapshot, &module) {
            assert!(found.is_empty() || found == [id], "{found:?} for {id}");
        }
        let _ = index.versions(module.path());
    }
    let _ = (index.size(), index.anomalies(), index.check(&snapshot));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn flipped_bytes_never_panic_and_never_lie(
        flips in prop::collection::vec((any::<prop::sample::Index>(), 1u8..=255), 1..20),
        header in any::<bool>(),
    ) {
        let world = World::new(FakeSumdb::synthetic(800, 46));
        world.rebuild(600, small((36, 27))).unwrap();
        let path = world.index_path();
        let file = fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
        let len = if header { 4096 } else { usize::try_from(file.metadata().unwrap().len()).unwrap() };
        for (at, mask) in flips {
            let at = at.index(len) as u64;
            let mut byte = [0];
            file.read_exact_at(&mut byte, at).unwrap();
            file.write_all_at(&[byte[0] ^ mask], at).unwrap();
        }
        ask_everything(&world, 100);
        let _ = world.grow(800, small((36, 27)));
        ask_everything(&world, 100);
        world.rebuild(800, small((36, 27))).unwrap();
        let index = world.open();
        prop_assert_eq!(index.size().unwrap(), 800);
    }
}

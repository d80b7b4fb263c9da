//! An index whose entries were gathered while records came is the index that is made of the log, whatever part was gathered; and
//! what cannot be used is not.

use std::fs;
use std::ops::Range;

use gosumcheck::store::Index;
use gosumcheck::store::index::{Anomaly, Entries, Gathered, Grown, rebuild, update, update_with};

use crate::fake::{FakeSumdb, Given};
use crate::world::{World, given};

/// As a sync hands them over: some at a time.
fn gather(world: &World, records: Range<u64>, to: u64) -> Gathered {
    let mut gathered = Gathered::begin(&world.log, records.start, to).unwrap();
    let mut first = records.start;
    while first < records.end {
        let end = records.end.min(first + 256);
        gathered.add(entries(world, first..end)).unwrap();
        first = end;
    }
    gathered
}

fn entries(world: &World, records: Range<u64>) -> Entries {
    let texts: Vec<String> = records.clone().map(|id| world.db.record_text(id)).collect();
    Entries::of(records.start, &texts.iter().map(String::as_bytes).collect::<Vec<_>>())
}

fn grow(world: &World, gathered: Gathered) -> Grown {
    update_with(&world.log, &world.all(), Some(gathered), &|_, _| {}).unwrap()
}

#[test]
fn it_is_the_index_of_the_log_whatever_was_gathered() {
    let world = World::new(FakeSumdb::synthetic(1500, 51));
    rebuild(&world.log, &world.all(), &|_, _| {}).unwrap();
    let whole = fs::read(world.index_path()).unwrap();
    for records in [0..1500, 0..0, 0..1, 0..700, 700..1500, 300..1200, 1500..1500] {
        fs::remove_file(world.index_path()).unwrap();
        let gathered = gather(&world, records.clone(), 1500);
        assert_eq!(grow(&world, gathered).size, 1500);
        assert!(fs::read(world.index_path()).unwrap() == whole, "{records:?}");
    }
    world.assert_complete(&world.open(), 1500);
}

#[test]
fn what_is_gathered_is_not_read_again() {
    let world = World::new(FakeSumdb::synthetic(600, 52));
    let path = world.log.dir().join("records");
    let mut bytes = fs::read(&path).unwrap();
    let blank = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap();
    bytes[blank] = b'x';
    let gathered = gather(&world, 0..256, 600);
    let snapshot = world.all();
    fs::write(&path, &bytes).unwrap();
    update_with(&world.log, &snapshot, Some(gathered), &|_, _| {}).unwrap();
    world.assert_complete(&world.open(), 600);
    assert!(rebuild(&world.log, &snapshot, &|_, _| {}).is_err(), "data tile 0 cannot be read");
}

#[test]
fn findings_are_those_of_the_log() {
    let mut records: Vec<Given> = (10..600).map(|n| given(&format!("example.com/m{n}"), "v1.0.0", n)).collect();
    let malformed = Given::new("example.com/bad", "v1.0.0", "h1:no", "h1:hash");
    let twin = given("example.com/Twice", "v1.0.0", 3);
    records.splice(300..300, [malformed, given("example.com/twice", "v1.0.0", 1)]);
    records.extend([given("example.com/twice", "v1.0.0", 2), twin]);
    let world = World::of(&records);
    let told: Vec<Anomaly> = rebuild(&world.log, &world.all(), &|_, _| {}).unwrap().findings;
    assert_eq!(told.len(), 3, "{told:?}");
    for records in [0..594, 0..400, 593..594] {
        fs::remove_file(world.index_path()).unwrap();
        let gathered = gather(&world, records.clone(), 594);
        assert_eq!(grow(&world, gathered).findings, told, "{records:?}");
    }
}

#[test]
fn what_does_not_fit_is_not_used() {
    let world = World::new(FakeSumdb::synthetic(600, 53));
    // Of more records than were committed.
    let gathered = gather(&world, 0..600, 600);
    update_with(&world.log, &world.at(300), Some(gathered), &|_, _| {}).unwrap();
    assert_eq!(world.open().size().unwrap(), 300);
    world.assert_complete(&world.open(), 300);
    // An index that is there is appended to.
    assert!(Gathered::begin(&world.log, 300, 600).is_none());
    update(&world.log, &world.all(), &|_, _| {}).unwrap();
    world.assert_complete(&world.open(), 600);
    // Others than those that come next.
    fs::remove_file(world.index_path()).unwrap();
    let mut gathered = gather(&world, 0..256, 600);
    assert!(gathered.add(entries(&world, 257..300)).is_err());
    // Nor where there is an index that cannot be read.
    fs::write(world.index_path(), b"no index").unwrap();
    assert!(Gathered::begin(&world.log, 0, 600).is_none());
    assert!(Index::open(&world.log).is_err());
}

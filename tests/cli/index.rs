//! `gosumcheck index`: how far it goes, what it finds odd, and what it says of a broken one.

use std::fs;

use gosumcheck::store::Folder;
use gosumcheck::sumdb::checkpoint::{Checkpoint, Policy, Tree};
use gosumcheck::sumdb::hash::leaf_hashes;
use gosumcheck::sumdb::note::VerifierKey;

use crate::fake::{FakeSumdb, Given};
use crate::world::{RECORDS, World};

/// Puts all of the log into the data folder, as a sync would.
fn mirror(world: &World) {
    let data = world.machine.home().join(".local/share/gosumcheck");
    let log = Folder::open(&data).unwrap().log(world.log.name()).unwrap();
    let policy = Policy::log(VerifierKey::parse(&world.log.vkey()).unwrap());
    let old = log.head().unwrap().map_or(Tree::EMPTY, |note| Checkpoint::open(&note, &policy).unwrap().tree());
    let mut writer = log.writer(old).unwrap();
    let size = world.log.size();
    let texts: Vec<String> = (old.size..size).map(|id| world.log.record_text(id)).collect();
    let records: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
    writer.append(&records, &leaf_hashes(&records)).unwrap();
    writer.commit(&Checkpoint::open(world.log.head(size).as_bytes(), &policy).unwrap()).unwrap();
}

#[test]
fn it_says_how_far_it_goes_and_goes_on() {
    let world = World::new();
    world.run(&["index"]).complains(2, &["there is no mirror of", "gosumcheck sync"]);
    mirror(&world);
    world.run(&["index"]).says(0, &["1000 records are indexed, 1000 of them now"]).quiet();
    world.run(&["index"]).says(0, &["1000 records are indexed, 0 of them now"]).quiet();
    world.log.grow(RECORDS + 500);
    mirror(&world);
    world.run(&["index"]).says(0, &["1500 records are indexed, 500 of them now"]).quiet();
    world.run(&["index", "--rebuild"]).says(0, &["1500 records are indexed, 1500 of them now"]).quiet();
    assert_eq!(world.log.requests().len(), 0);
}

#[test]
fn a_broken_index_is_made_anew_when_asked_to() {
    let world = World::new();
    mirror(&world);
    world.run(&["index"]).says(0, &[]);
    let path = world.machine.home().join(".local/share/gosumcheck/log").join(world.log.name()).join("index.sqlite");
    fs::write(&path, "").unwrap();
    world.run(&["index"]).complains(2, &["index.sqlite", "is empty", "gosumcheck index --rebuild"]);
    world.run(&["index", "--rebuild"]).says(0, &["1000 records are indexed"]).quiet();
}

#[test]
fn what_is_odd_about_the_log_is_told_once() {
    let given = |path: &str, salt: u8| {
        let hash = format!("h1:{}", gosumcheck::sumdb::hash::sha256(&[salt]));
        Given::new(path, "v1.0.0", &hash, &hash)
    };
    let twins = [given("example.com/m", 1), given("example.com/M", 2)];
    let world = World::of(FakeSumdb::of_records(&twins));
    mirror(&world);
    world.run(&["index", "--findings"]).complains(2, &["there is no index of", "gosumcheck index"]);
    world.run(&["index"]).says(0, &["example.com/m (record 0) and example.com/M (record 1) differ in case only"]);
    world.run(&["index", "--findings"]).says(0, &["differ in case only", ": 1 findings in 2 records"]);
    world.run(&["index", "--findings", "--rebuild"]).complains(2, &["cannot be used with"]);
    world.log.append(given("example.com/m", 3));
    mirror(&world);
    world.run(&["index"]).says(1, &["records 0 and 2 give example.com/m@v1.0.0 different hashes"]);
    let ran = world.run(&["index"]);
    ran.says(0, &["3 records are indexed, 0 of them now"]);
    assert_eq!(ran.out.lines().count(), 1);
    // All of it is there at any time, and nothing changes.
    for _ in 0..2 {
        let ran = world.run(&["index", "--findings"]);
        ran.says(1, &["different hashes", "differ in case only", ": 2 findings in 3 records"]).quiet();
    }
    world.run(&["index", "--rebuild"]).says(1, &["different hashes", "differ in case only"]);
}

//! `gosumcheck verify` of a data folder that is not finished: a normal state is a note, and damage in it a finding.

use gosumcheck::store::Folder;
use gosumcheck::sumdb::checkpoint::Tree;

use crate::world::World;

/// The path of a file of the log, below the data folder.
fn log_file(world: &World, name: &str) -> String {
    format!("d/log/{}/{name}", world.log.name())
}

fn verify(world: &World) -> crate::command::Ran {
    world.run(&["verify", "--data", "d", "--sumdb", &world.log.vkey()])
}

#[test]
fn a_first_sync_that_was_stopped_is_a_note_and_its_damage_a_finding() {
    let world = World::new();
    world.run(&["sync", "--data", "d", "--to", "800"]).says(0, &[]);
    let ran = verify(&world);
    ran.says(0, &["note: a first sync", "768 records are stored so far", "under no signed tree head yet"]).quiet();
    let json = world.run(&["verify", "--data", "d", "--sumdb", &world.log.vkey(), "--format", "json"]).json();
    assert_eq!((&json["total_findings"], &json["head"]), (&0.into(), &serde_json::Value::Null), "{json}");
    for (file, at) in [("records", 5_000), ("hashes.0", 9_000), ("hashes.1", 40), ("offsets", 8)] {
        let path = world.machine.at(&log_file(&world, file));
        let right = std::fs::read(&path).unwrap();
        let mut bytes = right.clone();
        bytes[at] ^= 1;
        world.machine.write(&log_file(&world, file), &bytes);
        verify(&world).says(1, &["finding", "a first sync"]);
        world.machine.write(&log_file(&world, file), &right[..right.len() / 2]);
        verify(&world).says(1, &["finding"]);
        world.machine.write(&log_file(&world, file), &right);
    }
    verify(&world).says(0, &[]);
    world.run(&["sync", "--data", "d"]).says(0, &[]);
    let ran = verify(&world);
    assert!(!ran.says(0, &["all derived again under tree 1,000"]).out.contains("first sync"), "{}", ran.show());
}

#[test]
fn a_first_commit_that_was_interrupted_is_a_note() {
    let world = World::new();
    world.run(&["sync", "--data", "d", "--to", "800"]).says(0, &[]);
    let progress = world.machine.read(&log_file(&world, "progress"));
    world.run(&["sync", "--data", "d"]).says(0, &[]);
    // As after a crash between the two files of a commit.
    let head = world.machine.read(&log_file(&world, "head"));
    std::fs::remove_file(world.machine.at(&log_file(&world, "head"))).unwrap();
    world.machine.write(&log_file(&world, "progress"), &progress);
    verify(&world).says(0, &["the first commit is under way or was interrupted", "under tree 1,000"]).quiet();
    // A log that lost its head is damaged.
    std::fs::remove_file(world.machine.at(&log_file(&world, "progress"))).unwrap();
    verify(&world).says(1, &["head-damaged"]);
    // A later commit, in the same state.
    let heads = format!("{}\n{}", world.log.head(512), world.machine.read(&log_file(&world, "heads")));
    world.machine.write(&log_file(&world, "heads"), heads).write(&log_file(&world, "head"), world.log.head(512));
    verify(&world).says(1, &["head-behind"]);
    world.machine.write(&log_file(&world, "progress"), "768 512\n");
    verify(&world).says(0, &["a commit is under way or was interrupted", "under tree 1,000"]).quiet();
    world.machine.write(&log_file(&world, "head"), &head);
    verify(&world).says(0, &[]);
}

#[test]
fn of_a_fork_it_names_the_file_of_the_older_head() {
    let world = World::new();
    world.run(&["sync", "--data", "d"]).says(0, &[]);
    world.log.fork(300);
    let other = world.log.head(600);
    world.machine.write(&format!("d/heads/{}/latest", world.log.name()), other);
    let named = format!("the old one, of size 600, in d/heads/{}/latest", world.log.name());
    verify(&world).says(3, &["THE LOG MISBEHAVED", &named]).quiet();
}

#[test]
fn a_sync_that_has_only_begun_is_a_note() {
    let world = World::new();
    let log = Folder::open(&world.machine.at("d")).unwrap().log(world.log.name()).unwrap();
    drop(log.writer(Tree::EMPTY).unwrap());
    verify(&world).says(0, &["note: "]).quiet();
}

#[test]
fn a_data_folder_before_the_first_start_is_a_note() {
    let world = World::new();
    std::fs::create_dir(world.machine.at("d")).unwrap();
    verify(&world).says(0, &["note: d holds no full log of", "gosumcheck sync", "nothing was checked"]).quiet();
    // A server without a mirror, and without a module so far.
    world.run(&["lookup", &world.module(3), "--data", "d"]).says(0, &[]);
    verify(&world).says(0, &["4 cached answers: all hashed again under tree"]).quiet();
    // A folder that is not there may be a misspelt one, and a part that was asked for has to be there.
    world.run(&["verify", "--data", "e"]).complains(2, &["e/log/", "there is no mirror of this log here"]);
    world.run(&["verify", "--repair", "--data", "e"]).complains(2, &["there is no mirror of this log here"]);
    world.run(&["verify", "--data", "d", "--no-modules"]).complains(2, &["there is no mirror of this log here"]);
    world.run(&["verify", "--data", "d", "--no-log"]).complains(2, &["holds no modules"]);
}

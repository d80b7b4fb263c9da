//! Repair of the remembered head, which nothing can sign again, and of the cache: what is kept here or proven by a source takes the place
//! of what is damaged; where nothing proves what had been accepted, it stays as it is, and that is said.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use gosumcheck::database::Database;
use gosumcheck::store::Folder;
use gosumcheck::store::failing::{FailingDisk, Moment, Then};
use gosumcheck::sumdb::checkpoint::{Checkpoint, Policy};
use gosumcheck::sumdb::note::VerifierKey;
use gosumcheck::upstream::{Base, Http, Settings, Upstreams};
use gosumcheck::verify::{Repaired, mend_remembered};

use super::command::{Machine, Ran};
use super::common::files_below;
use super::fake::{FakeSumdb, Served};
use super::world::runtime;

const MODULE: u64 = 700;

/// A log of 3,000 records, its server, and a user of it whose full copy has 1,000 and who has accepted 2,000.
struct World {
    log: FakeSumdb,
    served: Served,
    machine: Machine,
}

impl World {
    fn without_copy() -> World {
        let log = FakeSumdb::synthetic(3_000, 7);
        log.grow(1_000);
        let served = log.serve();
        let mut machine = Machine::new();
        machine.set("GOSUMDB", format!("{} {}", log.vkey(), served.url()));
        World { log, served, machine }
    }

    fn new() -> World {
        let world = World::without_copy();
        world.run(&["sync"]).says(0, &[]);
        world.log.grow(2_000);
        world.lookup(1_500);
        world
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.machine.run(&[args, &["--data", "d"]].concat())
    }

    fn lookup(&self, id: u64) {
        let (path, version) = self.log.module(id);
        self.run(&["lookup", "--private", "none", &format!("{path}@{version}")]).says(0, &[]);
    }

    fn repair(&self, code: i32, words: &[&str]) -> Ran {
        let ran = self.run(&["verify", "--repair"]);
        ran.says(code, words);
        ran
    }

    fn heads(&self, name: &str) -> PathBuf {
        self.machine.at("d/heads/fakelog.example").join(name)
    }

    fn size(&self) -> Option<u64> {
        let policy = Policy::log(VerifierKey::parse(&self.log.vkey()).unwrap());
        let note = fs::read(self.heads("latest")).unwrap();
        Checkpoint::open(&note, &policy).ok().map(|head| head.tree().size)
    }

    /// Damages the remembered head; gives what stands there then.
    fn damage(&self) -> Vec<u8> {
        let mut note = fs::read(self.heads("latest")).unwrap();
        note[30] ^= 1;
        fs::write(self.heads("latest"), &note).unwrap();
        assert_eq!(self.size(), None);
        note
    }

    fn refused(&self) -> Vec<Vec<u8>> {
        let dir = Some(self.machine.at("d/refused")).filter(|dir| dir.is_dir());
        dir.iter().flat_map(|dir| files_below(dir)).map(|path| fs::read(path).unwrap()).collect()
    }
}

#[test]
fn a_head_that_reaches_as_far_as_what_was_accepted_is_taken_from_what_is_kept() {
    let world = World::without_copy();
    world.run(&["sync"]).says(0, &[]);
    let good = fs::read(world.heads("latest")).unwrap();
    let damaged = world.damage();
    world.run(&["verify"]).says(1, &["heads-damaged"]);
    let ran = world.run(&["verify", "--repair", "--offline"]);
    ran.says(0, &["has the newest signed head that is kept here again, of 1000 records"]);
    assert_eq!(fs::read(world.heads("latest")).unwrap(), good);
    assert!(world.refused().contains(&damaged));
    // Where earlier versions kept it, it is only read.
    let earlier = world.machine.at("d/cache/fakelog.example/latest");
    for is_there_too in [true, false] {
        fs::create_dir_all(earlier.parent().unwrap()).unwrap();
        fs::write(&earlier, &damaged).unwrap();
        if !is_there_too {
            fs::remove_file(world.heads("latest")).unwrap();
        }
        world.run(&["verify", "--repair", "--offline"]).says(0, &["cache/fakelog.example/latest"]);
        assert_eq!((fs::read(world.heads("latest")).unwrap(), earlier.exists()), (good.clone(), false));
    }
}

#[test]
fn what_was_accepted_beyond_the_full_copy_is_proven_by_a_source() {
    let world = World::new();
    assert_eq!(world.size(), Some(2_000));
    let damaged = world.damage();
    let is_left_alone = |ran: &Ran| {
        assert!(ran.out.contains("could not be repaired"), "{}", ran.show());
        assert_eq!(fs::read(world.heads("latest")).unwrap(), damaged, "{}", ran.show());
    };
    let ran = world.run(&["verify", "--repair", "--offline"]);
    ran.says(1, &["restore it from a backup, or delete it"]);
    is_left_alone(&ran);
    // A source that is behind what was accepted shows nothing.
    world.log.grow(1_500);
    is_left_alone(&world.repair(1, &["shows a head of 1500 records, and one of 2000 was accepted"]));
    world.log.grow(2_500);
    world.repair(0, &["whose tree was shown to contain the one that was accepted last"]);
    assert_eq!(world.size(), Some(2_500));
    assert!(world.refused().contains(&damaged));
    world.run(&["verify"]).says(0, &[]);
    // The very head that was accepted.
    world.damage();
    world.repair(0, &["of 2500 records"]);
}

#[test]
fn a_source_with_another_history_restores_nothing() {
    let world = World::new();
    let damaged = world.damage();
    // It parts from what is kept and signed: the log is caught.
    let fork = FakeSumdb::synthetic(3_000, 7);
    fork.grow(2_500);
    fork.fork(10);
    let served = fork.serve();
    let repair = |url: &str| world.run(&["verify", "--repair", "--sumdb-url", url]);
    repair(&served.url()).says(3, &["SECURITY ERROR"]);
    world.run(&["heads", "clear-fork", "--yes"]).says(0, &[]);
    // It parts after that, and before what was accepted, of which no signature is left.
    let fork = FakeSumdb::synthetic(3_000, 7);
    fork.grow(2_500);
    fork.fork(1_700);
    let served = fork.serve();
    repair(&served.url()).says(1, &["could not be repaired", "another history"]);
    assert_eq!(fs::read(world.heads("latest")).unwrap(), damaged);
}

#[test]
fn without_a_full_copy_the_times_of_first_sight_are_what_a_source_is_held_to() {
    let world = World::without_copy();
    world.lookup(MODULE);
    let damaged = world.damage();
    world.repair(0, &["of 1000 records"]);
    assert_eq!(world.size(), Some(1_000));
    fs::write(world.heads("latest"), &damaged).unwrap();
    fs::remove_file(world.heads("seen.jsonl")).unwrap();
    let ran = world.repair(1, &["could not be repaired", "nothing else that is kept here shows which head"]);
    ran.says(1, &["delete it, to trust the next head as at first contact"]);
    assert_eq!(fs::read(world.heads("latest")).unwrap(), damaged);
    // The head of another log of this name is not damaged.
    let other = FakeSumdb::named("fakelog.example", 1_000, 99);
    fs::write(world.heads("latest"), other.head(1_000)).unwrap();
    world.repair(1, &["could not be repaired", "the head of another log of this name"]);
}

#[test]
fn a_restoration_that_dies_at_any_write_leaves_the_damaged_head_or_the_new_one() {
    let world = World::new();
    let damaged = world.damage();
    world.log.grow(2_500);
    let (root, latest) = (world.machine.at("d"), world.heads("latest"));
    let policy = Policy::log(VerifierKey::parse(&world.log.vkey()).unwrap());
    let restore = |disk: FailingDisk| {
        let disk = Arc::new(disk);
        let folder = Folder::open_on(&root, Box::new(Arc::clone(&disk))).unwrap();
        let base = Base::parse(&world.served.url()).unwrap();
        let upstreams = Upstreams::new(Http::new(Settings { tries: 1, ..Settings::default() }), vec![base]);
        let database = Database::open(&folder, "fakelog.example", policy.clone(), upstreams, 4).unwrap();
        let mut done = Repaired::default();
        let ended = runtime().block_on(mend_remembered(&folder, &database, &policy, &mut done));
        (disk, ended.is_ok_and(|head| head.is_some()))
    };
    let (counted, ended) = restore(FailingDisk::never());
    let writes = counted.calls().len();
    assert!(ended && writes > 5, "{writes}");
    for at in 0..writes {
        for moment in [Moment::Before, Moment::Torn, Moment::After] {
            fs::write(&latest, &damaged).unwrap();
            let _ = fs::remove_dir_all(root.join("refused"));
            restore(FailingDisk::new(at, moment, Then::Dead));
            let now = fs::read(&latest).unwrap();
            assert!(now == damaged || world.size() == Some(2_500), "{at} {moment:?}");
            assert!(now == damaged || world.refused().contains(&damaged), "{at} {moment:?}");
            assert!(restore(FailingDisk::never()).1 || now != damaged, "{at} {moment:?}");
            assert_eq!(world.size(), Some(2_500), "{at} {moment:?}");
        }
    }
}

#[test]
fn cached_tiles_and_answers_are_proven_again() {
    let world = World::without_copy();
    for id in [5, 300, MODULE] {
        world.lookup(id);
    }
    let cache = world.machine.at("d/cache/fakelog.example");
    let files: Vec<PathBuf> = files_below(&cache).into_iter().filter(|path| !path.ends_with("latest")).collect();
    assert!(files.len() > 5, "{files:?}");
    for path in &files {
        let good = fs::read(path).unwrap();
        let mut bytes = good.clone();
        bytes[12] ^= 1;
        fs::write(path, &bytes).unwrap();
        let name = path.strip_prefix(&cache).unwrap().display().to_string();
        world.run(&["verify", "--repair", "--offline"]).says(1, &["could not be repaired"]);
        assert_eq!(fs::read(path).unwrap(), bytes, "{name}");
        world.repair(0, &["was proven again"]);
        let now = fs::read(path).unwrap();
        // The record of an answer, whose note may be a newer one.
        let record = |bytes: &[u8]| bytes.split(|byte| *byte == b'\n').take(3).map(<[u8]>::to_vec).collect::<Vec<_>>();
        assert!(now == good || name.starts_with("lookup/") && record(&now) == record(&good), "{name}");
        assert!(world.refused().contains(&bytes), "{name}");
    }
    // A full copy has all of it, and nobody is asked.
    world.run(&["sync"]).says(0, &[]);
    for path in &files {
        let mut bytes = fs::read(path).unwrap();
        bytes[12] ^= 1;
        fs::write(path, &bytes).unwrap();
    }
    world.run(&["verify", "--repair", "--offline"]).says(0, &["was proven again"]);
}

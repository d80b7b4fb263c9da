//! Cosigning: what is signed is held, never two inconsistent heads, wherever the disk fails.

use std::path::Path;
use std::sync::Arc;

use gosumcheck::database::Database;
use gosumcheck::fault::Fault;
use gosumcheck::relay::Cosigner;
use gosumcheck::store::disk::Disk;
use gosumcheck::store::failing::{FailingDisk, Moment, Then};
use gosumcheck::store::{Folder, Log};
use gosumcheck::sumdb::checkpoint::{Checkpoint, Policy, Tree};
use gosumcheck::sumdb::hash::leaf_hashes;
use gosumcheck::sumdb::note::{KeyKind, SignerKey};

use super::fake::FakeSumdb;
use super::world::World;

/// The sizes of the heads that are committed one after another.
const HEADS: [u64; 3] = [2, 5, 9];
const MOMENTS: [Moment; 3] = [Moment::Before, Moment::Torn, Moment::After];

fn key() -> SignerKey {
    SignerKey::of_kind(KeyKind::Witness, "mirror.example/go", [8; 32]).unwrap()
}

/// One process over the data folder of `world`.
struct Process<'a> {
    world: &'a World,
    log: Log,
    cosigner: Cosigner,
    database: Database,
}

impl<'a> Process<'a> {
    fn start(world: &'a World, folder: Folder) -> Process<'a> {
        let log_key = world.policy().log_key().unwrap().clone();
        let log = folder.log(world.log.name()).unwrap();
        let file = folder.head(world.log.name()).unwrap().cosigned(key().vkey().id());
        let database = world.database_on(&folder);
        Process { world, cosigner: Cosigner::new(key(), &log_key, file, log.clone()).unwrap(), log, database }
    }

    /// Commits the head of `size`, as a sync does.
    fn commit(&self, size: u64) -> Result<(), Fault> {
        self.commit_of(size, |text| text)
    }

    /// The same of another history, whose records are changed so; the log's key signs its head.
    fn commit_of(&self, size: u64, changed: impl Fn(String) -> String) -> Result<(), Fault> {
        let open = |note: &[u8]| Checkpoint::open(note, &self.world.policy()).unwrap();
        let tree = self.log.head()?.map_or(Tree::EMPTY, |note| open(&note).tree());
        if tree.size >= size {
            return Ok(());
        }
        let mut writer = self.log.writer(tree)?;
        writer.rewind(tree)?;
        let texts: Vec<String> = (tree.size..size).map(|id| changed(self.world.log.record_text(id))).collect();
        let records: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
        writer.append(&records, &leaf_hashes(&records))?;
        let head = self.world.log.sign(&writer.tree().note_text());
        writer.commit(&open(head.as_bytes()))
    }

    /// The cosigned head as a client would get it.
    fn cosign(&self, now: u64) -> Result<Checkpoint, Fault> {
        self.database.refresh()?;
        let Some(mirror) = self.database.mirror() else { return Err(Fault::nobody("the log", "not yet")) };
        let note = self.cosigner.cosign(&self.database, &mirror, now)?;
        let witnessed = Policy::witnessed(self.world.policy().log_key().unwrap().clone(), &[key().vkey()], 1).unwrap();
        Ok(Checkpoint::open(&note, &witnessed).unwrap())
    }

    /// Commits and cosigns all heads; gives what clients got until something failed.
    fn run(&self, from: u64) -> (Vec<Checkpoint>, bool) {
        let mut given = Vec::new();
        for (step, size) in (0..).zip(HEADS) {
            let done = self.commit(size).and_then(|()| self.cosign(from + step));
            match done {
                Ok(head) => given.push(head),
                Err(_) => return (given, false),
            }
        }
        (given, true)
    }
}

fn on(root: &Path, disk: impl Disk + 'static) -> Folder {
    Folder::open_on(root, Box::new(disk)).unwrap()
}

/// Whether the log had each of these trees, and none of them is ahead of what is committed on the disk.
fn agree(world: &World, given: &[Checkpoint], held: u64, at: &str) {
    for head in given {
        let Tree { size, root } = head.tree();
        assert_eq!(root, world.log.root(size), "{at}");
        assert!(size <= held, "{at}: {size} is cosigned and {held} are held");
    }
}

#[test]
fn a_disk_that_fails_at_any_change_leaves_no_two_histories_cosigned_and_none_ahead_of_it() {
    let log = FakeSumdb::synthetic(HEADS[2], 5);
    let counted = World::new(&log);
    let counting = Arc::new(FailingDisk::never());
    let (given, whole) = Process::start(&counted, on(counted.data.path(), counting.clone())).run(100);
    assert!(whole && given.len() == HEADS.len());
    let changes = counting.calls().len();
    assert!(changes > 40, "{changes}");
    let mut given_before_the_crash = 0;
    for k in 0..changes {
        for moment in MOMENTS {
            // A process that goes on after a torn write, or after one that was made, is the next process too.
            let thens = if moment == Moment::Before { &[Then::Dead, Then::Recovers][..] } else { &[Then::Dead] };
            for &then in thens {
                let (world, at) = (World::new(&log), format!("k={k} {moment:?} {then:?}"));
                let folder = on(world.data.path(), Arc::new(FailingDisk::new(k, moment, then)));
                let (given, _) = Process::start(&world, folder).run(100);
                given_before_the_crash += given.len();
                // Another process finds what is left: all that clients got is held, and the next cosignatures go on from there.
                let after = Process::start(&world, world.folder());
                let head = after.log.head().unwrap().map(|note| Checkpoint::open(&note, &world.policy()).unwrap());
                agree(&world, &given, head.as_ref().map_or(0, |head| head.tree().size), &at);
                let stored = world.folder().head(log.name()).unwrap().cosigned(key().vkey().id()).load().unwrap();
                assert!(given.is_empty() || stored.is_some(), "{at}: what was given is remembered");
                let (more, whole) = after.run(50);
                assert!(whole, "{at}");
                agree(&world, &more, HEADS[2], &at);
                let times = given.iter().chain(&more).map(|head| (head.tree().size, head.quorum_since().unwrap()));
                let times: Vec<(u64, u64)> = times.collect();
                assert!(
                    times.windows(2).all(|pair| pair[0].0 > pair[1].0 || pair[0].1 <= pair[1].1),
                    "{at}: {times:?}"
                );
            }
        }
    }
    assert!(given_before_the_crash > changes, "the matrix has crashes after cosignatures were given");
}

#[test]
fn the_signature_is_given_after_all_that_it_promises_is_synced() {
    let log = FakeSumdb::synthetic(HEADS[2], 5);
    let world = World::new(&log);
    let disk = Arc::new(FailingDisk::never());
    let process = Process::start(&world, on(world.data.path(), disk.clone()));
    process.commit(HEADS[0]).unwrap();
    process.cosign(1).unwrap();
    process.commit(HEADS[1]).unwrap();
    let before = disk.calls().len();
    let first = process.cosign(2).unwrap();
    // The log's folder, so that its head is there for good; then the signature: bytes, name, folder.
    assert_eq!(disk.calls()[before..], ["sync_folder", "write_new durable", "rename", "sync_folder"]);
    assert_eq!(process.cosign(3).unwrap(), first, "signed once");
    assert_eq!(disk.calls().len(), before + 4);
    // Another process does not show what a power cut may still take away.
    let again = Process::start(&world, on(world.data.path(), disk.clone()));
    let before = disk.calls().len();
    assert_eq!(again.cosign(9).unwrap(), first);
    assert_eq!(disk.calls()[before..], ["create_folder", "sync_folder"], "the folder is there");
}

#[test]
fn another_history_is_not_cosigned_and_becomes_evidence() {
    let log = FakeSumdb::synthetic(HEADS[2], 5);
    let world = World::new(&log);
    let process = Process::start(&world, world.folder());
    process.commit(HEADS[1]).unwrap();
    process.cosign(1).unwrap();
    // Somebody put another history in the log's place, signed by the same key.
    let put = |size: u64| {
        std::fs::remove_dir_all(process.log.dir()).unwrap();
        let replaced = Process::start(&world, world.folder());
        replaced.commit_of(size, |text| text.replace("h1:", "h2:")).unwrap();
        replaced.cosign(2)
    };
    for size in [HEADS[1], HEADS[2]] {
        assert!(matches!(put(size), Err(Fault::Forked { .. })), "{size}");
        // Nothing is signed while the evidence is there.
        let said = Process::start(&world, world.folder()).cosign(3).unwrap_err().to_string();
        assert!(said.contains("evidence") && said.contains("person"), "{said}");
    }
    // A log that was put back to an older state is not shown as cosigned.
    std::fs::remove_dir_all(process.log.dir()).unwrap();
    let put_back = Process::start(&world, world.folder());
    put_back.commit(HEADS[0]).unwrap();
    let said = put_back.cosign(3).unwrap_err().to_string();
    assert!(said.contains("was put back"), "{said}");
}

#[test]
fn a_damaged_memory_of_what_was_cosigned_stops_it() {
    let log = FakeSumdb::synthetic(HEADS[2], 5);
    let world = World::new(&log);
    let process = Process::start(&world, world.folder());
    process.commit(HEADS[0]).unwrap();
    process.cosign(1).unwrap();
    process.commit(HEADS[1]).unwrap();
    let file = world.folder().head(log.name()).unwrap().cosigned(key().vkey().id());
    let good = std::fs::read(file.path()).unwrap();
    for byte in [0, good.len() / 2, good.len() - 3] {
        let mut bad = good.clone();
        bad[byte] ^= 1;
        std::fs::write(file.path(), bad).unwrap();
        let said = Process::start(&world, world.folder()).cosign(2).unwrap_err().to_string();
        assert!(said.contains("restore it from a backup"), "{said}");
    }
    std::fs::write(file.path(), "").unwrap();
    assert!(Process::start(&world, world.folder()).cosign(2).is_err());
    std::fs::write(file.path(), good).unwrap();
    assert_eq!(Process::start(&world, world.folder()).cosign(2).unwrap().tree().size, HEADS[1]);
}

#[test]
fn a_key_for_notes_does_not_cosign() {
    let note = SignerKey::from_seed("mirror.example/go", [8; 32]).unwrap();
    assert!(matches!(Cosigner::check(&note), Err(Fault::Usage(why)) if why.contains("--kind cosignature")));
}

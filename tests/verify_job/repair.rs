//! Repair of a full log: every file in every way, at every crash, and what cannot be repaired.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use gosumcheck::database::Database;
use gosumcheck::fault::Fault;
use gosumcheck::report::Integrity;
use gosumcheck::report::integrity::Diagnosis;
use gosumcheck::store::Folder;
use gosumcheck::store::disk::Disk;
use gosumcheck::store::failing::{FailingDisk, Moment, Then};
use gosumcheck::upstream::{Base, Http, Settings, Upstreams};
use gosumcheck::verify::{self, LogRepair, Repaired, VerifyOptions};

use super::command::Machine;
use super::damage::{ALL, Damage, Kept};
use super::log::World;
use super::world::runtime;

/// The files of a log with two levels of hashes.
const FILES: [&str; 7] = ["records", "offsets", "hashes.0", "hashes.1", "head", "heads", "index.sqlite"];

/// Repairs the log of `world` on a disk, asking the sources at `bases`.
fn repair_on(world: &World, disk: Box<dyn Disk>, bases: &[&str]) -> Result<Repaired, Fault> {
    let folder = Folder::open_on(world.root.path(), disk).unwrap();
    let bases = bases.iter().map(|base| Base::parse(base).unwrap()).collect();
    let upstreams = Upstreams::new(Http::new(Settings { tries: 1, ..Settings::default() }), bases);
    let database = Database::open(&folder, world.db.name(), world.policy.clone(), upstreams, 4).unwrap();
    let log = folder.log(world.db.name()).unwrap();
    let options = VerifyOptions { threads: std::num::NonZero::new(2), ..VerifyOptions::default() };
    let repair =
        LogRepair { folder: &folder, log: &log, database: &database, policy: &world.policy, options: &options };
    runtime().block_on(repair.run())
}

fn repair(world: &World, bases: &[&str]) -> Repaired {
    repair_on(world, Box::new(gosumcheck::store::disk::RealDisk), bases).unwrap()
}

/// A verification of all of it; none where the log cannot even be opened.
fn verify(world: &World) -> Option<Integrity> {
    let options = VerifyOptions { threads: std::num::NonZero::new(2), ..VerifyOptions::default() };
    let mut report = verify::log(&world.log, world.db.name(), &world.policy, &options, &|_, _| {}).ok()?;
    verify::diagnose(world.log.dir(), &mut report);
    Some(report)
}

/// Makes the index.
pub(super) fn index(world: &World) {
    let tree = gosumcheck::sumdb::checkpoint::Tree { size: world.db.size(), root: world.db.root(world.db.size()) };
    gosumcheck::store::index::update(&world.log, &world.log.snapshot(tree).unwrap(), &|_, _| {}).unwrap();
}

fn files(world: &World) -> BTreeMap<PathBuf, Vec<u8>> {
    let names = FILES.iter().filter(|name| **name != "index.sqlite").map(|name| world.path(name));
    names.filter_map(|path| Some((path.clone(), fs::read(&path).ok()?))).collect()
}

/// What lies beyond the committed head is what a sync that was interrupted leaves, and so is half an entry of `heads`.
fn is_normal(name: &str, damage: Damage) -> bool {
    match damage {
        Damage::Grown => !matches!(name, "head"),
        _ => false,
    }
}

/// What is behind it, where the file shows that.
fn expected(name: &str, damage: Damage) -> Option<Diagnosis> {
    if name == "index.sqlite" && !matches!(damage, Damage::Mode(_) | Damage::Linked) {
        return Some(Diagnosis::IndexDrift);
    }
    match damage {
        // The last byte of a note is the end of its line.
        Damage::Flip(999) if name.starts_with("head") => None,
        Damage::Flip(_) => Some(Diagnosis::BitRot),
        Damage::Cut(_) | Damage::Zeroed => Some(Diagnosis::TornWrite),
        Damage::Removed => Some(Diagnosis::Missing),
        Damage::Mode(_) | Damage::Linked => Some(Diagnosis::Replaced),
        Damage::Grown | Damage::Swapped => None,
    }
}

#[test]
fn every_file_of_a_log_in_every_way_is_found_told_apart_and_repaired() {
    let world = World::new(1000, &[300, 700, 1000]);
    index(&world);
    let more = (1..40).step_by(2).map(|part| Damage::Flip(part * 25));
    let cases = matrix(&world, &FILES, &ALL.into_iter().chain(more).collect::<Vec<_>>());
    assert!(cases > 200, "{cases}");
}

/// Damages each of these files of a log in each of these ways, and sees it found and repaired; says how many cases there were.
pub(super) fn matrix(world: &World, names: &[&str], damages: &[Damage]) -> usize {
    let served = world.db.serve();
    let elsewhere = world.root.path().join("elsewhere");
    let mut cases = 0;
    assert_eq!(verify(world).unwrap().findings, []);
    let kept: Vec<_> = names.iter().map(|name| (world.path(name), Kept::of(&world.path(name)))).collect();
    for damage in damages.iter().copied() {
        for (at, name) in names.iter().enumerate() {
            let (path, neighbour) = (world.path(name), world.path(names[(at + 1) % names.len()]));
            let context = format!("{name} {damage:?}");
            if !damage.does(&path, &neighbour, &elsewhere) {
                continue;
            }
            cases += 1;
            let report = verify(world);
            let is_index_only = *name == "index.sqlite" && matches!(damage, Damage::Flip(_) | Damage::Grown);
            // SQLite has bytes that mean nothing, and a missing index is one that is not made yet.
            let may_mean_nothing =
                is_index_only || (*name == "index.sqlite" && matches!(damage, Damage::Removed | Damage::Cut(0)));
            if is_normal(name, damage) {
                assert_eq!(report.as_ref().map(Integrity::total), Some(0), "{context}: {report:#?}");
            } else if let Some(report) = &report {
                assert!(report.total() > 0 || may_mean_nothing, "{context} is not found");
                let of_file = report.findings.iter().filter(|finding| finding.file == *name);
                let is_located = of_file.clone().next().is_some() || matches!(damage, Damage::Swapped);
                assert!(is_located || may_mean_nothing, "{context} is not located: {:#?}", report.findings);
                let seen: Vec<Diagnosis> = of_file.map(|finding| finding.diagnosis).collect();
                if let Some(expected) = expected(name, damage).filter(|_| !seen.is_empty()) {
                    assert!(
                        seen.contains(&expected),
                        "{context}: {seen:?}, expected {expected:?}: {:#?}",
                        report.findings
                    );
                }
            }
            let done = repair(world, &[&served.url()]);
            assert_eq!(done.failed, Vec::<String>::new(), "{context}");
            let after = verify(world).unwrap_or_else(|| panic!("{context}"));
            assert_eq!(after.findings, [], "{context}: {done:#?}");
            if !is_normal(name, damage) {
                let exact = |(path, _): &&(PathBuf, Kept)| !path.ends_with("index.sqlite");
                for (path, kept) in kept.iter().filter(exact) {
                    // Old heads cannot be signed again.
                    let is_lost = path.ends_with("heads") && (*name == "heads" || matches!(damage, Damage::Swapped));
                    let is_same = kept.is_at(path) || matches!(damage, Damage::Swapped) && kept.begins(path);
                    assert!(is_same || is_lost, "{context}: {} is another: {done:#?}", path.display());
                }
            }
            kept.iter().filter(|(path, kept)| !kept.is_at(path)).for_each(|(path, kept)| kept.put_back(path));
            let _ = fs::remove_file(&elsewhere);
            let _ = fs::remove_dir_all(world.root.path().join("refused"));
        }
    }
    cases
}

#[test]
fn hashes_and_offsets_are_derived_without_asking_anybody() {
    let world = World::new(70_000, &[70_000]);
    for name in ["offsets", "hashes.0", "hashes.1", "hashes.2"] {
        let kept = Kept::of(&world.path(name));
        let bytes = world.bytes(name);
        let mut damaged = bytes.clone();
        for at in [0, bytes.len() / 3, bytes.len() - 1] {
            damaged[at] ^= 8;
        }
        world.put(name, &damaged);
        let done = repair(&world, &[]);
        assert!(kept.is_at(&world.path(name)), "{name}: {done:#?}");
        assert_eq!(done.failed, Vec::<String>::new(), "{name}");
    }
    assert_eq!(verify(&world).unwrap().findings, []);
}

#[test]
fn records_that_nobody_has_stay_as_they_are_and_that_is_said() {
    let world = World::new(1000, &[1000]);
    let mut damaged = world.bytes("records");
    damaged[70_000] ^= 1;
    world.put("records", &damaged);
    let done = repair(&world, &[]);
    assert_eq!(world.bytes("records"), damaged);
    assert!(done.failed[0].contains("data tile 1"), "{done:#?}");
    // An upstream that lies is refused, and named.
    world.db.fault("flip:tile/8/data/001");
    let served = world.db.serve();
    let done = repair(&world, &[&served.url()]);
    assert_eq!(world.bytes("records"), damaged, "{done:#?}");
    assert!(!done.failed.is_empty() && done.repairs.is_empty(), "{done:#?}");
    world.db.clear_faults();
    let done = repair(&world, &[&served.url()]);
    assert_eq!(done.failed, Vec::<String>::new());
    assert_eq!(verify(&world).unwrap().findings, []);
    // What was damaged is kept, with its report.
    let kept: Vec<_> =
        fs::read_dir(world.root.path().join("refused")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(kept.len(), 2, "{kept:?}");
    let bytes = kept.iter().find(|path| path.extension().unwrap() != "json").unwrap();
    assert!(damaged.windows(200).any(|window| fs::read(bytes).unwrap().starts_with(window)), "{kept:?}");
}

#[test]
fn a_repair_that_dies_at_any_write_leaves_no_good_byte_damaged_and_the_next_one_finishes() {
    let damage = |world: &World| {
        for (name, at) in [("records", 100), ("hashes.0", 9000), ("hashes.1", 40), ("offsets", 12)] {
            let mut bytes = world.bytes(name);
            bytes[at..at + 9].fill(b'#');
            world.put(name, &bytes);
        }
        let records = world.bytes("records");
        world.put("records", &records[..records.len() - 5000]);
        fs::remove_file(world.path("head")).unwrap();
    };
    let world = World::new(520, &[300, 520]);
    let (good, served) = (files(&world), world.db.serve());
    let counting = Arc::new(FailingDisk::never());
    damage(&world);
    let damaged = files(&world);
    let done = repair_on(&world, Box::new(Arc::clone(&counting)), &[&served.url()]).unwrap();
    assert_eq!((files(&world), done.failed.len()), (good.clone(), 0), "{done:#?}");
    let writes = counting.calls().len();
    assert!(writes > 20, "{writes}");
    for at in 0..writes {
        for moment in [Moment::Before, Moment::Torn, Moment::After] {
            let _ = fs::remove_dir_all(world.root.path().join("refused"));
            for (path, bytes) in &good {
                fs::write(path, bytes).unwrap();
            }
            damage(&world);
            let disk = Arc::new(FailingDisk::new(at, moment, Then::Dead));
            let _ = repair_on(&world, Box::new(disk), &[&served.url()]);
            // Each byte is the one that was there, or the right one; a file is not shorter than it was.
            for (path, bytes) in files(&world) {
                let before = damaged.get(&path).cloned().unwrap_or_default();
                let right = &good[&path];
                assert!(bytes.len() >= before.len().min(right.len()), "{at} {moment:?} {}", path.display());
                let is_one = |(at, byte): (usize, &u8)| before.get(at) == Some(byte) || right.get(at) == Some(byte);
                let is_replaced_whole = path.ends_with("head") || path.ends_with("heads");
                // A write beyond the end that was torn has nothing but right bytes and zeros before them.
                let ok = bytes.iter().enumerate().all(is_one);
                assert!(ok || is_replaced_whole, "{at} {moment:?} {}", path.display());
            }
            // Nothing is found of what was not damaged.
            let wrong = ["records", "hashes.0", "hashes.1", "offsets", "head"];
            let found = verify(&world).unwrap().findings;
            assert!(found.iter().all(|it| wrong.contains(&&*it.file)), "{at} {moment:?}: {found:#?}");
            let done = repair(&world, &[&served.url()]);
            assert_eq!(files(&world), good, "{at} {moment:?}: {done:#?}");
        }
    }
    assert_eq!(verify(&world).unwrap().findings, []);
}

#[test]
fn the_command_repairs_and_says_what() {
    let world = World::new(1000, &[1000]);
    index(&world);
    let served = world.db.serve();
    let mut machine = Machine::new();
    machine.set("GOSUMDB", format!("{} {}", world.db.vkey(), served.url()));
    machine.set("GOSUMCHECK_DATA", world.root.path().to_str().unwrap());
    let mut damaged = world.bytes("records");
    damaged[70_000] ^= 1;
    world.put("records", &damaged);
    machine.run(&["verify"]).says(1, &["records-damaged", "bit-rot: read twice", "data tile 1"]);
    machine
        .run(&["verify", "--repair", "--offline"])
        .says(1, &["could not be repaired: data tile 1", "records-damaged"]);
    let ran = machine.run(&["verify", "--repair", "--format", "json"]);
    assert_eq!((ran.code, ran.json()["total_findings"].as_u64()), (0, Some(0)), "{}", ran.show());
    assert_eq!(ran.json()["repairs"][0]["changed"], 1, "{}", ran.show());
    machine.run(&["verify"]).says(0, &["1,000 records"]);
    world.put("records", &damaged);
    machine.run(&["verify", "--repair"]).says(0, &["repaired", "(1 byte were others)", "1,000 records"]);
}

//! A run that is killed at any write goes on from what it noted last, finds what an undisturbed one finds, and leaves a record that
//! verifies.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;

use gosumcheck::report::Integrity;
use gosumcheck::report::integrity::Coverage;
use gosumcheck::store::Folder;
use gosumcheck::store::failing::{FailingDisk, Moment, Then};
use gosumcheck::store::index;
use gosumcheck::verify::{self, JobScope, ModuleOptions, Resume, VerifyOptions};
use serde_json::Value;

use super::command::{Machine, Ran};
use super::log;
use super::world;

const MOMENTS: [Moment; 3] = [Moment::Before, Moment::Torn, Moment::After];
/// So that progress is noted after each data tile, and after each module file.
const OFTEN: u64 = 1;

fn asked() -> JobScope {
    JobScope { database: "fakelog.example+x".to_owned(), log: true, index: true, modules: true, upstreams: false }
}

fn begin(folder: &Folder, coverage: Coverage) -> Option<Arc<Resume>> {
    let job = folder.begin_job().ok()?;
    Some(Arc::new(Resume::begin(job, asked(), coverage, 1_700_000_000_000_000, OFTEN)))
}

/// What a report says but where it was looked at again.
fn essence(report: &Integrity) -> (String, String) {
    (format!("{:?}", report.findings), format!("{:?} {:?}", report.figures, report.counts))
}

#[test]
fn a_log_is_gone_on_with_wherever_the_process_died() {
    let world = log::World::new(6 * 256 + 100, &[6 * 256 + 100]);
    let tree = world.head(6 * 256 + 100).tree();
    index::rebuild(&world.log, &world.log.snapshot(tree).unwrap(), &|_, _| {}).unwrap();
    let good = world.bytes("records");
    // In the first tile and in the last full one: before and behind every place that is noted.
    let damages = [&[][..], &[70, good.len() - 30_000]];
    let damaged = damages.map(|places| {
        let mut damaged = good.clone();
        places.iter().for_each(|at| damaged[*at] ^= 1);
        damaged
    });
    for (bytes, threads) in damaged.iter().flat_map(|bytes| [1, 2].map(|threads| (bytes, threads))) {
        world.put("records", bytes);
        let threads = std::num::NonZero::new(threads);
        let options = |resume| VerifyOptions { threads, resume, ..VerifyOptions::default() };
        let whole = world.verify_as(&options(None));
        let (mut resumed, mut at) = (0, 0);
        loop {
            let mut was_hit = false;
            for moment in MOMENTS {
                let disk = Arc::new(FailingDisk::new(at, moment, Then::Dead));
                let failing = Folder::open_on(world.root.path(), Box::new(Arc::clone(&disk))).unwrap();
                if let Some(resume) = begin(&failing, Coverage::Full) {
                    assert_eq!(essence(&world.verify_as(&options(Some(resume)))), essence(&whole));
                }
                was_hit |= disk.calls().len() > at;
                let folder = Folder::open(world.root.path()).unwrap();
                let resume = begin(&folder, Coverage::Full).unwrap();
                let first = Mutex::new(None);
                let seen = |done: u64, _: u64| {
                    first.lock().unwrap().get_or_insert(done);
                };
                let options = options(Some(Arc::clone(&resume)));
                let report = verify::log(&world.log, world.db.name(), &world.policy, &options, &seen).unwrap();
                assert_eq!(essence(&report), essence(&whole), "{at} {moment:?}");
                resumed += usize::from(first.lock().unwrap().unwrap_or(0) > 0);
                resume.finish().unwrap();
                drop((options, resume));
                assert!(!begin(&folder, Coverage::Full).unwrap().is_continued());
            }
            if !was_hit {
                break;
            }
            at += 1;
        }
        // How often a place is noted is the system's affair: the tiles are read by several threads, and those that come to their end
        // before an earlier one are noted with it. At least all of them are, and the end: two writes each.
        assert!(at >= 4 && resumed > 0, "{at} writes, gone on with {resumed} times");
    }
}

#[test]
fn modules_are_gone_on_with_wherever_the_process_died() {
    let world = world::World::new();
    world.keep_answers();
    let all = world.files();
    let (_, _, path) = &all[0];
    let good = fs::read(path).unwrap();
    let mut damaged = good.clone();
    damaged[good.len() / 2] ^= 1;
    for bytes in [&good, &damaged] {
        fs::write(path, bytes).unwrap();
        let options = |resume| ModuleOptions { resume, ..ModuleOptions::default() };
        let whole = world.verify();
        let (mut resumed, mut at) = (0, 0);
        loop {
            let disk = Arc::new(FailingDisk::new(at, MOMENTS[at % 3], Then::Dead));
            let failing = Folder::open_on(world.root(), Box::new(Arc::clone(&disk))).unwrap();
            if let Some(resume) = begin(&failing, Coverage::Full) {
                assert_eq!(essence(&world.verify_as(options(Some(resume)), &|_, _, _| {})), essence(&whole));
            }
            let was_hit = disk.calls().len() > at;
            let folder = Folder::open(world.root()).unwrap();
            let resume = begin(&folder, Coverage::Full).unwrap();
            let (looked, total) = (Mutex::new(0), all.len());
            let seen = |_: &str, _: usize, _: usize| *looked.lock().unwrap() += 1;
            let report = world.verify_as(options(Some(Arc::clone(&resume))), &seen);
            assert_eq!(essence(&report), essence(&whole), "{at}");
            resumed += usize::from(*looked.lock().unwrap() < total);
            resume.finish().unwrap();
            if !was_hit {
                break;
            }
            at += 1;
        }
        assert!(at > all.len() && resumed > 4, "{at} writes, gone on with {resumed} times");
    }
}

/// How many data tiles are noted as done.
fn noted(progress: &Path) -> u64 {
    let text = fs::read_to_string(progress).unwrap_or_default();
    let noted = serde_json::from_str(&text).unwrap_or(Value::Null);
    noted["log"]["tiles"].as_u64().unwrap_or(0)
}

/// Kills a run when it has noted that so many data tiles are done. It is so slow that it stands still after its first one.
pub(super) fn killed(machine: &Machine, progress: &Path, done: u64) {
    let mut slow = machine.command(&["verify", "--record", "--resume", "--max-rate", "10KiB"]);
    let mut slow = slow.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while noted(progress) < done {
        assert!(slow.try_wait().unwrap().is_none(), "it ended with {done} data tiles to come");
        std::thread::yield_now();
    }
    slow.kill().unwrap();
    slow.wait().unwrap();
}

#[test]
fn a_process_that_is_killed_again_and_again_comes_to_the_verdict_of_one_that_is_not() {
    let tiles = 12;
    let world = log::World::new(tiles * 256 + 10, &[300, tiles * 256 + 10]);
    let machine = super::machine(&world);
    machine.run(&["index"]).says(0, &[]);
    let (good, progress) = (world.bytes("records"), world.root.path().join("verify/progress.json"));
    for places in [&[][..], &[70, good.len() / 2, good.len() - 30_000]] {
        let mut damaged = good.clone();
        places.iter().for_each(|at| damaged[*at] ^= 1);
        world.put("records", &damaged);
        let verdict = |ran: Ran| {
            let report = ran.json();
            (ran.code, report["findings"].clone(), report["figures"].clone(), report["head"].clone())
        };
        let whole = verdict(machine.run(&["verify", "--format", "json"]));
        let mut done = 0;
        while done + 1 < tiles {
            killed(&machine, &progress, done + 1);
            // On a busy machine it may have done more before it was killed.
            done = noted(&progress);
            machine.run(&["journal", "verify"]).says(0, &[]);
        }
        let last = machine.run(&["verify", "--record", "--resume", "--format", "json"]);
        assert!(last.out.contains("this run goes on from where the one that began at"), "{}", last.show());
        assert_eq!(verdict(last), whole);
        assert!(!progress.exists());
        machine.run(&["journal", "verify"]).says(0, &[]);
    }
}

#[test]
fn what_was_asked_for_otherwise_is_not_gone_on_with() {
    let world = log::World::new(600, &[600]);
    let folder = Folder::open(world.root.path()).unwrap();
    let resume = begin(&folder, Coverage::Full).unwrap();
    world.verify_as(&VerifyOptions { skip_index: true, resume: Some(Arc::clone(&resume)), ..VerifyOptions::default() });
    drop(resume);
    let begins = |asked: JobScope, began: u64| {
        Resume::begin(folder.begin_job().unwrap(), asked, Coverage::Full, began, OFTEN).is_continued()
    };
    let began = 1_700_000_000_000_001;
    assert!(begins(asked(), began));
    for other in [
        JobScope { database: "other".to_owned(), ..asked() },
        JobScope { log: false, ..asked() },
        JobScope { index: false, ..asked() },
        JobScope { modules: false, ..asked() },
        JobScope { upstreams: true, ..asked() },
    ] {
        assert!(!begins(other.clone(), began), "{other:?}");
    }
    // From the future: a clock was set.
    assert!(!begins(asked(), 1_600_000_000_000_000));
    // What was covered then is covered now, whatever the record says by now.
    let part = Coverage::Part { since: None, sample: None };
    assert_eq!(begin(&folder, part).unwrap().coverage(), Coverage::Full);
    for text in ["", "{}", "[1]", "{\"schema\":\"gosumcheck.progress/2\"}"] {
        fs::write(world.root.path().join("verify/progress.json"), text).unwrap();
        assert!(!begins(asked(), began), "{text}");
    }
}

//! Crashes and full disks: the disk fails at every one of its changes during a sync, before, in the middle of and after it;
//! and the real process is killed at moments of its work. Then a new process goes on, and the files are those of a sync that
//! nobody disturbed.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use gosumcheck::fault::Fault;
use gosumcheck::store::failing::{FailingDisk, Moment, Then};
use gosumcheck::sync::SyncOptions;

use super::fake::FakeSumdb;
use super::world::{PLAIN, World, assert_same, expected};

/// Times that the process is killed, and the log that it syncs then.
const KILLS: u64 = 20;
const KILLED_RECORDS: u64 = 100_300;
/// A process that is not killed has this long to end.
const PATIENCE: Duration = Duration::from_secs(120);

/// A copy of the first 300 of 1,000 records is brought up to date over a disk that fails; gives the fault, if there was one.
fn grow_on(world: &World, url: &str, disk: &Arc<FailingDisk>) -> Result<(), Fault> {
    world.sync_on(Arc::clone(disk), &[url]).map(|_| ())
}

/// All that is below `from` is below `to` too.
fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from).into_iter().map(Result::unwrap) {
        let path = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            std::fs::create_dir_all(path).unwrap();
        } else {
            std::fs::copy(entry.path(), path).unwrap();
        }
    }
}

#[test]
fn a_disk_that_fails_at_any_change_costs_nothing_but_time() {
    let log = FakeSumdb::synthetic(1000, 41);
    let served = log.serve();
    let template = World::new(&log);
    log.grow(300);
    template.sync(&[&served.url()]).unwrap();
    log.grow(1000);
    let begin = || {
        let world = World::new(&log);
        copy(template.data.path(), world.data.path());
        world
    };
    let mut whole = expected(&log, 1000);
    whole.insert("heads".to_owned(), format!("{}\n{}\n", log.head(300), log.head(1000)).into_bytes());
    let old = log.head(300);
    let counting = Arc::new(FailingDisk::never());
    grow_on(&begin(), &served.url(), &counting).unwrap();
    let changes = counting.calls().len();
    assert!(changes > 15, "{:?}", counting.calls());
    for k in 0..changes {
        for moment in [Moment::Before, Moment::Torn, Moment::After] {
            for then in [Then::Dead, Then::Recovers] {
                let what = format!("change {k} of {changes}, {moment:?}, {then:?}");
                let world = begin();
                let told = grow_on(&world, &served.url(), &Arc::new(FailingDisk::new(k, moment, then)));
                if let Err(fault) = &told {
                    assert!(matches!(fault, Fault::Unavailable { .. }), "{what}: {fault}");
                }
                let head = String::from_utf8(world.held().head().unwrap().unwrap()).unwrap();
                assert!(head == old || head == log.head(1000), "{what}: {head}");
                assert!(told.is_err() || head != old, "{what}: told done");
                world.sync(&[&served.url()]).unwrap_or_else(|fault| panic!("{what}: {fault}"));
                let mut files = world.files();
                // A head may be written down a second time when the first time was not told to have worked.
                let heads = files.insert("heads".to_owned(), whole["heads"].clone()).unwrap();
                assert!(String::from_utf8_lossy(&heads).contains(&log.head(1000)), "{what}");
                assert_same(&files, &whole, &what);
            }
        }
    }
}

#[test]
fn a_full_disk_is_told_and_the_head_stays() {
    let log = FakeSumdb::synthetic(1000, 42);
    log.grow(300);
    let served = log.serve();
    let world = World::new(&log);
    world.sync(&[&served.url()]).unwrap();
    log.grow(1000);
    let counting = Arc::new(FailingDisk::never());
    let probe = World::new(&log);
    copy(world.data.path(), probe.data.path());
    grow_on(&probe, &served.url(), &counting).unwrap();
    let write = counting.calls().iter().position(|call| call == "write_at").unwrap();
    let fault =
        grow_on(&world, &served.url(), &Arc::new(FailingDisk::new(write, Moment::Torn, Then::Dead))).unwrap_err();
    let text = fault.to_string();
    assert!(matches!(fault, Fault::Unavailable { .. }) && text.contains(&world.dir().display().to_string()), "{text}");
    assert!(text.contains("no storage space"), "{text}");
    assert_eq!(world.held().head().unwrap().unwrap(), log.head(300).as_bytes());
    world.sync(&[&served.url()]).unwrap();
    assert_eq!(world.files()["records"], expected(&log, 1000)["records"]);
}

fn start(world: &World, url: &str) -> Child {
    let database = format!("{} {url}", world.log.vkey());
    Command::new(env!("CARGO_BIN_EXE_gosumcheck"))
        .args(["sync", "--sumdb", &database, "--data"])
        .arg(world.data.path())
        .env_clear()
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits until the process has ended, or has asked for so many things; gives whether it has ended.
fn wait(child: &mut Child, log: &FakeSumdb, requests: usize) -> bool {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if child.try_wait().unwrap().is_some() {
            return true;
        }
        if log.requests().len() >= requests {
            return false;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    panic!("a sync that does not end");
}

#[test]
fn a_process_that_is_killed_at_any_moment_goes_on() {
    let log = FakeSumdb::synthetic(KILLED_RECORDS, 43);
    let served = log.serve();
    let whole = expected(&log, KILLED_RECORDS);
    let requests = KILLED_RECORDS.div_ceil(256) + 6;
    let mut random = 0x5eed_u64;
    let mut killed = 0;
    for round in 0..KILLS {
        let mut next = |below: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % below
        };
        let world = World::new(&log);
        if round % 2 == 0 {
            // Somewhere in the middle it was marked how far it was.
            let to = Some(next(KILLED_RECORDS));
            world.sync_as(&[&served.url()], &SyncOptions { to, ..PLAIN }).unwrap();
        }
        for _ in 0..2 {
            log.clear_requests();
            let mut child = start(&world, &served.url());
            if !wait(&mut child, &log, usize::try_from(next(requests)).unwrap()) {
                child.kill().unwrap();
                killed += 1;
            }
            child.wait().unwrap();
        }
        world.sync(&[&served.url()]).unwrap_or_else(|fault| panic!("round {round}: {fault}"));
        assert_same(&world.files(), &whole, &format!("round {round}"));
    }
    assert!(killed >= KILLS, "only {killed} kills struck");
}

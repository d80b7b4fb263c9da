//! What a run covers: everything, what is new since the last one, or a share in turn; one run at a time.

use std::fs;

use gosumcheck::report::integrity::{Coverage, Flaw, Sample, Since};
use gosumcheck::store::Folder;
use gosumcheck::verify::{ModuleOptions, VerifyOptions};

use super::log::World;
use super::machine;
use super::world;

/// The log with one bit of its record 10 turned.
fn damaged(good: &[u8]) -> Vec<u8> {
    let mut damaged = good.to_vec();
    damaged[900] ^= 1;
    damaged
}

#[test]
fn since_the_last_run_covers_what_is_new_and_a_finding_is_never_passed_over() {
    let world = World::of(super::fake::FakeSumdb::synthetic(2000, 7), &[1000]);
    let machine = machine(&world);
    machine.run(&["index"]).says(0, &[]);
    // Nothing is recorded: all of it.
    let first = machine.run(&["verify", "--record", "--since", "last"]);
    first.says(0, &["1,000 records", "everything is covered: no earlier run is recorded"]);
    world.grow(world.head(1000).tree(), 2000);
    let good = world.bytes("records");
    // What is old is not read, and that is said.
    world.put("records", &damaged(&good));
    let second = machine.run(&["verify", "--record", "--since", "last"]);
    // Records 768 to 999 were in a partial tile.
    let new = "what is new since the last run derived again under tree 2,000";
    second.says(0, &["1,232 records", ", 232 indexed", new]);
    machine.run(&["index"]).says(0, &[]);
    let third = machine.run(&["verify", "--record", "--since", "last"]);
    third.says(0, &["208 records"]);
    machine.run(&["verify", "--record"]).says(1, &["records-damaged", "record 4;"]);
    // From a finding on, all of it, until one run is clean.
    for _ in 0..2 {
        let again = machine.run(&["verify", "--record", "--since", "last"]);
        again.says(1, &["records-damaged", "everything is covered: the last recorded run did not end with 0"]);
    }
    world.put("records", &good);
    machine.run(&["verify", "--record", "--since", "last"]).says(0, &["2,000 records"]);
    machine.run(&["verify", "--record", "--since", "last"]).says(0, &["208 records"]);
    // It was about more than this one.
    machine.run(&["verify", "--record", "--no-index", "--since", "last"]).says(0, &["208 records"]);
    // What is new is damaged.
    let mut bad = good.clone();
    let last = bad.len() - 10;
    bad[last] ^= 1;
    world.put("records", &bad);
    machine.run(&["verify", "--record", "--since", "last"]).says(1, &["records-damaged", "record 1999"]);
    let words = [("--since", "last"), ("--sample", "5"), ("--max-rate", "0"), ("--full-every", "soon")];
    for (flag, value) in words {
        machine.run(&["verify", flag, value]).says(2, &[]);
    }
}

#[test]
fn an_index_that_no_recorded_run_compared_is_compared_in_full() {
    let world = World::new(600, &[600]);
    let machine = machine(&world);
    machine.run(&["index"]).says(0, &[]);
    machine.run(&["verify", "--record", "--no-index"]).says(0, &["600 records"]);
    // The earlier run was complete, but for the index.
    let first = machine.run(&["verify", "--record", "--since", "last"]);
    first.says(0, &["600 records", "600 indexed", "everything is covered: no earlier run is recorded"]);
    machine.run(&["verify", "--record", "--since", "last"]).says(0, &["88 records", "88 indexed"]);
}

#[test]
fn a_finding_of_a_run_over_a_part_is_never_passed_over() {
    let world = World::new(600, &[600]);
    let machine = machine(&world);
    machine.run(&["index"]).says(0, &[]);
    machine.run(&["verify", "--record"]).says(0, &["600 records"]);
    let good = world.bytes("records");
    for part in ["--no-modules", "--no-index"] {
        world.put("records", &damaged(&good));
        machine.run(&["verify", "--record", part]).says(1, &["records-damaged"]);
        let again = machine.run(&["verify", "--record", "--since", "last"]);
        again.says(1, &["records-damaged", "everything is covered: a run over a part of it did not end with 0"]);
        world.put("records", &good);
        machine.run(&["verify", "--record", "--since", "last"]).says(0, &["600 records"]);
        machine.run(&["verify", "--record", "--since", "last"]).says(0, &["88 records"]);
    }
}

#[test]
fn a_complete_run_is_due_after_a_while_and_when_a_clock_was_set() {
    let world = World::new(600, &[600]);
    let machine = machine(&world);
    machine.run(&["verify", "--record"]).says(0, &["600 records"]);
    machine.run(&["verify", "--record", "--sample", "0%"]).says(0, &["88 records"]);
    // An entry that is from the future.
    let path = world.root.path().join("verify/journal.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let first = text.lines().next().unwrap();
    let at = first.find("\"began\":\"").unwrap() + 9;
    fs::write(&path, format!("{}9999{}\n", &first[..at], &first[at + 4..])).unwrap();
    let ran = machine.run(&["verify", "--record", "--since", "last"]);
    ran.says(0, &["600 records", "everything is covered: the last recorded run began in the future"]);
    fs::write(&path, format!("{}2001{}\n", &first[..at], &first[at + 4..])).unwrap();
    let ran = machine.run(&["verify", "--record", "--since", "last"]);
    ran.says(0, &["600 records", "everything is covered: the last complete run began at 2001"]);
    fs::write(&path, format!("{}2001{}\n", &first[..at], &first[at + 4..])).unwrap();
    machine.run(&["verify", "--record", "--since", "last", "--full-every", "0"]).says(0, &["88 records"]);
}

#[test]
fn shares_in_turn_find_what_is_anywhere() {
    // 64 data tiles, in four neighbourhoods.
    let size = 64 * 256;
    let world = World::new(size, &[size]);
    let machine = machine(&world);
    machine.run(&["verify", "--record", "--no-index"]).says(0, &[]);
    let good = world.bytes("records");
    world.put("records", &damaged(&good));
    let ends: Vec<i32> =
        (0..4).map(|_| machine.run(&["verify", "--record", "--no-index", "--sample", "25%"]).code).collect();
    assert!(ends.contains(&1), "{ends:?}");
    // In the library: the windows by themselves.
    let mut records = 0;
    let mut sample = Sample::first(250_000);
    let mut found = 0;
    for _ in 0..4 {
        let coverage = Coverage::Part { since: None, sample: Some(sample) };
        let report = world.verify_as(&VerifyOptions { coverage, skip_index: true, ..VerifyOptions::default() });
        records += report.figures.records;
        found += report.total();
        sample = sample.next(250_000);
    }
    assert_eq!((records, found), (size, 1), "each record once");
}

#[test]
fn module_files_are_new_by_the_time_of_their_last_change() {
    let world = world::World::new();
    world.keep_answers();
    let verify = |since| {
        let coverage = Coverage::Part { since: Some(Since { records: 0, began: since }), sample: None };
        world.verify_as(ModuleOptions { coverage, ..ModuleOptions::default() }, &|_, _, _| {})
    };
    let all = world.files();
    let report = verify(0);
    assert_eq!((report.total(), report.figures.modules.unwrap().hashed), (0, all.len() as u64));
    // A minute ahead: nothing is new.
    let ahead = u64::try_from(jiff::Timestamp::now().as_microsecond()).unwrap() + 60_000_000;
    assert_eq!(verify(ahead).figures.modules.unwrap().hashed, 0);
    let (_, _, path) = &all[0];
    let before = changed(path);
    let good = fs::read(path).unwrap();
    let mut bad = good.clone();
    bad[good.len() / 2] ^= 1;
    fs::write(path, &bad).unwrap();
    let since = changed(path);
    assert!(since >= before);
    let report = verify(since);
    assert_eq!((report.findings.len(), report.findings[0].flaw), (1, Flaw::ModuleDamaged));
    assert!(report.figures.modules.unwrap().files < all.len() as u64);
    // A time that somebody set back is not the time of the last change.
    let old = fs::FileTimes::new().set_modified(std::time::UNIX_EPOCH);
    fs::File::options().write(true).open(path).unwrap().set_times(old).unwrap();
    assert_eq!(verify(since).findings.len(), 1);
    // The hash beside a file is part of it.
    fs::write(path, &good).unwrap();
    let since = changed(path) + 1;
    assert_eq!(verify(since).figures.modules.unwrap().hashed, 0);
    let beside = path.with_extension("ziphash");
    let hash = fs::read(&beside).unwrap();
    // The clock of files goes in steps.
    while changed(&beside) < since {
        fs::write(&beside, &hash).unwrap();
    }
    assert_eq!(verify(since).figures.modules.unwrap().hashed, 1);
}

/// In microseconds since 1970.
fn changed(path: &std::path::Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let found = fs::metadata(path).unwrap();
    u64::try_from(found.ctime() * 1_000_000 + found.ctime_nsec() / 1000).unwrap()
}

#[test]
fn after_a_repair_everything_is_covered_again() {
    let world = World::new(600, &[600]);
    let machine = machine(&world);
    machine.run(&["verify", "--record"]).says(0, &[]);
    let good = world.bytes("hashes.0");
    let mut bad = good.clone();
    // Of record 599, which is in the last data tile.
    bad[599 * 32] ^= 1;
    world.put("hashes.0", &bad);
    let ran = machine.run(&["verify", "--record", "--resume", "--since", "last", "--repair", "--offline"]);
    ran.says(0, &["repaired", "600 records", "all derived again under tree 600"]);
    assert_eq!(world.bytes("hashes.0"), good);
    let text = fs::read_to_string(world.root.path().join("verify/journal.jsonl")).unwrap();
    assert!(text.lines().all(|line| line.contains("\"coverage\":\"full\"")), "{text}");
}

#[test]
fn runs_that_leave_something_are_one_at_a_time() {
    let world = World::new(600, &[600]);
    let machine = machine(&world);
    let job = Folder::open(world.root.path()).unwrap().begin_job().unwrap();
    for flag in ["--record", "--resume", "--repair"] {
        machine.run(&["verify", flag]).says(2, &["another verification of this data folder is under way"]);
    }
    // One that only looks disturbs nobody.
    machine.run(&["verify"]).says(0, &["600 records"]);
    drop(job);
    machine.run(&["verify", "--record", "--resume", "--max-rate", "1GiB/s"]).says(0, &["600 records"]);
    assert!(!world.root.path().join("verify/progress.json").exists());
}

#[test]
fn a_wrong_value_is_that_of_the_flag_that_was_given() {
    let world = World::new(600, &[600]);
    let machine = machine(&world);
    for (flag, value) in
        [("--sample", "5x"), ("--max-rate", "fast"), ("--full-every", "soon"), ("--notify-mail", "a b")]
    {
        let named = if flag == "--notify-mail" { "--notify-mail or --notify-command: not a target" } else { flag };
        machine.run(&["verify", flag, value]).complains(2, &[named]);
    }
    machine.run(&["verify", "--sample", "5x"]).complains(2, &["--sample is \"5x\": not a share"]);
}

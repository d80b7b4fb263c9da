//! `verify` and the index: it must have the entries that the records ask for, and no others. And the command as users run it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions, reason = "a panic is a failed test")]

#[path = "../examples/fakelog/fake/mod.rs"]
mod fake;
#[path = "verify/world.rs"]
mod world;

use assert_cmd::Command;
use fake::{FakeSumdb, Given};
use gosumcheck::report::integrity::Flaw;
use gosumcheck::store::index::update;
use gosumcheck::sumdb::checkpoint::Tree;
use gosumcheck::verify::VerifyOptions;
use rusqlite::Connection;
use world::World;

/// A world whose first `known` records are indexed.
fn indexed(db: FakeSumdb, known: u64) -> World {
    let size = db.size();
    let heads = if known < size { vec![known, size] } else { vec![size] };
    let world = World::of(db, &heads);
    let snapshot = world.log.snapshot(Tree { size: known, root: world.db.root(known) }).unwrap();
    update(&world.log, &snapshot, &|_, _| {}).unwrap();
    world
}

#[test]
fn an_index_in_order_is_compared_record_by_record() {
    for (size, known) in [(1, 1), (256, 256), (700, 700), (700, 512), (700, 300)] {
        let report = indexed(FakeSumdb::synthetic(size, 7), known).verify_as(&VerifyOptions::default());
        assert_eq!(
            (&report.findings[..], report.figures.indexed),
            (&[][..], Some(known)),
            "{known} of {size}: {report:#?}"
        );
    }
}

#[test]
fn an_entry_more_or_less_or_another_is_found() {
    for change in [
        "DELETE FROM record WHERE key = (SELECT max(key) FROM record)",
        "UPDATE record SET id = id + 1 WHERE key = (SELECT min(key) FROM record)",
        "INSERT INTO record (key, id) SELECT max(key) + 1, 5 FROM record",
    ] {
        let world = indexed(FakeSumdb::synthetic(700, 7), 700);
        let path = world.log.index_path();
        let changed = Connection::open(&path).unwrap().execute(change, []).unwrap();
        assert_eq!(changed, 1);
        let report = world.verify_as(&VerifyOptions::default());
        let flaws: Vec<Flaw> = report.findings.iter().map(|found| found.flaw).collect();
        assert_eq!((flaws, report.figures.indexed), (vec![Flaw::IndexWrong], None), "{change}");
        assert_eq!(world.verify().exit_code(), 0, "without the index all is well");
    }
    let world = indexed(FakeSumdb::synthetic(700, 7), 700);
    std::fs::write(world.log.index_path(), b"nonsense").unwrap();
    assert_eq!(world.verify_as(&VerifyOptions::default()).findings[0].flaw, Flaw::IndexWrong);
}

#[test]
fn two_records_of_one_module_version_are_told() {
    let hash = |letter: &str| format!("h1:{}=", letter.repeat(43));
    let good = |n: u32| Given::new("example.com/m", &format!("v1.0.{n}"), &hash("A"), &hash("A"));
    let mut records: Vec<Given> = (0..300).map(good).collect();
    records.push(Given::new("example.com/m", "v1.0.7", &hash("A"), &hash("E")));
    let report = indexed(FakeSumdb::of_records(&records), 301).verify_as(&VerifyOptions::default());
    let found: Vec<_> = report.findings.iter().map(|found| (found.flaw, found.records.clone().unwrap())).collect();
    assert_eq!(found, [(Flaw::Duplicate, 300..301)], "{report:#?}");
}

/// Runs `gosumcheck verify` with these arguments; gives its exit code and what it said.
fn run(world: &World, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::cargo_bin("gosumcheck").unwrap();
    command.env_clear().env("HOME", world.root.path()).arg("verify");
    command.args(["--sumdb", &world.db.vkey(), "--data"]).arg(world.root.path()).args(args);
    let output = command.output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (output.status.code().unwrap(), out, err)
}

#[test]
fn the_command_tells_people_and_programs_and_has_its_exit_code() {
    let world = indexed(FakeSumdb::synthetic(700, 7), 700);
    let (code, out, err) = run(&world, &[]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.starts_with("700 records (") && out.contains("700 indexed: all derived again under tree 700"), "{out}");
    let mut bytes = world.bytes("records");
    bytes[60_000] ^= 1;
    world.put("records", &bytes);
    let (code, out, _) = run(&world, &["--threads", "1"]);
    assert_eq!(code, 1);
    assert!(out.starts_with("records:") && out.contains("tile/8/data/001; to fetch again: data tile 1\n"), "{out}");
    assert!(out.contains("What to do next: Check the disk"), "{out}");
    let (code, out, _) = run(&world, &["--format", "json", "--no-index"]);
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &report["schema"]), (1, &"gosumcheck.integrity/1".into()));
    assert_eq!(report["findings"][0]["flaw"], "records-damaged");
    assert_eq!((&report["fetch"][0]["first"], &report["fetch"][0]["end"]), (&1.into(), &2.into()));
    // A data folder before the first sync is not damaged.
    let (code, out, err) = run(&World::new(1, &[]), &[]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.starts_with("note: ") && out.contains("gosumcheck sync"), "{out}");
}

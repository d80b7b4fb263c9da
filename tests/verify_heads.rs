//! `verify` and the signed heads: those that are damaged, those that are older, and those of another history.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions, reason = "a panic is a failed test")]

#[path = "../examples/fakelog/fake/mod.rs"]
mod fake;
#[path = "verify/world.rs"]
mod world;

use std::fs;

use fake::{FakeSumdb, Given};
use gosumcheck::report::integrity::Flaw;
use gosumcheck::store::StoredHead;
use gosumcheck::sumdb::evidence::Evidence;
use gosumcheck::verify::{self, VerifyOptions};
use world::World;

#[test]
fn without_head_the_newest_other_is_taken() {
    let world = World::new(600, &[1, 300, 600]);
    let head = world.bytes("head");
    for torn in [Some(&b""[..]), Some(b"nonsense\n"), Some(&head[..head.len() - 3]), None] {
        match torn {
            Some(bytes) => world.put("head", bytes),
            None => fs::remove_file(world.path("head")).unwrap(),
        }
        let report = world.verify();
        let flaws: Vec<Flaw> = report.findings.iter().map(|found| found.flaw).collect();
        assert_eq!(flaws, [Flaw::HeadDamaged], "{torn:?}");
        assert_eq!((report.head.as_ref().unwrap().size, report.figures.heads), (600, 3), "{report:#?}");
    }
}

#[test]
fn a_head_that_was_put_back_is_a_finding_and_hides_nothing() {
    for (listed, behind) in
        [(vec![1, 300, 600], 300), (vec![1, 300, 600], 1), (vec![300, 600], 300), (vec![513, 600], 513)]
    {
        let world = World::new(600, &listed);
        world.put("head", world.db.head(behind).as_bytes());
        let report = world.verify();
        let found: Vec<_> = report.findings.iter().map(|found| (found.flaw, found.file.as_str())).collect();
        assert_eq!(found, [(Flaw::HeadBehind, "head")], "{report:#?}");
        assert_eq!((report.exit_code(), report.figures.records, report.figures.heads), (1, 600, listed.len() as u64));
        assert_eq!(report.head.as_ref().unwrap().size, 600);
        // What was changed past it is found.
        let mut records = world.bytes("records");
        let at = records.len() - 40;
        records[at] ^= 1;
        world.put("records", &records);
        let flaws: Vec<Flaw> = world.verify().findings.iter().map(|found| found.flaw).collect();
        assert!(flaws.contains(&Flaw::RecordsDamaged) && flaws.contains(&Flaw::HeadBehind), "{flaws:?}");
    }
}

#[test]
fn records_that_are_gone_with_the_head_are_told_and_not_judged() {
    let world = World::new(600, &[300]);
    let newer = [&world.bytes("heads")[..], world.db.head(600).as_bytes(), b"\n"].concat();
    world.put("heads", &newer);
    let report = world.verify();
    assert_eq!((report.findings.len(), report.findings[0].flaw), (1, Flaw::HeadBehind), "{report:#?}");
    assert_eq!((report.exit_code(), report.figures.records), (1, 300));
    assert!(report.findings[0].what.contains("not checked"), "{:?}", report.findings);
}

#[test]
fn a_head_of_another_key_is_named_as_such() {
    let world = World::new(600, &[600]);
    let other = FakeSumdb::named(world.db.name(), 600, 99);
    world.put("head", other.head(600).as_bytes());
    let report = world.verify();
    let finding = report.findings.iter().find(|found| found.flaw == Flaw::HeadDamaged).unwrap();
    assert!(finding.what.contains("another key"), "{finding:?}");
}

#[test]
fn with_no_head_at_all_nothing_can_be_told() {
    let world = World::new(300, &[300]);
    fs::remove_file(world.path("head")).unwrap();
    fs::remove_file(world.path("heads")).unwrap();
    let verify = || verify::log(&world.log, world.db.name(), &world.policy, &VerifyOptions::default(), &|_, _| {});
    let fault = verify().unwrap_err();
    assert_eq!(fault.exit_code(), 2);
    assert!(fault.to_string().contains("no signed head left"), "{fault}");
    fs::remove_dir_all(world.log.dir()).unwrap();
    let fault = verify().unwrap_err();
    assert!(fault.to_string().contains("gosumcheck sync"), "{fault}");
}

#[test]
fn a_torn_last_entry_of_heads_is_what_a_crash_leaves() {
    let world = World::new(600, &[300, 600]);
    let (heads, next) = (world.bytes("heads"), world.db.head(599));
    for len in [1, 30, next.len() - 5] {
        world.put("heads", &[&heads[..], &next.as_bytes()[..len]].concat());
        let report = world.verify();
        assert_eq!((report.exit_code(), report.notices.len()), (0, 1), "{len}: {report:#?}");
    }
    world.put("heads", &heads[..heads.len() / 2]);
    assert_eq!(world.verify().findings[0].flaw, Flaw::HeadsDamaged, "the committed head is lacking");
    world.put("heads", &[&b"nonsense\n\n"[..], &heads].concat());
    let report = world.verify();
    assert_eq!((report.findings.len(), report.figures.heads), (1, 2), "{report:#?}");
}

#[test]
fn a_signed_head_of_another_history_is_a_fork() {
    for (at, size) in [(10, 300), (0, 1), (255, 256), (299, 300), (500, 600)] {
        let world = World::new(600, &[200, 600]);
        let other = FakeSumdb::synthetic(600, 7);
        other.fork(at);
        let heads = [other.head(size).as_bytes(), b"\n", &world.bytes("heads")].concat();
        world.put("heads", &heads);
        let report = world.verify();
        assert_eq!(report.exit_code(), 3, "{at} {size}: {report:#?}");
        let evidence = Evidence::parse(&report.misbehaviour.unwrap().evidence).unwrap();
        let fork = evidence.check(&world.policy).unwrap();
        assert_eq!((fork.old.size, fork.new.size), (size, 600), "{at} {size}");
    }
}

#[test]
fn a_head_that_the_files_do_not_fold_to_is_told_once() {
    let world = World::new(600, &[600]);
    let other = FakeSumdb::synthetic(600, 7);
    other.fork(10);
    let note = other.head(600);
    world.put("head", note.as_bytes());
    world.put("heads", format!("{note}\n").as_bytes());
    let report = world.verify();
    assert_eq!(report.findings.iter().map(|found| found.flaw).collect::<Vec<_>>(), [Flaw::RootDiffers], "{report:#?}");
    // The head that the files do have makes it the log's fault.
    world.put("heads", format!("{note}\n{}\n", world.db.head(600)).as_bytes());
    assert_eq!(world.verify().exit_code(), 3);
}

#[test]
fn the_remembered_head_is_compared_too() {
    let world = World::new(600, &[600]);
    let verify = |remembered: &str| {
        let kept = StoredHead { path: "cache/latest".into(), note: remembered.as_bytes().to_vec() };
        let options = VerifyOptions { remembered: vec![kept], ..VerifyOptions::default() };
        verify::log(&world.log, world.db.name(), &world.policy, &options, &|_, _| {}).unwrap()
    };
    assert_eq!(verify(&world.db.head(77)).exit_code(), 0);
    let report = verify("nonsense");
    assert_eq!((report.exit_code(), report.findings[0].file.as_str()), (1, "cache/latest"));
    let other = FakeSumdb::synthetic(600, 7);
    other.fork(3);
    assert_eq!(verify(&other.head(77)).exit_code(), 3);
}

#[test]
fn what_the_log_should_not_hold_is_named_by_record() {
    let hash = |letter: &str| format!("h1:{}=", letter.repeat(43));
    let good = |n: u32| Given::new("example.com/m", &format!("v1.0.{n}"), &hash("A"), &hash("A"));
    let mut records: Vec<Given> = (0..300).map(good).collect();
    records[7] = Given::raw("example.com/x", "v1.0.0", "example.com/x v1.0.0 h1:short\n");
    records[299] = Given::raw("example.com/y", "v1.0.0", "nonsense\n");
    let world = World::of(FakeSumdb::of_records(&records), &[300]);
    let report = world.verify();
    let found: Vec<_> = report.findings.iter().map(|found| (found.flaw, found.records.clone().unwrap())).collect();
    assert_eq!(found, [(Flaw::Malformed, 7..8), (Flaw::Malformed, 299..300)]);
    assert_eq!(report.exit_code(), 1);
}

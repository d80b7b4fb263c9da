//! False lookups: refused with who sent them, never kept, and the next source is asked.

use gosumcheck::database::Answer;
use gosumcheck::sumdb::module::ModuleVersion;

use super::fake::{FakeSumdb, Given};
use super::world::{World, ask, assert_refused, fault};

const SIZE: u64 = 1_000;
const IDS: [u64; 4] = [0, 3, 500, 999];

fn twins() -> (FakeSumdb, FakeSumdb) {
    (FakeSumdb::synthetic(SIZE, 9), FakeSumdb::synthetic(SIZE, 9))
}

/// A source that spoils every lookup as `kind` says, alone and before an honest one.
fn check(kind: &str, reason: &str) {
    let (bad, good) = twins();
    let (bad_served, good_served) = (bad.serve(), good.serve());
    bad.fault(kind);
    let world = World::new(&bad);
    for answer in world.ask(&[&bad_served.url()], &IDS) {
        assert_refused(&answer, &bad_served.url());
        let why = fault(&answer).to_string();
        assert!(why.contains("lookup/") && why.contains(reason), "{kind}: {why}");
    }
    assert!(!world.cached().keys().any(|path| path.starts_with("lookup/")), "{kind}: {:?}", world.cached().keys());
    world.assert_cache_is_honest();
    bad.clear_requests();
    World::new(&bad).prove(&[&bad_served.url(), &good_served.url()], &IDS);
    assert!(bad.counts("").values().all(|times| *times == 1), "{kind}: {:?}", bad.counts(""));
    world.prove(&[&bad_served.url(), &good_served.url()], &IDS);
    world.assert_cache_is_honest();
    // Once it is kept, no source is asked again.
    bad.clear_requests();
    world.prove(&[&bad_served.url()], &IDS);
    assert_eq!(bad.requests(), []);
}

#[test]
fn records_that_are_not_the_log_s() {
    check("wrong-record", "the record is about");
    check("wrong-id", "the log has");
    check("forged", "the log has");
    check("extra-lines", "the log has");
    check("absent-line", "the log has");
    check("flip:lookup/*:40:1", "");
}

#[test]
fn hashes_in_the_signed_note_are_not_the_record_s() {
    check("note-lines", "the record is about");
}

#[test]
fn heads_that_the_log_did_not_sign() {
    check("unsigned", "");
    check("wrong-key", "sign");
    check("unknown-key", "sign");
}

#[test]
fn answers_that_are_no_lookups() {
    let (bad, good) = twins();
    let (bad_served, good_served) = (bad.serve(), good.serve());
    for kind in ["truncated", "too-long", "endless", "reset", "status:500", "status:429", "status:403", "status:204"] {
        bad.clear_faults();
        bad.fault(&format!("{kind}:lookup/*"));
        let world = World::new(&bad);
        for answer in world.ask(&[&bad_served.url()], &IDS) {
            assert!(fault(&answer).to_string().contains(&bad_served.url()), "{kind}: {answer:?}");
        }
        world.assert_untouched();
        world.prove(&[&bad_served.url(), &good_served.url()], &IDS);
        world.assert_cache_is_honest();
    }
}

/// A source that tells another lie each time is not asked twice, however many it has.
#[test]
fn a_source_gets_one_chance() {
    let (bad, good) = twins();
    let (bad_served, good_served) = (bad.serve(), good.serve());
    for kind in ["wrong-record", "wrong-id", "forged", "extra-lines", "absent-line", "note-lines"] {
        for after in 0..2 {
            bad.fault(&format!("{kind}:{},times=1,after={after}", bad.lookup_path(3)));
        }
    }
    bad.clear_requests();
    World::new(&bad).prove(&[&bad_served.url(), &good_served.url()], &IDS);
    assert_eq!(bad.requests_for(&bad.lookup_path(3)).len(), 1);
}

#[test]
fn every_source_that_lies_is_named() {
    let (one, two) = twins();
    one.fault("forged");
    two.fault("wrong-record");
    let (first, second) = (one.serve(), two.serve());
    let answers = World::new(&one).ask(&[&first.url(), &second.url()], &[3]);
    assert_refused(&answers[0], &first.url());
    assert_refused(&answers[0], &second.url());
}

#[test]
fn one_lie_does_not_touch_the_other_records() {
    let (bad, _) = twins();
    let served = bad.serve();
    bad.fault(&format!("forged:{}", bad.lookup_path(3)));
    let world = World::new(&bad);
    let answers = world.ask(&[&served.url()], &IDS);
    for (id, answer) in IDS.iter().zip(&answers) {
        if *id == 3 { assert_refused(answer, &served.url()) } else { world.assert_proven(*id, answer) }
    }
    world.assert_cache_is_honest();
    assert!(!world.cached().contains_key(&bad.lookup_path(3)));
}

/// What the log itself committed to can be nonsense, or about another module: no answer to the question.
#[test]
fn nonsense_in_the_log() {
    let (zip, go_mod) =
        ("h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    let two_lines = |name: &str| format!("{name} v1.0.0 {zip}\n{name} v1.0.0/go.mod {go_mod}\n");
    let texts = [
        ("example.com/other", two_lines("example.com/another")),
        ("example.com/three", format!("{}example.com/three v1.0.0/x {zip}\n", two_lines("example.com/three"))),
        ("example.com/one", format!("example.com/one v1.0.0 {zip}\n")),
        ("example.com/mod", format!("example.com/mod v1.0.0/go.mod {zip}\n")),
        (
            "example.com/swapped",
            two_lines("example.com/swapped").lines().rev().fold(String::new(), |text, line| text + line + "\n"),
        ),
        ("example.com/words", "nothing to see here\n".to_owned()),
        ("example.com/tab", two_lines("example.com/tab").replace(' ', "\t")),
    ];
    let mut given: Vec<Given> = texts.iter().map(|(name, text)| Given::raw(name, "v1.0.0", text)).collect();
    given.push(Given::new("example.com/good", "v1.0.0", zip, go_mod));
    let log = FakeSumdb::of_records(&given);
    let served = log.serve();
    let world = World::new(&log);
    let asked: Vec<_> = given.iter().map(|one| ModuleVersion::new(&one.module, &one.version).unwrap()).collect();
    let batch = ask(&world.database(&[&served.url()]), &asked).unwrap();
    let (good, bad) = batch.answers.split_last().unwrap();
    bad.iter().for_each(|answer| assert_refused(answer, &served.url()));
    assert!(matches!(good, Answer::Found(_)));
    let kept: Vec<_> = world.cached().into_keys().filter(|path| path.starts_with("lookup/")).collect();
    assert_eq!(kept, ["lookup/example.com/good@v1.0.0"]);
}

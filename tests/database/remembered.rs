//! The remembered head: the largest of all heads that the data folder holds, wherever they are.

use std::io::ErrorKind;
use std::sync::Arc;

use gosumcheck::database::Comparison;
use gosumcheck::fault::Fault;
use gosumcheck::store::failing::FailingDisk;
use gosumcheck::store::failures::WriteKind;

use super::fake::FakeSumdb;
use super::timeline::{SIZE, assert_caught, remembered};
use super::world::{World, ask, assert_unavailable};

fn put(path: &std::path::Path, note: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, note).unwrap();
}

/// As the data folder of an earlier version is.
fn remembered_by_an_earlier_version() -> (World, super::fake::Served) {
    let (world, served) = remembered();
    put(&world.earlier_head_file(), &world.head().unwrap());
    std::fs::remove_dir_all(world.data.path().join("heads")).unwrap();
    (world, served)
}

#[test]
fn the_head_of_an_earlier_version_is_taken_over() {
    let (world, served) = remembered_by_an_earlier_version();
    world.log.fork(500);
    assert!(matches!(world.try_ask(&[&served.url()], &[1_500]), Err(Fault::Forked { .. })));
    world.log.show_fork(false);
    assert_eq!(world.head(), None);
    // Also where nothing is news.
    world.prove(&[], &[0, 999]);
    assert_eq!(world.head(), Some(world.log.head(1_000)));
    // Nothing newer is accepted until a person clears the fork.
    world.clear_forks();
    world.prove(&[&served.url()], &[1_999]);
    assert_eq!(world.head(), Some(world.log.head(SIZE)));
    // The cache may be cleared now.
    std::fs::remove_dir_all(world.cache()).unwrap();
    world.log.fork(1_200);
    assert!(matches!(world.try_ask(&[&served.url()], &[1_500]), Err(Fault::Forked { .. })));
}

#[test]
fn the_largest_head_of_the_folder_is_the_remembered_one() {
    let (world, served) = remembered();
    world.prove(&[&served.url()], &[1_999]);
    let size = || world.database(&[]).remembered().unwrap().map(|head| head.tree().size);
    for (latest, earlier) in [(SIZE, 1_000), (1_000, SIZE), (SIZE, SIZE)] {
        put(&world.head_file(), &world.log.head(latest));
        put(&world.earlier_head_file(), &world.log.head(earlier));
        assert_eq!(size(), Some(SIZE), "{latest} {earlier}");
        let heads = world.database(&[]).remembered_heads().unwrap();
        assert!(heads.is_sorted_by(|a, b| a.tree().size > b.tree().size), "each tree once, the largest first");
        world.prove(&[], &[0, 1_999]);
        assert_eq!(world.head(), Some(world.log.head(SIZE)));
    }
    std::fs::remove_file(world.head_file()).unwrap();
    assert_eq!(size(), Some(SIZE));
    std::fs::remove_file(world.earlier_head_file()).unwrap();
    assert_eq!(size(), None);
}

#[test]
fn remembered_heads_that_contradict_each_other_are_a_fork() {
    let fork = FakeSumdb::synthetic(SIZE, 21);
    fork.fork(100);
    for size in [1_000, 700, 101] {
        let (world, served) = remembered();
        put(&world.earlier_head_file(), &fork.head(size));
        let asked = world.try_ask(&[&served.url()], &[1_500]);
        let Err(Fault::Forked { evidence, saved }) = &asked else { panic!("{size}: {:?}", asked.map(|_| ())) };
        assert!(saved.is_some());
        assert_eq!(evidence.check(&world.policy()).unwrap().old.size, size);
        assert_eq!(world.head(), Some(world.log.head(1_000)), "nothing has moved");
    }
    // At one size no tile and no network is needed.
    let (world, _served) = remembered();
    put(&world.earlier_head_file(), &fork.head(1_000));
    assert!(matches!(world.try_ask(&[], &[0]), Err(Fault::Forked { .. })));
}

#[test]
fn a_damaged_head_among_them_is_named_and_is_no_first_contact() {
    let other_key = FakeSumdb::named(FakeSumdb::synthetic(1, 21).name(), SIZE, 22);
    for (note, words) in [("damaged", "restore it from a backup"), ("", "lost"), (&other_key.head(SIZE), "another key")]
    {
        for only in [false, true] {
            let (world, served) = remembered();
            put(&world.earlier_head_file(), note);
            if only {
                std::fs::remove_file(world.head_file()).unwrap();
            }
            let fault = world.try_ask(&[&served.url()], &[1_500]).err().unwrap();
            let (text, path) = (fault.to_string(), world.earlier_head_file().display().to_string());
            assert!(
                matches!(fault, Fault::Unavailable { .. }) && text.contains(&path) && text.contains(words),
                "{text}"
            );
        }
    }
}

/// Two roots at one size are a fork, whichever source has tiles.
#[test]
fn two_heads_of_one_size_need_no_tile() {
    let (log, fork) = (FakeSumdb::synthetic(SIZE, 21), FakeSumdb::synthetic(SIZE, 21));
    fork.fork(400);
    for (log, other) in [(&log, 7), (&fork, 3)] {
        log.fault("status:404:tile/*");
        log.fault(&format!("status:500:{}", log.lookup_path(other)));
    }
    let (served, forked) = (log.serve(), fork.serve());
    let world = World::new(&log);
    let fault = world.try_ask(&[&served.url(), &forked.url()], &[3, 7]).err().unwrap();
    let fork = assert_caught(&world, &fault, (None, 0));
    assert_eq!((fork.old.size, fork.new.size), (SIZE, SIZE));
}

#[test]
fn every_tree_contains_the_empty_one() {
    let log = FakeSumdb::synthetic(SIZE, 21);
    let served = log.serve();
    let world = World::new(&log);
    put(&world.head_file(), &log.head(0));
    world.prove(&[&served.url()], &[5]);
    assert_eq!(world.head(), Some(log.head(SIZE)));
    // One that comes along is nothing that could not be compared.
    let world = World::new(&log);
    log.fault(&format!("stale:0:{}", log.lookup_path(5)));
    let batch = world.try_ask(&[&served.url()], &[5, 6]).unwrap();
    assert_eq!((batch.uncompared, batch.proven_under.unwrap().tree().size), (0, SIZE));
}

/// Go once gave the empty tree another root than RFC 6962 does: that is not another history, wherever such a head is met.
#[test]
fn an_empty_tree_of_another_root_is_no_fork() {
    let log = FakeSumdb::synthetic(SIZE, 21);
    let served = log.serve();
    let zeros = "A".repeat(43) + "=";
    let empty = log.sign(&format!("go.sum database tree\n0\n{zeros}\n"));
    assert!(empty != log.head(0));
    // Remembered, and so to be contained in every later tree.
    let world = World::new(&log);
    put(&world.head_file(), &empty);
    let batch = world.try_ask(&[&served.url()], &[5]).unwrap();
    world.assert_proven(5, &batch.answers[0]);
    assert_eq!((batch.uncompared, world.head()), (0, Some(log.head(SIZE))));
    // Shown by somebody else, without a tile to compare it by.
    std::fs::remove_dir_all(world.cache()).unwrap();
    assert!(matches!(world.compare(&[], &empty), Ok(Comparison::OneHistory)));
    // Beside an answer.
    let world = World::new(&log);
    let response = format!("5\n{}\n{empty}", log.record_text(5));
    let (known, head) = (world.module(6), world.module(5));
    world.prove(&[&served.url()], &[6]);
    log.publish(&log.lookup_path(5), response.into_bytes());
    let batch = ask(&world.database(&[&served.url()]), &[known, head]).unwrap();
    world.assert_proven(5, &batch.answers[1]);
    assert_eq!((batch.uncompared, batch.proven_under.unwrap().tree().size), (0, SIZE));
}

/// The tree may be proven; that it contains the remembered one is not as long as a tile on the way there is missing.
#[test]
fn a_head_that_is_not_shown_to_contain_the_remembered_one_moves_nothing() {
    let (world, served) = remembered();
    world.log.fault("status:404:tile/8/0/003");
    let batch = world.try_ask(&[&served.url()], &[0, 1_500]).unwrap();
    world.assert_proven(0, &batch.answers[0]);
    assert_unavailable(&batch.answers[1], "tile/8/0/003");
    assert_eq!(batch.proven_under.unwrap().tree().size, 1_000);
    assert_eq!(world.head(), Some(world.log.head(1_000)));
}

/// The same for a head that is only in memory, though another process remembers a larger one by now.
#[test]
fn a_larger_head_of_another_process_must_contain_the_one_in_memory() {
    let (world, served) = remembered();
    world.log.grow(1_300);
    let full = Arc::new(FailingDisk::refusing(ErrorKind::StorageFull));
    let database = world.database_on(full, &[&served.url()]);
    let batch = ask(&database, &[world.module(1_200)]).unwrap();
    world.assert_proven(1_200, &batch.answers[0]);
    assert_eq!(world.head(), Some(world.log.head(1_000)), "the disk did not take the new head");
    world.log.grow(SIZE);
    put(&world.head_file(), &world.log.head(SIZE));
    world.log.fault("status:404:tile/8/0/005");
    let batch = ask(&database, &[world.module(1)]).unwrap();
    assert_unavailable(&batch.answers[0], "tile/8/0/005");
    assert!(batch.proven_under.is_none());
}

/// What the go command has seen is compared with what is remembered before any tile is asked for.
#[test]
fn another_tree_of_the_remembered_size_is_a_fork_without_tiles() {
    let (world, _served) = remembered();
    std::fs::remove_dir_all(world.cache()).unwrap();
    world.log.grow(1_000);
    assert!(matches!(world.compare(&[], &world.log.head(1_000)), Ok(Comparison::OneHistory)));
    world.log.fork(500);
    let fault = world.compare(&[], &world.log.head(1_000)).err().unwrap();
    let Fault::Forked { evidence, .. } = &fault else { panic!("{fault}") };
    let fork = evidence.check(&world.policy()).unwrap();
    assert_eq!((fork.old.size, fork.new.size), (1_000, 1_000));
}

/// A smaller head that comes along and cannot be compared does no harm, but it is counted.
#[test]
fn a_head_that_cannot_be_compared_is_counted() {
    let log = FakeSumdb::synthetic(SIZE, 21);
    log.fault(&format!("stale:1300:{}", log.lookup_path(5)));
    log.fault("status:404:tile/8/0/005");
    let served = log.serve();
    let world = World::new(&log);
    let batch = world.try_ask(&[&served.url()], &[5, 6]).unwrap();
    [5, 6].iter().zip(&batch.answers).for_each(|(id, answer)| world.assert_proven(*id, answer));
    assert_eq!((batch.uncompared, batch.proven_under.unwrap().tree().size), (1, SIZE));
}

/// A head that the disk does not take is kept in memory only if no other file of the data folder has it.
#[test]
fn a_head_that_is_remembered_elsewhere_is_not_only_in_memory() {
    let (world, _served) = remembered();
    world.log.grow(1_000);
    let young = world.log.head(700);
    put(&world.earlier_head_file(), &world.head().unwrap());
    put(&world.head_file(), &young);
    let full = Arc::new(FailingDisk::refusing(ErrorKind::StorageFull));
    let database = world.database_on(full, &[]);
    let batch = ask(&database, &[world.module(0)]).unwrap();
    world.assert_proven(0, &batch.answers[0]);
    assert_eq!(batch.proven_under.unwrap().tree().size, 1_000);
    assert_eq!((database.unstored(), world.head()), (None, Some(young)));
    assert!(database.store_failures().iter().any(|failed| failed.write == WriteKind::Head && failed.count > 0));
}

/// The head of a full copy is written to `latest` only if its tree is larger; a different note about the same tree is not.
#[test]
fn a_head_as_large_as_the_remembered_one_is_not_written_again() {
    let (world, _served) = remembered();
    let database = world.database(&[]);
    let remember = |note: &str| {
        database.remember(&database.open_head(note.as_bytes()).unwrap(), &[]).unwrap();
        world.head().unwrap()
    };
    let known = world.log.head(1_000);
    let signed_twice = format!("{known}\u{2014} somebody.example {}\n", "A".repeat(88));
    assert_eq!(remember(&signed_twice), known);
    assert_eq!(remember(&world.log.head(999)), known);
    assert_eq!(remember(&world.log.head(SIZE)), world.log.head(SIZE));
}

/// One head comes with many answers, and its tree cannot be fetched. It counts as one candidate, so an older head is tried too.
#[test]
fn one_head_beside_many_answers_is_one_candidate() {
    let log = FakeSumdb::synthetic(SIZE, 21);
    log.fault("status:404:tile/8/0/007.p/208");
    log.fault(&format!("stale:1500:{}", log.lookup_path(7)));
    let served = log.serve();
    let world = World::new(&log);
    let ids = [1, 2, 3, 4, 5, 6, 7];
    let batch = world.try_ask(&[&served.url()], &ids).unwrap();
    ids.iter().zip(&batch.answers).for_each(|(id, answer)| world.assert_proven(*id, answer));
    assert_eq!(batch.proven_under.unwrap().tree().size, 1_500);
}

/// Two newer heads cannot be proven: the answers give the reason of the newest.
#[test]
fn the_newest_head_says_why_it_is_not_in_force() {
    let (world, served) = remembered();
    for tile in ["007.p/208", "006.p/164", "006"] {
        world.log.fault(&format!("status:404:tile/8/0/{tile}"));
    }
    world.log.fault(&format!("stale:1700:{}", world.log.lookup_path(1_600)));
    let answers = world.ask(&[&served.url()], &[0, 1_600, 1_900]);
    world.assert_proven(0, &answers[0]);
    for answer in &answers[1..] {
        assert_unavailable(answer, "tile/8/0/007.p/208");
    }
}

/// A claim about the first record beyond the tree stays unproven, and the claims beside it are proven.
#[test]
fn the_first_record_beyond_the_tree_stands_in_no_others_way() {
    let (world, served) = remembered();
    world.log.fault("status:404:tile/8/0/003");
    let answers = world.ask(&[&served.url()], &[0, 1_000]);
    world.assert_proven(0, &answers[0]);
    assert_unavailable(&answers[1], "tile/8/0/003");
}

//! One timeline: a copy is never moved to a tree that does not contain it, and never back.

use gosumcheck::database::{Answer, Batch};
use gosumcheck::fault::Fault;
use gosumcheck::store::Folder;
use gosumcheck::sumdb::module::ModuleVersion;

use super::fake::FakeSumdb;
use super::world::{World, assert_same, expected, runtime};

#[test]
fn a_log_that_forks_is_caught_and_the_copy_stays() {
    for (forked_at, then) in [(10, 70_000), (69_999, 70_000), (65_000, 80_000), (69_990, 66_000)] {
        let log = FakeSumdb::synthetic(80_000, 21);
        log.grow(70_000);
        let served = log.serve();
        let world = World::new(&log);
        world.sync(&[&served.url()]).unwrap();
        let before = world.files();
        log.fork(forked_at.min(then - 1));
        log.grow(then);
        // Also where the memory of the accepted head is lost: the copy itself remembers.
        for forgets in [false, true] {
            if forgets {
                std::fs::remove_dir_all(world.data.path().join("cache")).unwrap();
            }
            let fault = world.sync(&[&served.url()]).unwrap_err();
            assert!(matches!(fault, Fault::Forked { .. }), "{forked_at} {then} {forgets}: {fault}");
            assert_eq!(fault.exit_code(), 3);
            assert!(world.evidence() > 0);
            assert_same(&world.files(), &before, &format!("forked at {forked_at}, {then}"));
        }
    }
}

#[test]
fn an_older_head_is_no_news() {
    let log = FakeSumdb::synthetic(70_000, 22);
    let served = log.serve();
    let world = World::new(&log);
    world.sync(&[&served.url()]).unwrap();
    let before = world.files();
    for size in [66_000, 300, 1, 0] {
        log.grow(size);
        for forgets in [false, true] {
            if forgets {
                std::fs::remove_dir_all(world.data.path().join("cache")).unwrap();
            }
            let synced = world.sync(&[&served.url()]).unwrap();
            assert_eq!((synced.tree.size, synced.records, synced.committed), (70_000, 0, true), "{size}");
            assert_same(&world.files(), &before, &format!("shown {size}"));
        }
    }
}

#[test]
fn the_newest_head_that_proves_wins() {
    let (behind, ahead) = (FakeSumdb::synthetic(70_000, 23), FakeSumdb::synthetic(70_000, 23));
    behind.grow(66_000);
    let (behind_served, ahead_served) = (behind.serve(), ahead.serve());
    let world = World::new(&ahead);
    let synced = world.sync(&[&behind_served.url(), &ahead_served.url()]).unwrap();
    assert_eq!(synced.tree.size, 70_000);
    assert_same(&world.files(), &expected(&ahead, 70_000), "from one that lags and one that does not");
}

/// What a lookup of record `id` comes to in a folder that was synced to 9,000 records and lost these files, when the log forked at
/// record 100 and has `size` records.
fn lookup_in_a_fork(lost: &[&str], size: u64, id: u64) -> Result<Batch, Fault> {
    let log = FakeSumdb::synthetic(12_000, 24);
    log.grow(9_000);
    let served = log.serve();
    let world = World::new(&log);
    world.sync(&[&served.url()]).unwrap();
    for path in lost {
        let path = world.data.path().join(path.replace("NAME", log.name()));
        if path.is_file() { std::fs::remove_file(path) } else { std::fs::remove_dir_all(path) }.unwrap();
    }
    log.fork(100);
    log.grow(size);
    let (path, version) = log.module(id);
    let asked = [ModuleVersion::new(&path, &version).unwrap()];
    runtime().block_on(world.database(&[&served.url()]).records(&asked, &|_, _, _| {}))
}

/// Finding 9 of the attack: who clears the cache must not be shown another history as at first contact.
#[test]
fn a_lookup_is_held_against_the_full_log_where_the_cache_was_cleared() {
    for lost in [&["cache"][..], &["cache", "heads"], &["cache", "heads", "log/NAME/head"]] {
        let Err(fault) = lookup_in_a_fork(lost, 9_500, 9_300) else { panic!("{lost:?}: the fork was accepted") };
        assert!(matches!(fault, Fault::Forked { .. }), "{lost:?}: {fault}");
    }
    // Where the committed head is gone too, `heads` still tells.
    let lost = ["cache", "heads", "log/NAME/head"];
    assert!(matches!(lookup_in_a_fork(&lost, 9_000, 8_000), Err(Fault::Forked { .. })));
    // Of a smaller tree it cannot be shown without tiles of the true one; nothing is accepted either.
    let batch = lookup_in_a_fork(&lost, 8_000, 7_999).unwrap();
    assert!(batch.proven_under.is_none() && !matches!(batch.answers[0], Answer::Found(_)), "{:?}", batch.answers);
}

#[test]
fn a_head_that_was_put_back_is_remembered_by_heads() {
    let log = FakeSumdb::synthetic(12_000, 25);
    let served = log.serve();
    let world = World::new(&log);
    log.grow(5_000);
    world.sync(&[&served.url()]).unwrap();
    log.grow(9_000);
    world.sync(&[&served.url()]).unwrap();
    for path in ["cache", "heads"] {
        std::fs::remove_dir_all(world.data.path().join(path)).unwrap();
    }
    std::fs::write(world.dir().join("head"), log.head(5_000)).unwrap();
    assert_eq!(world.database(&[]).remembered().unwrap().unwrap().tree().size, 9_000);
    // A log that forked after the older head is caught, by a sync and by a lookup.
    log.fork(6_000);
    log.grow(9_500);
    assert!(matches!(world.sync(&[&served.url()]), Err(Fault::Forked { .. })));
    log.show_fork(false);
    assert!(matches!(world.sync(&[&served.url()]), Err(Fault::Forked { .. })), "nobody has cleared it");
    let folder = Folder::open(world.data.path()).unwrap();
    for path in world.held().forks().unwrap() {
        folder.clear_evidence(&path).unwrap();
    }
    let synced = world.sync(&[&served.url()]).unwrap();
    assert_eq!((synced.before, synced.tree.size), (5_000, 9_500));
    assert!(world.held().heads().unwrap().len() >= 3);
}

/// Only the end of `heads` is read, however long it is; what is torn there is no head.
#[test]
fn the_newest_of_many_heads_is_found_at_the_end() {
    let log = FakeSumdb::synthetic(3_000, 26);
    let served = log.serve();
    let world = World::new(&log);
    world.sync(&[&served.url()]).unwrap();
    let path = world.dir().join("heads");
    let many: String = (1..=3_000).map(|size| format!("{}\n", log.head(size))).collect();
    assert!(many.len() > 3 * 65_536);
    for path in ["cache", "heads"] {
        std::fs::remove_dir_all(world.data.path().join(path)).unwrap();
    }
    std::fs::write(world.dir().join("head"), log.head(1)).unwrap();
    let remembered = || world.database(&[]).remembered().map(|head| head.unwrap().tree().size);
    for torn in ["", "go.sum database tree\n9", "\0\0\0\0"] {
        std::fs::write(&path, format!("{many}{torn}")).unwrap();
        assert_eq!(remembered().unwrap(), 3_000, "{torn:?}");
    }
    // Without any other head, a file of them that has none is damage, and not first contact.
    std::fs::remove_file(world.dir().join("head")).unwrap();
    for damaged in ["nonsense".to_owned(), "\0".repeat(1_000), "x".repeat(10_000_000)] {
        std::fs::write(&path, damaged).unwrap();
        let fault = remembered().unwrap_err();
        assert!(fault.to_string().contains("heads: holds no signed tree head"), "{fault}");
    }
}

//! One timeline: a copy is never moved to a tree that does not contain it, and never back.

use gosumcheck::fault::Fault;

use super::fake::FakeSumdb;
use super::world::{World, assert_same, expected};

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

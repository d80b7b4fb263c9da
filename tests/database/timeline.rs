//! One timeline: the head goes forward only, over restarts, growth, stale sources, races and forks.

use gosumcheck::database::Comparison;
use gosumcheck::fault::Fault;
use gosumcheck::sumdb::evidence::{Evidence, Fork};

use super::fake::FakeSumdb;
use super::world::{World, assert_unavailable, fault};

pub(super) const SIZE: u64 = 2_000;

/// A user who remembers the log at 1,000 records; it has grown to 2,000 since.
pub(super) fn remembered() -> (World, super::fake::Served) {
    let log = FakeSumdb::synthetic(SIZE, 21);
    let served = log.serve();
    log.grow(1_000);
    let world = World::new(&log);
    world.prove(&[&served.url()], &[0, 999]);
    assert_eq!(world.head(), Some(log.head(1_000)));
    log.grow(SIZE);
    (world, served)
}

/// The log is caught: the evidence stands by itself, and nothing else has changed.
pub(super) fn assert_caught(world: &World, fault: &Fault, before: (Option<String>, usize)) -> Fork {
    let Fault::Forked { evidence, saved } = fault else { panic!("{fault}") };
    assert_eq!(fault.exit_code(), 3);
    let saved = std::fs::read_to_string(saved.as_ref().unwrap()).unwrap();
    assert_eq!(world.evidence(), [saved.as_bytes()]);
    assert_eq!(Evidence::parse(&saved).unwrap(), **evidence);
    assert_eq!((world.head(), world.cached().len()), before);
    evidence.check(&world.policy()).unwrap()
}

fn state(world: &World) -> (Option<String>, usize) {
    (world.head(), world.cached().len())
}

#[test]
fn the_head_survives_a_restart_and_grows() {
    let (world, served) = remembered();
    world.prove(&[&served.url()], &[0, 1_999]);
    assert_eq!(world.head(), Some(world.log.head(SIZE)));
    world.prove(&[], &[0, 999, 1_999]);
    world.assert_cache_is_honest();
}

#[test]
fn an_older_head_moves_nothing_back() {
    let (world, served) = remembered();
    let log = &world.log;
    world.prove(&[&served.url()], &[1_999]);
    log.grow(1_200);
    let answers = world.ask(&[&served.url()], &[5, 600, 1_100]);
    world.assert_proven(5, &answers[0]);
    world.assert_proven(600, &answers[1]);
    assert_unavailable(&answers[2], "is it an outdated mirror?"); // it has the beginning of that tile only
    assert_eq!(world.head(), Some(log.head(SIZE)));
    // A stale source's head may even be older than the record that it is sent with (as in the go command).
    log.grow(SIZE);
    log.fault("stale:300");
    world.prove(&[&served.url()], &[6, 250, 1_500]);
    assert_eq!(world.head(), Some(log.head(SIZE)));
    world.assert_cache_is_honest();
}

/// A different note about the remembered tree changes nothing: the answers are proven under the note that is remembered.
#[test]
fn another_note_of_the_remembered_tree_is_no_news() {
    let (world, served) = remembered();
    world.log.grow(1_000);
    let known = world.log.head(1_000);
    let signed_twice = format!("{known}\u{2014} somebody.example {}\n", "A".repeat(88));
    let response = format!("5\n{}\n{signed_twice}", world.log.record_text(5));
    world.log.publish(&world.log.lookup_path(5), response.into_bytes());
    let batch = world.try_ask(&[&served.url()], &[5]).unwrap();
    world.assert_proven(5, &batch.answers[0]);
    assert_eq!(batch.proven_under.unwrap().bytes(), known.as_bytes());
}

#[test]
fn many_old_heads_in_one_run_are_one_history() {
    let log = FakeSumdb::synthetic(70_000, 21);
    let served = log.serve();
    let ids: Vec<u64> = (0..60).map(|n| n * 1_000).collect();
    let world = World::new(&log);
    for (n, id) in ids.iter().enumerate() {
        log.fault(&format!("stale:{}:{}", 60_000 + 163 * n, log.lookup_path(*id)));
    }
    let batch = world.try_ask(&[&served.url()], &ids).unwrap();
    ids.iter().zip(&batch.answers).for_each(|(id, answer)| world.assert_proven(*id, answer));
    assert_eq!((batch.uncompared, batch.proven_under.unwrap().tree().size), (0, 60_000 + 163 * 59));
    assert!(log.counts("").values().all(|times| *times == 1));
    world.assert_cache_is_honest();
}

#[test]
fn a_fork_between_runs() {
    for at in [0, 1, 500, 998, 999] {
        let (world, served) = remembered();
        let before = state(&world);
        world.log.fork(at);
        let fault = world.try_ask(&[&served.url()], &[1_500]).err().unwrap();
        let fork = assert_caught(&world, &fault, before);
        assert_eq!((fork.old.size, fork.new.size), (1_000, SIZE), "at {at}");
        // Met again, it is the same file; and what is remembered still works.
        assert!(world.try_ask(&[&served.url()], &[1_500]).is_err());
        assert_eq!(world.evidence().len(), 1);
        world.log.show_fork(false);
        // What the remembered head proves stays proven; nothing newer is accepted until a person clears the fork.
        world.prove(&[&served.url()], &[0, 999]);
        let stopped = world.try_ask(&[&served.url()], &[1_500]).err().unwrap();
        assert_caught(&world, &stopped, (state(&world).0, world.cached().len()));
        assert_eq!(world.head(), Some(world.log.head(1_000)), "the true history does not move it either");
        world.clear_forks();
        world.prove(&[&served.url()], &[0, 1_500]);
    }
}

#[test]
fn a_fork_beyond_what_is_remembered_is_no_fork_yet() {
    let (world, served) = remembered();
    world.log.fork(1_000);
    let batch = world.try_ask(&[&served.url()], &[0, 1_500]).unwrap();
    assert_eq!(batch.proven_under.unwrap().tree().size, SIZE);
    // Now the true history is the one that does not contain what is remembered: the same size with another root.
    world.log.show_fork(false);
    let before = state(&world);
    let fault = world.try_ask(&[&served.url()], &[1_600]).err().unwrap();
    let fork = assert_caught(&world, &fault, before);
    assert_eq!((fork.old.size, fork.new.size), (SIZE, SIZE));
}

/// Two histories in the answers of one run, at one size or at two: nothing is trusted at first contact either.
#[test]
fn a_fork_within_one_run() {
    for other in [SIZE, 1_700] {
        let (log, fork) = (FakeSumdb::synthetic(SIZE, 21), FakeSumdb::synthetic(SIZE, 21));
        fork.grow(other);
        fork.fork(400);
        fork.fault("status:404:tile/*"); // only its heads are seen
        fork.fault(&format!("status:500:{}", fork.lookup_path(7)));
        log.fault(&format!("status:500:{}", log.lookup_path(3)));
        let (served, forked) = (log.serve(), fork.serve());
        let world = World::new(&log);
        let fault = world.try_ask(&[&forked.url(), &served.url()], &[3, 7]).err().unwrap();
        let fork = assert_caught(&world, &fault, (None, 0));
        assert_eq!(fork.new.size, SIZE);
    }
}

#[test]
fn a_fork_that_the_go_command_has_seen() {
    let (world, served) = remembered();
    let url = served.url();
    world.prove(&[&url], &[1_999]);
    let log = &world.log;
    for honest in [1, 255, 256, 257, 999, SIZE] {
        assert!(matches!(world.compare(&[&url], &log.head(honest)), Ok(Comparison::OneHistory)), "{honest}");
    }
    let kept = world.cached();
    log.clear_requests();
    assert!(matches!(world.compare(&[], &log.head(257)), Ok(Comparison::OneHistory)));
    assert!(world.cached() == kept);
    log.prepare_fork(100);
    for (theirs, at) in [(1_000, 1), (SIZE, 2)] {
        log.show_fork(true);
        let note = log.head(theirs);
        log.show_fork(false);
        let fault = world.compare(&[&url], &note).err().unwrap();
        let Fault::Forked { evidence, .. } = &fault else { panic!("{fault}") };
        assert_eq!(evidence.check(&world.policy()).unwrap().old.size, theirs);
        assert_eq!(world.evidence().len(), at);
        assert_eq!(world.head(), Some(log.head(SIZE)));
    }
    // Theirs may be the larger.
    let young = World::new(log);
    log.grow(1_000);
    young.prove(&[&url], &[1]);
    log.grow(SIZE);
    assert!(matches!(young.compare(&[&url], &log.head(SIZE)), Ok(Comparison::OneHistory)));
    assert_eq!(young.head(), Some(log.head(1_000)));
    log.show_fork(true);
    let fault = young.compare(&[&url], &log.head(SIZE)).err().unwrap();
    let Fault::Forked { evidence, .. } = &fault else { panic!("{fault}") };
    assert_eq!(evidence.check(&world.policy()).unwrap().old.size, 1_000);
    let stranger = FakeSumdb::synthetic(10, 22);
    let fault = young.compare(&[&url], &stranger.head(10)).err().unwrap();
    assert!(matches!(&fault, Fault::Refused { .. }) && fault.to_string().contains("the go command"), "{fault}");
}

#[test]
fn a_comparison_that_cannot_be_made_is_unknown() {
    let (world, served) = remembered();
    world.log.fault("status:500:tile/*");
    let theirs = world.log.head(SIZE);
    assert!(matches!(world.compare(&[&served.url()], &theirs), Ok(Comparison::Unknown(_))));
    assert!(matches!(world.compare(&[], &theirs), Ok(Comparison::Unknown(_))));
}

/// A newer head whose tiles nobody has moves nothing, and what the remembered one proves stays proven.
#[test]
fn a_head_without_tiles_spoils_nothing() {
    let (world, served) = remembered();
    let before = world.head();
    world.log.fault("status:404:tile/8/0/007.p/*");
    world.log.fault("status:404:tile/8/0/007");
    let answers = world.ask(&[&served.url()], &[0, 500, 1_500]);
    world.assert_proven(0, &answers[0]);
    world.assert_proven(500, &answers[1]);
    assert_unavailable(&answers[2], "tile/8/0/007.p/208");
    assert_eq!(world.head(), before);
    // At first contact an older source that has everything will do.
    let behind = FakeSumdb::synthetic(SIZE, 21);
    behind.grow(1_000);
    let (ahead, behind_served) = (&world.log, behind.serve());
    ahead.fault(&format!("status:404:{}", ahead.lookup_path(9)));
    let young = World::new(ahead);
    let answers = young.ask(&[&served.url(), &behind_served.url()], &[9, 10, 1_500]);
    young.assert_proven(9, &answers[0]);
    young.assert_proven(10, &answers[1]);
    assert!(fault(&answers[2]).to_string().contains("tile/8/0/007.p/208"));
    assert_eq!(young.head(), Some(ahead.head(1_000)));
}

#[test]
fn racing_runs_end_at_the_largest_head() {
    let log = FakeSumdb::synthetic(70_000, 21);
    let world = World::new(&log);
    let sizes = [1_000, 30_000, 65_536, 70_000];
    let served: Vec<_> = sizes
        .iter()
        .map(|size| {
            let log = FakeSumdb::synthetic(70_000, 21);
            log.fault(&format!("stale:{size}:lookup/*"));
            log.serve()
        })
        .collect();
    std::thread::scope(|scope| {
        for (size, served) in sizes.iter().zip(&served) {
            scope.spawn(|| {
                for id in (0..*size).step_by(*size as usize / 6 + 1) {
                    world.prove(&[&served.url()], &[id]);
                }
            });
        }
    });
    assert_eq!(world.head(), Some(log.head(70_000)));
    world.assert_cache_is_honest();
    for size in sizes {
        world.prove(&[], &(0..size).step_by(size as usize / 6 + 1).collect::<Vec<_>>());
    }
}

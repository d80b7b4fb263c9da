//! The flow of data tiles: one that is late holds up no other, it is asked for once more, and whatever the order in which the answers
//! come, the copy is the same.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use gosumcheck::sync::SyncOptions;

use super::fake::FakeSumdb;
use super::gate::{Asked, Gate};
use super::world::{PLAIN, World, assert_same, expected};

/// 234 whole data tiles and the beginning of one.
const SIZE: u64 = 60_000;
const TILES: usize = 235;
/// The tile whose answer is held back: with two upstreams the first is asked for it.
const LATE: &str = "tile/8/data/100";
/// A data tile that is asked for when more than three times the jobs were asked for after the first.
const FAR: &str = "tile/8/data/200";

/// A world in which no request times out that the test lets go in the end, however slow the machine is.
fn world(log: &FakeSumdb) -> World {
    let mut world = World::new(log);
    world.settings.silence = Duration::from_secs(20);
    world.settings.tries = 1;
    world
}

fn is_data(path: &str) -> bool {
    path.starts_with("tile/8/data/")
}

/// Those that are held back and whose paths pass.
fn those(asked: &Asked, mut pass: impl FnMut(&str) -> bool) -> Vec<usize> {
    asked.held().into_iter().filter(|number| pass(&asked.paths[*number])).collect()
}

/// The numbers of the requests for a path.
fn numbers(asked: &Asked, path: &str) -> Vec<usize> {
    (0..asked.paths.len()).filter(|number| asked.paths[*number] == path).collect()
}

#[test]
fn one_answer_that_is_held_back_holds_up_no_other() {
    let log = FakeSumdb::synthetic(SIZE, 81);
    let gate = Gate::open(&log, |asked| {
        let goes_on = asked.has(FAR);
        those(asked, |path| goes_on || path != "tile/8/data/000")
    });
    let world = world(&log);
    let synced = world.sync(&[&gate.url()]).unwrap();
    assert!(synced.committed && synced.complaints.is_empty(), "{:?}", synced.complaints);
    assert_same(&world.files(), &expected(&log, SIZE), "after one that was late");
}

#[test]
fn the_order_of_arrival_does_not_matter() {
    let log = FakeSumdb::synthetic(SIZE, 82);
    let whole = expected(&log, SIZE);
    for seed in 1..=6_u64 {
        let mut random = seed;
        let gate = Gate::open(&log, move |asked| {
            let others = those(asked, |path| !is_data(path));
            let tiles = those(asked, is_data);
            let mut distinct: Vec<_> = asked.paths.iter().filter(|path| is_data(path)).collect();
            distinct.sort_unstable();
            distinct.dedup();
            // As many as may be in flight: nothing more comes before one is answered. At the end all are answered.
            if distinct.len() == TILES || !others.is_empty() {
                return asked.held();
            }
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = usize::try_from(random >> 33).unwrap() % tiles.len();
            if tiles.len() < PLAIN.jobs { others } else { vec![tiles[at]] }
        });
        let world = world(&log);
        let synced = world.sync(&[&gate.url()]).unwrap();
        assert!(synced.committed && synced.records == SIZE, "seed {seed}: {synced:?}");
        assert_same(&world.files(), &whole, &format!("seed {seed}"));
    }
}

#[test]
fn a_straggler_is_asked_for_once_more_of_the_next_upstream() {
    let log = FakeSumdb::synthetic(SIZE, 83);
    let late = Gate::open(&log, |asked| those(asked, |path| path != LATE));
    let other = Gate::open(&log, Asked::held);
    let world = world(&log);
    let synced = world.sync(&[&late.url(), &other.url()]).unwrap();
    assert!(synced.committed && synced.complaints.is_empty(), "{:?}", synced.complaints);
    assert_same(&world.files(), &expected(&log, SIZE), "beside one that was late");
    for (gate, name) in [(&late, "the late one"), (&other, "the other")] {
        assert_eq!(gate.with(|asked| numbers(asked, LATE).len()), 1, "{name}");
    }
}

#[test]
fn an_upstream_that_answers_no_more_holds_up_nothing() {
    let log = FakeSumdb::synthetic(SIZE, 88);
    let mut data = 0;
    let hung = Gate::open(&log, move |asked| {
        data += usize::from(asked.paths.last().is_some_and(|path| is_data(path)));
        if data > 20 { Vec::new() } else { asked.held() }
    });
    let other = Gate::open(&log, Asked::held);
    let mut world = world(&log);
    world.settings.concurrency = PLAIN.jobs / 2;
    let synced = world.sync(&[&hung.url(), &other.url()]).unwrap();
    assert!(synced.committed && synced.complaints.is_empty(), "{:?}", synced.complaints);
    assert_same(&world.files(), &expected(&log, SIZE), "beside one that hangs");
    let asked = |gate: &Gate| gate.with(|asked| asked.paths.iter().filter(|path| is_data(path)).count());
    assert!(asked(&other) >= TILES - 20, "{} of the other, {} of the one that hangs", asked(&other), asked(&hung));
}

#[test]
fn a_straggler_of_the_only_upstream_is_asked_for_once_more_there() {
    let log = FakeSumdb::synthetic(SIZE, 84);
    let gate = Gate::open(&log, |asked| {
        let first = numbers(asked, LATE).first().copied();
        asked.held().into_iter().filter(|number| Some(*number) != first).collect()
    });
    let world = world(&log);
    let synced = world.sync(&[&gate.url()]).unwrap();
    assert!(synced.committed && synced.complaints.is_empty(), "{:?}", synced.complaints);
    assert_eq!(gate.with(|asked| numbers(asked, LATE).len()), 2);
    assert_same(&world.files(), &expected(&log, SIZE), "after the second answer");
}

#[test]
fn the_first_answer_that_proves_counts() {
    let (log, liar) = (FakeSumdb::synthetic(SIZE, 85), FakeSumdb::synthetic(SIZE, 85));
    liar.fault(&format!("flip:{LATE}"));
    // The liar's bytes are refused before the late upstream is asked again, and only then does it answer.
    let late = Gate::open(&log, |asked| {
        let is_asked_again = numbers(asked, LATE).len() > 1;
        those(asked, |path| path != LATE || is_asked_again)
    });
    let lying = Gate::open(&liar, Asked::held);
    let world = world(&log);
    let synced = world.sync(&[&late.url(), &lying.url()]).unwrap();
    assert!(synced.committed);
    assert_same(&world.files(), &expected(&log, SIZE), "beside a liar");
    let complaints: Vec<_> = synced.complaints.iter().map(|complaint| (&complaint.source, complaint.refused)).collect();
    assert_eq!(complaints, [(&lying.url(), 1)]);
    assert_eq!(late.with(|asked| numbers(asked, LATE).len()), 2);
}

#[test]
fn few_requests_are_made_a_second_time_where_all_are_late() {
    let log = FakeSumdb::synthetic(SIZE, 86);
    // So near a source is not sent more than 16 at once.
    let options = SyncOptions { jobs: 8, ..PLAIN };
    let (jobs, most) = (options.jobs, options.jobs / 8);
    let (twice, known) = (Arc::new(AtomicUsize::new(0)), 60);
    let most_twice = Arc::clone(&twice);
    let gate = Gate::open(&log, move |asked| {
        let held = asked.held();
        let copies = |number: &usize| held.iter().filter(|other| asked.paths[**other] == asked.paths[*number]).count();
        let doubles = held.iter().filter(|number| copies(number) > 1).count() / 2;
        most_twice.fetch_max(doubles, Relaxed);
        let data = asked.paths.iter().filter(|path| is_data(path)).count();
        if data <= known || data >= known + 100 {
            return held;
        }
        // Of all that are late, those are answered that were asked for once.
        let is_full = held.len() >= jobs + most;
        let single = held.iter().copied().filter(|number| copies(number) == 1);
        single.take(usize::from(is_full)).collect()
    });
    let world = world(&log);
    assert!(world.sync_as(&[&gate.url()], &options).unwrap().committed);
    assert_eq!(twice.load(Relaxed), most);
}

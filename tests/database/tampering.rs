//! One thing is changed at a time in one tile: what is below it is refused, all else is proven, nothing false is kept, and
//! the next source repairs it.

use super::fake::FakeSumdb;
use super::world::{World, assert_refused, assert_unavailable, fault};

const SEED: u64 = 5;

/// Sizes with every shape of edge: one leaf, a partial tile, a full one with and without a next one, two levels, three.
const SIZES: [u64; 7] = [1, 255, 256, 257, 512, 70_000, 200_000];

/// Records at the ends of the tree, of tiles, and in between.
fn ids(size: u64) -> Vec<u64> {
    let mut ids = vec![0, 255, 256, size / 3, 65_535, 65_536, (size / 2) | 1, size - 1];
    ids.retain(|id| *id < size);
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// The tiles that are asked for to prove `ids` from nothing.
fn tiles_of(log: &FakeSumdb, url: &str, ids: &[u64]) -> Vec<String> {
    log.clear_requests();
    World::new(log).prove(&[url], ids);
    log.counts("tile/").into_keys().collect()
}

/// Level and index of a tile in a small log, and whether it is at the right edge.
fn place(path: &str) -> (u32, u64, bool) {
    let mut parts = path.split(".p/").next().unwrap().strip_prefix("tile/8/").unwrap().split('/');
    let level = parts.next().unwrap().parse().unwrap();
    let index = parts.fold(0, |index, group| index * 1000 + group.trim_start_matches('x').parse::<u64>().unwrap());
    (level, index, path.contains(".p/"))
}

/// Whether the proof of record `id` needs the tile at `path`; every proof needs the edge.
fn needs(id: u64, path: &str) -> bool {
    let (level, index, edge) = place(path);
    edge || id >> (8 * (level + 1)) == index
}

/// A bad source alone: refused what is below the tile, proven the rest. A good one after it: all proven, same bytes kept.
fn check(bad: &FakeSumdb, bad_url: &str, good_url: &str, ids: &[u64], path: &str, refused: impl Fn(&str, &str)) {
    let world = World::new(bad);
    let answers = world.ask(&[bad_url], ids);
    for (id, answer) in ids.iter().zip(&answers) {
        if needs(*id, path) {
            refused(&fault(answer).to_string(), path);
        } else {
            world.assert_proven(*id, answer);
        }
    }
    let cached = world.cached();
    assert!(!cached.contains_key(path), "{path} was kept");
    if ids.iter().all(|id| needs(*id, path)) {
        assert!(!cached.keys().any(|path| path.starts_with("lookup/")), "{path}: {:?}", cached.keys());
    }
    if place(path).2 {
        world.assert_untouched();
    } else {
        world.assert_cache_is_honest();
    }
    world.prove(&[bad_url, good_url], ids);
    world.assert_cache_is_honest();
}

#[test]
fn one_bit_of_one_hash_of_any_tile() {
    for size in SIZES {
        let (bad, good) = (FakeSumdb::synthetic(size, SEED), FakeSumdb::synthetic(size, SEED));
        let (bad_served, good_served) = (bad.serve(), good.serve());
        let (bad_url, good_url) = (bad_served.url(), good_served.url());
        let ids = ids(size);
        for path in tiles_of(&bad, &bad_url, &ids) {
            let hashes = bad.honest(&path).unwrap().len() / 32;
            // Every hash in small trees, a spread over all of them in large ones; another byte and bit of each.
            for hash in (0..hashes).step_by(if size <= 512 { 31 } else { 101 }).chain([hashes - 1]) {
                bad.clear_faults();
                bad.fault(&format!("flip:{path}:{}:{}", hash * 32 + hash % 32, hash % 8));
                check(&bad, &bad_url, &good_url, &ids, &path, |why, path| {
                    assert!(why.contains(&bad_url) && why.contains(path) && why.contains("refused"), "{why}");
                });
            }
        }
    }
}

#[test]
fn one_bit_of_every_hash_of_a_tree_of_257() {
    let bad = FakeSumdb::synthetic(257, SEED);
    let served = bad.serve();
    for path in tiles_of(&bad, &served.url(), &[0, 256]) {
        for hash in 0..bad.honest(&path).unwrap().len() / 32 {
            bad.clear_faults();
            bad.fault(&format!("flip:{path}:{}:{}", hash * 32 + 31, hash % 8));
            let world = World::new(&bad);
            let answers = world.ask(&[&served.url()], &[0, 256]);
            for (id, answer) in [0, 256].iter().zip(&answers) {
                if needs(*id, &path) {
                    assert_refused(answer, &served.url());
                } else {
                    world.assert_proven(*id, answer);
                }
            }
            assert!(!world.cached().contains_key(&path));
        }
    }
}

/// Each way in which a tile can fail to come. The log's own words must not become "not in the log" or "not held".
#[test]
fn a_tile_that_breaks_off_or_runs_on_or_is_denied() {
    let size = 70_000;
    let (bad, good) = (FakeSumdb::synthetic(size, SEED), FakeSumdb::synthetic(size, SEED));
    let (bad_served, good_served) = (bad.serve(), good.serve());
    let ids = ids(size);
    let tiles = tiles_of(&bad, &bad_served.url(), &ids);
    for kind in [
        "truncated",
        "too-long",
        "endless",
        "reset",
        "status:404",
        "status:410",
        "status:429",
        "status:500",
        "status:206",
    ] {
        for path in &tiles {
            bad.clear_faults();
            bad.fault(&format!("{kind}:{path}"));
            let full = path.split(".p/").next().unwrap();
            if full != path {
                bad.fault(&format!("{kind}:{full}")); // nor is there the full tile instead
            }
            check(&bad, &bad_served.url(), &good_served.url(), &ids, path, |why, path| {
                assert!(why.contains(&bad_served.url()) && why.contains(path), "{kind}: {why}");
            });
        }
    }
}

#[test]
fn a_slow_tile_is_waited_for() {
    let log = FakeSumdb::synthetic(70_000, SEED);
    log.fault("slow:30:tile/8/0/*");
    World::new(&log).prove(&[&log.serve().url()], &ids(70_000));
}

#[test]
fn a_tile_of_another_log() {
    let (log, other) = (FakeSumdb::synthetic(70_000, SEED), FakeSumdb::synthetic(70_000, SEED + 1));
    let tree = tempfile::tempdir().unwrap();
    let ids = ids(70_000);
    let honest = World::new(&log);
    honest.prove(&[&log.serve().url()], &ids);
    let served = log.serve();
    for path in honest.cached().into_keys().filter(|path| path.starts_with("tile/")) {
        super::trees::write_tree(tree.path(), &honest.cached());
        std::fs::write(tree.path().join(&path), other.honest(&path).unwrap()).unwrap();
        let url = format!("file://{}", tree.path().display());
        let world = World::new(&log);
        for (id, answer) in ids.iter().zip(world.ask(&[&url], &ids)) {
            if needs(*id, &path) { assert_refused(&answer, &path) } else { world.assert_proven(*id, &answer) }
        }
        world.prove(&[&url, &served.url()], &ids);
        assert!(world.cached() == honest.cached());
    }
}

/// What hangs below a tile that is not there is not fetched for nothing, and nothing is asked for again and again.
#[test]
fn a_missing_tile_is_asked_for_once() {
    let log = FakeSumdb::synthetic(200_000, SEED);
    let served = log.serve();
    log.fault("status:404:tile/8/1/001");
    log.fault("wrong-record:lookup/*,times=1");
    log.clear_requests();
    let ids: Vec<u64> = (65_536..131_072).step_by(700).chain([5]).collect();
    let world = World::new(&log);
    let answers = world.ask(&[&served.url()], &ids);
    assert_eq!(log.counts("tile/").into_iter().filter(|(_, times)| *times > 1).collect::<Vec<_>>(), []);
    let by = answers.iter().filter(|answer| !matches!(answer, gosumcheck::database::Answer::Found(_)));
    by.for_each(|answer| {
        let why = fault(answer).to_string();
        assert!(why.contains(&served.url()), "{why}");
    });
    assert_unavailable(&answers[7], "tile/8/1/001");
    world.assert_proven(5, answers.last().unwrap());
}

/// A thousand false tiles cost one more round, not a thousand.
#[test]
fn many_false_tiles_are_replaced_at_once() {
    let (bad, good) = (FakeSumdb::synthetic(200_000, SEED), FakeSumdb::synthetic(200_000, SEED));
    let (bad_served, good_served) = (bad.serve(), good.serve());
    bad.fault("flip:tile/8/0/*");
    good.fault("slow:20");
    bad.clear_requests();
    let ids: Vec<u64> = (0..199_000).step_by(4_000).collect();
    World::new(&bad).prove(&[&bad_served.url(), &good_served.url()], &ids);
    assert!(bad.counts("tile/").values().all(|times| *times == 1), "{:?}", bad.counts("tile/"));
    assert!(good.rounds("tile/") <= 2, "{}", good.rounds("tile/"));
}

//! What becomes of a store that may not grow: what stays, what goes, what clients get meanwhile, and what is left when a process dies
//! in the middle.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use gosumcheck::proxy::{Proxy, ProxyLimits, StoreLimits};
use gosumcheck::store::Folder;
use gosumcheck::store::eviction::{Standing, coldest_first};
use gosumcheck::store::failing::{FailingDisk, Moment, Then};
use gosumcheck::store::modules::{InventoryFile, Stored, Tree};
use gosumcheck::store::usage::Use;
use gosumcheck::sumdb::gosum::Kind;
use gosumcheck::sumdb::module::{ModuleVersion, Patterns};

use crate::kit::{Corpus, FakeMirror, Fault, Spec};
use crate::world::{World, ask, bytes, outage};

fn limited(max_size: u64) -> ProxyLimits {
    ProxyLimits { store: StoreLimits { max_size: Some(max_size), ..StoreLimits::default() }, ..ProxyLimits::default() }
}

fn name(number: usize) -> String {
    format!("example.com/m{number:03}")
}

fn zip(number: usize) -> String {
    format!("{}/@v/v1.0.0.zip", name(number))
}

fn module(number: usize) -> ModuleVersion {
    ModuleVersion::new(&name(number), "v1.0.0").unwrap()
}

/// So many modules whose zips have about `len` bytes.
fn corpus(count: usize, len: usize) -> Corpus {
    Corpus::of(&(0..count).map(|number| Spec::new(&name(number), "v1.0.0").noise(len)).collect::<Vec<_>>())
}

/// What a folder takes on the disk.
fn disk_bytes(path: &Path) -> u64 {
    let Ok(found) = path.symlink_metadata() else { return 0 };
    let own = (found.blocks() * 512).max(found.len());
    let below = std::fs::read_dir(path).into_iter().flatten().flatten();
    own + below.map(|entry| disk_bytes(&entry.path())).sum::<u64>()
}

fn stored_bytes(world: &World) -> u64 {
    ["modules", "private", "tmp"].iter().map(|tree| disk_bytes(&world.data.path().join(tree))).sum()
}

fn is_stored(world: &World, number: usize) -> bool {
    world.data.path().join("modules").join(zip(number)).is_file()
}

/// Numbers below `count` as Zipf has them, the same in every run.
fn trace(count: usize, requests: usize) -> Vec<usize> {
    let weights: Vec<f64> = (1..=count).map(|rank| 1.0 / (rank as f64).powf(0.9)).collect();
    let all: f64 = weights.iter().sum();
    let mut state = 7_u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let one = |_| {
        let mut left = random() * all;
        let rank = weights.iter().position(|weight| {
            left -= weight;
            left < 0.0
        });
        // Ranks are strewn over the names.
        rank.unwrap_or(0) * 7919 % count
    };
    (0..requests).map(one).collect()
}

/// Hits of the same trace where each eviction looks at all files, in the order of the real one.
fn simulated(trace: &[usize], sizes: &[u64], max: u64) -> usize {
    let (mut held, mut uses): (HashMap<usize, u64>, HashMap<usize, Use>) = Default::default();
    let mut hits = 0;
    for (at, number) in trace.iter().enumerate() {
        let now = at as u64 + 1;
        let used = uses.entry(*number).or_default();
        *used = Use { hits: used.hits + 1, last: now, ..*used };
        if held.contains_key(number) {
            hits += 1;
            continue;
        }
        while held.values().sum::<u64>() + sizes[*number] > max {
            let standing = |(number, bytes): (&usize, &u64)| {
                let (tree, kind, name) = (Tree::Proven, Kind::Zip, zip(*number));
                let (module, admitted) = (module(*number), SystemTime::UNIX_EPOCH);
                let (bytes, len, has_proof) = (*bytes, *bytes, true);
                let file = InventoryFile { tree, module, kind, name, bytes, len, admitted, has_proof };
                Standing { file, used: uses[number], stays: None }
            };
            let order = coldest_first(held.iter().map(standing).collect(), Vec::new());
            let first = order.first().map(|first| first.file.module.clone()).unwrap();
            held.retain(|number, _| module(*number) != first);
        }
        held.insert(*number, sizes[*number]);
    }
    hits
}

#[test]
fn a_store_never_grows_beyond_its_limit_and_keeps_what_cannot_be_had_again() {
    const LIMIT: u64 = 20_000_000;
    const CLIENTS: usize = 16;
    let (count, len) = (600, 120_000);
    let corpus = corpus(count + 2, len);
    corpus.add(&Spec::new("corp.example/p", "v1.0.0").noise(len));
    let mut world = World::new(corpus, 1);
    world.private = vec![FakeMirror::serve(&world.corpus)];
    world.options.private = Patterns::parse("corp.example");
    let proxy = world.limited(limited(LIMIT));
    let (pinned, vanished) = (count, count + 1);
    let private = "corp.example/p/@v/v1.0.0.zip";
    for path in [zip(pinned).as_str(), &zip(vanished), private] {
        world.expect_true(&proxy, path);
    }
    world.folder().keep().add(&[format!("{}@v1.0.0", name(pinned))]).unwrap();
    world.mirrors[0].fault(&zip(vanished), Fault::Status(404, "no".to_owned()));
    let (trace, next, hits) = (trace(count, 3000), AtomicUsize::new(0), AtomicU64::new(0));
    let (is_over, most) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                most.fetch_max(stored_bytes(&world), Ordering::Relaxed);
            }
        });
        let client = || {
            while let Some(number) = trace.get(next.fetch_add(1, Ordering::Relaxed)) {
                // What is stored when it is asked for.
                hits.fetch_add(u64::from(is_stored(&world, *number)), Ordering::Relaxed);
                let answered = bytes(world.runtime.block_on(ask(&proxy, &zip(*number))));
                assert!(answered == world.corpus.file(&zip(*number)).unwrap(), "{number}: not the right bytes");
            }
        };
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        let ended: Vec<_> = clients.into_iter().map(|client| client.join().is_ok()).collect();
        is_over.store(true, Ordering::Relaxed);
        assert!(ended.into_iter().all(|is_ok| is_ok));
    });
    let largest = (0..count).map(|number| world.corpus.file(&zip(number)).unwrap().len()).max().unwrap() as u64;
    let most = most.into_inner();
    assert!(most <= LIMIT + largest, "{most} bytes of at most {LIMIT}, and {largest} for one download");
    assert!(world.mirrors[0].sent("*.zip") > 5 * LIMIT, "{} bytes came", world.mirrors[0].sent("*.zip"));
    assert!(is_stored(&world, pinned) && is_stored(&world, vanished));
    assert!(world.data.path().join("private").join(private).is_file());
    let proxy_counts = proxy.evicted();
    assert!(proxy_counts.files > 0 && proxy_counts.vanished > 0, "{proxy_counts:?}");
    // As good as one that looks at all files each time.
    // What stays beside and of those that went is a tenth; what is on its way counts too.
    let sizes = vec![largest + (12 << 10); count];
    let exact = simulated(&trace, &sizes, LIMIT - LIMIT / 10 - CLIENTS as u64 * largest / 2) as f64;
    let hits = hits.into_inner() as f64;
    assert!(hits >= exact * 0.95, "{hits} hits where the exact order has {exact}");
}

/// An upstream that does not answer may have it or not.
#[test]
fn nothing_is_removed_while_nobody_says_that_it_can_be_had_again() {
    let world = World::new(corpus(4, 400_000), 1);
    let proxy = world.limited(limited(1_500_000));
    for number in 0..3 {
        world.expect_true(&proxy, &zip(number));
    }
    world.mirrors[0].fault("*m000*", Fault::Status(500, "no".to_owned()));
    world.mirrors[0].fault("*m001*", Fault::Status(404, "no".to_owned()));
    world.mirrors[0].fault("*m002*", Fault::Status(503, "no".to_owned()));
    let why = outage(world.ask(&proxy, &zip(3)));
    assert!(why.contains("the store is full") && why.contains("store.max_size"), "{why}");
    assert!((0..3).all(|number| is_stored(&world, number)));
    // What vanished is remembered, and the others are asked again.
    world.mirrors[0].heal();
    world.mirrors[0].clear_requests();
    let proxy = {
        drop(proxy);
        world.limited(limited(1_500_000))
    };
    world.expect_true(&proxy, &zip(3));
    assert!(is_stored(&world, 1) && is_stored(&world, 3));
    assert_eq!(world.mirrors[0].count("*m001*"), 0);
}

#[test]
fn zips_go_before_go_mods_and_one_that_was_used_again_stays_longer() {
    let world = World::new(corpus(6, 400_000), 1);
    let proxy = world.limited(limited(2_400_000));
    for number in 0..4 {
        world.expect_true(&proxy, &zip(number));
        world.expect_true(&proxy, &zip(number).replace(".zip", ".mod"));
    }
    // The oldest, and used again.
    world.expect_true(&proxy, &zip(0));
    world.expect_true(&proxy, &zip(4));
    world.expect_true(&proxy, &zip(5));
    assert!(is_stored(&world, 0) && is_stored(&world, 5));
    assert!(!is_stored(&world, 1));
    for number in 0..4 {
        let go_mod = world.data.path().join("modules").join(zip(number).replace(".zip", ".mod"));
        assert!(go_mod.is_file(), "{number}");
        assert!(go_mod.with_extension("ziphash").is_file() && go_mod.with_extension("zipproof").is_file(), "{number}");
    }
    // It comes again, and its list has it again.
    world.expect_true(&proxy, &zip(1));
    assert!(is_stored(&world, 1));
}

/// A client that is being sent a file keeps it.
#[test]
fn a_file_that_is_removed_stays_with_who_has_it_open() {
    let world = World::new(corpus(1, 100_000), 1);
    let proxy = world.proxy();
    let answer = world.ask(&proxy, &zip(0));
    let store = world.folder().modules();
    assert!(store.evict(&module(0), Kind::Zip).unwrap() > 100_000);
    assert!(!is_stored(&world, 0));
    assert!(bytes(answer) == world.corpus.file(&zip(0)).unwrap());
    assert_eq!(store.read_list(module(0).path()).unwrap().as_deref(), Some(b"".as_slice()));
    world.expect_true(&proxy, &zip(0));
}

/// The disk fails, or the process dies, at each change that a removal makes: the file is there or gone, and what is there is as it
/// was.
#[test]
fn a_removal_that_is_cut_off_leaves_nothing_wrong() {
    let world = World::new(corpus(2, 10_000), 1);
    let fill = || {
        let proxy = world.proxy();
        (0..2).for_each(|number| world.expect_true(&proxy, &zip(number)));
    };
    for moment in [Moment::Before, Moment::Torn, Moment::After] {
        for then in [Then::Dead, Then::Recovers] {
            let mut at = 0;
            loop {
                fill();
                let disk = Arc::new(FailingDisk::new(at, moment, then));
                let folder = Folder::open_on(world.data.path(), Box::new(Arc::clone(&disk))).unwrap();
                let removed = folder.modules().evict(&module(0), Kind::Zip);
                let was_reached = disk.calls().len() > at;
                let store = world.folder().modules();
                let open = store.open(&module(0), Kind::Zip, &world.log.vkey()).unwrap();
                assert_eq!(matches!(open, Stored::Missing), !is_stored(&world, 0), "{moment:?} {then:?} {at}");
                assert!(!matches!(open, Stored::Changed(_)), "{moment:?} {then:?} {at}");
                // Each file is what stands beside it.
                world.stored();
                if !was_reached {
                    assert!(removed.is_ok() && !is_stored(&world, 0));
                    break;
                }
                at += 1;
            }
            assert!(at > 2, "a removal is more than one change");
        }
    }
}

/// What is counted of a request is what was given, and survives a restart.
#[test]
fn uses_are_counted_and_kept() {
    let world = World::new(corpus(1, 1000), 1);
    let proxy = world.proxy();
    (0..3).for_each(|_| world.expect_true(&proxy, &zip(0)));
    proxy.flush_uses().unwrap();
    world.expect_true(&proxy, &zip(0));
    drop(proxy);
    let len = world.corpus.file(&zip(0)).unwrap().len() as u64;
    let name = format!("modules/{}", zip(0));
    let uses = world.folder().modules().usage().all().unwrap();
    assert_eq!(uses[&name].hits, 3, "what was not written down is lost");
    assert_eq!(uses[&name].bytes, 3 * len);
    let age = SystemTime::UNIX_EPOCH + Duration::from_micros(uses[&name].last);
    assert!(age.elapsed().unwrap() < Duration::from_secs(600));
    // A damaged file is begun anew, and keeps nobody waiting.
    std::fs::write(world.data.path().join("store/use.sqlite"), "not a database, and longer than its header would be")
        .unwrap();
    for companion in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(world.data.path().join(format!("store/use.sqlite{companion}")));
    }
    let proxy = world.proxy();
    world.expect_true(&proxy, &zip(0));
    proxy.flush_uses().unwrap();
    assert_eq!(world.folder().modules().usage().all().unwrap()[&name].hits, 1);
}

/// The proxy of a server that is given no limit looks at nothing and removes nothing.
#[test]
fn without_a_limit_nothing_is_removed() {
    let world = World::new(corpus(3, 100_000), 1);
    let proxy: Proxy = world.proxy();
    (0..3).for_each(|number| world.expect_true(&proxy, &zip(number)));
    assert_eq!(proxy.evicted(), gosumcheck::proxy::Evicted::default());
    assert_eq!(world.mirrors[0].count("*"), 3, "nobody is asked for anything else");
}

//! A full log that rots under a running relay: no damaged byte is given, and what can be had again is healed.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use gosumcheck::relay::{LookupAnswer, Relay};

use super::fake::{FakeSumdb, Served};
use super::world::{World, tile};

/// 258 full tiles of leaves, one of them above these, and a bit.
const HELD: u64 = 66_100;

/// Everything that is asked of the log, each answer compared with the log's own.
const PATHS: [&str; 9] = [
    "tile/8/0/000",
    "tile/8/0/007",
    "tile/8/0/258.p/52",
    "tile/8/1/000",
    "tile/8/1/001.p/2",
    "tile/8/data/000",
    "tile/8/data/007",
    "tile/8/data/007.p/9",
    "tile/8/data/258.p/52",
];

struct Held {
    world: World,
    served: Served,
}

impl Held {
    fn new() -> Held {
        let world = World::new(&FakeSumdb::synthetic(HELD, 1));
        let served = world.log.serve();
        world.mirror(HELD);
        Held { world, served }
    }

    fn relay(&self) -> Relay {
        self.world.relay(&[&self.served.url()])
    }

    fn file(&self, name: &str) -> PathBuf {
        self.world.data.path().join("log").join(self.world.log.name()).join(name)
    }

    /// Each file of the log with its bytes.
    fn files(&self) -> Vec<(String, Vec<u8>)> {
        ["records", "offsets", "hashes.0", "hashes.1", "hashes.2"]
            .into_iter()
            .map(|name| (name.to_owned(), fs::read(self.file(name)).unwrap()))
            .collect()
    }

    /// Asks for everything, which must be right.
    async fn expect_all(&self, relay: &Relay, what: &str) {
        for path in PATHS {
            let given = tile(relay, path).await.unwrap_or_else(|fault| panic!("{what}: {path}: {fault}"));
            assert_eq!(given.unwrap(), self.world.log.honest(path).unwrap(), "{what}: {path}");
        }
        for id in [0, 7 * 256 + 3, HELD - 1] {
            self.world.assert_found(id, &self.world.lookup(relay, id).await);
            let LookupAnswer::Found(proof) = relay.proof(&self.world.module(id)).await.unwrap() else {
                panic!("{what}")
            };
            assert_eq!(proof.record.id(), id);
        }
    }
}

fn flip(file: &PathBuf, at: u64) {
    let open = fs::OpenOptions::new().read(true).write(true).open(file).unwrap();
    let mut byte = [0];
    open.read_exact_at(&mut byte, at).unwrap();
    open.write_all_at(&[byte[0] ^ 1], at).unwrap();
}

/// The places that are damaged, one at a time, and whether they are in the right edge, without which no log can be opened.
fn places(held: &Held) -> Vec<(String, u64, bool)> {
    let files = held.files();
    let begin = u64::from_le_bytes(files[1].1[56..64].try_into().unwrap());
    let mut places: Vec<(String, u64, bool)> = [
        ("records", begin + 100),
        ("records", 0),
        ("offsets", 7 * 8 + 1),
        ("offsets", 8 * 8),
        ("hashes.0", 7 * 8192 + 77),
        ("hashes.0", 0),
        ("hashes.1", 7 * 32 + 3),
    ]
    .map(|(name, at)| (name.to_owned(), at, false))
    .into();
    places.extend(files.into_iter().map(|(name, bytes)| (name, bytes.len() as u64 - 1, true)));
    places
}

#[tokio::test]
async fn each_damaged_file_is_healed_before_anything_of_it_is_given() {
    let held = Held::new();
    let (relay, sound) = (held.relay(), held.files());
    held.expect_all(&relay, "sound").await;
    for (name, at, is_edge) in places(&held) {
        let what = format!("{name} at {at}");
        flip(&held.file(&name), at);
        held.expect_all(&relay, &what).await;
        if !is_edge {
            held.expect_all(&held.relay(), &what).await;
        }
        relay.scrub_log(None).await.unwrap();
        relay.put_back_healed().unwrap();
        assert!(held.files() == sound, "{what}: it is in its place again");
    }
    let counts = relay.log_scrubbed();
    assert!(counts.rotten > 0 && counts.healed == counts.rotten, "{counts:?}");
    assert_eq!(counts.done, counts.total);
}

/// Hashes follow from the records, and nobody is asked for them; records are asked for once, however many wait for them.
#[tokio::test]
async fn only_records_are_asked_for() {
    let held = Held::new();
    let relay = held.relay();
    for (name, at) in [("offsets", 7 * 8 + 1), ("hashes.0", 7 * 8192 + 77), ("hashes.1", 7 * 32 + 3)] {
        flip(&held.file(name), at);
        held.expect_all(&relay, name).await;
        relay.put_back_healed().unwrap();
    }
    assert_eq!(held.world.log.requests(), []);
    flip(&held.file("records"), 100);
    let asked = futures_util::future::join_all((0..20).map(|_| tile(&relay, "tile/8/data/000"))).await;
    let honest = held.world.log.honest("tile/8/data/000").unwrap();
    assert!(asked.into_iter().all(|given| given.unwrap().unwrap() == honest));
    assert_eq!(held.world.log.requests_for("tile/8/data/000").len(), 1);
}

#[tokio::test]
async fn what_nobody_has_is_given_to_nobody_and_the_refusal_names_the_file() {
    let held = Held::new();
    let relay = held.world.relay(&[]);
    flip(&held.file("records"), 100);
    let refused = [
        tile(&relay, "tile/8/data/000").await.unwrap_err(),
        tile(&relay, "tile/8/data/000.p/1").await.unwrap_err(),
        held.world.lookup(&relay, 0).await.unwrap_err(),
    ];
    for fault in refused {
        let text = fault.to_string();
        assert!(text.contains("records") && text.contains("tile/8/data/000"), "{text}");
    }
    // The rest is given.
    for path in ["tile/8/data/007", "tile/8/0/000", "tile/8/1/000"] {
        assert_eq!(tile(&relay, path).await.unwrap().unwrap(), held.world.log.honest(path).unwrap(), "{path}");
    }
    let counts = relay.scrub_log(None).await.unwrap();
    assert_eq!((counts.rotten, counts.healed), (1, 0));
}

/// Also where a file lost its end, or all of its bytes.
#[tokio::test]
async fn a_file_that_was_cut_off_or_emptied_is_healed() {
    let held = Held::new();
    let (relay, sound) = (held.relay(), held.files());
    for (name, thirds) in [("records", 2), ("offsets", 0), ("hashes.0", 0), ("hashes.1", 2)] {
        let file = fs::OpenOptions::new().write(true).open(held.file(name)).unwrap();
        file.set_len(file.metadata().unwrap().len() * thirds / 3).unwrap();
        held.expect_all(&relay, name).await;
        relay.scrub_log(None).await.unwrap();
        relay.put_back_healed().unwrap();
        assert!(held.files() == sound, "{name}, {thirds} thirds");
    }
}

/// What was proven stays so when this process appends, and no longer: what another one does to a file is unknown.
#[tokio::test]
async fn an_append_of_this_process_has_no_old_tile_proven_again() {
    const OLD: [&str; 5] =
        ["tile/8/0/000", "tile/8/0/004", "tile/8/data/000", "tile/8/data/004.p/9", "tile/8/1/000.p/5"];
    let world = World::new(&FakeSumdb::synthetic(2000, 1));
    let folder = world.folder();
    world.mirror_in(&folder, 1500);
    let relay = world.relay_in(&folder, &[]);
    relay.refresh().unwrap();
    let proofs = async || {
        let before = relay.log_health().proven();
        for path in OLD {
            assert_eq!(tile(&relay, path).await.unwrap().unwrap(), world.log.honest(path).unwrap(), "{path}");
        }
        relay.log_health().proven() - before
    };
    assert!(proofs().await > 0, "on their first use");
    // What was written a moment ago is not relied on yet.
    while proofs().await > 0 {}
    for (size, edge) in [(1600, "tile/8/1/000.p/6"), (1900, "tile/8/1/000.p/7")] {
        world.mirror_in(&folder, size);
        relay.refresh().unwrap();
        // The first question has the relay prove that the new tree contains the old one, from tiles that are full now.
        tile(&relay, edge).await.unwrap();
        assert_eq!(proofs().await, 0, "{size}");
    }
    // One that is full now is proven, and one that rotted is found.
    let before = relay.log_health().proven();
    tile(&relay, "tile/8/0/006").await.unwrap();
    assert!(relay.log_health().proven() > before);
    let hashes = world.data.path().join("log").join(world.log.name()).join("hashes.0");
    flip(&hashes, 77);
    fs::File::options().write(true).open(&hashes).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    assert!(proofs().await > 0);
    assert_eq!(relay.log_health().rotten(), 1);
    relay.put_back_healed().unwrap();
    while proofs().await > 0 {}
    world.mirror(2000);
    relay.refresh().unwrap();
    assert!(proofs().await > 0, "another process has written");
}

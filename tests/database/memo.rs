//! What the same questions were answered last time: read in one piece where it is true, and never believed where it is not.

use std::fs;

use gosumcheck::sumdb::hash::leaf_hash;

use super::fake::FakeSumdb;
use super::world::{World, runtime};

const IDS: [u64; 20] = [0, 1, 2, 255, 256, 257, 511, 700, 701, 999, 1000, 1001, 1500, 2000, 2500, 2999, 1, 5, 6, 7];

/// A world that has answered `IDS` twice, and the path of the memo that the second time left.
fn world() -> (World, std::path::PathBuf) {
    let log = FakeSumdb::synthetic(3_000, 51);
    let world = World::new(&log);
    world.prove(&[&log.serve().url()], &IDS);
    assert!(world.memos().is_empty(), "the first run has enough to do");
    world.prove(&[], &IDS);
    let memos: Vec<_> = world.memos().into_keys().collect();
    assert_eq!(memos.len(), 1, "{memos:?}");
    let memo = world.cache().join(&memos[0]);
    (world, memo)
}

#[test]
fn a_memo_is_enough_and_so_are_the_entries() {
    let (world, memo) = world();
    let text = fs::read_to_string(&memo).unwrap();
    assert_eq!(text.matches("\npath ").count(), IDS.len());
    // Neither the answers' own files nor any full tile of leaves is needed.
    let lookups = world.cache().join("lookup");
    fs::rename(&lookups, world.cache().join("gone")).unwrap();
    let full: Vec<_> =
        world.cached().into_iter().filter(|(path, _)| path.starts_with("tile/8/0/") && !path.contains(".p/")).collect();
    assert!(!full.is_empty());
    full.iter().for_each(|(path, _)| fs::remove_file(world.cache().join(path)).unwrap());
    world.prove(&[], &IDS);
    fs::rename(world.cache().join("gone"), &lookups).unwrap();
    full.iter().for_each(|(path, bytes)| fs::write(world.cache().join(path), bytes).unwrap());
    fs::remove_file(&memo).unwrap();
    world.prove(&[], &IDS);
    assert!(fs::read_to_string(&memo).unwrap() == text);
}

/// Damaged in every way, with nobody to ask: the entries are read in its place, and it is written again.
#[test]
fn a_false_memo_costs_nothing_but_its_use() {
    let (world, memo) = world();
    let text = fs::read_to_string(&memo).unwrap();
    let first = world.log.record_text(0);
    let second = world.log.record_text(1);
    let mut bit = text.clone().into_bytes();
    bit[text.find("h1:").unwrap() + 5] ^= 1;
    let cases = [
        Vec::new(),
        bit,
        text.replacen(&first, &second, 1).into_bytes(),
        text.replacen("0\n", "1\n", 1).into_bytes(),
        text.replacen("0\n", "999999\n", 1).into_bytes(),
        text.as_bytes()[..text.len() / 2].to_vec(),
        format!("{text}{text}").into_bytes(),
        text.replacen("path ", "path AAAA", 1).into_bytes(),
        text.replacen("path ", "paths ", 1).into_bytes(),
        b"\xff\xfe".to_vec(),
    ];
    for damaged in cases {
        fs::write(&memo, &damaged).unwrap();
        world.prove(&[], &IDS);
        assert!(fs::read_to_string(&memo).unwrap() == text, "written again");
    }
    // A path that leads elsewhere: the tile is brought in its place.
    let first_path = text.split("path ").nth(1).unwrap().split('\n').next().unwrap();
    let false_path = format!("{}{}", &first_path[4..], &first_path[..4]);
    fs::write(&memo, text.replacen(first_path, &false_path, 1)).unwrap();
    world.prove(&[], &IDS);
    assert_eq!(world.memos().len(), 1);
    world.assert_cache_is_honest();
}

/// Something in the way of the memo, as in a folder that can only be read: the audit is none the worse.
#[test]
fn without_a_place_for_the_memo_all_is_proven_too() {
    let log = FakeSumdb::synthetic(3_000, 51);
    let world = World::new(&log);
    world.prove(&[&log.serve().url()], &IDS);
    fs::write(world.cache().join("batch"), "in the way").unwrap();
    world.prove(&[], &IDS);
    world.prove(&[], &IDS);
}

/// The paths in the memo end at the hash of a tile of leaves. An inclusion proof for others needs the tile too.
#[test]
fn proofs_for_others_are_whole_where_there_is_a_memo() {
    let (world, _memo) = world();
    let asked: Vec<_> = IDS.iter().map(|id| world.module(*id)).collect();
    let database = world.database(&[]);
    let (_, proofs) = runtime().block_on(database.records_with_proofs(&asked, &|_, _, _| {})).unwrap();
    assert_eq!(proofs.len(), IDS.len());
    for proof in proofs {
        let leaf = leaf_hash(world.log.record_text(proof.index()).as_bytes());
        assert_eq!(proof.check(&leaf, &world.policy()).unwrap().tree().size, 3_000);
    }
}

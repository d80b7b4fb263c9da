//! Trees of every small size, and one bit of one tile changed at a time.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions)]

use super::*;
use crate::sumdb::checkpoint::Tree;
use crate::sumdb::hash::{Hash, leaf_hash, node_hash, sha256};
use crate::sumdb::tlog::{Subtrees, check_consistency, check_inclusion};

/// An honest log of any size: hashes by level, computed the plain way.
struct Log(Vec<Vec<Hash>>);

impl Log {
    fn new(size: u64) -> Log {
        let mut levels = vec![(0..size).map(|i| leaf_hash(&i.to_be_bytes())).collect::<Vec<_>>()];
        while levels.last().unwrap().len() > 1 {
            let below = levels.last().unwrap();
            levels.push(below.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect());
        }
        Log(levels)
    }

    fn tree(&self, size: u64) -> Tree {
        Tree { size, root: self.range(0..size).unwrap() }
    }

    fn body(&self, tile: &Tile) -> Vec<u8> {
        let (level, first) = (tile.level * tile.height, tile.index << tile.height);
        (first..first + u64::from(tile.width)).flat_map(|n| self.subtree(level, n).unwrap().0).collect()
    }
}

impl Subtrees for Log {
    fn subtree(&self, level: u32, index: u64) -> Option<Hash> {
        self.0.get(level as usize)?.get(index as usize).copied()
    }
}

/// Fetches everything that `wants` need; `touch` may change bodies on the way. Returns the tree with what was admitted before an
/// error.
fn bring(
    height: u32,
    log: &Log,
    tree: Tree,
    wants: &[Want],
    touch: &dyn Fn(&Tile, &mut Vec<u8>),
) -> (VerifiedTree, Result<()>) {
    let mut verified = VerifiedTree::with_height(height, tree);
    let body = |tile: &Tile| {
        let mut body = log.body(tile);
        touch(tile, &mut body);
        body
    };
    let bodies: Vec<_> = verified.edge().iter().map(body).collect();
    let mut outcome = verified.admit_edge(&bodies);
    for tile in verified.plan(wants).unwrap().tiles() {
        outcome = outcome.and_then(|()| verified.admit(tile, &body(tile)));
    }
    (verified, outcome)
}

fn honest(_: &Tile, _: &mut Vec<u8>) {}

#[test]
fn every_leaf_root_and_proof_of_every_tree_to_300_can_be_read() {
    let log = Log::new(300);
    for size in 1..=300 {
        let tree = log.tree(size);
        for index in 0..size {
            let (verified, outcome) = bring(2, &log, tree, &[Want::Leaf(index)], &honest);
            outcome.unwrap();
            let leaf = verified.leaf(index).unwrap();
            assert_eq!(leaf, log.0[0][index as usize]);
            check_inclusion(&verified.inclusion_proof(index).unwrap(), &tree, index, &leaf).unwrap();
        }
        for older in 1..=size {
            let (verified, outcome) = bring(2, &log, tree, &[Want::Consistency(older)], &honest);
            outcome.unwrap();
            let old = log.tree(older);
            assert_eq!(verified.root_at(older), Some(old.root));
            check_consistency(&verified.consistency_proof(older).unwrap(), &old, &tree).unwrap();
            let (verified, outcome) = bring(2, &log, tree, &[Want::RootAt(older)], &honest);
            outcome.unwrap();
            assert_eq!(verified.root_at(older), Some(old.root));
        }
        assert!(VerifiedTree::with_height(2, tree).plan(&[Want::Leaf(size)]).is_err());
        assert!(VerifiedTree::with_height(2, tree).plan(&[Want::RootAt(size + 1)]).is_err());
    }
}

/// The test that Go's own suite lacked: one bit of one hash of one tile, each in turn, everything else honest.
#[test]
fn one_bit_in_one_hash_of_one_tile_is_always_refused() {
    let log = Log::new(300);
    for size in 1..=300 {
        let wants: Vec<_> = (0..size).step_by(1 + size as usize / 7).map(Want::Leaf).collect();
        let wants = [wants, vec![Want::Leaf(size - 1), Want::Consistency(1 + size / 3)]].concat();
        tamper_each(2, &log, log.tree(size), &wants);
    }
}

#[test]
fn one_bit_is_refused_at_height_8_too() {
    let log = Log::new(70_000);
    for size in [1, 255, 256, 257, 259, 511, 65_535, 65_536, 65_537, 66_049, 70_000] {
        let wants = [Want::Leaf(0), Want::Leaf(size / 2), Want::Leaf(size - 1), Want::Consistency(size.div_ceil(2))];
        tamper_each(8, &log, log.tree(size), &wants);
    }
}

/// Sizes that cannot be held in memory: a log whose leaves are all alike.
#[test]
fn one_bit_is_refused_in_the_largest_trees() {
    for size in [(1 << 20) + 1, 49_516_586, 58_776_408, (1 << 26) - 1, (1 << 27) - 1, 1 << 27, (1 << 62) - 1, 1 << 62] {
        let log = Uniform::new();
        let tree = Tree { size, root: log.range(0..size).unwrap() };
        let mut verified = VerifiedTree::new(tree);
        let edge: Vec<_> = verified.edge().iter().map(|tile| log.body(tile)).collect();
        for (at, body) in edge.iter().enumerate() {
            for hash in 0..body.len() / 32 {
                let mut bad = edge.clone();
                bad[at][hash * 32 + hash % 32] ^= 1 << (hash % 8);
                assert!(verified.admit_edge(&bad).is_err());
                assert!(!verified.has_edge());
            }
        }
        verified.admit_edge(&edge).unwrap();
        let wants = [0, 1 << 19, size / 3, size - 300, size - 1].map(Want::Leaf);
        for tile in verified.plan(&wants).unwrap().tiles() {
            let body = log.body(tile);
            for hash in 0..body.len() / 32 {
                let mut bad = body.clone();
                bad[hash * 32 + hash % 32] ^= 1 << (hash % 8);
                assert!(verified.admit(tile, &bad).is_err(), "{tile} hash {hash} of size {size}");
                assert!(!verified.holds(tile));
            }
            verified.admit(tile, &body).unwrap();
        }
        assert_eq!(verified.leaf(size - 1), Some(log.0[0]));
    }
}

/// A log in which all leaves are the same, so that a subtree's hash depends on its level alone.
struct Uniform(Vec<Hash>);

impl Uniform {
    fn new() -> Uniform {
        let mut levels = vec![sha256(b"leaf")];
        for level in 0..62 {
            levels.push(node_hash(&levels[level], &levels[level]));
        }
        Uniform(levels)
    }

    fn body(&self, tile: &Tile) -> Vec<u8> {
        self.0[(tile.level * tile.height) as usize].0.repeat(tile.width as usize)
    }
}

impl Subtrees for Uniform {
    fn subtree(&self, level: u32, _: u64) -> Option<Hash> {
        self.0.get(level as usize).copied()
    }
}

fn tamper_each(height: u32, log: &Log, tree: Tree, wants: &[Want]) {
    bring(height, log, tree, wants, &honest).1.unwrap();
    let fresh = VerifiedTree::with_height(height, tree);
    let tiles = [fresh.edge(), fresh.plan(wants).unwrap().tiles().to_vec()].concat();
    for victim in tiles {
        for hash in 0..victim.width as usize {
            let flip = |tile: &Tile, body: &mut Vec<u8>| {
                if *tile == victim {
                    body[hash * 32 + hash % 32] ^= 1 << (hash % 8);
                }
            };
            let (verified, outcome) = bring(height, log, tree, wants, &flip);
            assert!(outcome.is_err(), "{victim} hash {hash} of size {}", tree.size);
            assert!(!verified.holds(&victim), "refused and kept");
        }
        for change in [|body: &mut Vec<u8>| body.truncate(body.len() - 32), |body: &mut Vec<u8>| body.extend([0; 32])] {
            let (_, outcome) = bring(height, log, tree, wants, &|tile, body| {
                if *tile == victim {
                    change(body)
                }
            });
            assert!(matches!(outcome, Err(Error::Malformed { .. })));
        }
    }
}

#[test]
fn a_child_is_refused_before_its_parent_and_nothing_is_read_unproven() {
    let log = Log::new(100);
    let mut verified = VerifiedTree::with_height(2, log.tree(100));
    let leaf = Tile::with_height(2, 0, 0, 4).unwrap();
    assert!(verified.admit(&leaf, &log.body(&leaf)).unwrap_err().to_string().contains("is not proven"));
    assert!(verified.leaf(0).is_none() && verified.root_at(3).is_none() && verified.inclusion_proof(0).is_none());
    let partial = Tile::with_height(2, 0, 0, 3).unwrap();
    assert!(verified.admit(&partial, &log.body(&partial)).is_err(), "a partial tile only proves itself at the edge");
    let beyond = Tile::with_height(2, 0, 25, 4).unwrap();
    assert!(verified.admit(&beyond, &[0; 128]).is_err());
}

/// A leaf by its path alone: every leaf of every tree to 300, and each bit of each hash on the way counts.
#[test]
fn a_leaf_is_admitted_by_its_path_and_by_no_other() {
    let log = Log::new(300);
    for size in (1..=300).step_by(7) {
        let tree = log.tree(size);
        for index in 0..size {
            let (held, outcome) = bring(2, &log, tree, &[Want::Leaf(index)], &honest);
            outcome.unwrap();
            let leaf = held.leaf(index).unwrap();
            let (mut bare, outcome) = bring(2, &log, tree, &[Want::LeafPath(index)], &honest);
            outcome.unwrap();
            let Some(path) = held.leaf_path(index) else {
                assert!(bare.admit_leaf(index, leaf, &[leaf, leaf]).is_err(), "a tile that is not full proves itself");
                continue;
            };
            for at in 0..path.len() {
                let mut bad = path.clone();
                bad[at].0[at] ^= 1;
                assert!(bare.admit_leaf(index, leaf, &bad).is_err());
            }
            assert!(bare.admit_leaf(index, path[0], &path).is_err() || path[0] == leaf);
            assert!(bare.admit_leaf(index ^ 1, leaf, &path).is_err());
            assert!(bare.admit_leaf(index, leaf, &path[1..]).is_err());
            assert!(bare.leaf(index).is_none() && bare.leaf(index ^ 1).is_none(), "refused and kept");
            assert!(
                VerifiedTree::with_height(2, tree).admit_leaf(index, leaf, &path).is_err(),
                "nothing above is proven"
            );
            bare.admit_leaf(index, leaf, &path).unwrap();
            assert_eq!(bare.leaf(index), Some(leaf));
            assert!(bare.plan(&[Want::Leaf(index)]).unwrap().tiles().is_empty());
            bare.forget_leaves();
            assert!(bare.leaf(index).is_none());
        }
    }
}

#[test]
fn the_golden_tiles_of_go() {
    let record = |i: u64| format!("example.com/m v0.0.{i} h1:x=\nexample.com/m v0.0.{i}/go.mod h1:y=\n");
    let mut levels = vec![(0..70_000).map(|i| leaf_hash(record(i).as_bytes())).collect::<Vec<_>>()];
    while levels.last().unwrap().len() > 1 {
        levels.push(levels.last().unwrap().chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect());
    }
    let log = Log(levels);
    let edge = VerifiedTree::new(log.tree(70_000)).edge();
    let paths: Vec<_> = edge.iter().map(Tile::to_string).collect();
    assert_eq!(paths, ["tile/8/0/273.p/112", "tile/8/1/001.p/17", "tile/8/2/000.p/1"]);
    let digest = |tile: &Tile| hex::encode(sha256(&log.body(tile)).0);
    assert_eq!(digest(&edge[0]), "31e973fe832fec2990438cc1edc07ce01f9981f4e7a5875f836cdfb7bb334c4d");
    assert_eq!(digest(&edge[1]), "3d9e81d3d90803366cf5b9d4e8c1bda91d78c8bea04a77097ea2f79e2dc0269a");
}

#[test]
fn full_tiles_of_the_low_levels_are_forgotten_and_nothing_else() {
    let log = Log::new(300);
    let wants: Vec<Want> = (0..300).map(Want::Leaf).collect();
    for level in 0..5 {
        let (mut verified, outcome) = bring(2, &log, log.tree(300), &wants, &honest);
        outcome.unwrap();
        let edge = verified.edge();
        let stays = |of: u32, index: u64| of > level || edge.iter().any(|tile| (tile.level, tile.index) == (of, index));
        let all: Vec<(u32, u64)> = verified.tiles.keys().copied().collect();
        verified.forget_up_to(level);
        for (of, index) in all {
            assert_eq!(verified.tiles.contains_key(&(of, index)), stays(of, index), "up to {level}: {of} {index}");
        }
        assert!(verified.has_edge());
    }
}

//! Roots and proofs against Go's, against RFC 6962 word for word, and against another implementation.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions)]

use super::*;
use crate::sumdb::checkpoint::Tree;
use crate::sumdb::hash::leaf_hash;

/// MTH, taken from RFC 6962 section 2.1 word for word: the judge of everything else.
fn mth(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => EMPTY_ROOT,
        [leaf] => *leaf,
        _ => {
            let k = split(leaves.len() as u64) as usize;
            node_hash(&mth(&leaves[..k]), &mth(&leaves[k..]))
        }
    }
}

struct Leaves(Vec<Hash>);

impl Subtrees for Leaves {
    fn subtree(&self, level: u32, index: u64) -> Option<Hash> {
        let (start, end) = ((index << level) as usize, ((index + 1) << level) as usize);
        self.0.get(start..end).map(mth)
    }
}

/// Record i of the synthetic log in the golden values below, made with x/mod.
fn leaves(count: u64) -> Leaves {
    let record = |i| format!("example.com/m v0.0.{i} h1:x=\nexample.com/m v0.0.{i}/go.mod h1:y=\n");
    Leaves((0..count).map(|i| leaf_hash(record(i).as_bytes())).collect())
}

fn tree_of(leaves: &Leaves, size: u64) -> Tree {
    Tree { size, root: mth(&leaves.0[..size as usize]) }
}

#[test]
fn roots_are_those_of_go() {
    let leaves = leaves(70_000);
    let mut frontier = Frontier::new();
    let golden = [
        (0, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
        (1, "6/jGvUfFsTjvvb6sugisLn0EhL2jIwjXdpkQp8wSjuc="),
        (2, "siukSeS/sdDkHEmLQQ7lHCvWEnHu8kdCQ3L7cQJlbGI="),
        (3, "KNHS9tmxoEf7kyFSJm9uQP2i4aljsL+Y13rzy4TMLIQ="),
        (7, "BG5CrGPupNJ1/I3lxs/mUjiddqxNqy/fEcyWGxFTsZY="),
        (255, "3BpmXbolfWqkTWNZZPt2/glcmYM32qSbXmw8+aexFy4="),
        (256, "ydZWOWHQNTv7E9tlrX8yIACsTKrvQkKbJjSHpuf1pGw="),
        (257, "SvSgHqm627Bi8+Un94mri6ZB1pJPolb/NY6IA+XMdYE="),
        (1000, "uUVfML6diNS+PCCX5qqbWv2Y2wiP7PlLsj+aDQG2Uhg="),
        (65_536, "f6agJYT3yCmJwCuPomFx02BGk0+R1Empl13P3++8sR8="),
        (65_537, "fUEDHgoUg27rqsLV4R50JyWjuUemYqiC0q6x7K79Kww="),
        (70_000, "LwF9TRwkt7bCqHwT8qmj/+XQ0OVMuHh6pISMDIQVXyA="),
    ];
    for (size, root) in golden {
        while frontier.tree().size < size {
            frontier.append(leaves.0[frontier.tree().size as usize]);
        }
        assert_eq!(frontier.tree().root.to_string(), root, "size {size}");
        assert_eq!(leaves.range(0..size).unwrap().to_string(), root, "size {size}");
    }
}

#[test]
fn proofs_are_those_of_go() {
    let leaves = leaves(70_000);
    let digest = |proof: Vec<Hash>| {
        let bytes: Vec<u8> = proof.iter().flat_map(|hash| hash.0).collect();
        (proof.len(), hex::encode(crate::sumdb::hash::sha256(&bytes).0))
    };
    for (size, index, length, hash) in [
        (1000, 777, 10, "a8d85d0c2eaa0a0fc066c74cd8a1ef437c08605a2d1e23bd4f074f5556ae5a01"),
        (70_000, 65_535, 17, "71afb0457ad0e879738fe16b54a8fdd439eef8037944cf8d55d30c982d3b613c"),
    ] {
        assert_eq!(digest(leaves.inclusion(size, index).unwrap()), (length, hash.to_owned()));
    }
    for (newer, older, length, hash) in [
        (7, 3, 4, "2039bd2084ff6a3d2d7091bc18897a47cc0520a1635f880540608b1c4137de8d"),
        (1000, 256, 2, "895ad692c314421a677d6c501661d243a1dc2a32fdbbb0a5392cea620454028c"),
        (70_000, 69_999, 10, "9099eb81d83201f0bcfd583c3caab87e5bb4425ca6cc7765f2fc57cd3e14f78d"),
    ] {
        assert_eq!(digest(leaves.consistency(newer, older).unwrap()), (length, hash.to_owned()));
    }
}

#[test]
fn every_tree_to_300_leaves_agrees_with_the_definition() {
    let leaves = leaves(300);
    let mut frontier = Frontier::new();
    for size in 0..=300 {
        assert_eq!(frontier.tree(), tree_of(&leaves, size));
        assert_eq!(leaves.range(0..size).unwrap(), frontier.tree().root);
        if let Some(leaf) = leaves.0.get(size as usize) {
            frontier.append(*leaf);
        }
    }
    for level in 0..5 {
        let mut frontier = Frontier::new();
        for index in 0..16 {
            assert!(frontier.append_subtree(level, leaves.subtree(level, index).unwrap()));
        }
        assert_eq!(frontier.tree(), tree_of(&leaves, 16 << level));
        frontier.append(leaves.0[0]);
        assert!(level == 0 || !frontier.append_subtree(level, leaves.0[0]), "not at a boundary");
    }
}

#[test]
fn every_proof_to_100_leaves_checks_and_nothing_else_does() {
    let leaves = leaves(101);
    for size in 1..=100 {
        let tree = tree_of(&leaves, size);
        for index in 0..size {
            let proof = leaves.inclusion(size, index).unwrap();
            let leaf = leaves.0[index as usize];
            check_inclusion(&proof, &tree, index, &leaf).unwrap();
            refuse_every_change(&proof, |proof| check_inclusion(proof, &tree, index, &leaf).is_ok());
            assert!(check_inclusion(&proof, &tree, index, &leaves.0[100]).is_err());
            assert!(check_inclusion(&proof, &tree, index + 1, &leaf).is_err());
        }
        assert!(leaves.inclusion(size, size).is_none());
        for older in 1..=size {
            let (proof, old) = (leaves.consistency(size, older).unwrap(), tree_of(&leaves, older));
            check_consistency(&proof, &old, &tree).unwrap();
            refuse_every_change(&proof, |proof| check_consistency(proof, &old, &tree).is_ok());
            for wrong in [Tree { root: leaves.0[100], ..old }, Tree { size: older + 1, ..old }] {
                assert!(check_consistency(&proof, &wrong, &tree).is_err());
            }
        }
        assert!(leaves.consistency(size, 0).is_none() && leaves.consistency(size, size + 1).is_none());
        assert!(check_consistency(&[], &Tree::EMPTY, &tree).is_err());
    }
}

/// One bit of one hash changed, one hash left out, one repeated, one added.
fn refuse_every_change(proof: &[Hash], accepts: impl Fn(&[Hash]) -> bool) {
    for at in 0..proof.len() {
        let mut changed = proof.to_vec();
        changed[at].0[at % 32] ^= 1;
        assert!(!accepts(&changed));
        changed = proof.to_vec();
        changed.remove(at);
        assert!(!accepts(&changed));
        changed = proof.to_vec();
        changed.insert(at, proof[at]);
        assert!(!accepts(&changed));
    }
    assert!(!accepts(&[proof, &[EMPTY_ROOT]].concat()));
}

#[test]
fn an_independent_implementation_agrees() {
    use ct_merkle::mem_backed_tree::MemoryBackedTree;
    use sha2::Sha256;
    let mut theirs = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    let mut ours = Leaves(Vec::new());
    for i in 0..130u64 {
        theirs.push(i.to_be_bytes().to_vec());
        ours.0.push(leaf_hash(&i.to_be_bytes()));
        let size = i + 1;
        assert_eq!(theirs.root().as_bytes().as_slice(), ours.range(0..size).unwrap().0);
        for index in 0..size {
            let bytes: Vec<u8> = ours.inclusion(size, index).unwrap().iter().flat_map(|hash| hash.0).collect();
            assert_eq!(theirs.prove_inclusion(index as usize).as_bytes(), bytes);
        }
        for older in 1..size {
            let bytes: Vec<u8> = ours.consistency(size, older).unwrap().iter().flat_map(|hash| hash.0).collect();
            assert_eq!(theirs.prove_consistency((size - older) as usize).as_bytes(), bytes);
        }
    }
}

#[test]
fn the_largest_sizes_neither_overflow_nor_recurse_too_deep() {
    let hash = EMPTY_ROOT;
    let huge = Tree { size: 1 << 62, root: hash };
    assert!(check_inclusion(&[hash; 62], &huge, (1 << 62) - 1, &hash).is_err());
    assert!(check_consistency(&[hash; 63], &Tree { size: (1 << 62) - 1, root: hash }, &huge).is_err());
    let beyond = Tree { size: u64::MAX, root: hash };
    assert!(check_inclusion(&[hash; 64], &beyond, 5, &hash).is_err());
    assert!(check_consistency(&[hash; 64], &huge, &beyond).is_err());
}

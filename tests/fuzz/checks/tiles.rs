//! Tile paths, and tiles that are to be admitted.

use gosumcheck::sumdb::checkpoint::Tree;
use gosumcheck::sumdb::hash::Hash;
use gosumcheck::sumdb::tile::{Tile, TilePath, VerifiedTree, Want};
use gosumcheck::sumdb::tlog::{check_consistency, check_inclusion};

use super::refused;
use super::world::{World, world};

/// `TilePath::parse`: prints as it came.
pub fn tile_path(bytes: &[u8]) -> bool {
    let Some(text) = super::text(bytes) else { return false };
    let path = match TilePath::parse(text) {
        Ok(path) => path,
        Err(error) => return refused(error),
    };
    assert_eq!(path.to_string(), text);
    let tile = match path {
        TilePath::Hashes(tile) => tile,
        TilePath::Data(data) => data.hashes(),
    };
    assert!((1..=256).contains(&tile.width()) && tile.byte_len() == 32 * tile.width() as usize);
    assert!(TilePath::parse(&tile.full().to_string()).is_ok() || !tile.is_full());
    true
}

/// `VerifiedTree`: the input says which tree, what is wanted, and what is done to the tiles on their way. Whatever that
/// is: what can be read is true, and unless something was done all that was wanted can be read.
pub fn admission(bytes: &[u8]) -> bool {
    let Some((head, edits)) = bytes.split_first_chunk::<6>() else { return false };
    let world = world();
    let tree = world.trees[usize::from(head[0]) % world.trees.len()];
    let index = u64::from(u32::from_le_bytes([head[2], head[3], head[4], head[5]])) % (tree.size + 2);
    let want = match head[1] % 3 {
        0 => Want::Leaf(index),
        1 if index > 0 => Want::Consistency(index), // of the empty tree nothing can be proven
        _ => Want::RootAt(index),
    };
    let mut served = Served { world, edits, count: 0, changed: false };
    let mut verified = VerifiedTree::new(tree);
    let edge: Vec<_> = verified.edge().iter().map(|tile| served.body(tile)).collect();
    let edge_is_true = !served.changed;
    assert_eq!(verified.admit_edge(&edge).is_ok(), edge_is_true, "the edge");
    let Ok(plan) = verified.plan(&[want]) else {
        assert!(index >= tree.size);
        return false;
    };
    for tile in plan.tiles() {
        let body = served.body(tile);
        let checked = verified.check(tile, &body);
        let admitted = verified.admit(tile, &body);
        assert_eq!(checked.is_ok(), admitted.is_ok());
        assert!(admitted.is_err() || body == world.tile(tile), "{tile} is not the log's");
    }
    let leaf = verified.leaf(index);
    assert!(leaf.is_none() || leaf == world.leaf(index), "leaf {index} is not the log's");
    if let Some(root) = verified.root_at(index) {
        assert!(world.trees.iter().all(|tree| tree.size != index || tree.root == root), "the root at {index}");
        if let Some(proof) = verified.consistency_proof(index).filter(|_| index > 0) {
            assert_eq!(check_consistency(&proof, &Tree { size: index, root }, &tree), Ok(()));
        }
    }
    if let (Some(leaf), Some(proof)) = (leaf, verified.inclusion_proof(index)) {
        assert_eq!(check_inclusion(&proof, &tree, index, &leaf), Ok(()));
    }
    let readable = match want {
        Want::Leaf(_) => leaf.is_some() && verified.inclusion_proof(index).is_some(),
        Want::LeafPath(_) | Want::Tile(_) => true,
        Want::RootAt(_) => verified.root_at(index).is_some(),
        Want::Consistency(_) => verified.consistency_proof(index).is_some(),
    };
    assert!(served.changed || readable, "{want:?} of {tree:?} cannot be read");
    readable
}

/// A server of tiles that does what the edits say, four bytes each: to which tile, what, and two more for where.
struct Served<'a> {
    world: &'a World,
    edits: &'a [u8],
    count: usize,
    changed: bool,
}

impl Served<'_> {
    fn body(&mut self, tile: &Tile) -> Vec<u8> {
        let truth = self.world.tile(tile);
        let mut body = truth.clone();
        let number = self.count;
        self.count += 1;
        for edit in self.edits.as_chunks::<4>().0.iter().take(64).filter(|edit| usize::from(edit[0] % 8) == number) {
            let at = usize::from(u16::from_le_bytes([edit[2], edit[3]])) % (body.len() + 1);
            match edit[1] % 8 {
                0 => body.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << (edit[3] % 8)),
                1 => body.truncate(at),
                2 => body.extend_from_slice(&truth[..at.min(truth.len())]),
                3 => body.push(edit[3]),
                4 => body.rotate_left(at),
                5 => body = self.another(edit),
                6 => drop(body.drain(..at)),
                _ => body.clear(),
            }
        }
        self.changed |= body != truth;
        body
    }

    /// The bytes of some other full tile.
    fn another(&self, edit: &[u8; 4]) -> Vec<u8> {
        let tile = match edit[2] {
            0 => Tile::new(1, 0, 256).unwrap(),
            index => Tile::new(0, index.into(), 256).unwrap(),
        };
        self.world.tile(&tile)
    }
}

/// `check_inclusion` and `check_consistency`: the input is two sizes and hashes. A proof that is taken is of no other length,
/// and shows nothing of another leaf.
pub fn merkle(bytes: &[u8]) -> bool {
    let Some((numbers, rest)) = bytes.split_first_chunk::<16>() else { return false };
    let (numbers, _) = numbers.as_chunks::<8>();
    let [index, size] = [numbers[0], numbers[1]].map(u64::from_le_bytes);
    let hashes: Vec<Hash> = rest.as_chunks::<32>().0.iter().copied().map(Hash).collect();
    let [leaf, root, proof @ ..] = hashes.as_slice() else { return false };
    let (tree, older) = (Tree { size, root: *root }, Tree { size: index, root: *leaf });
    let longer = [proof, &[*root]].concat();
    let included = check_inclusion(proof, &tree, index, leaf).is_ok();
    assert!(!included || check_inclusion(&longer, &tree, index, leaf).is_err());
    assert!(!included || index < size && proof.len() <= 64);
    assert!(leaf == root || !included || check_inclusion(proof, &tree, index, root).is_err());
    let consistent = check_consistency(proof, &older, &tree).is_ok();
    assert!(!consistent || index <= size);
    assert!(!consistent || proof.is_empty() || check_consistency(&longer, &older, &tree).is_err());
    let other = Tree { root: Hash([7; 32]), ..older };
    assert!(!consistent || older == other || index == 0 || check_consistency(proof, &other, &tree).is_err());
    included || consistent
}

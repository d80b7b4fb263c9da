//! A small log of its own: keys, records, tiles and signed heads, all known, so that nothing else can be accepted as real.

use std::sync::OnceLock;

use gosumcheck::sumdb::checkpoint::{Checkpoint, Policy, Tree};
use gosumcheck::sumdb::hash::{Hash, leaf_hashes, parent_hashes, sha256};
use gosumcheck::sumdb::note::{SignerKey, message};
use gosumcheck::sumdb::tile::{Tile, VerifiedTree, Want};
use gosumcheck::sumdb::tlog::Frontier;

/// Records in the largest tree: three levels of tiles, each but the highest with full ones and a partial one.
const RECORDS: u64 = 66_000;
/// The sizes at which the log signed a head.
pub const SIZES: [u64; 12] = [1, 2, 3, 255, 256, 257, 600, 4096, 65_535, 65_536, 65_537, RECORDS];

/// What is true.
pub struct World {
    pub log: SignerKey,
    pub witness: SignerKey,
    pub policy: Policy,
    /// The hashes of each level of tiles, all that the largest tree has.
    levels: Vec<Vec<Hash>>,
    /// The trees of [`SIZES`].
    pub trees: Vec<Tree>,
}

/// The one world; made at the first call.
pub fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(World::new)
}

/// The text of a record.
pub fn record(index: u64) -> String {
    let [zip, go_mod] = [0, 1].map(|kind| sha256(&[index.to_be_bytes(), [kind; 8]].concat()));
    let module = format!("example.com/Mod{}/m v1.{}.{}", index % 100, index / 100, index % 7);
    format!("{module} h1:{zip}\n{module}/go.mod h1:{go_mod}\n")
}

impl World {
    fn new() -> World {
        let records: Vec<String> = (0..RECORDS).map(record).collect();
        let leaves = leaf_hashes(&records.iter().map(String::as_bytes).collect::<Vec<_>>());
        let mut frontier = Frontier::new();
        let mut trees = Vec::new();
        for leaf in &leaves {
            frontier.append(*leaf);
            if SIZES.contains(&frontier.tree().size) {
                trees.push(frontier.tree());
            }
        }
        let mut levels = vec![leaves];
        while let Some(full) = levels.last().filter(|level| level.len() >= 256) {
            let roots =
                full.chunks_exact(256).map(|hashes| (0..8).fold(hashes.to_vec(), |row, _| parent_hashes(&row))[0]);
            levels.push(roots.collect());
        }
        let [log, witness] = [("example.org/log", 1), ("witness.example", 2)]
            .map(|(name, seed)| SignerKey::from_seed(name, [seed; 32]).unwrap());
        let policy = Policy::log(log.verifier());
        World { log, witness, policy, levels, trees }
    }

    /// The true leaf hash of a record.
    pub fn leaf(&self, index: u64) -> Option<Hash> {
        self.levels[0].get(index as usize).copied()
    }

    /// The true bytes of a tile.
    pub fn tile(&self, tile: &Tile) -> Vec<u8> {
        let start = tile.index() as usize * 256;
        let hashes = &self.levels[tile.level() as usize][start..start + tile.width() as usize];
        hashes.iter().flat_map(|hash| hash.0).collect()
    }

    /// The signed head of a tree.
    pub fn head(&self, tree: &Tree) -> Checkpoint {
        let text = tree.note_text();
        let note = message(&text, &[self.log.sign(&text), self.witness.cosign(&text, 1_738_713_836)]).unwrap();
        Checkpoint::open(note.as_bytes(), &self.policy).unwrap()
    }

    /// A tree with all tiles that `wants` ask for.
    pub fn verified(&self, tree: Tree, wants: &[Want]) -> VerifiedTree {
        let mut verified = VerifiedTree::new(tree);
        let bodies: Vec<_> = verified.edge().iter().map(|tile| self.tile(tile)).collect();
        verified.admit_edge(&bodies).unwrap();
        for tile in verified.plan(wants).unwrap().tiles() {
            verified.admit(tile, &self.tile(tile)).unwrap();
        }
        verified
    }
}

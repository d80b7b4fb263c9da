//! Proof files and evidence of forks.

use std::sync::OnceLock;

use gosumcheck::sumdb::bundle::{RecordProof, parse_proofs};
use gosumcheck::sumdb::checkpoint::{Checkpoint, Tree};
use gosumcheck::sumdb::evidence::{Evidence, Fork};
use gosumcheck::sumdb::hash::{Hash, leaf_hash};
use gosumcheck::sumdb::tile::Want;

use super::refused;
use super::world::{record, world};

/// Records that the seeds prove.
const PROVEN: [u64; 6] = [0, 1, 255, 256, 65_535, 65_999];

/// Proofs of some records in the largest tree and in a small one.
pub fn genuine_proofs() -> Vec<RecordProof> {
    let trees = [world().trees[1], *world().trees.last().unwrap()];
    let of_tree = trees.iter().flat_map(|tree| {
        PROVEN.iter().filter(|index| **index < tree.size).map(|index| {
            let verified = world().verified(*tree, &[Want::Leaf(*index)]);
            RecordProof::new(&record(*index), *index, verified.inclusion_proof(*index).unwrap(), &world().head(tree))
        })
    });
    of_tree.collect()
}

/// `parse_proofs`: the file prints as it came; what checks is a record of the log, where it stands in the log.
pub fn proofs(bytes: &[u8]) -> bool {
    let proofs = match parse_proofs(bytes) {
        Ok(proofs) => proofs,
        Err(error) => return refused(error),
    };
    let printed: String = proofs.iter().map(ToString::to_string).collect();
    assert_eq!(printed.as_bytes(), bytes);
    for proof in proofs.iter().take(3) {
        let Some(text) = proof.extra() else { continue };
        let head = match proof.check(&leaf_hash(text), &world().policy) {
            Ok(head) => head,
            Err(error) => {
                refused(error);
                continue;
            }
        };
        assert!(world().trees.contains(&head.tree()), "nobody signed that");
        assert_eq!(text, record(proof.index()).as_bytes(), "not the log's record");
    }
    true
}

/// The one fork of the log: at size 3 it also signed a tree with another second record.
pub fn genuine_evidence() -> &'static (Evidence, Fork) {
    static EVIDENCE: OnceLock<(Evidence, Fork)> = OnceLock::new();
    EVIDENCE.get_or_init(|| {
        let world = world();
        let new = *world.trees.last().unwrap();
        let verified = world.verified(new, &[Want::Consistency(3)]);
        let old = Tree { size: 3, root: Hash([3; 32]) };
        let rewritten = verified.root_at(3).unwrap();
        let (old_head, new_head): (Checkpoint, Checkpoint) = (world.head(&old), world.head(&new));
        let proof = verified.consistency_proof(3).unwrap();
        (Evidence::new(&old_head, &new_head, rewritten, proof), Fork { old, new, rewritten })
    })
}

/// `Evidence::parse`: prints as what it is read as again; what checks is the one fork, wherever it stands in the text.
pub fn evidence(bytes: &[u8]) -> bool {
    let Some(text) = super::text(bytes) else { return false };
    if let Ok(fork) = Evidence::find(text, &world().policy) {
        assert_eq!(fork, genuine_evidence().1, "the log did not fork so");
    }
    let evidence = match Evidence::parse(text) {
        Ok(evidence) => evidence,
        Err(error) => return refused(error),
    };
    let printed = evidence.to_string();
    assert_eq!(Evidence::parse(&printed).as_ref(), Ok(&evidence));
    assert!(printed.lines().all(|line| text.contains(line.trim())), "it prints as something that did not come");
    match evidence.check(&world().policy) {
        Ok(fork) => assert_eq!(fork, genuine_evidence().1, "the log did not fork so"),
        Err(error) => _ = refused(error),
    }
    true
}

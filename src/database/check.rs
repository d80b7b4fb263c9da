//! Checks claims against the leaves of one tree.

use std::collections::{HashMap, HashSet};

use super::claims::{Claim, Source};
use super::current::CurrentHead;
use super::tiles::Tiles;
use super::{Answer, Unavailable};
use crate::sumdb::bundle::RecordProof;
use crate::sumdb::checkpoint::Checkpoint;
use crate::sumdb::error::Error;
use crate::sumdb::hash::Hash;
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::record::VerifiedRecord;
use crate::sumdb::tile::{DataTile, Want};

/// An answer, or what is false about the claim.
pub(super) type Checked = Result<Answer, Error>;

/// Leaves checked between two times of letting go of what they needed: tiles of 8 KiB each, most of them with one such leaf.
const LEAVES: usize = 512;

/// What is wanted besides the answers.
#[derive(Default)]
pub(super) struct WantedProofs {
    /// proofs for others
    pub(super) proofs: Option<Vec<RecordProof>>,
    /// the paths of leaves through their tiles, by record number; records in a tile that is not full have none
    pub(super) paths: Option<HashMap<u64, Vec<Hash>>>,
}

/// Holds every claim against its leaf. The `wanted` that are wanted are those of the proven.
/// What came by the network and is proven is handed to the writer of `tiles` on the way, so that memory stays bounded.
pub(super) async fn check_all(
    asked: &[ModuleVersion],
    said: &[Option<Answer<Claim>>],
    current: &mut CurrentHead,
    tiles: &Tiles<'_>,
    wanted: &mut WantedProofs,
) -> Vec<Checked> {
    let mut checked: Vec<Checked> = asked.iter().zip(said).map(|(_, said)| Ok(without_tree(said.as_ref()))).collect();
    let mut claims = claims(said);
    claims.sort_unstable_by_key(|(_, claim)| claim.response.id());
    for now in shares(&claims) {
        // Proofs for others take whole tiles.
        if wanted.proofs.is_none() {
            admit_paths(now, current, tiles).await;
        }
        fetch_leaves(now, current, tiles).await;
        for (at, claim) in now {
            let (Some(module), Some(slot)) = (asked.get(*at), checked.get_mut(*at)) else { continue };
            *slot = check(module, claim, current);
            if let (Source::Upstream(_, bytes), Ok(Answer::Found(_))) = (&claim.source, &*slot) {
                current.proven.fresh.push((module.lookup_path(), bytes.clone()));
            }
            if let Ok(Answer::Found(record)) = &*slot {
                wanted.add(record, claim, current);
            }
        }
        tiles.hand_over(&mut current.proven, 1);
        current.proven.tree.forget_leaves();
    }
    checked
}

/// What is said of each question that is a claim, with the question's number.
fn claims(said: &[Option<Answer<Claim>>]) -> Vec<(usize, &Claim)> {
    let claims = said.iter().enumerate().filter_map(|(at, said)| match said {
        Some(Answer::Found(claim)) => Some((at, claim)),
        _ => None,
    });
    claims.collect()
}

/// Claims in the order of their numbers, in shares of about [`LEAVES`]; those below one tile are in one share, so that no
/// tile is fetched twice.
fn shares<'a>(claims: &'a [(usize, &'a Claim)]) -> Vec<&'a [(usize, &'a Claim)]> {
    let tile = |claim: &(usize, &Claim)| DataTile::index_of(claim.1.response.id());
    let mut shares = Vec::new();
    let mut rest = claims;
    while !rest.is_empty() {
        let more = rest.iter().skip(LEAVES).zip(rest.iter().skip(LEAVES - 1));
        let end = LEAVES + more.take_while(|(next, last)| tile(next) == tile(last)).count();
        let (share, after) = rest.split_at(end.min(rest.len()));
        shares.push(share);
        rest = after;
    }
    shares
}

impl WantedProofs {
    fn add(&mut self, record: &VerifiedRecord, claim: &Claim, current: &CurrentHead) {
        let (id, tree) = (record.id(), &current.proven.tree);
        if let Some(proofs) = &mut self.proofs {
            let hashes = tree.inclusion_proof(id).unwrap_or_default();
            proofs.push(RecordProof::new(record.text(), id, hashes, &current.head));
        }
        if let Some(paths) = &mut self.paths {
            // Where the tile was not fetched, the cached path did lead to it.
            let given = || if let Source::BatchCache(path) = &claim.source { Some(path.clone()) } else { None };
            paths.extend(tree.leaf_path(id).or_else(given).map(|path| (id, path)));
        }
    }
}

/// Admits the leaves whose paths are cached. Where a path leads elsewhere, its tile is fetched.
async fn admit_paths(claims: &[(usize, &Claim)], current: &mut CurrentHead, tiles: &Tiles<'_>) {
    let paths = claims.iter().filter_map(|(_, claim)| match &claim.source {
        Source::BatchCache(path) if !path.is_empty() => Some((claim.response.id(), claim.response.leaf_hash(), path)),
        _ => None,
    });
    let paths: Vec<_> = paths.collect();
    let wants: Vec<_> = paths.iter().map(|(id, ..)| Want::LeafPath(*id)).collect();
    if tiles.fetch(&mut current.proven, &wants).await.is_err() {
        return;
    }
    for (id, leaf, path) in paths {
        let _ = current.proven.tree.admit_leaf(id, leaf, path);
    }
}

/// The answer where nothing is claimed that a tree could decide.
fn without_tree(said: Option<&Answer<Claim>>) -> Answer {
    match said {
        Some(Answer::NotInLog { by }) => Answer::NotInLog { by: by.clone() },
        Some(Answer::Unknown(miss)) => Answer::Unknown(miss.clone()),
        Some(Answer::Found(_)) | None => Answer::Unknown(Unavailable::NotHeld("nothing was asked".to_owned())),
    }
}

async fn fetch_leaves(claims: &[(usize, &Claim)], current: &mut CurrentHead, tiles: &Tiles<'_>) {
    let size = current.head.tree().size;
    let ids = claims.iter().map(|(_, claim)| claim.response.id()).filter(|id| *id < size);
    if let Err(miss) = tiles.fetch(&mut current.proven, &ids.map(Want::Leaf).collect::<Vec<_>>()).await {
        current.beyond.get_or_insert(miss);
    }
}

fn check(module: &ModuleVersion, claim: &Claim, current: &CurrentHead) -> Checked {
    let (id, tree) = (claim.response.id(), &current.proven.tree);
    if let Some(leaf) = tree.leaf(id) {
        return claim.response.prove(module, &leaf).map(Answer::Found);
    }
    // The first tile that is still missing says why, those below it only follow.
    let plan = tree.plan(&[Want::Leaf(id)]).unwrap_or_default();
    let missed = plan.tiles().iter().find_map(|tile| current.proven.missed.get(tile)).or(current.beyond.as_ref());
    let beyond =
        || Unavailable::NotHeld(format!("record {id} is beyond the tree of size {}", current.head.tree().size));
    Ok(Answer::Unknown(missed.cloned().unwrap_or_else(beyond)))
}

/// The heads of distinct trees that came along.
pub(super) fn heads(said: &[Option<Answer<Claim>>]) -> Vec<Checkpoint> {
    let mut seen = HashSet::new();
    let claimed = said.iter().flatten().filter_map(|said| match said {
        Answer::Found(Claim { head: Some(head), .. }) => Some(head),
        _ => None,
    });
    claimed.filter(|head| seen.insert((head.tree().size, head.tree().root))).cloned().collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::sumdb::record::LookupResponse;

    fn claim(id: u64) -> Claim {
        let hash = format!("h1:{}=", "A".repeat(43));
        let text = format!("example.com/m v1.0.0 {hash}\nexample.com/m v1.0.0/go.mod {hash}\n");
        let response = LookupResponse::parse(&LookupResponse::build(id, &text, &[])).unwrap();
        Claim { response, head: None, source: Source::Cache }
    }

    /// The number of claims in each share.
    fn lens(ids: impl IntoIterator<Item = u64>) -> Vec<usize> {
        let all: Vec<Claim> = ids.into_iter().map(claim).collect();
        let numbered: Vec<(usize, &Claim)> = all.iter().enumerate().collect();
        let shares = shares(&numbered);
        let numbers = shares.iter().flat_map(|share| share.iter().map(|(at, _)| *at));
        assert!(numbers.eq(0..all.len()), "each claim is in one share");
        shares.iter().map(|share| share.len()).collect()
    }

    #[test]
    fn a_share_ends_where_a_tile_does() {
        let tiles = |count: u64| (0..count).map(|tile| tile * 256);
        assert_eq!(lens(tiles(0)), [0; 0]);
        assert_eq!(lens(tiles(511)), [511]);
        assert_eq!(lens(tiles(512)), [512]);
        assert_eq!(lens(tiles(513)), [512, 1]);
        assert_eq!(lens(tiles(1_100)), [512, 512, 76]);
        // Claims after the 512th that are in the same tile belong to the same share.
        assert_eq!(lens(tiles(512).chain((1..=9).map(|n| 511 * 256 + n)).chain([512 * 256])), [521, 1]);
        assert_eq!(lens(0..700), [512, 188]);
        assert_eq!(lens((0..700).map(|n| n + 100)), [668, 32]);
    }
}

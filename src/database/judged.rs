//! Claims held against the leaves of one tree.

use std::collections::HashSet;

use super::lookups::{Claim, Said};
use super::tiles::Tiles;
use super::timeline::Present;
use super::{Answer, Miss};
use crate::sumdb::checkpoint::Checkpoint;
use crate::sumdb::error::Error;
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::tile::Want;

/// An answer, or what is false about the claim.
pub(super) type Judged = Result<Answer, Error>;

/// Holds every claim against its leaf.
pub(super) async fn judge_all(
    asked: &[ModuleVersion],
    said: &[Option<Said>],
    present: &mut Present,
    tiles: &Tiles<'_>,
) -> Vec<Judged> {
    let size = present.head.tree().size;
    let claims =
        said.iter().flatten().filter_map(|said| if let Said::Claim(claim) = said { Some(claim) } else { None });
    let ids = claims.map(|claim| claim.response.id()).filter(|id| *id < size);
    if let Err(miss) = tiles.bring(&mut present.proven, &ids.map(Want::Leaf).collect::<Vec<_>>()).await {
        present.beyond.get_or_insert(miss);
    }
    let judged = asked.iter().zip(said).map(|(module, said)| match said {
        Some(Said::Claim(claim)) => judge(module, claim, present),
        Some(Said::NotInLog { by }) => Ok(Answer::NotInLog { by: by.clone() }),
        Some(Said::Missed(miss)) => Ok(Answer::Unknown(miss.clone())),
        None => Ok(Answer::Unknown(Miss::NotHeld("nothing was asked".to_owned()))),
    });
    judged.collect()
}

fn judge(module: &ModuleVersion, claim: &Claim, present: &Present) -> Judged {
    let (id, tree) = (claim.response.id(), &present.proven.tree);
    if let Some(leaf) = tree.leaf(id) {
        return claim.response.prove(module, &leaf).map(Answer::Proven);
    }
    // The first tile that is still missing says why, those below it only follow.
    let plan = tree.plan(&[Want::Leaf(id)]).unwrap_or_default();
    let missed = plan.tiles().iter().find_map(|tile| present.proven.missed.get(tile)).or(present.beyond.as_ref());
    let beyond = || Miss::NotHeld(format!("record {id} is beyond the tree of size {}", present.head.tree().size));
    Ok(Answer::Unknown(missed.cloned().unwrap_or_else(beyond)))
}

/// The heads of distinct trees that came along.
pub(super) fn heads(said: &[Option<Said>]) -> Vec<Checkpoint> {
    let mut seen = HashSet::new();
    let claimed = said.iter().flatten().filter_map(|said| match said {
        Said::Claim(Claim { head: Some(head), .. }) => Some(head),
        _ => None,
    });
    claimed.filter(|head| seen.insert((head.tree().size, head.tree().root))).cloned().collect()
}

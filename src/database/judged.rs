//! Holding one claim against its leaf: the moment at which it becomes a fact or a lie.

use std::collections::HashMap;

use super::lookups::{Claim, Refuted};
use super::{Answer, Miss};
use crate::fault::Fault;
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::tile::{Tile, VerifiedTree, Want};

/// The verdict on one claim.
pub(super) enum Judged {
    Answer(Answer),
    /// the leaf is another one; with what to say if nobody has a better claim
    Lie(Refuted, Fault),
}

impl Judged {
    pub(super) fn lie(&self) -> Option<Refuted> {
        if let Judged::Lie(refuted, _) = self { Some(refuted.clone()) } else { None }
    }

    pub(super) fn answer(self) -> Answer {
        match self {
            Judged::Answer(answer) => answer,
            Judged::Lie(_, fault) => Answer::Unknown(Miss::Fault(fault)),
        }
    }
}

/// Holds `claim`, the answer to a question about `module`, against its leaf. `missed` says why a tile is not there.
pub(super) fn judge(
    module: &ModuleVersion,
    claim: &Claim,
    tree: &VerifiedTree,
    missed: &HashMap<Tile, Miss>,
) -> Judged {
    let (id, leaf) = (claim.response.id(), claim.response.leaf_hash());
    let Some(proven) = tree.leaf(id) else {
        // The first tile that is still missing says why, those below it only follow.
        let plan = tree.plan(&[Want::Leaf(id)]).unwrap_or_default();
        let miss = plan.tiles().iter().find_map(|tile| missed.get(tile)).cloned();
        let unknown = || Miss::NotHeld(format!("record {id} is beyond the tree of size {}", tree.tree().size));
        return Judged::Answer(Answer::Unknown(miss.unwrap_or_else(unknown)));
    };
    match claim.response.prove(module, &proven) {
        Ok(record) => Judged::Answer(Answer::Proven(record)),
        Err(error) => Judged::Lie(Refuted { id, leaf, error: error.clone() }, Fault::refused(&claim.by, error)),
    }
}

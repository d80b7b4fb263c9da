//! Files that are intact and were admitted under other settings than those of this run: by another database, as public, or as
//! private. They are not damaged, but they are not served under these settings; a finding says why.

use super::Known;
use super::scan::Stored;
use crate::database::Database;
use crate::store::modules::{Beside, Proof, Tree};
use crate::sumdb::gosum::{Kind, SumHash};

/// A sentence about a file whose bytes hash to `got`, if it is as it was admitted and these settings do not cover that.
pub(super) fn explain(
    database: &Database,
    file: &Stored,
    known: &Known,
    got: &SumHash,
    beside: &Beside,
) -> Option<String> {
    if file.tree == Tree::FirstUse {
        return None;
    }
    let proof = beside.proof.as_ref().filter(|(hash, _)| hash == got).map(|(_, proof)| proof);
    let is_as_admitted = match &beside.proof {
        Some(_) => proof.is_some(),
        None => beside.hash.as_ref().is_ok_and(|hash| hash.as_ref() == Some(got)),
    };
    if !is_as_admitted {
        return None;
    }
    let by = |proof: &Proof| format!("record {} of {}", proof.record, proof.database);
    let name = database.name();
    match (known, proof) {
        (Known::Private, Some(proof)) => {
            Some(format!("is as {} proved it, {got}; the module is private now, so it is not served", by(proof)))
        }
        (Known::Record(record), _) if record.hash(file.kind) == got => None,
        (Known::Record(record), Some(proof)) if proof.database != database.vkey() => Some(format!(
            "is as {} proved it, {got}; record {} of {name} has {}, so it is not served under {name}",
            by(proof),
            record.id(),
            record.hash(file.kind)
        )),
        (Known::Record(record), None) => Some(format!(
            "is as it was admitted, {got}, and no proof names its database: it was admitted under another one, or as private; record {} of {name} has {}, \
             so it is not served under {name}",
            record.id(),
            record.hash(file.kind)
        )),
        (Known::Nothing(why), Some(proof)) if proof.database != database.vkey() => Some(format!(
            "is as {} proved it, {got}; nothing here proves it under {name}, so it is not served: {why}",
            by(proof)
        )),
        _ => None,
    }
}

/// What is wrong with the proof beside a file that is what its record says; none where there is no proof, or it names that record
/// or one of another database.
pub(super) fn wrong_proof(database: &Database, known: &Known, beside: &Beside) -> Option<String> {
    if beside.is_proof_damaged {
        return Some("the proof beside it cannot be read".to_owned());
    }
    let (hash, proof) = beside.proof.as_ref()?;
    let Known::Record(record) = known else { return None };
    let is_other = proof.database == database.vkey() && proof.record != record.id();
    // Another hash is told with both of them.
    let is_same = [Kind::Zip, Kind::GoMod].iter().any(|kind| record.hash(*kind) == hash);
    (is_other && is_same).then(|| format!("the proof beside it names record {}, not {}", proof.record, record.id()))
}

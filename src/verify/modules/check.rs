//! Checks one admitted file against its record, the hash that is stored beside it, and the rules for module zips.

use super::hashing::{Bad, ReadBudget, hash, is_named, open};
use super::scan::Stored;
use super::{Known, origin};
use crate::database::Database;
use crate::report::integrity::{Finding, Flaw, OfModule};
use crate::store::Modules;
use crate::store::modules::{Proof, Tree, pin_extension};
use crate::sumdb::gosum::SumHash;
use crate::sumdb::hash::Hash;

/// Checks of one file that another process keeps removing and restoring.
const MAX_LOOKS: usize = 8;

/// The result of one check.
pub(super) struct Verdict {
    pub(super) outcome: FileState,
    /// whether its hash was computed
    pub(super) hashed: bool,
}

/// The state of a file.
pub(super) enum FileState {
    /// it is what its record says
    Proven,
    /// it is private, and what it was pinned to
    Pinned,
    /// it is what it was when it was proven, and what would prove it again is damaged
    AsAdmitted,
    /// it is missing, and the stored hash is in order
    Gone,
    /// it is not what it should be
    Finding(Box<Finding>),
}

/// Checks `file` as it is now, read as `reading` says. If another file has its name by the time of a finding, that one is checked.
pub(super) fn check(
    store: &Modules,
    database: &Database,
    file: &Stored,
    known: &Known,
    reading: ReadBudget<'_>,
) -> Verdict {
    let mut looks = 1;
    loop {
        let opened = open(&file.path);
        let hashed = opened.as_ref().map_err(Bad::clone).and_then(|opened| hash(file, opened, reading));
        let verdict = check_once(store, database, file, known, hashed);
        let is_settled = match (&verdict.outcome, &opened) {
            (FileState::Finding(_), Ok(opened)) => is_named(opened, &file.path),
            _ => true,
        };
        if is_settled || looks == MAX_LOOKS {
            return verdict;
        }
        looks += 1;
    }
}

fn check_once(
    store: &Modules,
    database: &Database,
    file: &Stored,
    known: &Known,
    hashed: Result<(Hash, Option<String>), Bad>,
) -> Verdict {
    // Read after the file: what is admitted has its proof and its hash before its name.
    let beside = match store.beside(file.tree, &file.module, file.kind) {
        Ok(beside) => beside,
        Err(fault) => return finding(file, Flaw::ModuleUnreadable, fault.to_string(), None, None),
    };
    let record = match known {
        // A record says nothing of what a first use pinned.
        Known::Record(record) if file.tree == Tree::Proven => Some(record.hash(file.kind)),
        _ => None,
    };
    let (got, rules) = match hashed {
        Ok((hash, rules)) => (SumHash::H1(hash), rules),
        Err(Bad::Gone) => return gone(file, record, beside.hash.ok().flatten().as_ref()),
        Err(Bad::Unreadable(why)) => return finding(file, Flaw::ModuleUnreadable, why, record, None),
        Err(Bad::Refused(why)) => {
            let proven = beside.proof.as_ref().map(|(hash, _)| hash);
            let expected = record.or(proven).or_else(|| beside.hash.as_ref().ok().and_then(Option::as_ref));
            let what = expected.map_or_else(|| why.clone(), |expected| format!("{why}; expected {expected}"));
            return finding(file, Flaw::ModuleDamaged, what, expected, None);
        }
    };
    if let Some(what) = origin::explain(database, file, known, &got, &beside) {
        return finding(file, Flaw::ModuleOtherPolicy, what, record.or(Some(&got)), Some(&got));
    }
    if let Some(what) = origin::wrong_proof(database, known, &beside).filter(|_| record == Some(&got)) {
        let what = format!("is what its record says, {got}, and {what}");
        return finding(file, Flaw::ModuleHash, what, record, Some(&got));
    }
    let pin = beside.hash.map_err(|fault| fault.to_string());
    if let Some((proven, proof)) = beside.proof.as_ref().filter(|(proven, _)| *proven != got) {
        return against_proof(file, &got, record, proven, proof, &pin);
    }
    match (record, &pin) {
        (Some(record), pin) if *record == got => against_record(file, &got, pin, rules),
        (Some(record), pin) => {
            let beside = match pin {
                Ok(Some(pin)) if *pin == got => ", and the hash beside it was changed with it",
                Ok(Some(pin)) if pin == record => " and the hash beside it",
                _ => "",
            };
            let what = format!("hashes to {got} where {record} is in its record{beside}");
            finding(file, Flaw::ModuleDamaged, what, Some(record), Some(&got))
        }
        (None, Ok(Some(pin))) if *pin == got => against_pin(file, &got, known, rules),
        (None, Ok(Some(pin))) => {
            let what = format!("hashes to {got} where it was pinned to {pin}");
            finding(file, Flaw::ModuleDamaged, what, Some(pin), Some(&got))
        }
        (None, pin) => unvouched(file, &got, known, pin, beside.proof.is_some()),
    }
}

/// It has no record, and no hash beside it that could be read.
fn unvouched(
    file: &Stored,
    got: &SumHash,
    known: &Known,
    pin: &Result<Option<SumHash>, String>,
    has_proof: bool,
) -> Verdict {
    let what = match (pin, known) {
        (Err(why), _) => format!("hashes to {got}, and its expected hash cannot be read: {why}"),
        (_, Known::Nothing(why)) => format!("hashes to {got}, and has neither a hash beside it nor a record: {why}"),
        (_, Known::Unproven(_)) if has_proof => {
            let what = format!("is what its proof says, {got}, and has no hash beside it, so that it is not served");
            return finding(file, Flaw::ModuleHash, what, Some(got), Some(got));
        }
        (_, Known::Unproven(_)) => format!("hashes to {got}, and has neither a hash nor a proof beside it"),
        _ => format!("hashes to {got}, is private, and has no hash beside it that it was pinned to"),
    };
    finding(file, Flaw::ModuleUnrecorded, what, None, Some(got))
}

/// It is not what its proof names: the bytes were changed, or the proof.
fn against_proof(
    file: &Stored,
    got: &SumHash,
    record: Option<&SumHash>,
    proven: &SumHash,
    proof: &Proof,
    pin: &Result<Option<SumHash>, String>,
) -> Verdict {
    let by = format!("record {} of {}", proof.record, proof.database);
    if record == Some(got) {
        let what = format!("is what its record says, {got}, and the proof beside it names {proven} by {by}");
        return finding(file, Flaw::ModuleHash, what, record, Some(got));
    }
    let beside = match pin {
        Ok(Some(pin)) if pin == got => ", and the hash beside it was changed with it",
        Ok(Some(pin)) if pin == proven => " and in the hash beside it",
        _ => "",
    };
    let what = format!("hashes to {got} where {proven} is in its proof, {by}{beside}");
    finding(file, Flaw::ModuleDamaged, what, record.or(Some(proven)), Some(got))
}

/// It is missing: the stored hash decides what may take its place.
fn gone(file: &Stored, record: Option<&SumHash>, pin: Option<&SumHash>) -> Verdict {
    match (record, pin) {
        (Some(record), Some(pin)) if record != pin => {
            let what = format!("is missing, and its stored hash is {pin} where its record has {record}");
            finding(file, Flaw::ModuleHash, what, Some(record), None)
        }
        _ => Verdict { outcome: FileState::Gone, hashed: false },
    }
}

/// It is what its record says: so must be the hash beside it, and it must be fit to be unpacked.
fn against_record(
    file: &Stored,
    got: &SumHash,
    pin: &Result<Option<SumHash>, String>,
    rules: Option<String>,
) -> Verdict {
    let what = match (pin, rules) {
        (Ok(Some(pin)), None) if pin == got => return Verdict { outcome: FileState::Proven, hashed: true },
        (Ok(Some(pin)), Some(why)) if pin == got => return finding(file, Flaw::ModuleRules, why, Some(got), Some(got)),
        (Ok(Some(pin)), _) => format!("is what its record says, {got}, and the hash beside it is {pin}"),
        (Ok(None), _) => format!("is what its record says, {got}, and has no hash beside it, so that it is not served"),
        (Err(why), _) => format!("is what its record says, {got}, and the hash beside it cannot be read: {why}"),
    };
    finding(file, Flaw::ModuleHash, what, Some(got), Some(got))
}

/// It has no record and is what it was pinned to, which is enough where it is private.
fn against_pin(file: &Stored, got: &SumHash, known: &Known, rules: Option<String>) -> Verdict {
    match (known, rules) {
        (Known::Record(_) | Known::Nothing(_), _) if file.tree == Tree::FirstUse => {
            let what = format!(
                "is what first use of a private module pinned, {got}, and no pattern says that it is private now: it does \
                 not answer public requests"
            );
            finding(file, Flaw::ModuleUnrecorded, what, Some(got), Some(got))
        }
        (Known::Nothing(why), _) => {
            let what = format!("is as it was admitted, {got}, and nothing here proves it: {why}");
            finding(file, Flaw::ModuleUnrecorded, what, Some(got), Some(got))
        }
        (_, Some(why)) => finding(file, Flaw::ModuleRules, why, Some(got), Some(got)),
        (Known::Unproven(_), None) => Verdict { outcome: FileState::AsAdmitted, hashed: true },
        (_, None) => Verdict { outcome: FileState::Pinned, hashed: true },
    }
}

/// A finding about a file that was hashed, or that has no hash by its own fault.
fn finding(file: &Stored, flaw: Flaw, what: String, expected: Option<&SumHash>, got: Option<&SumHash>) -> Verdict {
    let [expected_hash, got_hash] = [expected, got].map(|hash| hash.map(ToString::to_string));
    let (path, version) = (file.module.path().to_string(), file.module.version().to_string());
    let module = Some(OfModule { path, version, expected: expected_hash, got: got_hash });
    let shown = file.path.display();
    let next = match flaw {
        Flaw::ModuleUnreadable => format!("make it readable, or delete {shown}: it is fetched again"),
        _ => format!(
            "delete {shown} and {}: it is fetched again and proven",
            file.path.with_extension(pin_extension(file.kind)).display()
        ),
    };
    let finding = Finding { module, next: Some(next), ..Finding::of_file(flaw, shown.to_string(), what) };
    Verdict { outcome: FileState::Finding(Box::new(finding)), hashed: got.is_some() }
}

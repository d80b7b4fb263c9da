//! The verdict on one claim: what the file says, held against what the log says.

use super::Answers;
use crate::database::{Answer, Unavailable};
use crate::fault::Fault;
use crate::report::{Location, Verdict};
use crate::sumdb::gosum::{SumHash, SumLine};
use crate::sumdb::record::VerifiedRecord;

/// The verdict on `sum`, which stands at `place`; `exemption` is the pattern that exempts its module.
pub(super) fn verdict(sum: &SumLine, place: &Location, exemption: Option<&str>, answers: &Answers) -> Verdict {
    if let Some(pattern) = exemption {
        return Verdict::Skipped { pattern: pattern.to_owned() };
    }
    if let SumHash::Unknown { algorithm, .. } = &sum.hash {
        return Verdict::UnknownAlgorithm { algorithm: algorithm.clone() };
    }
    // Go drops lines of a go.sum. It drops no file of a module cache, whatever that hashes to.
    let is_dropped = matches!(place, Location::Line(_) | Location::Commit { .. }) && sum.is_dropped_by_go();
    match answers.get(&sum.module) {
        Some(Answer::Found(record)) => compare(sum, is_dropped, record),
        _ if is_dropped => Verdict::DroppedEmptyGoMod,
        Some(Answer::NotInLog { by }) => Verdict::NotInLog { by: by.clone() },
        Some(Answer::Unknown(miss)) => unknown(miss),
        None => Verdict::Unavailable { why: "no answer that can be trusted".to_owned() },
    }
}

fn compare(sum: &SumLine, is_dropped: bool, record: &VerifiedRecord) -> Verdict {
    match record.hash(sum.kind) {
        // Not even the log's word can be compared where its algorithm is not known.
        SumHash::Unknown { algorithm, .. } => Verdict::UnknownAlgorithm { algorithm: algorithm.clone() },
        logged if *logged == sum.hash => Verdict::Verified { record: record.id() },
        _ if is_dropped => Verdict::DroppedEmptyGoMod,
        logged => Verdict::Differs { record: record.id(), in_file: sum.hash.to_string(), in_log: logged.to_string() },
    }
}

fn unknown(miss: &Unavailable) -> Verdict {
    match miss {
        Unavailable::NotHeld(why) => Verdict::NotHeld { why: why.clone() },
        Unavailable::Fault(Fault::Refused { source_name, error }) => {
            Verdict::Refused { by: source_name.clone(), why: error.to_string() }
        }
        Unavailable::Denied(denial) => Verdict::Unavailable { why: denial.as_fault().to_string() },
        Unavailable::Fault(fault) => Verdict::Unavailable { why: fault.to_string() },
    }
}

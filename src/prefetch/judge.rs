//! Lines of go.sum files against the records of the checksum database, without the files: what the go command finds in its own module
//! cache it takes by the word of its go.sum.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt as _;

use super::{Differing, Said, Wanted, differing};
use crate::fault::Fault;
use crate::relay::{LookupAnswer, Relay};
use crate::sumdb::goproxy::ModuleRequest;
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::ModuleVersion;

/// What the records say of all that is wanted.
#[derive(Debug, Default)]
pub struct Judged {
    /// module versions that have a record, and no line that differs from it
    pub proven: BTreeSet<ModuleVersion>,
    /// lines that differ
    pub differing: Vec<Differing>,
    /// module versions that the database does not have
    pub absent: Vec<ModuleVersion>,
    /// module versions of which nothing could be learnt, with the reason
    pub unknown: Vec<(ModuleVersion, String)>,
}

/// Asks `relay` for the record of each module, `at_once` at a time.
///
/// # Errors
/// `Forked`: the log misbehaved.
pub async fn judge(relay: &Relay, wanted: &Wanted, at_once: usize) -> Result<Judged, Fault> {
    let mut modules: BTreeMap<&ModuleVersion, Vec<(Kind, &[Said])>> = BTreeMap::new();
    for ((module, kind), said) in &wanted.files {
        modules.entry(module).or_default().push((*kind, said));
    }
    let ask = |(module, lines)| async move { (module, lines, relay.record(module).await) };
    let mut answers = futures_util::stream::iter(modules.into_iter().map(ask)).buffer_unordered(at_once.max(1));
    let mut judged = Judged::default();
    while let Some((module, lines, answer)) = answers.next().await {
        match answer {
            Ok(LookupAnswer::Found(recorded)) => {
                let before = judged.differing.len();
                for (kind, said) in lines {
                    let request = ModuleRequest::File(module.clone(), kind);
                    judged.differing.extend(differing(&request, said, recorded.record.hash(kind)));
                }
                if judged.differing.len() == before {
                    judged.proven.insert(module.clone());
                }
            }
            Ok(LookupAnswer::NotInLog { .. }) => judged.absent.push(module.clone()),
            Ok(LookupAnswer::Private { .. }) => {}
            Ok(LookupAnswer::NotHeld(why)) => judged.unknown.push((module.clone(), why)),
            Err(fault @ Fault::Forked { .. }) => return Err(fault),
            Err(fault) => judged.unknown.push((module.clone(), fault.to_string())),
        }
    }
    judged.absent.sort();
    judged.unknown.sort();
    judged.differing.sort_by_key(|differing| differing.request.to_string());
    Ok(judged)
}

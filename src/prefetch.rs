//! Bringing what a build needs before the go command asks for it: into a data folder, or into that of a running server.
//!
//! [`list`] reads what files and arguments name. [`bring`] asks a [`Source`] for all of it, many files at once, in the order in
//! which a build needs them: it can compute nothing before it has every go.mod, and needs the zips last. How large a file is shows
//! only when it is asked for, so within these the order is that of the list.

mod judge;
pub mod list;
mod source;

use futures_util::StreamExt as _;

pub use crate::proxy::MAX_TASK_TIME as MAX_WAIT;
pub use judge::{Judged, judge};
pub use list::{Said, Wanted};
pub use source::{Brought, Source, Why};

use crate::fault::Fault;
use crate::sumdb::goproxy::ModuleRequest;
use crate::sumdb::gosum::{Kind, SumHash};

/// What came of it.
#[derive(Debug, Default)]
pub struct Outcome {
    /// files that were there before
    pub held: usize,
    /// files that were fetched and proven now
    pub fetched: usize,
    /// bytes of those
    pub bytes: u64,
    /// files that are not there
    pub missed: Vec<Missed>,
    /// lines of go.sum files that have another hash than the file that the database proves
    pub differing: Vec<Differing>,
}

/// A file that could not be brought.
#[derive(Debug)]
pub struct Missed {
    /// which
    pub request: ModuleRequest,
    /// the reason
    pub why: Why,
}

/// A line that is not what the database says of the file.
#[derive(Debug, PartialEq, Eq)]
pub struct Differing {
    /// which file
    pub request: ModuleRequest,
    /// the line
    pub said: Said,
    /// the hash of the file that was proven
    pub proven: SumHash,
}

impl Outcome {
    /// 1 where something is wrong or does not exist, else 2 where something could not be had, else 0.
    pub fn exit_code(&self) -> u8 {
        let is_finding = |missed: &Missed| matches!(missed.why, Why::Absent(_) | Why::Refused(_));
        match (self.differing.is_empty(), self.missed.is_empty()) {
            (true, true) => 0,
            (true, false) if !self.missed.iter().any(is_finding) => 2,
            _ => 1,
        }
    }
}

/// Asks `source` for all that is `wanted`, `at_once` files at a time; `progress` is called with the files that are done, and all.
///
/// # Errors
/// What ends the whole work: this machine's disk, or a log that misbehaved.
pub async fn bring(
    source: &Source,
    wanted: &Wanted,
    at_once: usize,
    progress: &dyn Fn(usize, usize),
) -> Result<Outcome, Fault> {
    let requests = requests(wanted);
    let total = requests.len();
    let ask = |request: ModuleRequest| async move {
        let brought = source.bring(&request).await;
        (request, brought)
    };
    let mut answers = futures_util::stream::iter(requests.into_iter().map(ask)).buffer_unordered(at_once.max(1));
    let (mut outcome, mut done) = (Outcome::default(), 0);
    while let Some((request, brought)) = answers.next().await {
        done += 1;
        progress(done, total);
        match brought {
            Ok(brought) => outcome.count(request, brought, wanted),
            Err(Why::Failed(fault)) if fault.is_disk() || matches!(fault, Fault::Forked { .. }) => return Err(fault),
            // A build asks for it again, and can do without.
            Err(_) if matches!(request, ModuleRequest::Info(_)) => {}
            Err(why) => outcome.missed.push(Missed { request, why }),
        }
    }
    outcome.missed.sort_by_key(|missed| missed.request.to_string());
    outcome.differing.sort_by_key(|differing| differing.request.to_string());
    Ok(outcome)
}

impl Outcome {
    fn count(&mut self, request: ModuleRequest, brought: Brought, wanted: &Wanted) {
        let ModuleRequest::File(module, kind) = &request else { return };
        match brought.is_new {
            true => (self.fetched, self.bytes) = (self.fetched + 1, self.bytes.saturating_add(brought.len)),
            false => self.held += 1,
        }
        let Some(proven) = brought.hash else { return };
        let said = wanted.files.get(&(module.clone(), *kind)).map(Vec::as_slice).unwrap_or_default();
        self.differing.extend(differing(&request, said, &proven));
    }
}

/// Those of the lines about a file that say another hash than was proven.
fn differing(request: &ModuleRequest, said: &[Said], proven: &SumHash) -> impl Iterator<Item = Differing> {
    let differing = said.iter().filter(|said| said.hash != *proven).cloned();
    differing.map(|said| Differing { request: request.clone(), said, proven: proven.clone() })
}

/// The requests, in order: every go.mod, then of each module whose zip is wanted the `.info`, then the zips.
fn requests(wanted: &Wanted) -> Vec<ModuleRequest> {
    let of = |kind: Kind| wanted.files.keys().filter(move |(_, is)| *is == kind).map(|(module, _)| module.clone());
    let go_mods = of(Kind::GoMod).map(|module| ModuleRequest::File(module, Kind::GoMod));
    let infos = of(Kind::Zip).map(ModuleRequest::Info);
    let zips = of(Kind::Zip).map(|module| ModuleRequest::File(module, Kind::Zip));
    go_mods.chain(infos).chain(zips).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::sumdb::module::ModuleVersion;

    #[test]
    fn every_go_mod_comes_before_any_zip() {
        let mut wanted = Wanted::default();
        for name in ["a.example/b@v1.0.0", "a.example/a@v1.0.0"] {
            wanted.add(ModuleVersion::parse_at(name).unwrap());
        }
        let asked: Vec<String> = requests(&wanted).iter().map(ToString::to_string).collect();
        let ends = ["a.example/a/@v/v1.0.0", "a.example/b/@v/v1.0.0"];
        let expected = [".mod", ".info", ".zip"].map(|kind| ends.map(|end| format!("{end}{kind}"))).concat();
        assert_eq!(asked, expected);
    }

    #[test]
    fn what_is_wrong_outweighs_what_failed() {
        let missed =
            |why| Missed { request: ModuleRequest::Info(ModuleVersion::parse_at("a.example/a@v1.0.0").unwrap()), why };
        let failed = || Why::Failed(Fault::nobody("a", "b"));
        let code = |missed: Vec<Missed>| Outcome { missed, ..Outcome::default() }.exit_code();
        assert_eq!(code(Vec::new()), 0);
        assert_eq!(code(vec![missed(failed())]), 2);
        assert_eq!(code(vec![missed(failed()), missed(Why::Absent(String::new()))]), 1);
        assert_eq!(code(vec![missed(Why::Refused(Vec::new()))]), 1);
    }
}

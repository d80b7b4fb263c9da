//! The audit: is every line what the log says?
//!
//! Files are read into claims ([`inputs`], [`modcache`]; the tree that they are found in is a stranger's). Some claims need no
//! database: a malformed line, an exempted module. The others are looked up, each module version once, all under one head, and
//! compared with the record (`verdict`). The report is the only outcome: what could not be judged stands in it too.

pub mod buildinfo;
pub mod exclude;
pub mod executable;
pub mod go_release;
pub mod history;
pub mod inputs;
mod lines;
pub mod look;
pub mod modcache;
mod other_file;
mod programs;
pub mod sbom;
mod search;
mod toolchains;
mod unpacked;
pub mod unpacked_files;
pub mod vendor;
mod verdict;

use std::collections::{BTreeSet, HashMap};

use crate::database::{Answer, Database, Progress, Unavailable};
use crate::fault::{Cause, Fault};
use crate::report::{
    Artifact, FileReport, Head, Level, LineReport, Location, Misbehaviour, Notice, Report, Subject, Verdict,
};
use crate::sumdb::bundle::RecordProof;
use crate::sumdb::gosum::SumLine;
use crate::sumdb::module::{ModuleVersion, Patterns};

/// A file to audit, taken apart.
pub struct Claims {
    /// the path as the user named it
    pub path: String,
    /// as in the report: the folder that holds the files of a git history
    pub tree: String,
    /// why it could not be read, or what else it is than a go.sum; then it has no claims
    pub unread: Option<String>,
    /// whether `unread` also says what to do about it
    pub is_explained: bool,
    /// what is odd about it as a whole
    pub remarks: Vec<String>,
    /// what it was taken for
    pub artifact: Artifact,
    /// which one of these it is, where it says so
    pub about: Option<String>,
    /// its claims, in order
    pub claims: Vec<Claim>,
    /// the releases of Go that built it, as the modules that they are published as
    pub toolchains: Vec<ModuleVersion>,
}

impl Claims {
    /// A go.sum without any line.
    pub(in crate::audit) fn empty(path: impl Into<String>) -> Claims {
        Claims {
            path: path.into(),
            tree: String::new(),
            unread: None,
            is_explained: false,
            remarks: Vec::new(),
            artifact: Artifact::default(),
            about: None,
            claims: Vec::new(),
            toolchains: Vec::new(),
        }
    }

    /// A file that was not read.
    pub(in crate::audit) fn unread(path: impl Into<String>, why: impl Into<String>) -> Claims {
        Claims { unread: Some(why.into()), ..Claims::empty(path) }
    }
}

/// One line, or one file of a module cache.
pub struct Claim {
    /// where it stands
    pub place: Location,
    /// the line as it stands, fit to be shown
    pub text: String,
    /// the earlier line that says the same
    pub duplicate_of: Option<u64>,
    /// how many later lines say the same and are not counted as claims
    pub unlisted_repeats: u64,
    /// what it says
    pub says: Says,
}

impl Claim {
    /// One that repeats no other.
    pub fn new(place: Location, text: String, says: Says) -> Claim {
        Claim { place, text, duplicate_of: None, unlisted_repeats: 0, says }
    }
}

/// What a claim says.
pub enum Says {
    /// a module version has this hash
    Sum(SumLine),
    /// nothing that can be compared with the log; with the verdict
    Nothing(Verdict),
    /// the same of something that has a name
    About(Subject, Verdict),
}

/// Answers by module version: proven ones from a database, or from a proof file.
pub type Answers = HashMap<ModuleVersion, Answer>;

/// The module versions that `files` make claims about and that `exempt` does not name, each once.
pub fn questions(files: &[Claims], exempt: &Patterns) -> Vec<ModuleVersion> {
    let sums = files.iter().flat_map(|file| &file.claims).filter_map(|claim| match &claim.says {
        Says::Sum(sum) if exempt.exemption(sum.module.path()).is_none() => Some(&sum.module),
        _ => None,
    });
    sums.collect::<BTreeSet<_>>().into_iter().cloned().collect()
}

/// Whether a database has anything to say about `files`: lines, or versions of Go that built them.
pub fn asks(files: &[Claims], exempt: &Patterns) -> bool {
    !questions(files, exempt).is_empty() || !toolchains::asked(files, exempt).is_empty()
}

/// What came of asking a database.
pub struct Audited {
    /// the findings
    pub report: Report,
    /// where they were wanted, an inclusion proof for every module version that was proven, all in one tree
    pub proofs: Vec<RecordProof>,
}

/// Audits `files` against `database`, whose name is `name`. Inclusion proofs are made where they are `wanted`.
///
/// # Errors
/// `Unavailable` or `Refused`: the data folder. A log that is caught is not an error here: it is in the report.
pub async fn audit(
    files: Vec<Claims>,
    exempt: &Patterns,
    database: &Database,
    name: &str,
    wanted: bool,
    progress: Progress<'_>,
) -> Result<Audited, Fault> {
    let asked: BTreeSet<_> = questions(&files, exempt).into_iter().chain(toolchains::asked(&files, exempt)).collect();
    let asked: Vec<_> = asked.into_iter().collect();
    let mut report = Report::new(name);
    let outcome = match wanted {
        true => database.records_with_proofs(&asked, progress).await,
        false => database.records(&asked, progress).await.map(|batch| (batch, Vec::new())),
    };
    let (answers, proofs) = match outcome {
        Ok((batch, proofs)) => {
            report.head = batch.proven_under.as_ref().map(Head::of);
            report.notices.extend(uncompared(batch.uncompared));
            let is_silent = !database.upstreams().standings().iter().any(|source| source.is_used);
            let answers = if is_silent { in_one_voice(name, batch.answers) } else { batch.answers };
            (asked.into_iter().zip(answers).collect(), proofs)
        }
        Err(fault @ Fault::Forked { .. }) => {
            report.misbehaviour = misbehaviour(&fault);
            (Answers::new(), Vec::new())
        }
        Err(fault) => return Err(fault),
    };
    let built_by: Vec<_> = files.iter().map(|file| file.toolchains.clone()).collect();
    report.files = verdicts(files, exempt, &answers);
    for (file, toolchains) in report.files.iter_mut().zip(&built_by) {
        toolchains::compare(file, toolchains, name, &answers);
    }
    Ok(Audited { report, proofs })
}

/// No source of the database `name` gave an answer of any use: every module version gets the reason of the first one. It is one
/// thing to say, and neither the path nor how often it was tried makes it another.
fn in_one_voice(name: &str, answers: Vec<Answer>) -> Vec<Answer> {
    let silence = |answer: &Answer| match answer {
        Answer::Unknown(Unavailable::Fault(Fault::Unavailable {
            why,
            cause: cause @ (Cause::Upstream | Cause::TimedOut | Cause::Nobody),
            ..
        })) => Some(Fault::unavailable(*cause, name, why.as_str())),
        _ => None,
    };
    match answers.iter().map(silence).collect::<Option<Vec<_>>>().and_then(|all| all.into_iter().next()) {
        Some(first) if answers.len() > 1 => answers.iter().map(|_| Answer::Unknown(first.clone().into())).collect(),
        _ => answers,
    }
}

/// Every claim of `files` with its verdict.
pub fn verdicts(files: Vec<Claims>, exempt: &Patterns, answers: &Answers) -> Vec<FileReport> {
    let check_claim = |claim: Claim| {
        let (subject, verdict) = match claim.says {
            Says::Nothing(verdict) => (None, verdict),
            Says::About(subject, verdict) => (Some(subject), verdict),
            Says::Sum(sum) => {
                let exemption = exempt.exemption(sum.module.path());
                (Some(subject(&sum)), verdict::verdict(&sum, &claim.place, exemption, answers))
            }
        };
        let Claim { place, text, duplicate_of, unlisted_repeats, .. } = claim;
        LineReport { place, subject, text, verdict, duplicate_of, unlisted_repeats, history: None }
    };
    let check_file = |file: Claims| FileReport {
        path: file.path,
        tree: file.tree,
        unread: file.unread,
        remarks: file.remarks,
        artifact: file.artifact,
        about: file.about,
        lines: file.claims.into_iter().map(check_claim).collect(),
    };
    files.into_iter().map(check_file).collect()
}

/// A caught log as a report shows it; none for any other fault.
pub fn misbehaviour(fault: &Fault) -> Option<Misbehaviour> {
    let Fault::Forked { evidence, saved } = fault else { return None };
    let saved = saved.as_ref().map(|path| path.display().to_string());
    Some(Misbehaviour { evidence: evidence.to_string(), saved })
}

fn subject(sum: &SumLine) -> Subject {
    Subject { module: sum.module.path().to_string(), version: sum.module.version().to_string(), kind: sum.kind }
}

fn uncompared(count: usize) -> Option<Notice> {
    let text = format!(
        "{count} signed tree heads that came with answers could not be compared with this one: \
         the sources do not hold the tiles. No line was proven by them"
    );
    (count > 0).then_some(Notice { level: Level::Note, text })
}

//! The module store, hashed again: every file that was admitted must still have the hash that its record proves, or, where it is
//! private, the one that it was pinned to when it was first fetched. Each is checked under its stored provenance and under the
//! database and the patterns of this run: a file that is intact and was admitted under others is reported as such (`origin`).
//!
//! The store is scanned (`scan`), all records are proven under one head from what is held here and nothing else, and every file is
//! checked (`check`), many in parallel (`parallel`). A server may be at work meanwhile: what seems wrong is checked a second time,
//! with records looked up again, before it is reported. Auxiliary files follow: `.info`, quarantine, journal (`aux_files`).

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::Arc;
use std::thread;

use crate::database::{Answer, Database, Progress, Unavailable};
use crate::fault::Fault;
use crate::report::integrity::{Coverage, Finding, Flaw, ModuleFigures};
use crate::report::{Head, Integrity, Level, Misbehaviour, Notice};
use crate::store::Folder;
use crate::store::modules::Tree;
use crate::store::scrub::ScrubPace;
use crate::sumdb::module::{ModuleVersion, Patterns};
use crate::sumdb::record::VerifiedRecord;

mod aux_files;
mod check;
mod hashing;
mod held;
mod origin;
mod parallel;
mod scan;
mod turns;
mod upstreams;

use super::Resume;
use super::resume::ModulesDone;
use check::{FileState, Verdict, check};
use hashing::ReadBudget;
use held::{HeldLog, Unproven};
use scan::{Scan, Stored};
pub use upstreams::{SourcesOf, upstreams};

/// Missing files that are named; the rest is counted.
const MAX_EVICTED: u64 = 20;

/// How to verify the module store.
#[derive(Debug, Clone, Default)]
pub struct ModuleOptions {
    /// threads that hash; as many as there are processors where none are named
    pub threads: Option<NonZero<usize>>,
    /// the modules that no database knows: they are checked against their pins
    pub private: Patterns,
    /// which files are hashed
    pub coverage: Coverage,
    /// how fast they are read; none for no limit
    pub pace: Option<ScrubPace>,
    /// where it is noted how far the verification has come; none where it is not
    pub resume: Option<Arc<Resume>>,
}

/// What is known of a module version, against which its files are checked.
#[derive(Debug, Clone)]
enum Known {
    /// what the log committed to
    Record(VerifiedRecord),
    /// private: no database is asked about it
    Private,
    /// nothing here proves it, and why
    Nothing(String),
    /// nothing here proves it, and nothing is wrong with it
    Unproven(Unproven),
}

/// Hashes the modules of `folder` again and compares them with the records of `database`, which should have no source but that
/// folder. Adds findings to `report`. `progress` gets the number of bytes hashed and the total.
pub async fn modules(
    folder: &Folder,
    database: &Database,
    options: &ModuleOptions,
    progress: Progress<'_>,
    report: &mut Integrity,
) {
    let store = folder.modules();
    let scan = Scan::of(&store, report);
    let is_head_damaged = is_head_damaged(database, report);
    let threads = options.threads.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZero::get);
    let check_file = |known: &HashMap<&ModuleVersion, Known>, file: &Stored, threads| {
        let nothing = || Known::Nothing("its record was not looked up".to_owned());
        let known = known.get(&file.module).cloned().unwrap_or_else(nothing);
        check(&store, database, file, &known, ReadBudget { threads, pace: options.pace.as_ref() })
    };
    let covered = turns::covered(folder, &scan, options.coverage);
    let mut done = options.resume.as_ref().and_then(|resume| resume.modules()).unwrap_or_default();
    let bytes = |files: &[(String, &Stored)]| files.iter().map(|(_, file)| file.len).sum::<u64>();
    let (behind, mut ahead) = covered.split_at(covered.partition_point(|(name, _)| *name <= done.after));
    let (mut before, total) = (bytes(behind), bytes(&covered));
    while !ahead.is_empty() {
        let (turn, rest) = ahead.split_at(turns::turn(ahead, options).max(1));
        let files: Vec<&Stored> = turn.iter().map(|(_, file)| *file).collect();
        let known = learn(folder, &files, database, options, is_head_damaged, report).await;
        let show = |stage: &str, done, _| progress(stage, narrow(before).saturating_add(done), narrow(total));
        let verdicts = parallel::all(&files, threads, &show, |file, threads| check_file(&known, file, threads));
        for ((name, file), verdict) in turn.iter().zip(verdicts) {
            match verdict.outcome {
                FileState::Finding(_) => done.doubtful.push(name.clone()),
                _ => count(file, verdict, &mut done.figures, report),
            }
        }
        done.after = turn.last().map(|(name, _)| name.clone()).unwrap_or_default();
        if let Some(resume) = &options.resume {
            resume.note_modules(done.clone());
        }
        (before, ahead) = (before + bytes(turn), rest);
    }
    let ModulesDone { doubtful, mut figures, .. } = done;
    let is_doubtful = |name: &String| doubtful.binary_search(name).is_ok();
    let again: Vec<&Stored> = covered.iter().filter(|(name, _)| is_doubtful(name)).map(|(_, file)| *file).collect();
    let known = learn(folder, &again, database, options, is_head_damaged, report).await;
    let second = parallel::all(&again, threads, &|_, _, _| {}, |file, threads| check_file(&known, file, threads));
    for (file, verdict) in again.into_iter().zip(second) {
        count(file, verdict, &mut figures, report);
    }
    let more = figures.evicted.saturating_sub(MAX_EVICTED);
    if more > 0 {
        note(report, format!("... and {more} more files are missing from the store"));
    }
    aux_files::check(folder, &scan, &mut figures, report);
    report.figures.modules = Some(figures);
}

fn narrow(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// Whether a remembered head is damaged. That is one finding, and nothing else is blamed for it: the files are held against what was
/// written beside them when they were proven.
fn is_head_damaged(database: &Database, report: &mut Integrity) -> bool {
    let Err(Fault::Unavailable { source_name, why, .. }) = database.remembered() else { return false };
    let is_told = |finding: &Finding| matches!(finding.flaw, Flaw::HeadDamaged | Flaw::HeadsDamaged);
    if !report.findings.iter().any(is_told) {
        report.add(Finding::of_file(Flaw::HeadsDamaged, source_name.clone(), why));
    }
    let text = format!(
        "no record can be proven while {source_name} is damaged: public modules were compared with the hashes and proofs beside \
         them alone"
    );
    report.notices.push(Notice { level: Level::Warning, text });
    true
}

/// Counts the state of one file, and reports it.
fn count(file: &Stored, verdict: Verdict, figures: &mut ModuleFigures, report: &mut Integrity) {
    if matches!(verdict.outcome, FileState::Gone) {
        figures.evicted += 1;
        if figures.evicted <= MAX_EVICTED {
            note(report, format!("{} is missing; a new download must match the recorded hash", file.path.display()));
        }
        return;
    }
    figures.files += 1;
    figures.bytes += file.len;
    figures.hashed += u64::from(verdict.hashed);
    match verdict.outcome {
        FileState::Proven => figures.proven += 1,
        FileState::Pinned => figures.pinned += 1,
        FileState::AsAdmitted => figures.as_admitted += 1,
        FileState::Finding(finding) => report.add(*finding),
        FileState::Gone => {}
    }
}

fn note(report: &mut Integrity, text: String) {
    report.notices.push(Notice { level: Level::Note, text });
}

/// What is known of the module versions of `files`.
async fn learn<'a>(
    folder: &Folder,
    files: &[&'a Stored],
    database: &Database,
    options: &ModuleOptions,
    is_head_damaged: bool,
    report: &mut Integrity,
) -> HashMap<&'a ModuleVersion, Known> {
    let mut known = HashMap::new();
    let mut asked = Vec::new();
    for file in files {
        let is_private = options.private.exemption(file.module.path()).is_some();
        let first = if is_private { Known::Private } else { Known::Unproven(Unproven::Damaged) };
        if known.insert(&file.module, first).is_none() && !is_private && !is_head_damaged {
            asked.push(file.module.clone());
        }
    }
    if asked.is_empty() {
        return known;
    }
    let answers = match database.records(&asked, &|_, _, _| {}).await {
        Ok(batch) => {
            report.head = report.head.take().or_else(|| batch.proven_under.as_ref().map(Head::of));
            batch.answers.into_iter().map(known_from).collect()
        }
        Err(fault) => vec![Known::Nothing(failed(fault, report)); asked.len()],
    };
    // Of a log that signed two histories no record counts.
    let is_open = |answer: &Known| matches!(answer, Known::Nothing(_)) && report.misbehaviour.is_none();
    let held = answers.iter().any(is_open).then(|| HeldLog::open(folder, database, report));
    for (module, answer) in asked.iter().zip(answers) {
        let answer = match (answer, &held) {
            (Known::Nothing(why), Some(held)) => held.known(module, why),
            (answer, _) => answer,
        };
        if matches!(answer, Known::Unproven(Unproven::Awaited)) {
            awaited(report);
        }
        if let Some(slot) = known.get_mut(module) {
            *slot = answer;
        }
    }
    known
}

/// Notes, once, that records are still to come.
fn awaited(report: &mut Integrity) {
    let text = "the records of some modules are beyond those that the full log holds so far: these modules were compared with the hashes \
                and proofs beside them alone; `gosumcheck sync` brings their records";
    let notice = Notice { level: Level::Note, text: text.to_owned() };
    if !report.notices.contains(&notice) {
        report.notices.push(notice);
    }
}

fn known_from(answer: Answer) -> Known {
    match answer {
        Answer::Found(record) => Known::Record(record),
        Answer::NotInLog { by } => {
            Known::Nothing(format!("the database has no such module version: {}", by.join("; ")))
        }
        Answer::Unknown(Unavailable::NotHeld(why)) => Known::Nothing(why),
        Answer::Unknown(Unavailable::Denied(denial)) => Known::Nothing(denial.as_fault().to_string()),
        Answer::Unknown(Unavailable::Fault(fault)) => Known::Nothing(fault.to_string()),
    }
}

/// Reports, once, that no record can be proven; gives the reason.
fn failed(fault: Fault, report: &mut Integrity) -> String {
    let why = match fault {
        Fault::Forked { evidence, saved } => {
            let saved = saved.map(|path| path.display().to_string());
            report.misbehaviour.get_or_insert(Misbehaviour { evidence: evidence.to_string(), saved });
            return "the log signed two histories: none of its records counts".to_owned();
        }
        fault => fault.to_string(),
    };
    let notice =
        Notice { level: Level::Warning, text: format!("no record can be proven from what is held here: {why}") };
    if !report.notices.contains(&notice) {
        report.notices.push(notice);
    }
    why
}

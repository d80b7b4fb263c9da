//! What a run of `gosumcheck verify` covers, how fast it reads, and whether it goes on from where one that was killed had come to.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use jiff::Timestamp;

use super::{Stored, VerifyArgs};
use crate::config::key_file;
use crate::config::settings::{VerifySettings, rows};
use crate::fault::Fault;
use crate::report::integrity::{Coverage, Sample, Since};
use crate::report::{Level, Notice};
use crate::store::Folder;
use crate::store::priority::idle_priority;
use crate::store::runs::{Job, RunSigner};
use crate::store::scrub::ScrubPace;
use crate::verify::{JobScope, ModuleOptions, NOTE_EVERY, RecordedRun, Resume};

/// The system's clock of files goes in steps, in microseconds: what changes just after a moment has a time before it.
const CLOCK_STEP: u64 = 1_000_000;

/// How a run goes.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) coverage: Coverage,
    pub(super) asked: JobScope,
    pub(super) pace: Option<ScrubPace>,
    /// where progress is noted; none where it is not
    pub(super) resume: Option<Arc<Resume>>,
    /// when it began; of one that goes on, when the first try did
    pub(super) began: Timestamp,
    pub(super) notices: Vec<Notice>,
    /// what signs the entry of the record
    pub(super) signer: Option<RunSigner>,
    /// held while the run leaves anything in the data folder and notes no progress
    _alone: Option<Job>,
}

impl Plan {
    /// The same run over everything, from the beginning.
    pub(super) fn complete(&self) -> Plan {
        let (asked, pace, notices) = (self.asked.clone(), self.pace.clone(), self.notices.clone());
        Plan { asked, pace, notices, began: self.began, ..Plan::default() }
    }

    /// These options of modules, and what this run covers.
    pub(super) fn over(&self, options: ModuleOptions) -> ModuleOptions {
        ModuleOptions { coverage: self.coverage, pace: self.pace.clone(), resume: self.resume.clone(), ..options }
    }
}

/// Plans a run over `stored`. From here on no other run works in the data folder, if this one leaves anything there.
///
/// # Errors
/// `Unavailable`: another run is under way, or the record cannot be read.
pub(super) fn plan(args: &VerifyArgs, settings: &VerifySettings, stored: &Stored) -> Result<Plan, Fault> {
    let began = Timestamp::now();
    let writes = args.record || args.resume || args.repair;
    let job = writes.then(|| Folder::open(stored.folder.root())?.begin_job()).transpose()?;
    let (log, modules) = (!args.no_log, !args.no_modules);
    let (database, index) = (stored.database.vkey().to_owned(), log && !args.no_index);
    let upstreams = modules && settings.ask_upstreams;
    let asked = JobScope { database, log, index, modules, upstreams };
    let unusable = |fault: Fault| fault.set_at(&settings.place_of(&rows::verify_sign_key));
    let key = settings.sign_key.as_deref().map(key_file::read).transpose().map_err(unusable)?;
    let signer = key.map(RunSigner::new);
    let (coverage, mut notices) = coverage(args, settings, stored, &asked, began)?;
    let mut plan = Plan { coverage, asked, pace: None, resume: None, began, notices: Vec::new(), signer, _alone: None };
    match job {
        Some(job) if args.resume => {
            let resume = Resume::begin(job, plan.asked.clone(), coverage, micros(began), NOTE_EVERY);
            plan.coverage = resume.coverage();
            if resume.is_continued() {
                plan.began = i64::try_from(resume.began())
                    .ok()
                    .and_then(|at| Timestamp::from_microsecond(at).ok())
                    .unwrap_or(began);
                notices =
                    vec![note(format!("this run goes on from where the one that began at {} was stopped", plan.began))];
            }
            plan.resume = Some(Arc::new(resume));
        }
        job => plan._alone = job,
    }
    plan.notices = notices;
    if let Some(rate) = settings.max_rate {
        idle_priority();
        plan.pace = Some(ScrubPace::new(Some(rate), Arc::new(AtomicBool::new(false))));
    }
    Ok(plan)
}

/// What is to be covered, by the record of earlier runs.
fn coverage(
    args: &VerifyArgs,
    settings: &VerifySettings,
    stored: &Stored,
    asked: &JobScope,
    began: Timestamp,
) -> Result<(Coverage, Vec<Notice>), Fault> {
    let share = if args.since.is_some() { Some(0) } else { settings.sample };
    let Some(share) = share.filter(|_| !args.full) else { return Ok((Coverage::Full, Vec::new())) };
    if !args.record {
        // Without a record nothing says what is new, or which share is next; only the command itself may ask for that.
        let sample = args.sample.is_some().then(|| Coverage::Part { since: None, sample: Some(Sample::first(share)) });
        return Ok((sample.unwrap_or_default(), Vec::new()));
    }
    let read = stored.folder.runs().read()?;
    let full = |why: String| (Coverage::Full, vec![note(format!("everything is covered: {why}"))]);
    let Ok(read) = read else { return Ok(full("the record of earlier runs is broken".to_owned())) };
    let runs: Vec<RecordedRun> = read.entries.into_iter().map(RecordedRun::of).collect();
    Ok(match of_runs(&runs, asked, share, settings.full_every, began) {
        Ok(coverage) => (coverage, Vec::new()),
        Err(why) => full(why),
    })
}

/// What is to be covered after these runs, the oldest first; else why everything is.
fn of_runs(
    runs: &[RecordedRun],
    asked: &JobScope,
    share: u32,
    full_every: Option<Duration>,
    began: Timestamp,
) -> Result<Coverage, String> {
    let is_of_database = |run: &&RecordedRun| run.scope().is_some_and(|earlier| earlier.database == asked.database);
    let mut of_parts = runs.iter().rev().filter(is_of_database).take_while(|run| !run.covers(asked));
    // Only a run over all of it clears what a run over a part of it found.
    if of_parts.any(|run| run.exit_code() != 0) {
        return Err("a run over a part of it did not end with 0".to_owned());
    }
    let runs: Vec<&RecordedRun> = runs.iter().filter(|run| run.covers(asked)).collect();
    let last = runs.last().ok_or("no earlier run is recorded")?;
    if last.exit_code() != 0 {
        return Err("the last recorded run did not end with 0".to_owned());
    }
    let is_full = |run: &&&RecordedRun| run.coverage() == Some(Coverage::Full) && run.exit_code() == 0;
    let last_full = runs.iter().rfind(is_full).and_then(|run| run.time("began"));
    let last_full = last_full.ok_or("no earlier complete run is recorded")?;
    let last_began = last.time("began").ok_or("the last recorded run has no time")?;
    if last_began > began || last_full > began {
        return Err("the last recorded run began in the future: a clock was set".to_owned());
    }
    let age = Duration::try_from(began.duration_since(last_full)).unwrap_or(Duration::MAX);
    if let Some(most) = full_every.filter(|most| age >= *most) {
        let days = most.as_secs_f64() / 86400.0;
        return Err(format!("the last complete run began at {last_full}, and one is due after {days:.1} days"));
    }
    let sample_of = |run: &&RecordedRun| match run.coverage() {
        Some(Coverage::Part { sample, .. }) => sample,
        _ => None,
    };
    let next =
        |share| runs.iter().rev().find_map(sample_of).map_or_else(|| Sample::first(share), |last| last.next(share));
    let since =
        Some(Since { records: last.head_size().unwrap_or(0), began: micros(last_began).saturating_sub(CLOCK_STEP) });
    Ok(Coverage::Part { since, sample: Some(share).filter(|share| *share > 0).map(next) })
}

/// In microseconds since 1970.
fn micros(time: Timestamp) -> u64 {
    u64::try_from(time.as_microsecond()).unwrap_or(0)
}

fn note(text: String) -> Notice {
    Notice { level: Level::Note, text }
}

//! Module proxies measured against each other: whether they answer and how fast, whether they are behind, whether they relay the
//! checksum database, and whether what they send is what the log has. Measurements in, a ranking and a setting out.
//!
//! `plan` says who is asked about what; `look` and `samples` ask; `rank` judges what came, a pure function; `setting` says what
//! GOPROXY should be; `report` is all of it as it is printed.

mod look;
mod measured;
mod plan;
mod rank;
mod report;
mod samples;
mod setting;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

pub use measured::{Measured, Relayed, Sampled, Wrong};
pub use plan::{BenchPlace, BenchPlan, DEFAULT_TIME, MAX_PROXIES, MAX_SAMPLES, PlaceOrigin};
pub use rank::{Concern, Newest, ProxyStanding, Ranked, rank};
pub use report::{BenchReport, Row, SampleRow};
pub use setting::Setting;

use super::Machine;
use crate::database::{Answer, Database};
use crate::fault::Fault;
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::record::VerifiedRecord;
use crate::upstream::Settings;

/// A sample with its record, or why it has none.
type Recorded = (ModuleVersion, Result<VerifiedRecord, String>);

/// The part of the rest of the time in which the records of the samples must be there.
const PART_FOR_RECORDS: u32 = 2;
/// How long the database is asked where no time is left: what it proved before is at hand.
const LAST_QUESTIONS: Duration = Duration::from_secs(1);
/// Progress that is not shown.
const QUIETLY: &(dyn Fn(&str, usize, usize) + Sync) = &|_, _, _| {};

/// All proxies after the first look at each.
#[derive(Debug)]
pub struct Looked {
    measured: Vec<Measured>,
    until: Instant,
}

impl Looked {
    /// Takes a first look at all proxies at once, with small questions. `settings` are those of the requests.
    pub async fn at(plan: &BenchPlan, database: &str, settings: &Settings) -> Looked {
        let until = Instant::now() + plan.time;
        let looks = plan.places.iter().map(|place| look::look(place, plan, database, settings, until));
        Looked { measured: futures_util::future::join_all(looks).await, until }
    }

    /// Those that relay the checksum database, by their URLs.
    pub fn relays(&self) -> Vec<String> {
        let relays = self.measured.iter().filter(|one| matches!(one.relayed, Relayed::Yes(_)));
        relays.map(|one| one.place.url.clone()).collect()
    }

    /// Downloads the samples, from one proxy after the other, so that none takes the bandwidth of another; then ranks all.
    ///
    /// # Errors
    /// `Forked`: a proxy showed a head of another history of the log. `Unavailable`: the data folder.
    pub async fn finish(
        self,
        plan: &BenchPlan,
        machine: &Machine,
        database: &Database,
        settings: &Settings,
    ) -> Result<BenchReport, Fault> {
        let Looked { mut measured, until } = self;
        let recorded = recorded(database, &plan.samples, share(until, PART_FOR_RECORDS)).await?;
        // All of them together: each could keep the others waiting.
        let last = until.max(Instant::now() + LAST_QUESTIONS);
        for one in &mut measured {
            look::judge_head(one, database, last).await?;
        }
        let mut reached: Vec<&mut Measured> = measured.iter_mut().filter(|one| one.failed.is_none()).collect();
        let mut left = u32::try_from(reached.len()).unwrap_or(u32::MAX);
        for one in &mut reached {
            samples::take(one, &recorded, settings, share(until, left)).await;
            left = left.saturating_sub(1);
        }
        let newest = newest(database, &measured, until).await?;
        let tree = database.remembered()?.map(|head| head.tree().size);
        let now = SystemTime::now();
        let ranked = rank(measured, &newest, now);
        let setting = Setting::of(&machine.go, &ranked);
        Ok(BenchReport::new(database.name(), tree, &recorded, &ranked, setting, now))
    }
}

/// When one of `parts` equal parts of the rest of the time is over.
fn share(until: Instant, parts: u32) -> Instant {
    let now = Instant::now();
    now + until.saturating_duration_since(now) / parts.max(1)
}

/// The records of the samples.
async fn recorded(database: &Database, samples: &[ModuleVersion], until: Instant) -> Result<Vec<Recorded>, Fault> {
    let answers = match tokio::time::timeout_at(until, database.records(samples, QUIETLY)).await {
        Ok(batch) => batch?.answers,
        Err(_) => Vec::new(),
    };
    let late = || Err(format!("{} did not prove it in time", database.name()));
    let mut answers = answers.into_iter().map(|answer| match answer {
        Answer::Found(record) => Ok(record),
        Answer::NotInLog { .. } => Err(format!("{} does not have it", database.name())),
        Answer::Unknown(miss) => Err(miss.into_fault(database.name()).to_string()),
    });
    Ok(samples.iter().map(|module| (module.clone(), answers.next().unwrap_or_else(late))).collect())
}

/// How far the log is, and the newest version of each sampled module that any proxy named and the log has. What it does not have
/// says nothing about the others.
async fn newest(database: &Database, measured: &[Measured], until: Instant) -> Result<Newest, Fault> {
    let remembered = database.remembered()?.map(|head| head.tree().size);
    let shown = measured.iter().filter_map(|one| one.head);
    let mut newest = Newest { tree: shown.chain(remembered).max(), versions: BTreeMap::new() };
    let named: BTreeSet<&ModuleVersion> = measured.iter().flat_map(|one| &one.latest).collect();
    let asked: Vec<ModuleVersion> = named.into_iter().cloned().collect();
    let until = until.max(Instant::now() + LAST_QUESTIONS);
    let Ok(batch) = tokio::time::timeout_at(until, database.records(&asked, QUIETLY)).await else { return Ok(newest) };
    for (module, answer) in asked.into_iter().zip(batch?.answers) {
        if matches!(answer, Answer::Found(_)) {
            let newer = newest.versions.get(module.path()).is_none_or(|known| module.version() > known);
            if newer {
                newest.versions.insert(module.path().clone(), module.version().clone());
            }
        }
    }
    Ok(newest)
}

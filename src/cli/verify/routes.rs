//! The same log by other routes, where the settings name some: what each shows is compared with what is held here and with the others,
//! and whether any of it is stale. It accepts no head.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::super::{serve, setup};
use super::{Stored, repair};
use crate::config::settings::{Layers, rows};
use crate::database::Database;
use crate::fault::Fault;
use crate::relay::{HeadRoute, Told};
use crate::report::integrity::{Finding, Flaw};
use crate::report::{Integrity, Level, Misbehaviour, Notice};
use crate::store::Folder;
use crate::store::head::Sighting;
use crate::sumdb::checkpoint::Checkpoint;

/// By so much two clocks differ that are both right.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_mins(5);

/// What a route showed.
type Shown = (String, Checkpoint);

/// Asks each route of the settings, and reports what is wrong with what it shows.
///
/// # Errors
/// `Usage`, `Unavailable`: a setting, or the data folder.
pub(super) fn compare(layers: &Layers, stored: &Stored, report: &mut Integrity) -> Result<(), Fault> {
    if layers.texts(&rows::head_routes).is_empty() {
        return Ok(());
    }
    let settings = repair::settings(layers)?;
    // Evidence must be kept: it stops everything else.
    let folder = Folder::open(stored.folder.root())?;
    let database = serve::database(&settings, &folder)?;
    let routes = serve::routes(&settings)?;
    let shown = setup::runtime()?.block_on(async {
        let shown = ask(&database, &routes, report).await;
        judge(&database, &shown, report).await;
        tell(&database, &routes, &shown, report).await;
        shown
    });
    let seen = folder.head(&stored.name)?.sightings()?;
    stale(&seen, &shown, settings.head_stale, Timestamp::now(), report);
    Ok(())
}

/// Reports heads that were first seen at a time that has not come yet at `now`.
///
/// # Errors
/// `Unavailable`: the disk.
pub(super) fn clock(stored: &Stored, now: Timestamp, report: &mut Integrity) -> Result<(), Fault> {
    let seen = stored.folder.head(&stored.name)?.sightings()?;
    let is_ahead = |sighting: &&Sighting| {
        sighting.seen.parse::<Timestamp>().is_ok_and(|seen| seen.duration_since(now) > CLOCK_SLACK)
    };
    let ahead: Vec<&Sighting> = seen.iter().filter(is_ahead).collect();
    if let Some(last) = ahead.last() {
        let (count, size) = (ahead.len(), last.size);
        let what =
            format!("of {count} heads, that of {size} records the last, the first sight is after now: {}", last.seen);
        let evidence = vec![format!("the clock says {now}")];
        report.add(Finding { evidence, ..Finding::of_file(Flaw::ClockJumped, "seen.jsonl", what) });
    }
    Ok(())
}

/// What the routes show; which of them show nothing is a warning.
async fn ask(database: &Database, routes: &[HeadRoute], report: &mut Integrity) -> Vec<Shown> {
    let mut shown = Vec::new();
    for route in routes {
        let opened = match route.note().await {
            Ok(note) => database.open_sent(&note, &route.name()),
            Err(fault) => Err(fault),
        };
        match opened {
            Ok(head) => shown.push((route.name(), head)),
            Err(fault) => warn(report, format!("{} shows no signed head: {fault}", route.name())),
        }
    }
    shown
}

/// Compares what they show.
async fn judge(database: &Database, shown: &[Shown], report: &mut Integrity) {
    let heads: Vec<Checkpoint> = shown.iter().map(|(_, head)| head.clone()).collect();
    match database.compare_all_of(&heads).await {
        Ok(compared) => {
            for ((route, head), _) in shown.iter().zip(compared).filter(|(_, is_compared)| !is_compared) {
                let size = head.tree().size;
                warn(report, format!("the head of {size} records that {route} shows could not be compared"));
            }
            let text = format!("{} routes show signed heads of one history", shown.len());
            report.notices.push(Notice { level: Level::Note, text });
        }
        Err(Fault::Forked { evidence, saved }) => {
            let saved = saved.map(|path| path.display().to_string());
            report.misbehaviour.get_or_insert(Misbehaviour { evidence: evidence.to_string(), saved });
        }
        Err(fault) => warn(report, format!("the heads that the routes show could not be compared: {fault}")),
    }
}

/// Tells our head to those that show one and exchange heads, and reports what they prove.
async fn tell(database: &Database, routes: &[HeadRoute], shown: &[Shown], report: &mut Integrity) {
    // One that cannot be read is a finding by now.
    let Ok(Some(head)) = database.remembered() else { return };
    let size = head.tree().size;
    let is_there = |route: &&HeadRoute| shown.iter().any(|(name, _)| *name == route.name());
    for route in routes.iter().filter(is_there).filter(|route| route.takes_heads()) {
        match route.tell(database, &head).await {
            Ok(Told::Consistent | Told::NotTaken) => {}
            Ok(Told::Pending) => {
                let text = format!("{} cannot compare our head of {size} records yet", route.name());
                report.notices.push(Notice { level: Level::Note, text });
            }
            Ok(Told::Unproven) => warn(
                report,
                format!("{} calls our head of {size} records inconsistent, and proves nothing", route.name()),
            ),
            Err(Fault::Forked { evidence, saved }) => {
                let saved = saved.map(|path| path.display().to_string());
                report.misbehaviour.get_or_insert(Misbehaviour { evidence: evidence.to_string(), saved });
            }
            Err(fault) => warn(report, format!("our head was not judged elsewhere: {fault}")),
        }
    }
}

/// Reports what is stale at the time `now`: a head is when a newer one has been known for `limit`, the newest when it has been.
fn stale(seen: &[Sighting], shown: &[Shown], limit: Duration, now: Timestamp, report: &mut Integrity) {
    let limit = SignedDuration::try_from(limit).unwrap_or(SignedDuration::MAX);
    let is_old =
        |sighting: &&Sighting| sighting.seen.parse::<Timestamp>().is_ok_and(|seen| now.duration_since(seen) >= limit);
    if let Some(newest) = seen.iter().max_by_key(|sighting| sighting.size).filter(is_old) {
        let Sighting { size, seen, .. } = newest;
        let ahead = shown.iter().filter(|(_, head)| head.tree().size > *size).max_by_key(|(_, head)| head.tree().size);
        let ahead = ahead
            .map_or_else(String::new, |(route, head)| format!("; {route} shows one of {} records", head.tree().size));
        let what = format!("no head newer than that of {size} records has been accepted since {seen}{ahead}");
        report.add(Finding::of_file(Flaw::HeadStale, "latest", what));
    }
    for (route, head) in shown {
        let size = head.tree().size;
        let newer =
            seen.iter().filter(|sighting| sighting.size > size).filter(is_old).min_by_key(|sighting| sighting.size);
        if let Some(newer) = newer {
            let what =
                format!("shows a head of {size} records; one of {} records was known at {}", newer.size, newer.seen);
            report.add(Finding::of_file(Flaw::HeadStale, route, what));
        }
    }
}

fn warn(report: &mut Integrity, text: String) {
    report.notices.push(Notice { level: Level::Warning, text });
}

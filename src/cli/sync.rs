//! `gosumcheck sync`: updates the full copy of a checksum database to the newest head, once or again and again.

use std::cell::Cell;
use std::time::{Duration, Instant};

use clap::Args;

use super::output::{complain, say, tell, warn};
use super::progress::Bar;
use super::setup::{self, Setup};
use super::{DatabaseArgs, words};
use crate::config::units;
use crate::fault::Fault;
use crate::report::integrity::Flaw;
use crate::report::{grouped, printable};
use crate::store::index::AnomalyKind;
use crate::sync::{self, Stage, Step, SyncOptions, Synced};
use crate::verify::{self, RecordedRun};

pub(super) const EXIT_CODES: &str = "\
The copy is stored in DATA/log/NAME. `gosumcheck serve` serves it, and `audit` and `lookup` answer from it. An interrupted \
sync resumes where it stopped.

Exit codes:
  0  done, or stopped by a signal
  1  findings: the copy is damaged (`gosumcheck verify --repair`), or new records are malformed or repeat a module version (`gosumcheck index --findings` lists all that were found;
     module paths that differ in case only are listed too, and do not change the exit code)
  2  could not sync: wrong usage, a network or disk failure, or no source with valid data
  3  the log itself misbehaved: it signed two histories that contradict each other";

/// The first pause after a fault, with --follow; doubled up to the interval.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Findings that are listed; the index keeps all.
const MAX_TOLD: usize = 20;

#[derive(Debug, Args)]
pub(super) struct SyncArgs {
    /// Stop at the last complete data tile (256 records) before this many records. Nothing is served until a sync reaches a signed
    /// tree head
    #[arg(long, value_name = "RECORDS")]
    to: Option<u64>,
    /// Keep running, and look for new records at this interval, such as 5m or 1h30m
    #[arg(long, value_name = "DURATION", value_parser = interval, conflicts_with = "to")]
    follow: Option<Duration>,
    /// Limit the download rate in bytes per second, such as 500KB or 10MiB
    #[arg(long, value_name = "RATE", value_parser = units::rate)]
    limit_rate: Option<u64>,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// A second or longer.
fn interval(text: &str) -> Result<Duration, String> {
    let interval = units::duration(text)?;
    let is_long_enough = interval >= Duration::from_secs(1);
    if is_long_enough { Ok(interval) } else { Err("should be one second or more, such as 5m".to_owned()) }
}

/// Runs the command; gives the exit code.
pub(super) fn run(args: &SyncArgs) -> Result<u8, Fault> {
    let setup = setup::prepare(&args.database)?.patient();
    warn(&setup.notices);
    setup::runtime()?.block_on(async {
        let findings = Cell::new(false);
        let stopped = stop_signal()?;
        // Dropping the work is a way to stop it: what is proven by then is still written, and marked.
        tokio::select! {
            done = work(&setup, args, &findings) => {
                if let Err(fault) = done {
                    return Ok(setup.complain(&fault));
                }
            }
            () = stopped => say("stopped; the next sync goes on from here"),
        }
        Ok(u8::from(findings.get()))
    })
}

/// Ends when this process is to stop: by Ctrl-C, or by SIGTERM.
fn stop_signal() -> Result<impl Future<Output = ()>, Fault> {
    let unavailable = |error| Fault::machine("the system", format!("cannot listen for signals: {error}"));
    let mut terminate =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).map_err(unavailable)?;
    Ok(async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Syncs, once or for ever; notes whether there were findings.
async fn work(setup: &Setup, args: &SyncArgs, findings: &Cell<bool>) -> Result<(), Fault> {
    let options = SyncOptions { to: args.to, jobs: setup.jobs(), limit_rate: args.limit_rate };
    let mut pause = FIRST_PAUSE;
    loop {
        let done = once(setup, &options).await;
        let Some(interval) = args.follow else { return done.map(|odd| findings.set(odd)) };
        match done {
            Ok(odd) => {
                findings.set(findings.get() || odd);
                pause = FIRST_PAUSE;
                tokio::time::sleep(interval).await;
            }
            Err(fault @ (Fault::Forked { .. } | Fault::Usage(_))) => return Err(fault),
            Err(fault) => {
                complain(&fault);
                say(&format!("trying again in {} s", pause.as_secs()));
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(interval.max(FIRST_PAUSE));
            }
        }
    }
}

/// One sync; whether it had findings.
async fn once(setup: &Setup, options: &SyncOptions) -> Result<bool, Fault> {
    let started = Instant::now();
    let bar = Bar::long();
    let progress = |step: Step| {
        let first = step.records.saturating_sub(step.new);
        let stage = match step.stage {
            Stage::Records => words::bytes(step.bytes),
            Stage::Index => "index".to_owned(),
        };
        bar.show_from(first, &stage, step.records, step.total);
    };
    let database = setup.database()?;
    let synced = sync::sync(&database, &setup.log()?, options, &progress).await;
    bar.clear();
    for source in database.upstreams().without_data_tiles() {
        say(&format!("note: {source} relays no data tiles; the next source is asked for the records"));
    }
    let complaints = match &synced {
        Ok(synced) => synced.complaints.clone(),
        // What failed is in the fault itself, with every source's name.
        Err(_) => database.upstreams().complaints().into_iter().filter(|complaint| complaint.refused > 0).collect(),
    };
    complaints.iter().for_each(|complaint| say(&format!("warning: {complaint}")));
    let synced = synced?;
    warn(&setup::noted(setup.cosigned(&database)));
    let damage = if synced.committed { damage(setup, &synced)? } else { None };
    tell(|out| {
        for oddity in synced.anomalies.iter().take(MAX_TOLD) {
            writeln!(out, "{}: {}", setup.name, printable(&oddity.to_string()))?;
        }
        if let Some(more) = synced.anomalies.len().checked_sub(MAX_TOLD).filter(|more| *more > 0) {
            writeln!(out, "{}: and {more} more: `gosumcheck index --findings` lists all", setup.name)?;
        }
        writeln!(out, "{}", summary(&setup.name, &synced, damage.as_deref(), started.elapsed()))
    })?;
    // The public log has many module paths that differ in case only: they are listed, and are not findings.
    Ok(damage.is_some() || synced.anomalies.iter().any(|oddity| oddity.kind() != AnomalyKind::CaseCollision))
}

/// What is wrong with what is held: at first sight, or by the last verification that is on record.
fn damage(setup: &Setup, synced: &Synced) -> Result<Option<String>, Fault> {
    let log = setup.log()?;
    if let Some(why) = verify::structure(&log, synced.tree)? {
        return Ok(Some(why));
    }
    // A record that was changed is for `journal verify` to complain about.
    let Ok(read) = log.runs().read()? else { return Ok(None) };
    let runs: Vec<RecordedRun> = read.entries.into_iter().map(RecordedRun::of).collect();
    // The newest that found damage of the log which no later run has cleared.
    let open = verify::open_runs(&runs).into_iter().filter(|open| open.run.text("database") == setup.name);
    let damaged = open.map(|open| {
        let kinds = open.by_kind().map(|(kind, _)| kind).filter(|kind| Flaw::is_of_log_id(kind));
        (open.run, kinds.collect::<Vec<_>>())
    });
    let Some((last, found)) = damaged.into_iter().find(|(_, found)| !found.is_empty()) else { return Ok(None) };
    let when = last.text("ended");
    Ok((!found.is_empty()).then(|| format!("`gosumcheck verify` found {} at {when}", found.join(", "))))
}

/// What was done, in one line.
fn summary(name: &str, synced: &Synced, damage: Option<&str>, took: Duration) -> String {
    let tree = synced.tree;
    let records = format!("{name}: {} records", grouped(tree.size));
    let took = format!("in {:.1} s", took.as_secs_f64());
    let news = format!("+{} new, {}", grouped(synced.records), words::bytes(synced.bytes));
    if !synced.committed {
        let newest = grouped(synced.newest);
        return format!(
            "{records} ({news}) {took}; the log has {newest}, and nothing new is served until a sync reaches a signed head"
        );
    }
    if let Some(why) = damage {
        return format!(
            "{records} ({news}) {took}, and the copy is DAMAGED: {why}; run `gosumcheck verify --repair`, head {} {}",
            tree.size, tree.root
        );
    }
    if synced.records == 0 && synced.before == tree.size {
        return format!("{records}, up to date, head {} {}", tree.size, tree.root);
    }
    format!("{records} ({news}) {took}, head {} {}", tree.size, tree.root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_friendly_and_not_too_short() {
        assert_eq!(interval("5m"), Ok(Duration::from_secs(300)));
        assert_eq!(interval("1h 30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(interval("PT10S"), Ok(Duration::from_secs(10)));
        for text in ["", "5", "0s", "-5m", "soon", "10ms"] {
            assert!(interval(text).is_err(), "{text:?}");
        }
    }
}

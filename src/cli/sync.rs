//! `gosumcheck sync`: the full copy of a checksum database is brought to its newest head, once or for ever.

use std::time::{Duration, Instant};

use clap::Args;
use jiff::SignedDuration;

use super::output::{complain, say, tell, warn};
use super::progress::Bar;
use super::setup::{self, Setup};
use super::{DatabaseArgs, words};
use crate::fault::Fault;
use crate::sync::{self, Options, Step, Synced};

pub(super) const EXIT_CODES: &str = "\
The copy is DATA/log/NAME. It is served by `gosumcheck serve`, and `audit` and `lookup` answer from it. A sync that is
stopped, in whatever way, goes on where it was when it is started again.

Exit codes:
  0  done, or stopped by a signal
  1  findings: the log has records that are not what records should be
  2  could not: wrong usage, a dead network, a full disk, no source that has proven bytes
  3  the log itself misbehaved: it signed two histories";

/// The first pause after a fault, with --follow; doubled up to the interval.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
pub(super) struct SyncArgs {
    /// Stop at the last whole data tile (256 records) before SIZE records. Nothing is served until a sync reaches a signed head
    #[arg(long, value_name = "SIZE")]
    to: Option<u64>,
    /// Do not end, but look for new records every INTERVAL, such as 5m or 1h30m
    #[arg(long, value_name = "INTERVAL", value_parser = interval, conflicts_with = "to")]
    follow: Option<Duration>,
    /// Bring at most so many bytes a second, such as 500KB or 10MiB
    #[arg(long, value_name = "BYTES", value_parser = words::parse_bytes)]
    limit_rate: Option<u64>,
    #[command(flatten)]
    database: DatabaseArgs,
}

fn interval(text: &str) -> Result<Duration, String> {
    let parsed = text.parse::<SignedDuration>().map_err(|error| error.to_string())?;
    let interval = Duration::try_from(parsed).ok().filter(|interval| *interval >= Duration::from_secs(1));
    interval.ok_or_else(|| "should be one second or more, such as 5m".to_owned())
}

/// Runs the command; gives the exit code.
pub(super) fn run(args: &SyncArgs) -> Result<u8, Fault> {
    let setup = setup::prepare(&args.database)?;
    warn(&setup.notices);
    setup::runtime()?.block_on(async {
        let mut stopped = std::pin::pin!(stop_signal()?);
        tokio::select! {
            code = work(&setup, args) => code,
            () = &mut stopped => {
                say("stopped; the next sync goes on from here");
                Ok(0)
            }
        }
    })
}

/// Ends when this process is asked to stop: by Ctrl-C, or by SIGTERM.
fn stop_signal() -> Result<impl Future<Output = ()>, Fault> {
    let unavailable = |error| Fault::unavailable("the system", format!("cannot listen for signals: {error}"));
    let mut terminate =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).map_err(unavailable)?;
    Ok(async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
    })
}

async fn work(setup: &Setup, args: &SyncArgs) -> Result<u8, Fault> {
    let options = Options { to: args.to, jobs: setup.jobs(), limit_rate: args.limit_rate };
    let Some(interval) = args.follow else { return once(setup, &options).await };
    let (mut worst, mut pause) = (0, FIRST_PAUSE);
    loop {
        match once(setup, &options).await {
            Ok(code) => {
                worst = worst.max(code);
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

async fn once(setup: &Setup, options: &Options) -> Result<u8, Fault> {
    let started = Instant::now();
    let bar = Bar::long();
    let progress = |step: Step| {
        let first = step.records.saturating_sub(step.new);
        bar.show_from(first, &words::bytes(step.bytes), step.records, step.total);
    };
    let database = setup.database().await?;
    let synced = sync::sync(&database, &setup.log()?, options, &progress).await;
    bar.clear();
    match &synced {
        Ok(synced) => synced.complaints.iter().for_each(|complaint| say(&format!("warning: {complaint}"))),
        Err(_) => database.upstreams().complaints().iter().for_each(|complaint| say(&format!("warning: {complaint}"))),
    }
    let synced = synced?;
    tell(|out| {
        for odd in &synced.odd {
            writeln!(out, "record {} of {} is not what a record should be: {}", odd.id, setup.name, odd.why)?;
        }
        writeln!(out, "{}", summary(&setup.name, &synced, started.elapsed()))
    })?;
    Ok(u8::from(synced.oddities > 0))
}

/// What was done, in one line.
fn summary(name: &str, synced: &Synced, took: Duration) -> String {
    let (tree, count) = (synced.tree, words::count);
    let records = format!("{name}: {} records", count(tree.size));
    let took = format!("in {:.1} s", took.as_secs_f64());
    let news = format!("+{} new, {}", count(synced.records), words::bytes(synced.bytes));
    let odd = if synced.oddities > 0 { format!(", {} of them odd", count(synced.oddities)) } else { String::new() };
    if !synced.committed {
        let newest = count(synced.newest);
        return format!(
            "{records} ({news}{odd}) {took}; the log has {newest}, and nothing new is served until a sync reaches a signed head"
        );
    }
    if synced.records == 0 && synced.before == tree.size {
        return format!("{records}, up to date, head {} {}", tree.size, tree.root);
    }
    format!("{records} ({news}{odd}) {took}, head {} {}", tree.size, tree.root)
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

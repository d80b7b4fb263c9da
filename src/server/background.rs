//! The background tasks: looking for newer committed heads (of this process or another), and syncing.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::{MissedTickBehavior, interval, sleep};

use super::app::App;
use super::app::database::{ServedDatabase, SyncTask};
use super::app::history::{self, Sample, Standing};
use crate::fault::{Cause, Fault};
use crate::relay::{HeadRoute, Shown};

/// How often the disk is checked for a newer committed head and for evidence: one `stat` and one small folder.
const REFRESH_INTERVAL: Duration = Duration::from_secs(1);
/// The shortest pause between two syncs, however urgent a newer head is; also the first pause between two tries.
const MIN_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause between two tries to get a first head.
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// Looks for newer committed heads, without end. It starts by getting the first head, so that the server becomes ready before
/// the first request.
pub(super) async fn follow_head(served: ServedDatabase) {
    let mut pause = MIN_PAUSE;
    let mut warned_of = None;
    while let Err(fault) = served.relay.latest().await {
        if matches!(fault, Fault::Forked { .. }) {
            served.log_fork(&fault);
            break;
        }
        let held = served.relay.status().head.map(|head| head.size);
        // What stays the same is logged once: how often a source was tried, or that it is left alone for now, is nothing new.
        let news = Some((held, fault.cause()));
        if news != warned_of {
            let what = match held {
                Some(size) => format!("the head of size {size} is held, and no newer one could be had"),
                None => "no proven head yet".to_owned(),
            };
            let next = "--proxy names proxies that may relay the database, --sumdb-url another source";
            tracing::warn!(database = served.relay.name(), "{what}: {fault}; {next}");
            warned_of = news;
        }
        sleep(pause).await;
        pause = (pause * 2).min(MAX_PAUSE);
    }
    let mut ticks = interval(REFRESH_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut last_error, mut last_uncosigned) = (None, None);
    loop {
        ticks.tick().await;
        let database = served.clone();
        let refresh = move || {
            database.log_evidence();
            database.relay.refresh()
        };
        let refreshed = tokio::task::spawn_blocking(refresh).await;
        let error = refreshed.ok().and_then(Result::err).map(|fault| fault.to_string());
        if error != last_error {
            if let Some(error) = &error {
                tracing::error!(database = served.relay.name(), "the full log cannot be read: {error}");
            }
            last_error = error;
        }
        served.progress.set_head(served.relay.head());
        cosign(&served, &mut last_uncosigned).await;
        match served.relay.compare_waiting().await {
            Ok(()) => {}
            Err(fault @ Fault::Forked { .. }) => served.log_fork(&fault),
            Err(fault) => tracing::debug!(database = served.relay.name(), "heads that wait: {fault}"),
        }
    }
}

/// Has the committed head cosigned before anybody asks for it, where heads are cosigned here. Why it is not is logged once.
async fn cosign(served: &ServedDatabase, last: &mut Option<String>) {
    let fault = match served.relay.cosigned().await {
        None | Some(Ok(_)) => None,
        // Nothing is held yet.
        Some(Err(fault)) if fault.cause() == Some(Cause::Nobody) => None,
        Some(Err(fault)) => Some(fault),
    };
    let why = fault.as_ref().map(|fault| match fault {
        Fault::Forked { .. } => "the log signed another history than the one that was cosigned".to_owned(),
        fault => fault.to_string(),
    });
    if why != *last {
        match &fault {
            Some(fault @ Fault::Forked { .. }) => served.log_fork(fault),
            Some(fault) => tracing::error!(database = served.relay.name(), "the head is not cosigned: {fault}"),
            None => {}
        }
        *last = why;
    }
}

/// Asks each route for its head every `interval`, without end.
pub(super) async fn follow_routes(served: ServedDatabase, routes: Arc<Vec<HeadRoute>>, interval: Duration) {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = Vec::new();
    loop {
        ticks.tick().await;
        if let Err(fault) = served.relay.ask_routes(&routes).await {
            served.log_fork(&fault);
        }
        // What stays the same is logged once.
        let silent = |(route, shown): (String, Shown)| match shown {
            Shown::Nothing(why) => Some(format!("{route} shows no head: {why}")),
            Shown::Forked => Some(format!("{route} shows another history")),
            Shown::OneHistory(_) | Shown::Unproven(_) => None,
        };
        let lines: Vec<String> = served.relay.routes().into_iter().filter_map(silent).collect();
        lines.iter().filter(|line| !last.contains(*line)).for_each(|line| {
            tracing::warn!(database = served.relay.name(), "{line}");
        });
        last = lines;
    }
}

/// Puts what was healed of the full log in its place, without end.
pub(super) async fn put_back(served: ServedDatabase) {
    let mut ticks = interval(REFRESH_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = None;
    loop {
        ticks.tick().await;
        if !served.relay.has_healed() {
            last = None;
            continue;
        }
        let relay = served.relay.clone();
        let put = tokio::task::spawn_blocking(move || relay.put_back_healed()).await;
        let failed = put.ok().and_then(Result::err).map(|fault| fault.to_string());
        if let Some(why) = failed.as_ref().filter(|_| failed != last) {
            tracing::warn!(
                database = served.relay.name(),
                "healed bytes of the full log are not in their place yet: {why}"
            );
        }
        last = failed;
    }
}

/// Syncs every `interval`, and whenever the full log is known to lag, without end. A failed sync is logged and tried again.
pub(super) async fn sync(served: ServedDatabase, sync: SyncTask, interval: Duration) {
    let name = served.relay.name().to_owned();
    let mut last_warning = String::new();
    loop {
        match sync().await {
            Ok(news) => {
                last_warning.clear();
                let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
                served.progress.set_synced(now);
                if let Some(news) = news {
                    tracing::info!(database = name, "{news}");
                }
            }
            Err(fault @ Fault::Forked { .. }) => served.log_fork(&fault),
            Err(fault) => {
                let warning = fault.to_string();
                if warning != last_warning {
                    tracing::warn!(database = name, "not synced: {warning}");
                }
                last_warning = warning;
            }
        }
        let relay = served.relay.clone();
        if let Ok(Err(fault)) = tokio::task::spawn_blocking(move || relay.refresh()).await {
            tracing::error!(database = name, "what was synced cannot be read: {fault}");
        }
        sleep(MIN_PAUSE.min(interval)).await;
        tokio::select! {
            () = sleep(interval.saturating_sub(MIN_PAUSE)) => {}
            () = served.relay.wants_sync() => {}
        }
    }
}

/// Takes a sample of how the upstreams fare, now and then, without end.
pub(super) async fn sample(app: Arc<App>) {
    let mut ticks = interval(history::STEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        app.history.add(Sample::of(&Standing::all(&app.databases, app.proxy.as_ref())));
    }
}

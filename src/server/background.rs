//! What the server does while nobody asks: look for heads that were committed (by this process or another), and sync.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::{MissedTickBehavior, interval, sleep};

use super::app::served::{Served, Syncing};
use crate::fault::Fault;

/// How often the disk is looked at for a newer committed head: one `stat`.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Between two syncs at least, however urgent a newer head seems.
const BREATH: Duration = Duration::from_secs(1);

/// Between two tries to get a first head at most.
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// Looks for newer committed heads, for ever. Begins with the first head, so that who waits for us to be ready need not ask
/// something first.
pub(super) async fn look(served: Served) {
    let mut pause = BREATH;
    while let Err(fault) = served.relay.latest().await {
        tracing::warn!(database = served.relay.name(), "no proven head yet: {fault}");
        sleep(pause).await;
        pause = (pause * 2).min(MAX_PAUSE);
    }
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut said = None;
    loop {
        ticks.tick().await;
        let relay = served.relay.clone();
        let looked = tokio::task::spawn_blocking(move || relay.refresh()).await;
        let trouble = looked.ok().and_then(Result::err).map(|fault| fault.to_string());
        if trouble != said {
            if let Some(trouble) = &trouble {
                tracing::error!(database = served.relay.name(), "the full log cannot be read: {trouble}");
            }
            said = trouble;
        }
        served.watch.seen(served.relay.head());
    }
}

/// Syncs every `every`, and when the full log is known to lag, for ever. A sync that failed is told of and tried again.
pub(super) async fn sync(served: Served, syncing: Syncing, every: Duration) {
    let name = served.relay.name().to_owned();
    loop {
        match syncing().await {
            Ok(told) => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
                served.watch.synced(now);
                if let Some(told) = told {
                    tracing::info!(database = name, "{told}");
                }
            }
            Err(Fault::Forked { saved, .. }) => {
                let saved = saved.map_or_else(String::new, |path| path.display().to_string());
                tracing::error!(
                    database = name,
                    evidence = saved,
                    "SECURITY: the log signed two histories; not synced"
                );
            }
            Err(fault) => tracing::warn!(database = name, "not synced: {fault}"),
        }
        let relay = served.relay.clone();
        if let Ok(Err(fault)) = tokio::task::spawn_blocking(move || relay.refresh()).await {
            tracing::error!(database = name, "what was synced cannot be read: {fault}");
        }
        sleep(BREATH.min(every)).await;
        tokio::select! {
            () = sleep(every.saturating_sub(BREATH)) => {}
            () = served.relay.wants_sync() => {}
        }
    }
}

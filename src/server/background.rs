//! What the server does while nobody asks: look for heads that were committed (by this process or another), and sync.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::time::{MissedTickBehavior, interval, sleep};

use super::Served;
use crate::fault::Fault;
use crate::sumdb::checkpoint::Tree;

/// How often the disk is looked at for a newer committed head: one `stat`.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Between two syncs at least, however urgent a newer head seems.
const BREATH: Duration = Duration::from_secs(1);

/// Brings the full log of one database up to date; given by who builds the server. Told is what came, in one line; nothing where
/// nothing did.
pub type Syncing = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Option<String>, Fault>> + Send>> + Send + Sync>;

/// What is known about a database over time.
#[derive(Debug, Default)]
pub(super) struct Watch {
    head: Mutex<Option<(Tree, Instant)>>,
    last_sync: AtomicU64,
}

impl Watch {
    /// Since when the newest head is the newest; zero before the first.
    pub(super) fn head_age(&self) -> Duration {
        let head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        head.map_or(Duration::ZERO, |(_, since)| since.elapsed())
    }

    /// When the last sync ended well, in seconds since 1970; 0 for not yet.
    pub(super) fn last_sync(&self) -> u64 {
        self.last_sync.load(Ordering::Relaxed)
    }

    fn seen(&self, tree: Option<Tree>) {
        let mut head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tree) = tree.filter(|tree| head.is_none_or(|(old, _)| old != *tree)) {
            *head = Some((tree, Instant::now()));
        }
    }
}

/// Looks for newer committed heads, for ever.
pub(super) async fn look(served: Served) {
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
                served.watch.last_sync.store(now, Ordering::Relaxed);
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

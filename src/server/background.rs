//! What the server does while nobody asks: look for heads that were committed (by this process or another), and sync.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::time::{MissedTickBehavior, interval, sleep};

use super::Served;
use super::watched::Lasting;
use crate::fault::Fault;
use crate::sumdb::checkpoint::Tree;
use crate::upstream::{Complaint, Counts};

/// How often the disk is looked at for a newer committed head: one `stat`.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Between two syncs at least, however urgent a newer head seems.
const BREATH: Duration = Duration::from_secs(1);

/// Between two tries to get a first head at most.
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// Brings the full log of one database up to date; given by who builds the server. Told is what came, in one line; nothing where
/// nothing did.
pub type Syncing = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Option<String>, Fault>> + Send>> + Send + Sync>;

/// What the upstreams were asked for syncs, and what there is to complain of them about.
pub type Asked = Arc<dyn Fn() -> (Counts, Vec<Complaint>) + Send + Sync>;

/// What is known about a database over time.
#[derive(Debug, Default)]
pub(super) struct Watch {
    head: Mutex<Option<(Tree, Instant)>>,
    last_sync: AtomicU64,
    /// the log was caught with two histories
    pub(super) fork: Lasting,
    /// and the evidence of that is in no file
    pub(super) is_fork_unsaved: AtomicBool,
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

/// Looks for newer committed heads, for ever. Begins with the first head, so that who waits for us to be ready need not ask
/// something first.
pub(super) async fn look(served: Served) {
    let mut pause = BREATH;
    let mut said = String::new();
    while let Err(fault) = served.relay.latest().await {
        if matches!(fault, Fault::Forked { .. }) {
            served.say_forked(&fault);
            break;
        }
        let told = match served.relay.status().head {
            Some(head) => format!("the head of size {} is held, and no newer one could be had: {fault}", head.size),
            None => format!("no proven head yet: {fault}"),
        };
        // What stays the same is said once.
        if told != said {
            tracing::warn!(database = served.relay.name(), "{told}");
            said = told;
        }
        sleep(pause).await;
        pause = (pause * 2).min(MAX_PAUSE);
    }
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut said = None;
    loop {
        ticks.tick().await;
        let at = served.clone();
        let looked = tokio::task::spawn_blocking(move || {
            at.say_evidence();
            at.relay.refresh()
        });
        let looked = looked.await;
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
    let mut said = String::new();
    loop {
        match syncing().await {
            Ok(told) => {
                said.clear();
                let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
                served.watch.last_sync.store(now, Ordering::Relaxed);
                if let Some(told) = told {
                    tracing::info!(database = name, "{told}");
                }
            }
            Err(fault @ Fault::Forked { .. }) => served.say_forked(&fault),
            Err(fault) => {
                let told = fault.to_string();
                if told != said {
                    tracing::warn!(database = name, "not synced: {told}");
                }
                said = told;
            }
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

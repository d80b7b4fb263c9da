//! A database that is served, with what keeps it new.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::fault::Fault;
use crate::relay::Relay;
use crate::store::Log;
use crate::sumdb::checkpoint::Tree;
use crate::upstream::{Complaint, Counts};

/// Brings the full log of one database up to date; given by who builds the server. Told is what came, in one line; nothing where
/// nothing did.
pub type Syncing = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Option<String>, Fault>> + Send>> + Send + Sync>;

/// What the upstreams were asked for syncs, and what there is to complain of them about.
pub type Asked = Arc<dyn Fn() -> (Counts, Vec<Complaint>) + Send + Sync>;

/// What is known about a database over time.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    head: Mutex<Option<(Tree, Instant)>>,
    last_sync: AtomicU64,
}

impl Watch {
    /// Since when the newest head is the newest; zero before the first.
    pub(crate) fn head_age(&self) -> Duration {
        let head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        head.map_or(Duration::ZERO, |(_, since)| since.elapsed())
    }

    /// When the last sync ended well, in seconds since 1970; 0 for not yet.
    pub(crate) fn last_sync(&self) -> u64 {
        self.last_sync.load(Ordering::Relaxed)
    }

    /// A sync ended well at `now`, in seconds since 1970.
    pub(crate) fn synced(&self, now: u64) {
        self.last_sync.store(now, Ordering::Relaxed);
    }

    /// The newest head is now that of `tree`.
    pub(crate) fn seen(&self, tree: Option<Tree>) {
        let mut head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tree) = tree.filter(|tree| head.is_none_or(|(old, _)| old != *tree)) {
            *head = Some((tree, Instant::now()));
        }
    }
}

/// How often what happened.
type Counted = Vec<(&'static str, u64)>;

/// One database that is served.
#[derive(Clone)]
pub struct Served {
    pub(crate) relay: Relay,
    pub(crate) log: Log,
    pub(crate) syncing: Option<(Syncing, Duration)>,
    asked: Option<Asked>,
    pub(crate) watch: Arc<Watch>,
}

impl Served {
    /// The database behind `relay`, whose full log, if any, is `log`.
    pub fn new(relay: Relay, log: Log) -> Served {
        Served { relay, log, syncing: None, asked: None, watch: Arc::default() }
    }

    /// What it answers.
    pub fn relay(&self) -> &Relay {
        &self.relay
    }

    /// The same, kept up to date by `syncing`, again after `every`; `asked` tells of its upstreams.
    #[must_use]
    pub fn synced(mut self, syncing: Syncing, every: Duration, asked: Asked) -> Served {
        self.syncing = Some((syncing, every));
        self.asked = Some(asked);
        self
    }

    /// What was asked of upstreams in all, by kind, and what came of it.
    pub(crate) fn upstream(&self) -> (Counted, Counted) {
        let (sync, mut complaints) = self.asked.as_ref().map(|asked| asked()).unwrap_or_default();
        let own = self.relay.counts();
        complaints.extend(self.relay.complaints());
        let requests = vec![
            ("lookup", own.lookups + sync.lookups),
            ("hash_tile", own.tiles + sync.tiles),
            ("data_tile", own.data_tiles + sync.data_tiles),
            ("latest", own.heads + sync.heads),
            ("other", own.others + sync.others),
            ("retry", own.retries + sync.retries),
        ];
        let sum = |count: fn(&Complaint) -> u64| complaints.iter().map(count).sum();
        let errors =
            vec![("refused", sum(|c| c.refused)), ("failed", sum(|c| c.failed)), ("lacked", sum(|c| c.lacked))];
        (requests, errors)
    }
}

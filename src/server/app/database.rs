//! A database that is served, and how it is kept up to date.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::fault::Fault;
use crate::relay::{HeadRoute, Relay};
use crate::store::Log;
use crate::sumdb::checkpoint::Tree;
use crate::upstream::{Complaint, Counts};

/// Brings the full log of one database up to date; the caller of [`super::super::run`] supplies it. Returns a log line that says
/// how much is new; none if nothing is.
pub type SyncTask = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Option<String>, Fault>> + Send>> + Send + Sync>;

/// Returns how often syncs have asked the upstreams for what, and the complaints about these.
pub type UpstreamCounts = Arc<dyn Fn() -> (Counts, Vec<Complaint>) + Send + Sync>;

/// How often a state that a person must look at is logged.
const LOG_AGAIN: Duration = Duration::from_secs(60 * 60);

/// When a database last made progress.
#[derive(Debug, Default)]
pub(crate) struct DatabaseProgress {
    /// guards the newest tree and when this process first saw it; locked for one comparison
    head: Mutex<Option<(Tree, Instant)>>,
    /// when the last successful sync ended, in seconds since 1970; 0 before the first
    last_sync: AtomicU64,
    /// guards when a fork was last logged
    fork_logged: Mutex<Option<Instant>>,
    /// whether this process caught the log with two histories and could not store the evidence
    is_fork_unsaved: AtomicBool,
}

impl DatabaseProgress {
    /// For how long the newest head has been the newest; zero before the first.
    pub(crate) fn head_age(&self) -> Duration {
        let head = self.head.lock();
        head.map_or(Duration::ZERO, |(_, since)| since.elapsed())
    }

    /// When the last successful sync ended, in seconds since 1970; 0 before the first.
    pub(crate) fn last_sync(&self) -> u64 {
        self.last_sync.load(Ordering::Relaxed)
    }

    /// Records a successful sync that ended at `now`, in seconds since 1970.
    pub(crate) fn set_synced(&self, now: u64) {
        self.last_sync.store(now, Ordering::Relaxed);
    }

    /// Whether this process caught the log with two histories and could not store the evidence.
    pub(crate) fn is_fork_unsaved(&self) -> bool {
        self.is_fork_unsaved.load(Ordering::Relaxed)
    }

    /// Whether a fork is to be logged at the time `now`: once, and again once an hour.
    fn is_fork_due(&self, now: Instant) -> bool {
        let mut logged = self.fork_logged.lock();
        let is_due = logged.is_none_or(|when| now.saturating_duration_since(when) >= LOG_AGAIN);
        if is_due {
            *logged = Some(now);
        }
        is_due
    }

    /// Records the newest head.
    pub(crate) fn set_head(&self, tree: Option<Tree>) {
        let mut head = self.head.lock();
        if let Some(tree) = tree.filter(|tree| head.is_none_or(|(old, _)| old != *tree)) {
            *head = Some((tree, Instant::now()));
        }
    }
}

/// Counts, each with its label in metrics.
type LabelledCounts = Vec<(&'static str, u64)>;

/// One database that is served.
#[derive(Clone)]
pub struct ServedDatabase {
    pub(crate) relay: Relay,
    pub(crate) log: Log,
    /// how to sync, and how often; none if this server does not
    pub(crate) sync: Option<(SyncTask, Duration)>,
    /// other places that show heads, and how often they are asked
    pub(crate) routes: Option<(Arc<Vec<HeadRoute>>, Duration)>,
    /// in what time all of the full log is proven anew, at how many bytes a second; none for never
    pub(crate) scrub: Option<(Duration, u64)>,
    sync_counts: Option<UpstreamCounts>,
    pub(crate) progress: Arc<DatabaseProgress>,
}

impl ServedDatabase {
    /// The database behind `relay`, whose full log, if any, is `log`.
    pub fn new(relay: Relay, log: Log) -> ServedDatabase {
        let progress = Arc::default();
        ServedDatabase { relay, log, sync: None, routes: None, scrub: None, sync_counts: None, progress }
    }

    /// The relay that answers requests about it.
    pub fn relay(&self) -> &Relay {
        &self.relay
    }

    /// The same, brought up to date by `sync`, which runs every `interval`; `counts` returns what it asked of upstreams.
    #[must_use]
    pub fn synced(mut self, sync: SyncTask, interval: Duration, counts: UpstreamCounts) -> ServedDatabase {
        self.sync = Some((sync, interval));
        self.sync_counts = Some(counts);
        self
    }

    /// The same, compared every `interval` with the heads that `routes` show.
    #[must_use]
    pub fn routed(mut self, routes: Vec<HeadRoute>, interval: Duration) -> ServedDatabase {
        self.routes = (!routes.is_empty()).then(|| (Arc::new(routes), interval));
        self
    }

    /// The same, whose full log is proven anew in each `period`, at this many bytes a second; none for never.
    #[must_use]
    pub fn scrubbed(mut self, scrub: Option<(Duration, u64)>) -> ServedDatabase {
        self.scrub = scrub;
        self
    }

    /// Logs that the log was caught with two histories, unless that was done within the hour.
    pub(crate) fn log_fork(&self, fault: &Fault) {
        let Fault::Forked { saved, .. } = fault else { return };
        self.progress.is_fork_unsaved.store(saved.is_none(), Ordering::Relaxed);
        self.log_fork_at(saved.as_deref());
    }

    /// The same where evidence is in the data folder. Reads the disk.
    pub(crate) fn log_evidence(&self) {
        if let Some(saved) = self.log.forks().ok().and_then(|forks| forks.into_iter().next()) {
            self.log_fork_at(Some(&saved));
        }
    }

    fn log_fork_at(&self, saved: Option<&Path>) {
        if self.progress.is_fork_due(Instant::now()) {
            let evidence = saved.map_or_else(String::new, |path| path.display().to_string());
            let database = self.relay.name();
            tracing::error!(
                database,
                evidence,
                "SECURITY: the log signed two histories; a person must look at the evidence"
            );
        }
    }

    /// The requests to upstreams by kind, and those without a good answer by reason.
    pub(crate) fn upstream_counts(&self) -> (LabelledCounts, LabelledCounts) {
        let (sync, mut complaints) = self.sync_counts.as_ref().map(|counts| counts()).unwrap_or_default();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fork_is_logged_once_an_hour() {
        let (progress, now) = (DatabaseProgress::default(), Instant::now());
        assert!(progress.is_fork_due(now));
        assert!(!progress.is_fork_due(now) && !progress.is_fork_due(now + LOG_AGAIN / 2));
        assert!(progress.is_fork_due(now + LOG_AGAIN));
        assert!(!progress.is_fork_due(now + LOG_AGAIN));
    }
}

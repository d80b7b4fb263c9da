//! A database that is served, with what keeps it new.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::background::{Asked, Syncing, Watch};
use crate::fault::Fault;
use crate::relay::Relay;
use crate::store::Log;
use crate::upstream::Complaint;

/// How often what happened.
type Counted = Vec<(&'static str, u64)>;

/// One database that is served.
#[derive(Clone)]
pub struct Served {
    pub(super) relay: Relay,
    pub(super) log: Log,
    pub(super) syncing: Option<(Syncing, Duration)>,
    asked: Option<Asked>,
    pub(super) watch: Arc<Watch>,
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

    /// Logs that the log was caught, unless that was done lately.
    pub(super) fn say_forked(&self, fault: &Fault) {
        let Fault::Forked { saved, .. } = fault else { return };
        self.watch.is_fork_unsaved.store(saved.is_none(), Ordering::Relaxed);
        self.say_fork(saved.as_deref());
    }

    /// The same where evidence is in the data folder.
    pub(super) fn say_evidence(&self) {
        if let Some(saved) = self.log.forks().ok().and_then(|forks| forks.into_iter().next()) {
            self.say_fork(Some(&saved));
        }
    }

    fn say_fork(&self, saved: Option<&Path>) {
        if self.watch.fork.is_due(Instant::now()) {
            let evidence = saved.map_or_else(String::new, |path| path.display().to_string());
            let database = self.relay.name();
            tracing::error!(
                database,
                evidence,
                "SECURITY: the log signed two histories; a person must look at the evidence"
            );
        }
    }

    /// What was asked of upstreams in all, by kind, and what came of it.
    pub(super) fn upstream(&self) -> (Counted, Counted) {
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

//! The status of the databases, read from the disk at most once a second, however many requests need it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::database::ServedDatabase;
use crate::relay::RelayStatus;

/// How old a cached status may be.
const MAX_AGE: Duration = Duration::from_secs(1);

/// The status that was last read, and when.
#[derive(Debug, Default)]
pub(crate) struct StatusCache(
    /// guards the status; locked while it is read again, so that concurrent requests read it once
    Mutex<Option<(Instant, Arc<Vec<DatabaseStatus>>)>>,
);

/// The status of one database.
#[derive(Debug)]
pub(crate) struct DatabaseStatus {
    pub(crate) relay: RelayStatus,
    /// bytes that the full log takes on disk
    pub(crate) disk_bytes: u64,
}

impl StatusCache {
    /// The status of all databases, in order.
    pub(crate) async fn get(&self, served: &[ServedDatabase]) -> Arc<Vec<DatabaseStatus>> {
        let mut last = self.0.lock().await;
        if let Some((when, statuses)) = &*last
            && when.elapsed() < MAX_AGE
        {
            return Arc::clone(statuses);
        }
        let all = served.to_vec();
        let read = move || all.iter().map(DatabaseStatus::read).collect::<Vec<_>>();
        let statuses = Arc::new(tokio::task::spawn_blocking(read).await.unwrap_or_default());
        *last = Some((Instant::now(), Arc::clone(&statuses)));
        statuses
    }
}

impl DatabaseStatus {
    fn read(served: &ServedDatabase) -> DatabaseStatus {
        DatabaseStatus { relay: served.relay.status(), disk_bytes: served.log.disk_bytes().unwrap_or(0) }
    }

    /// Why requests about this database cannot be answered; empty if they can.
    pub(crate) fn not_ready_reasons(&self, name: &str) -> Vec<String> {
        let mut reasons = Vec::new();
        if self.relay.head.is_none() {
            reasons.push(format!("{name}: no proven head yet"));
        }
        if self.relay.forks > 0 {
            reasons
                .push(format!("{name}: the log signed two histories; the evidence is kept, a person must look at it"));
        }
        reasons
    }

    /// What is degraded, although requests about this database are answered.
    pub(crate) fn warnings(&self, name: &str) -> Vec<String> {
        let mut warnings = Vec::new();
        if let Err(fault) = &self.relay.writable {
            warnings.push(format!("{name}: nothing new is stored: {fault}"));
        }
        if let Some(size) = self.relay.unstored {
            warnings.push(format!(
                "{name}: the head of size {size} is only in memory; a restart goes on from an older one"
            ));
        }
        warnings
    }
}

//! The state of the databases, of which the disk is asked at most once a second, however often we are asked.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::served::Served;
use crate::relay::RelayStatus;

/// How old a look at the disk may be.
const FRESH: Duration = Duration::from_secs(1);

/// What was seen last, and when.
#[derive(Debug, Default)]
pub(crate) struct Looked(Mutex<Option<(Instant, Arc<Vec<Seen>>)>>);

/// One database as it was seen.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) status: RelayStatus,
    pub(crate) disk_bytes: u64,
}

impl Looked {
    /// The state of all databases.
    pub(crate) async fn at(&self, served: &[Served]) -> Arc<Vec<Seen>> {
        let mut last = self.0.lock().await;
        if let Some((when, seen)) = &*last
            && when.elapsed() < FRESH
        {
            return Arc::clone(seen);
        }
        let all = served.to_vec();
        let look = move || all.iter().map(Seen::of).collect::<Vec<_>>();
        let seen = Arc::new(tokio::task::spawn_blocking(look).await.unwrap_or_default());
        *last = Some((Instant::now(), Arc::clone(&seen)));
        seen
    }
}

impl Seen {
    fn of(served: &Served) -> Seen {
        Seen { status: served.relay.status(), disk_bytes: served.log.disk_bytes().unwrap_or(0) }
    }

    /// Why this database cannot be answered for.
    pub(crate) fn reasons(&self, name: &str) -> Vec<String> {
        let mut reasons = Vec::new();
        if self.status.head.is_none() {
            reasons.push(format!("{name}: no proven head yet"));
        }
        if self.status.forks > 0 {
            reasons
                .push(format!("{name}: the log signed two histories; the evidence is kept, a person must look at it"));
        }
        reasons
    }

    /// What works less well than it should, although this database is answered for.
    pub(crate) fn notes(&self, name: &str) -> Vec<String> {
        let mut notes = Vec::new();
        if let Err(fault) = &self.status.writable {
            notes.push(format!("{name}: nothing new is stored: {fault}"));
        }
        if let Some(size) = self.status.unstored {
            notes.push(format!(
                "{name}: the head of size {size} is only in memory; a restart goes on from an older one"
            ));
        }
        notes
    }
}

//! Is the process alive, and can it answer? What the disk says is asked at most once a second, however often we are asked.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::Mutex;

use super::answer::{Answer, NEVER, TEXT};
use super::refusal::later;
use super::{App, Served};
use crate::relay::RelayStatus;

/// How old a look at the disk may be.
const FRESH: Duration = Duration::from_secs(1);

/// What was seen last, and when.
#[derive(Debug, Default)]
pub(super) struct Looked(Mutex<Option<(Instant, Arc<Vec<Seen>>)>>);

/// One database as it was seen.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) status: RelayStatus,
    pub(super) disk_bytes: u64,
    /// whether this process caught the log with two histories, and could not store the evidence
    pub(super) is_caught: bool,
}

impl Looked {
    /// The state of all databases.
    pub(super) async fn at(&self, served: &[Served]) -> Arc<Vec<Seen>> {
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
        let (status, is_caught) = (served.relay.status(), served.watch.is_fork_unsaved.load(Ordering::Relaxed));
        Seen { status, disk_bytes: served.log.disk_bytes().unwrap_or(0), is_caught }
    }

    /// Why this database cannot be answered for.
    fn reasons(&self, name: &str) -> Vec<String> {
        let mut reasons = Vec::new();
        let is_forked = self.status.forks > 0 || self.is_caught;
        // Where two histories are held, so are heads.
        if self.status.head.is_none() && !is_forked {
            reasons.push(format!("{name}: no proven head yet"));
        }
        if is_forked {
            reasons
                .push(format!("{name}: the log signed two histories; the evidence is kept, a person must look at it"));
        }
        reasons
    }
}

impl Seen {
    /// What works less well than it should, although this database is answered for.
    fn notes(&self, name: &str) -> Vec<String> {
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

/// `/healthz`.
pub(super) fn alive() -> Answer {
    Answer::new(TEXT, NEVER, Bytes::from_static(b"alive\n"))
}

/// `/readyz`. A server that cannot store anything is ready as long as it can prove.
pub(super) async fn ready(app: &App) -> Answer {
    let reasons = not_ready(app).await;
    if reasons.is_empty() {
        let seen = app.looked.at(&app.served).await;
        let notes = app.served.iter().zip(seen.iter()).flat_map(|(served, seen)| seen.notes(served.relay.name()));
        let text: String = std::iter::once("ready\n".to_owned()).chain(notes.map(|note| line(&note))).collect();
        return Answer::new(TEXT, NEVER, Bytes::from(text));
    }
    let text: String = reasons.iter().map(|reason| line(reason)).collect();
    Answer { payload: super::answer::Payload::Bytes(text.into()), ..later("") }
}

fn line(words: &str) -> String {
    format!("{}\n", crate::report::printable(words))
}

/// Why the server cannot answer; empty where it can.
pub(super) async fn not_ready(app: &App) -> Vec<String> {
    if app.is_stopping() {
        return vec!["stopping".to_owned()];
    }
    let seen = app.looked.at(&app.served).await;
    app.served.iter().zip(seen.iter()).flat_map(|(served, seen)| seen.reasons(served.relay.name())).collect()
}

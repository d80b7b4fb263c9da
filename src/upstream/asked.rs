//! Which upstream was asked for an answer, and for how long upstreams were waited for: collected where requests are made, for the log
//! line of the request that they were made for. Without somebody who collects it, nothing is noted.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

tokio::task_local! {
    static CURRENT: AskedCell;
}

/// What was asked for one answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// the one that was asked last, without credentials; none: nobody was
    pub upstream: Option<Arc<str>>,
    /// requests, each with all its tries
    pub requests: u32,
    /// how long they took together
    pub time: Duration,
}

/// Collects it. Clones collect into the same.
#[derive(Debug, Clone, Default)]
pub struct AskedCell(Arc<Mutex<Asked>>);

impl AskedCell {
    /// Runs `work`, whose requests are noted here.
    pub fn scope<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        CURRENT.scope(self.clone(), work)
    }

    /// What was noted so far.
    pub fn get(&self) -> Asked {
        self.0.lock().clone()
    }
}

impl Asked {
    /// Notes all of this for the work that runs now: it waited for it.
    pub fn share(&self) {
        if self.upstream.is_none() {
            return;
        }
        let _ = CURRENT.try_with(|cell| {
            let mut all = cell.0.lock();
            all.upstream.clone_from(&self.upstream);
            all.requests = all.requests.saturating_add(self.requests);
            all.time = all.time.saturating_add(self.time);
        }); // nobody collects it: fine
    }
}

/// Notes a request to `name` that took so long.
pub(super) fn note(name: &str, time: Duration) {
    let _ = CURRENT.try_with(|cell| {
        let mut asked = cell.0.lock();
        if asked.upstream.as_deref() != Some(name) {
            asked.upstream = Some(Arc::from(name));
        }
        asked.requests = asked.requests.saturating_add(1);
        asked.time = asked.time.saturating_add(time);
    }); // nobody collects it: fine
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn requests_are_noted_where_they_are_collected() {
        note("nobody", Duration::from_secs(1));
        let (outer, inner) = (AskedCell::default(), AskedCell::default());
        outer
            .scope(async {
                note("a", Duration::from_secs(1));
                inner.scope(async { note("b", Duration::from_secs(2)) }).await;
                assert_eq!(outer.get().upstream.as_deref(), Some("a"));
                inner.get().share();
                Asked::default().share();
            })
            .await;
        let asked = outer.get();
        assert_eq!((asked.upstream.as_deref(), asked.requests, asked.time.as_secs()), (Some("b"), 2, 3));
    }
}

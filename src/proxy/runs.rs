//! One piece of work, done once: whoever wants what is being made already waits for that. The work goes on where all who wait
//! have gone away, so that a download is not begun again by the next client.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// What waits for the end of a piece of work.
type Waiting<V> = watch::Receiver<Option<V>>;

/// The work that is being done. Cheap to clone.
pub(super) struct Runs<K, V> {
    running: Arc<Mutex<HashMap<K, Waiting<V>>>>,
}

impl<K, V> Default for Runs<K, V> {
    fn default() -> Runs<K, V> {
        Runs { running: Arc::default() }
    }
}

impl<K, V> Clone for Runs<K, V> {
    fn clone(&self) -> Runs<K, V> {
        Runs { running: Arc::clone(&self.running) }
    }
}

/// Takes the work off the list at its end, however it ends.
struct Entry<K: Eq + Hash, V> {
    runs: Runs<K, V>,
    key: K,
}

impl<K: Eq + Hash, V> Drop for Entry<K, V> {
    fn drop(&mut self) {
        self.runs.lock().remove(&self.key);
    }
}

impl<K, V> Runs<K, V> {
    fn lock(&self) -> MutexGuard<'_, HashMap<K, Waiting<V>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash + Clone + Send + 'static, V: Clone + Send + Sync + 'static> Runs<K, V> {
    /// What `work` gives, or what the work for the same key gives that runs already; none where that died.
    pub(super) async fn join<F>(&self, key: &K, work: impl FnOnce() -> F) -> Option<V>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let mut waiting = self.begin(key, work);
        let done = waiting.wait_for(Option::is_some).await.ok()?;
        done.clone()
    }

    fn begin<F>(&self, key: &K, work: impl FnOnce() -> F) -> Waiting<V>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let mut running = self.lock();
        if let Some(waiting) = running.get(key) {
            return waiting.clone();
        }
        let (done, waiting) = watch::channel(None);
        running.insert(key.clone(), waiting.clone());
        let (entry, work) = (Entry { runs: self.clone(), key: key.clone() }, work());
        tokio::spawn(async move {
            let value = work.await;
            // Off the list first: who comes now begins anew, and finds what was made.
            drop(entry);
            let _ = done.send(Some(value)); // nobody waits any more: fine
        });
        waiting
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures_util::future::join_all;
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn a_hundred_wait_for_one() {
        let runs = Runs::default();
        let begun = Arc::new(AtomicU32::new(0));
        let work = || {
            let begun = Arc::clone(&begun);
            async move {
                tokio::task::yield_now().await;
                begun.fetch_add(1, Ordering::Relaxed)
            }
        };
        assert_eq!(join_all((0..100).map(|_| runs.join(&"a", work))).await, [Some(0); 100]);
        assert_eq!(runs.join(&"a", work).await, Some(1), "whoever comes later begins anew");
        assert!(runs.lock().is_empty());
    }

    #[tokio::test]
    async fn work_outlives_who_asked_for_it() {
        let runs = Runs::<u32, u32>::default();
        let (go, gone) = oneshot::channel::<u32>();
        let first = tokio::spawn({
            let runs = runs.clone();
            async move { runs.join(&1, || async { gone.await.unwrap() }).await }
        });
        while runs.lock().is_empty() {
            tokio::task::yield_now().await;
        }
        first.abort();
        assert!(first.await.is_err());
        let second = tokio::spawn({
            let runs = runs.clone();
            async move { runs.join(&1, || async { 0 }).await }
        });
        go.send(7).unwrap();
        assert_eq!(second.await.unwrap(), Some(7), "the work that ran, not a second one");
    }

    #[tokio::test]
    async fn work_that_dies_is_off_the_list() {
        let runs = Runs::<u32, u32>::default();
        assert_eq!(runs.join(&1, || async { panic!("as a test") }).await, None);
        assert_eq!(runs.join(&1, || async { 2 }).await, Some(2));
    }
}

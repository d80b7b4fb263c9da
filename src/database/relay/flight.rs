//! One question, asked once: whoever asks what somebody else is asking already waits for that answer.
//!
//! The asker may go away (its client hung up); then one of those who wait asks in its place.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;

/// The questions that are being asked. As many as there are callers at most.
pub(super) struct Flights<K, V> {
    asked: Mutex<HashMap<K, Arc<OnceCell<V>>>>,
}

impl<K, V> Default for Flights<K, V> {
    fn default() -> Flights<K, V> {
        Flights { asked: Mutex::default() }
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Flights<K, V> {
    /// What `ask` gives, or what another caller's `ask` for the same key gives that began before.
    pub(super) async fn join(&self, key: &K, ask: impl Future<Output = V>) -> V {
        let seat = Seat { flights: self, key, cell: Arc::clone(self.lock().entry(key.clone()).or_default()) };
        seat.cell.get_or_init(|| ask).await.clone()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Arc<OnceCell<V>>>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who waits.
struct Seat<'a, K: Eq + Hash + Clone, V: Clone> {
    flights: &'a Flights<K, V>,
    key: &'a K,
    cell: Arc<OnceCell<V>>,
}

impl<K: Eq + Hash + Clone, V: Clone> Drop for Seat<'_, K, V> {
    /// An answer is for those who waited for it; whoever comes later asks anew. A question without anybody is forgotten.
    fn drop(&mut self) {
        let mut asked = self.flights.lock();
        let is_this = asked.get(self.key).is_some_and(|cell| Arc::ptr_eq(cell, &self.cell));
        // Two: the map's and this one's.
        if is_this && (self.cell.initialized() || Arc::strong_count(&self.cell) <= 2) {
            asked.remove(self.key);
        }
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
    async fn a_hundred_askers_ask_once_and_the_next_one_again() {
        let flights = Flights::default();
        let asked = AtomicU32::new(0);
        let ask = || async {
            tokio::task::yield_now().await;
            asked.fetch_add(1, Ordering::Relaxed)
        };
        assert_eq!(join_all((0..100).map(|_| flights.join(&"a", ask()))).await, [0; 100]);
        assert_eq!(join_all([flights.join(&"a", ask()), flights.join(&"b", ask())]).await, [1, 2]);
        assert!(flights.lock().is_empty());
    }

    #[tokio::test]
    async fn an_asker_that_goes_away_is_replaced() {
        let flights = Arc::new(Flights::default());
        let (here, gone) = oneshot::channel::<()>();
        let first = tokio::spawn({
            let flights = Arc::clone(&flights);
            async move {
                let ask = async {
                    here.send(()).unwrap();
                    std::future::pending::<u32>().await
                };
                flights.join(&1, ask).await
            }
        });
        gone.await.unwrap();
        let mut second = std::pin::pin!(flights.join(&1, async { 7 }));
        assert!(futures_util::poll!(&mut second).is_pending());
        first.abort();
        assert_eq!(second.await, 7);
        assert!(flights.lock().is_empty());
    }
}

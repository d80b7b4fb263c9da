//! One question, asked once: whoever asks what somebody else is asking already waits for that answer.
//!
//! The asker may go away (its client hung up); then one of those who wait asks in its place. The one that asks does so for all: the
//! question waits for its turn in the line of each client.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;

use crate::upstream::{Asker, Clients};

/// The questions that are being asked. As many as there are callers at most.
pub(super) struct Flights<K, V> {
    asked: Mutex<HashMap<K, Arc<Flight<V>>>>,
}

/// One question.
struct Flight<V> {
    answer: OnceCell<V>,
    clients: Clients,
}

impl<V> Default for Flight<V> {
    fn default() -> Flight<V> {
        Flight { answer: OnceCell::new(), clients: Clients::default() }
    }
}

impl<K, V> Default for Flights<K, V> {
    fn default() -> Flights<K, V> {
        Flights { asked: Mutex::default() }
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Flights<K, V> {
    /// What `ask` gives, or what another caller's `ask` for the same key gives that began before.
    pub(super) async fn join(&self, key: &K, ask: impl Future<Output = V>) -> V {
        let asker = Asker::current();
        let flight = Arc::clone(self.lock().entry(key.clone()).or_default());
        let numbers = asker.clients().into_iter().map(|peer| flight.clients.join(peer)).collect();
        let seat = Seat { flights: self, key, flight, numbers };
        let shared = seat.flight.clients.asker();
        let shared = if asker.is_admitted() { shared.admitted() } else { shared };
        seat.flight.answer.get_or_init(|| shared.scope(ask)).await.clone()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Arc<Flight<V>>>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who waits.
struct Seat<'a, K: Eq + Hash + Clone, V: Clone> {
    flights: &'a Flights<K, V>,
    key: &'a K,
    flight: Arc<Flight<V>>,
    /// its clients' among all
    numbers: Vec<u64>,
}

impl<K: Eq + Hash + Clone, V: Clone> Drop for Seat<'_, K, V> {
    /// An answer is for those who waited for it; whoever comes later asks anew. A question without anybody is forgotten.
    fn drop(&mut self) {
        self.numbers.iter().for_each(|number| self.flight.clients.leave(*number));
        let mut asked = self.flights.lock();
        let is_this = asked.get(self.key).is_some_and(|flight| Arc::ptr_eq(flight, &self.flight));
        // Two: the map's and this one's.
        if is_this && (self.flight.answer.initialized() || Arc::strong_count(&self.flight) <= 2) {
            asked.remove(self.key);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures_util::future::join_all;
    use tokio::sync::oneshot;

    use super::*;
    use crate::upstream::Peer;

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

    #[tokio::test]
    async fn a_question_is_asked_for_all_who_wait() {
        let flights = Flights::default();
        let peer = |number| Peer::of(Ipv4Addr::new(192, 0, 2, number).into());
        let (tell, told) = oneshot::channel();
        let ask = async {
            tell.send(Asker::current()).unwrap();
            std::future::pending::<u32>().await
        };
        let mut first = Box::pin(Asker::peer(peer(1)).scope(flights.join(&1, ask)));
        assert!(futures_util::poll!(&mut first).is_pending());
        let asker = told.await.unwrap();
        let mut second = Box::pin(Asker::peer(peer(2)).scope(flights.join(&1, async { 7 })));
        assert!(futures_util::poll!(&mut second).is_pending());
        assert_eq!(asker.clients(), [Some(peer(1)), Some(peer(2))]);
        drop(second);
        assert_eq!(asker.clients(), [Some(peer(1))]);
        drop(first);
        assert!(flights.lock().is_empty());
    }
}

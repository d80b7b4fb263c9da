//! Concurrent requests for the same key become one request: a later caller waits for the answer to the first.
//!
//! The first caller may go away (its client hung up); then one of the waiting callers takes over. It asks for all of them: the
//! request waits for its turn in the queue of each client.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::OnceCell;

use crate::upstream::{Asker, Clients};

/// The requests in flight: at most as many as there are callers.
pub(super) struct SingleFlight<K, V> {
    /// by key; locked for one look, insertion or removal
    in_flight: Mutex<HashMap<K, Arc<Question<V>>>>,
}

/// One request.
struct Question<V> {
    answer: OnceCell<V>,
    clients: Clients,
}

impl<V> Default for Question<V> {
    fn default() -> Question<V> {
        Question { answer: OnceCell::new(), clients: Clients::default() }
    }
}

impl<K, V> Default for SingleFlight<K, V> {
    fn default() -> SingleFlight<K, V> {
        SingleFlight { in_flight: Mutex::default() }
    }
}

impl<K: Eq + Hash + Clone, V: Clone> SingleFlight<K, V> {
    /// What `ask` gives, or what another caller's `ask` for the same key gives that began before.
    pub(super) async fn join(&self, key: &K, ask: impl Future<Output = V>) -> V {
        let asker = Asker::current();
        let question = Arc::clone(self.lock().entry(key.clone()).or_default());
        let numbers = asker.clients().into_iter().map(|peer| question.clients.join(peer)).collect();
        let waiter = Waiter { questions: self, key, question, numbers };
        let shared = waiter.question.clients.asker();
        let shared = if asker.is_admitted() { shared.admitted() } else { shared };
        waiter.question.answer.get_or_init(|| shared.scope(ask)).await.clone()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Arc<Question<V>>>> {
        self.in_flight.lock()
    }
}

/// A waiting caller.
struct Waiter<'a, K: Eq + Hash + Clone, V: Clone> {
    questions: &'a SingleFlight<K, V>,
    key: &'a K,
    question: Arc<Question<V>>,
    /// its clients' among all
    numbers: Vec<u64>,
}

impl<K: Eq + Hash + Clone, V: Clone> Drop for Waiter<'_, K, V> {
    /// An answer is for the callers that waited for it; a later caller asks again. A request without callers is forgotten.
    fn drop(&mut self) {
        self.numbers.iter().for_each(|number| self.question.clients.leave(*number));
        let mut in_flight = self.questions.lock();
        let is_this = in_flight.get(self.key).is_some_and(|question| Arc::ptr_eq(question, &self.question));
        // Two: the map's and this one's.
        if is_this && (self.question.answer.initialized() || Arc::strong_count(&self.question) <= 2) {
            in_flight.remove(self.key);
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
        let questions = SingleFlight::default();
        let in_flight = AtomicU32::new(0);
        let ask = || async {
            tokio::task::yield_now().await;
            in_flight.fetch_add(1, Ordering::Relaxed)
        };
        assert_eq!(join_all((0..100).map(|_| questions.join(&"a", ask()))).await, [0; 100]);
        assert_eq!(join_all([questions.join(&"a", ask()), questions.join(&"b", ask())]).await, [1, 2]);
        assert!(questions.lock().is_empty());
    }

    #[tokio::test]
    async fn an_asker_that_goes_away_is_replaced() {
        let questions = Arc::new(SingleFlight::default());
        let (here, gone) = oneshot::channel::<()>();
        let first = tokio::spawn({
            let questions = Arc::clone(&questions);
            async move {
                let ask = async {
                    here.send(()).unwrap();
                    std::future::pending::<u32>().await
                };
                questions.join(&1, ask).await
            }
        });
        gone.await.unwrap();
        let mut second = std::pin::pin!(questions.join(&1, async { 7 }));
        assert!(futures_util::poll!(&mut second).is_pending());
        first.abort();
        assert_eq!(second.await, 7);
        assert!(questions.lock().is_empty());
    }

    #[tokio::test]
    async fn a_question_is_asked_for_all_who_wait() {
        let questions = SingleFlight::default();
        let peer = |number| Peer::of(Ipv4Addr::new(192, 0, 2, number).into());
        let (tell, told) = oneshot::channel();
        let ask = async {
            tell.send(Asker::current()).unwrap();
            std::future::pending::<u32>().await
        };
        let mut first = Box::pin(Asker::peer(peer(1)).scope(questions.join(&1, ask)));
        assert!(futures_util::poll!(&mut first).is_pending());
        let asker = told.await.unwrap();
        let mut second = Box::pin(Asker::peer(peer(2)).scope(questions.join(&1, async { 7 })));
        assert!(futures_util::poll!(&mut second).is_pending());
        assert_eq!(asker.clients(), [Some(peer(1)), Some(peer(2))]);
        drop(second);
        assert_eq!(asker.clients(), [Some(peer(1))]);
        drop(first);
        assert!(questions.lock().is_empty());
    }
}

//! How many requests to one base run at once: as many as its settings allow, and fewer where it answers that it is overloaded
//! (429, 503). Such an answer halves the number; then it grows by one after as many answers as there are requests at once, like
//! TCP's window. Answers to requests that were sent before the last cut do not cut again. Requests for a server's clients wait
//! in a bounded queue, in which no client can starve another.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::upstream::queue::asker::Asker;
use crate::upstream::queue::{Bounds, Busy, FairQueue, Load, Slot};

/// Requests of clients that wait for one base, and of one client.
const MAX_WAITING: usize = 4096;
const MAX_WAITING_PER_PEER: usize = 1024;
/// How long a client's request waits for its turn.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Gives permits for requests, as many as the base seems to bear.
#[derive(Debug)]
pub(super) struct Limit {
    queue: FairQueue,
    /// the most requests at once
    most: usize,
    /// guards how many requests are allowed, and what the next change of that depends on
    state: Mutex<LimitState>,
}

#[derive(Debug)]
struct LimitState {
    /// requests at once
    allowed: usize,
    /// answers since the number last changed
    answers: usize,
    /// cuts so far
    cuts: u64,
}

/// The right to make one request.
#[derive(Debug)]
pub(in crate::upstream) struct Permit<'a> {
    limit: &'a Limit,
    /// cuts before it was granted
    cuts: u64,
    _slot: Slot,
}

impl Limit {
    /// At first `first` requests at once, never more than `most`.
    pub(in crate::upstream) fn new(first: usize, most: usize) -> Limit {
        let most = most.max(1);
        let first = first.clamp(1, most);
        let queue = FairQueue::new(Bounds {
            running: first,
            waiting: MAX_WAITING,
            waiting_per_peer: MAX_WAITING_PER_PEER,
            longest_wait: LONGEST_WAIT,
        });
        Limit { queue, most, state: Mutex::new(LimitState { allowed: first, answers: 0, cuts: 0 }) }
    }

    /// Waits for a permit, in the line of the client that the running task works for.
    ///
    /// # Errors
    /// Too many are waiting already.
    pub(in crate::upstream) async fn permit(&self) -> Result<Permit<'_>, Busy> {
        let slot = self.queue.enter(&Asker::current()).await?;
        Ok(Permit { limit: self, cuts: self.state().cuts, _slot: slot })
    }

    /// How many requests run and wait.
    pub(in crate::upstream) fn load(&self) -> Load {
        self.queue.load()
    }

    /// How many requests may run at once now.
    pub(in crate::upstream) fn allowed(&self) -> usize {
        self.state().allowed
    }

    /// Whether the base answered that it is overloaded, and the number has not grown back since.
    pub(in crate::upstream) fn is_held_back(&self) -> bool {
        let state = self.state();
        state.cuts > 0 && state.allowed < self.most
    }

    /// Allows the most requests at once, unless there was a cut.
    pub(in crate::upstream) fn open(&self) {
        let mut state = self.state();
        if state.cuts == 0 {
            self.allow(&mut state, self.most);
        }
    }

    fn state(&self) -> MutexGuard<'_, LimitState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn allow(&self, state: &mut LimitState, allowed: usize) {
        state.allowed = allowed;
        self.queue.set_slots(allowed);
    }

    fn grow(&self) {
        let mut state = self.state();
        state.answers += 1;
        if state.cuts == 0 || state.allowed >= self.most || state.answers < state.allowed {
            return;
        }
        state.answers = 0;
        let allowed = state.allowed + 1;
        self.allow(&mut state, allowed);
    }

    fn cut(&self, cuts: u64) {
        let mut state = self.state();
        if state.cuts != cuts {
            return;
        }
        (state.answers, state.cuts) = (0, cuts + 1);
        let allowed = (state.allowed / 2).max(1);
        self.allow(&mut state, allowed);
    }
}

impl Permit<'_> {
    /// The base answered the request.
    pub(super) fn answered(self) {
        self.limit.grow();
    }

    /// The base answered that it is overloaded.
    pub(super) fn overloaded(self) {
        self.limit.cut(self.cuts);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn take(limit: &Limit, count: usize) -> Vec<Permit<'_>> {
        (0..count).map(|_| limit.permit().now_or_never().unwrap().unwrap()).collect()
    }

    fn is_full(limit: &Limit) -> bool {
        limit.permit().now_or_never().is_none()
    }

    #[test]
    fn too_many_are_halved_once_for_all_that_were_under_way() {
        let limit = Limit::new(16, 16);
        let under_way = take(&limit, 16);
        assert!(is_full(&limit));
        under_way.into_iter().for_each(Permit::overloaded);
        assert!(limit.allowed() == 8 && limit.is_held_back());
        let under_way = take(&limit, 8);
        assert!(is_full(&limit));
        under_way.into_iter().for_each(Permit::overloaded);
        assert_eq!(limit.state().allowed, 4);
        for _ in 0..9 {
            take(&limit, 1).into_iter().for_each(Permit::overloaded);
        }
        assert_eq!(limit.state().allowed, 1, "one is always allowed");
        assert_eq!(take(&limit, 1).len(), 1);
    }

    #[test]
    fn it_grows_back_slowly_and_never_beyond_the_most() {
        let limit = Limit::new(8, 8);
        take(&limit, 1).into_iter().for_each(Permit::overloaded);
        let mut answers = 0;
        while limit.state().allowed < 8 {
            take(&limit, 1).into_iter().for_each(Permit::answered);
            answers += 1;
        }
        assert_eq!(answers, 4 + 5 + 6 + 7);
        assert!(!limit.is_held_back());
        (0..100).for_each(|_| take(&limit, 1).into_iter().for_each(Permit::answered));
        let all = take(&limit, 8);
        assert!(is_full(&limit));
        drop(all);
        assert_eq!(take(&limit, 8).len(), 8);
    }

    #[test]
    fn permits_in_use_while_it_is_cut_are_not_given_back() {
        let limit = Limit::new(4, 4);
        let mut under_way = take(&limit, 4);
        under_way.pop().unwrap().overloaded();
        assert!(is_full(&limit), "three are under way, two allowed");
        drop(under_way.pop());
        assert!(is_full(&limit));
        drop(under_way.pop());
        assert_eq!(take(&limit, 1).len(), 1);
    }

    #[test]
    fn the_first_goes_alone_and_then_all_may() {
        let limit = Limit::new(1, 5);
        let first = take(&limit, 1);
        assert!(is_full(&limit));
        limit.open();
        first.into_iter().for_each(Permit::answered);
        assert_eq!(take(&limit, 5).len(), 5);
    }
}

//! How many requests one base is asked at once: no more than its settings say, and fewer where it says that it is too much
//! (429, 503). Then the number is halved, and grows by one for every so many answers as there are requests at once, as
//! TCP does. What a base says to requests that were sent before the last cut is about that cut and cuts no further.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};

/// Permits to ask, as many as seem welcome.
#[derive(Debug)]
pub(super) struct Limit {
    permits: Semaphore,
    /// no more than this in any case
    most: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// permits that there are, those in use among them
    allowed: usize,
    /// permits in use that are not given back, since fewer are allowed by now
    excess: usize,
    /// answers since the number last changed
    answers: usize,
    /// cuts so far
    cuts: u64,
}

/// Leave for one request.
#[derive(Debug)]
pub(super) struct Leave<'a> {
    limit: &'a Limit,
    permit: Option<SemaphorePermit<'a>>,
    /// cuts before it was given
    cuts: u64,
}

impl Limit {
    /// `first` requests at once to begin with, `most` at any time.
    pub(super) fn new(first: usize, most: usize) -> Limit {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        let first = first.clamp(1, most);
        let state = State { allowed: first, excess: 0, answers: 0, cuts: 0 };
        Limit { permits: Semaphore::new(first), most, state: Mutex::new(state) }
    }

    /// Waits for leave to ask.
    pub(super) async fn leave(&self) -> Leave<'_> {
        // The semaphore is never closed.
        let permit = self.permits.acquire().await.ok();
        Leave { limit: self, permit, cuts: self.state().cuts }
    }

    /// Allows all that there may be, unless a cut says otherwise.
    pub(super) fn open(&self) {
        let mut state = self.state();
        if state.cuts == 0 {
            self.permits.add_permits(self.most - state.allowed);
            state.allowed = self.most;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn grow(&self) {
        let mut state = self.state();
        state.answers += 1;
        if state.cuts == 0 || state.allowed >= self.most || state.answers < state.allowed {
            return;
        }
        (state.allowed, state.answers) = (state.allowed + 1, 0);
        match state.excess.checked_sub(1) {
            Some(fewer) => state.excess = fewer,
            None => self.permits.add_permits(1),
        }
    }

    fn cut(&self, cuts: u64) {
        let mut state = self.state();
        if state.cuts != cuts {
            return;
        }
        let allowed = (state.allowed / 2).max(1);
        let fewer = state.allowed - allowed;
        state.excess += fewer - self.permits.forget_permits(fewer);
        (state.allowed, state.answers, state.cuts) = (allowed, 0, cuts + 1);
    }
}

impl Leave<'_> {
    /// The base answered the request.
    pub(super) fn welcome(self) {
        self.limit.grow();
    }

    /// The base says that it is asked too much.
    pub(super) fn unwelcome(self) {
        self.limit.cut(self.cuts);
    }
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        let mut state = self.limit.state();
        if let Some(fewer) = state.excess.checked_sub(1) {
            state.excess = fewer;
            if let Some(permit) = self.permit.take() {
                permit.forget();
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn take(limit: &Limit, count: usize) -> Vec<Leave<'_>> {
        (0..count).map(|_| limit.leave().now_or_never().unwrap()).collect()
    }

    fn is_full(limit: &Limit) -> bool {
        limit.leave().now_or_never().is_none()
    }

    #[test]
    fn too_many_are_halved_once_for_all_that_were_under_way() {
        let limit = Limit::new(16, 16);
        let under_way = take(&limit, 16);
        assert!(is_full(&limit));
        under_way.into_iter().for_each(Leave::unwelcome);
        assert_eq!(limit.state().allowed, 8);
        let under_way = take(&limit, 8);
        assert!(is_full(&limit));
        under_way.into_iter().for_each(Leave::unwelcome);
        assert_eq!(limit.state().allowed, 4);
        for _ in 0..9 {
            take(&limit, 1).into_iter().for_each(Leave::unwelcome);
        }
        assert_eq!(limit.state().allowed, 1, "one is always allowed");
        assert_eq!(take(&limit, 1).len(), 1);
    }

    #[test]
    fn it_grows_back_slowly_and_never_beyond_the_most() {
        let limit = Limit::new(8, 8);
        take(&limit, 1).into_iter().for_each(Leave::unwelcome);
        let mut answers = 0;
        while limit.state().allowed < 8 {
            take(&limit, 1).into_iter().for_each(Leave::welcome);
            answers += 1;
        }
        assert_eq!(answers, 4 + 5 + 6 + 7);
        (0..100).for_each(|_| take(&limit, 1).into_iter().for_each(Leave::welcome));
        let all = take(&limit, 8);
        assert!(is_full(&limit));
        drop(all);
        assert_eq!(take(&limit, 8).len(), 8);
    }

    #[test]
    fn permits_in_use_while_it_is_cut_are_not_given_back() {
        let limit = Limit::new(4, 4);
        let mut under_way = take(&limit, 4);
        under_way.pop().unwrap().unwelcome();
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
        first.into_iter().for_each(Leave::welcome);
        assert_eq!(take(&limit, 5).len(), 5);
    }
}

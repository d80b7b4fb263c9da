//! Which requests take far longer than their fellows, so that it pays to ask again: more than three times the median of the latest
//! answers, and half a second at least.

use std::time::Duration;

use futures_util::future::{self, Either};
use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

/// No request is late before this time: another one could not be there much sooner.
const LEAST: Duration = Duration::from_millis(500);
/// Times the median.
const FACTOR: u32 = 3;
/// Answers of which the median is taken.
const RECENT: usize = 64;
/// With fewer answers than these, nothing is known about the usual time.
const ENOUGH: usize = 8;

/// How long the latest answers took.
#[derive(Debug, Default)]
pub(super) struct AnswerTimes {
    /// guards the latest times, the oldest of which is replaced next
    latest: Mutex<LatestTimes>,
}

#[derive(Debug, Default)]
struct LatestTimes {
    times: Vec<Duration>,
    oldest: usize,
    /// what the times say: after which time a request is late
    patience: Option<Duration>,
}

impl AnswerTimes {
    /// An answer took so long.
    pub(super) fn note(&self, took: Duration) {
        let mut latest = self.latest();
        let oldest = latest.oldest;
        match latest.times.get_mut(oldest) {
            Some(time) => *time = took,
            None => latest.times.push(took),
        }
        latest.oldest = (oldest + 1) % RECENT;
        if latest.oldest.is_multiple_of(ENOUGH) {
            latest.patience = patience(latest.times.clone());
        }
    }

    /// Waits until a request is late that was made at the time `asked`.
    pub(super) async fn late(&self, asked: Instant) {
        loop {
            let patience = self.latest().patience;
            if patience.is_some_and(|patience| asked.elapsed() >= patience) {
                return;
            }
            // Meanwhile other answers may show that all take longer now, or less.
            let again = Instant::now() + LEAST;
            tokio::time::sleep_until(patience.map_or(again, |patience| again.min(asked + patience))).await;
        }
    }

    fn latest(&self) -> MutexGuard<'_, LatestTimes> {
        self.latest.lock()
    }
}

/// What `work` gives, unless it is late: then it is dropped.
pub(super) async fn unless_late<T>(times: &AnswerTimes, work: impl Future<Output = T>) -> Option<T> {
    let began = Instant::now();
    tokio::select! {
        biased;
        done = work => Some(done),
        () = times.late(began) => None,
    }
}

/// What comes first of two requests for the same and is right; the fault of the first one where neither is.
pub(super) async fn first_right<T, E>(
    first: impl Future<Output = Result<T, E>> + Unpin,
    second: impl Future<Output = Result<T, E>> + Unpin,
) -> Result<T, E> {
    match future::select(first, second).await {
        Either::Left((Ok(right), _)) | Either::Right((Ok(right), _)) => Ok(right),
        Either::Left((Err(why), second)) => second.await.map_err(|_| why),
        Either::Right((Err(_), first)) => first.await,
    }
}

/// After which time a request is late, if the answers took these times.
fn patience(mut times: Vec<Duration>) -> Option<Duration> {
    if times.len() < ENOUGH {
        return None;
    }
    let middle = times.len() / 2;
    let (_, median, _) = times.select_nth_unstable(middle);
    Some((*median * FACTOR).max(LEAST))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    fn noted(times: impl IntoIterator<Item = u32>) -> AnswerTimes {
        let all = AnswerTimes::default();
        times.into_iter().for_each(|time| all.note(MILLISECOND * time));
        all
    }

    fn patience_of(times: impl IntoIterator<Item = u32>) -> Option<Duration> {
        noted(times).latest().patience
    }

    #[test]
    fn patience_is_three_times_the_median_and_half_a_second_at_least() {
        assert_eq!(patience_of([50; 7]), None, "too few to know");
        assert_eq!(patience_of([50; 8]), Some(LEAST));
        assert_eq!(patience_of([200; 64]), Some(MILLISECOND * 600));
        // A few that are late say nothing about the others.
        assert_eq!(patience_of((0..64).map(|n| if n % 4 == 0 { 40_000 } else { 50 })), Some(LEAST));
        // Only the latest count.
        assert_eq!(patience_of([50; 64].into_iter().chain([1000; 64])), Some(MILLISECOND * 3000));
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_right_answer_counts() {
        let answer = |milliseconds: u32, answer: Result<u8, u8>| {
            Box::pin(async move {
                tokio::time::sleep(MILLISECOND * milliseconds).await;
                answer
            })
        };
        for (first, second, counts) in
            [(Ok(1), Ok(2), Ok(1)), (Err(1), Ok(2), Ok(2)), (Ok(1), Err(2), Ok(1)), (Err(1), Err(2), Err(1))]
        {
            assert_eq!(first_right(answer(1, first), answer(2, second)).await, counts);
            let sooner = second.or(counts);
            assert_eq!(first_right(answer(2, first), answer(1, second)).await, sooner);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn work_is_dropped_when_it_is_late() {
        for (takes, done, end) in [(400, Some(1), 400), (9000, None, 500)] {
            let (times, began) = (noted([50; 64]), Instant::now());
            let work = async {
                tokio::time::sleep(MILLISECOND * takes).await;
                1
            };
            assert_eq!((unless_late(&times, work).await, began.elapsed()), (done, MILLISECOND * end));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_is_late_when_the_others_say_so() {
        let (times, asked) = (noted([250; 64]), Instant::now());
        times.late(asked).await;
        assert_eq!(asked.elapsed(), MILLISECOND * 750);

        let (times, asked) = (noted([]), Instant::now());
        let all_answered = async {
            tokio::time::sleep(MILLISECOND * 1700).await;
            (0..8).for_each(|_| times.note(MILLISECOND * 900));
        };
        tokio::join!(times.late(asked), all_answered);
        assert_eq!(asked.elapsed(), MILLISECOND * 2700);
    }
}

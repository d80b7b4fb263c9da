//! How long requests to one upstream took, as counts in fixed buckets.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::sumdb::number::micros;

/// The upper bounds of the buckets, in milliseconds. Longer requests are in one more.
const BOUNDS: [u64; 10] = [5, 10, 25, 50, 100, 250, 500, 1_000, 5_000, 30_000];

/// Counts of requests by how long they took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Latency {
    /// requests in each bucket alone; the last has no upper bound
    counts: [u64; BOUNDS.len() + 1],
    /// of all requests together
    micros: u64,
}

impl Latency {
    /// The upper bound of each bucket in seconds, the last one infinite, and the requests in it alone.
    pub fn buckets(&self) -> impl Iterator<Item = (f64, u64)> {
        let bounds = BOUNDS.iter().map(|millis| Duration::from_millis(*millis).as_secs_f64());
        bounds.chain([f64::INFINITY]).zip(self.counts)
    }

    /// All requests.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Seconds of all requests together.
    pub fn sum(&self) -> f64 {
        Duration::from_micros(self.micros).as_secs_f64()
    }

    /// Seconds of a request on average; none without any.
    pub fn mean(&self) -> Option<f64> {
        let micros = self.micros.checked_div(self.count())?;
        Some(Duration::from_micros(micros).as_secs_f64())
    }

    /// Adds the requests of another one.
    pub fn add(&mut self, other: &Latency) {
        self.counts.iter_mut().zip(other.counts).for_each(|(count, other)| *count += other);
        self.micros += other.micros;
    }
}

/// The counts while they change.
#[derive(Debug, Default)]
pub(in crate::upstream) struct LatencyCounts {
    counts: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
}

impl LatencyCounts {
    /// Counts a request.
    pub(in crate::upstream) fn took(&self, time: Duration) {
        let bucket = BOUNDS.partition_point(|millis| Duration::from_millis(*millis) < time);
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.micros.fetch_add(micros(time), Ordering::Relaxed);
    }

    pub(in crate::upstream) fn snapshot(&self) -> Latency {
        let counts = self.counts.each_ref().map(|count| count.load(Ordering::Relaxed));
        Latency { counts, micros: self.micros.load(Ordering::Relaxed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_in_the_first_bucket_that_holds_it() {
        let counts = LatencyCounts::default();
        for millis in [0, 5, 6, 30_000, 30_001] {
            counts.took(Duration::from_millis(millis));
        }
        let mut latency = counts.snapshot();
        latency.add(&Latency::default());
        let filled: Vec<(f64, u64)> = latency.buckets().filter(|(_, count)| *count > 0).collect();
        assert_eq!(filled, [(0.005, 2), (0.01, 1), (30.0, 1), (f64::INFINITY, 1)]);
        assert_eq!((latency.count(), latency.sum()), (5, 60.012));
    }
}

//! Measuring: medians of wall seconds. Run on an idle machine: the Go halves print CPU seconds, so a disturbed run of
//! ours can only look slower than it is.

use std::time::Instant;

/// The least time that one measurement takes: work that is faster is repeated.
const LEAST_SECONDS: f64 = 0.05;

/// Median seconds of one run of `work` over `rounds` measurements, after two runs to warm up.
pub fn median_seconds(rounds: usize, work: &mut dyn FnMut()) -> f64 {
    work();
    let start = Instant::now();
    work();
    let repeats = (LEAST_SECONDS / start.elapsed().as_secs_f64().max(1e-9)).ceil().clamp(1.0, 1e6);
    let mut seconds: Vec<f64> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            let mut done = 0.0;
            while done < repeats {
                work();
                done += 1.0;
            }
            start.elapsed().as_secs_f64() / repeats
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied().unwrap_or(f64::NAN)
}

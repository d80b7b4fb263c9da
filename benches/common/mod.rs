//! Measuring: medians, of CPU seconds where the work is one thread's and the system tells them, else of wall seconds.
#![allow(dead_code, reason = "each bench uses its part")]

use std::fs;
use std::time::Instant;

/// The least time that one measurement takes: work that is faster is repeated. The system counts CPU time in steps of
/// some milliseconds.
const LEAST_SECONDS: f64 = 0.2;

/// Median CPU seconds of one run of `work`, all in this thread, over `rounds` measurements, after one run to warm up.
pub(crate) fn median_cpu_seconds(rounds: usize, work: &mut dyn FnMut()) -> f64 {
    work();
    let measure = |_| {
        let (start, cpu) = (Instant::now(), cpu_seconds());
        let mut runs = 0.0;
        while start.elapsed().as_secs_f64() < LEAST_SECONDS {
            work();
            runs += 1.0;
        }
        let wall = start.elapsed().as_secs_f64();
        let cpu = cpu_seconds().zip(cpu).map(|(end, start)| end - start).filter(|&seconds| seconds > 0.0);
        cpu.unwrap_or(wall) / runs
    };
    median((0..rounds).map(measure).collect())
}

/// Median wall seconds of one run of `work` over `rounds` measurements, after one run to warm up.
pub(crate) fn median_wall_seconds(rounds: usize, work: &mut dyn FnMut()) -> f64 {
    work();
    let measure = |_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    };
    median((0..rounds).map(measure).collect())
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Linux tells how many nanoseconds this thread ran.
fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(stat.split(' ').next()?.parse::<f64>().ok()? / 1e9)
}

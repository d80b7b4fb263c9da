//! Measuring: CPU seconds of this thread where the system tells them, else wall seconds.
#![allow(dead_code, reason = "each bench uses its part")]

use std::fs;
use std::time::Instant;

/// The least time that one measurement takes: work that is faster is repeated.
const LEAST_SECONDS: f64 = 0.05;

/// Median CPU seconds of one run of `work` over `rounds` measurements, after one run to warm up.
pub fn median_cpu_seconds(rounds: usize, work: &mut dyn FnMut()) -> f64 {
    work();
    let start = cpu_seconds();
    work();
    let repeats = (LEAST_SECONDS / (cpu_seconds() - start).max(1e-9)).ceil().clamp(1.0, 1e6);
    median((0..rounds).map(|_| {
        let start = cpu_seconds();
        let mut done = 0.0;
        while done < repeats {
            work();
            done += 1.0;
        }
        (cpu_seconds() - start) / repeats
    }))
}

/// Median wall seconds of one run of `work` over `rounds` measurements, after one run to warm up.
pub fn median_wall_seconds(rounds: usize, work: &mut dyn FnMut()) -> f64 {
    work();
    median((0..rounds).map(|_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    }))
}

fn median(seconds: impl Iterator<Item = f64>) -> f64 {
    let mut seconds: Vec<f64> = seconds.collect();
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Linux gives the nanoseconds that a thread ran; elsewhere the wall clock has to do.
fn cpu_seconds() -> f64 {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let start = START.get_or_init(Instant::now);
    fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|stat| stat.split(' ').next()?.parse::<f64>().ok())
        .map_or_else(|| start.elapsed().as_secs_f64(), |nanoseconds| nanoseconds / 1e9)
}

//! Lengths, counts and times of this machine as numbers of 64 bits, which formats and counters have: Rust has no
//! `From<usize> for u64`.

use std::time::Duration;

/// The same number. Nothing is lost: no machine that Rust compiles for has a `usize` of more than 64 bits.
#[expect(clippy::as_conversions, reason = "in constants too, where `try_from` cannot stand")]
pub const fn wide(number: usize) -> u64 {
    number as u64
}

/// Microseconds; the largest number for a time of more than 584,000 years.
pub fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

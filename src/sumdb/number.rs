//! Lengths and counts of this machine as numbers of the formats, which have 64 bits: Rust has no `From<usize> for u64`.

/// The same number. Nothing is lost: no machine that Rust compiles for has a `usize` of more than 64 bits.
#[expect(clippy::as_conversions, reason = "in constants too, where `try_from` cannot stand")]
pub const fn wide(number: usize) -> u64 {
    number as u64
}

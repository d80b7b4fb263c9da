//! One function a parser: gives it some bytes and asserts what must be true of what comes out. Returns whether the parser
//! took them. The fuzzer of `cargo test` (`tests/fuzz`) and the cargo-fuzz targets (`fuzz/`) run the same ones.
//!
//! The strongest of them use the world: a log whose secret key no input holds. What is accepted as proven must then be
//! what this log signed, whatever the bytes were.

#![allow(dead_code, reason = "each cargo-fuzz target uses one of them")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions)]

/// The longest reason for a refusal, in bytes: modzip names sixteen faults with a name of 120 characters each.
const MAX_REASON: usize = 16 << 10;

pub mod gosum;
pub mod keys;
pub mod modules;
pub mod notes;
pub mod programs;
pub mod proofs;
pub mod records;
pub mod sboms;
pub mod settings;
pub mod tiles;
pub mod vendor;
pub mod world;
pub mod zips;

/// Of what is refused: the reason is fit to be shown, whatever the input was. Always false.
fn refused(reason: impl std::fmt::Display) -> bool {
    let reason = reason.to_string();
    let is_dangerous =
        |symbol: char| symbol.is_control() || matches!(u32::from(symbol), 0x202a..=0x202e | 0x2066..=0x2069);
    assert!(!reason.contains(is_dangerous), "{reason:?}");
    assert!(reason.len() < MAX_REASON, "{} bytes of reason", reason.len());
    false
}

/// The input as text; none where it is not, since these parsers take `&str`.
fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

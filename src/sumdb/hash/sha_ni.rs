//! SHA-256 of two messages at once with the SHA extensions: one instruction waits four cycles for the one before it, so
//! the second message is computed while the first one waits.
//!
//! Beside `avx512.rs` the only file with `unsafe`, of the same two kinds, with the same arguments.
//! Source: FIPS 180-4 section 6.2; Intel, "New instructions supporting the Secure Hash Algorithm", 2013.
#![allow(unsafe_code, reason = "loads, stores and run-time dispatch of the SHA-256 kernel; argued at each use")]
#![allow(
    clippy::indexing_slicing,
    reason = "indices are 0 and 1, or constants below 4 and 16, into arrays of that size"
)]

use std::arch::is_x86_feature_detected;
use std::arch::x86_64::*;

use super::avx512::K;
use super::portable::BLOCK;

/// Messages hashed at once.
pub(super) const PAIR: usize = 2;

/// Proof that this processor has the SHA extensions, SSSE3 and SSE4.1; the door to the functions below.
#[derive(Clone, Copy)]
pub(super) struct ShaNi(());

impl ShaNi {
    /// The kernel, where the processor supports it.
    pub(super) fn detect() -> Option<ShaNi> {
        let found =
            is_x86_feature_detected!("sha") && is_x86_feature_detected!("ssse3") && is_x86_feature_detected!("sse4.1");
        found.then_some(ShaNi(()))
    }

    /// Runs `count` blocks of each message through its state.
    ///
    /// # Panics
    /// If a message has fewer than `count` blocks.
    pub(super) fn compress(self, states: &mut [[u32; 8]; PAIR], messages: [&[u8]; PAIR], count: usize) {
        assert!(messages.iter().all(|message| message.len() / BLOCK >= count), "each message holds {count} blocks");
        // SAFETY: `self` exists only where `detect` found the features; each message has `count` blocks, just asserted.
        unsafe { compress(states, messages, count) }
    }
}

/// Four rounds of both messages; `$w` holds W[t] to W[t+3] of each, `$k` their constants.
macro_rules! rounds4 {
    ($abef:ident, $cdgh:ident, $w:expr, $k:expr) => {
        for i in [0, 1] {
            let wk = _mm_add_epi32($w[i], $k);
            $cdgh[i] = _mm_sha256rnds2_epu32($cdgh[i], $abef[i], wk);
            $abef[i] = _mm_sha256rnds2_epu32($abef[i], $cdgh[i], _mm_shuffle_epi32::<0x0E>(wk));
        }
    };
}

/// Sixteen rounds, after each four of which `$extend` makes the words of sixteen rounds later.
#[target_feature(enable = "sha,ssse3,sse4.1")]
fn compress(states: &mut [[u32; 8]; PAIR], messages: [&[u8]; PAIR], count: usize) {
    let swap = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    let (mut abef, mut cdgh) = ([_mm_setzero_si128(); PAIR], [_mm_setzero_si128(); PAIR]);
    for i in [0, 1] {
        let [a, b, c, d, e, f, g, h] = states[i].map(u32::cast_signed);
        (abef[i], cdgh[i]) = (_mm_set_epi32(a, b, e, f), _mm_set_epi32(c, d, g, h));
    }
    let (constants, _) = K.as_chunks::<4>();
    for block in 0..count {
        let before = (abef, cdgh);
        let mut w = [[_mm_setzero_si128(); PAIR]; 4];
        for (quarter, words) in w.iter_mut().enumerate() {
            for i in [0, 1] {
                // SAFETY: the caller gives each message at least `count` blocks, and `block < count`, `quarter < 4`.
                let bytes = unsafe { _mm_loadu_si128(messages[i].as_ptr().add(block * BLOCK + quarter * 16).cast()) };
                words[i] = _mm_shuffle_epi8(bytes, swap);
            }
        }
        for (t, k) in constants.iter().enumerate() {
            let [k0, k1, k2, k3] = k.map(u32::cast_signed);
            rounds4!(abef, cdgh, w[0], _mm_set_epi32(k3, k2, k1, k0));
            let mut next = w[0];
            if t < 12 {
                for i in [0, 1] {
                    let sum =
                        _mm_add_epi32(_mm_sha256msg1_epu32(w[0][i], w[1][i]), _mm_alignr_epi8::<4>(w[3][i], w[2][i]));
                    next[i] = _mm_sha256msg2_epu32(sum, w[3][i]);
                }
            }
            w = [w[1], w[2], w[3], next];
        }
        for i in [0, 1] {
            abef[i] = _mm_add_epi32(abef[i], before.0[i]);
            cdgh[i] = _mm_add_epi32(cdgh[i], before.1[i]);
        }
    }
    for i in [0, 1] {
        let ([f, e, b, a], [h, g, d, c]) = (words(abef[i]), words(cdgh[i]));
        states[i] = [a, b, c, d, e, f, g, h];
    }
}

/// The four words of a register, the lowest first.
#[target_feature(enable = "sse4.1")]
fn words(x: __m128i) -> [u32; 4] {
    [_mm_extract_epi32::<0>(x), _mm_extract_epi32::<1>(x), _mm_extract_epi32::<2>(x), _mm_extract_epi32::<3>(x)]
        .map(i32::cast_unsigned)
}

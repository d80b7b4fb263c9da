//! SHA-256 of sixteen messages at once with AVX-512: word i of all sixteen states lives in one register.
//!
//! One of the two files with `unsafe`; the other is `sha_ni.rs`. Here `unsafe` does three things, and each use says why it is
//! sound: it calls functions compiled for AVX-512 (an `Avx512` exists only where the processor has it); it loads or stores 32 or
//! 64 bytes through a pointer (every pointer comes from a slice or array whose length was checked, and no alignment is
//! required); and it has one instruction in `asm!`, which touches registers only.
//! That the result is SHA-256 is not argued here but tested against sha2, in `hash/tests.rs`.
//! Source of the algorithm: FIPS 180-4 section 6.2; of the method: S. Gueron, V. Krasnov, "Simultaneous hashing of
//! multiple messages", 2012.
#![allow(unsafe_code, reason = "loads, stores and run-time dispatch of the SHA-256 kernel; argued at each use")]
#![allow(clippy::indexing_slicing, reason = "constant indices into arrays of 16 and 64, checked by the compiler")]

use std::arch::asm;
use std::arch::is_x86_feature_detected;
use std::arch::x86_64::*;

use super::Hash;
use super::portable::{BLOCK, START};

/// Messages hashed at once.
pub(super) const LANES: usize = 16;

/// Word i of the state of lane l is `state[i][l]`.
pub(super) type States = [[u32; LANES]; 8];

/// The sixteen initial states.
pub(super) fn start() -> States {
    START.map(|word| [word; LANES])
}

/// Round constants, FIPS 180-4 section 4.2.2.
#[rustfmt::skip]
pub(super) static K: [u32; 64] = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];

/// Proof that this processor has AVX-512F and AVX-512BW; the door to the functions below.
#[derive(Clone, Copy)]
pub(super) struct Avx512(());

impl Avx512 {
    /// The kernel, where the processor and the system support it.
    pub(super) fn detect() -> Option<Avx512> {
        (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw")).then_some(Avx512(()))
    }

    /// Runs `count` blocks of each lane's bytes through its state; lanes whose bit in `active` is 0 keep theirs.
    ///
    /// # Panics
    /// If a lane has fewer than `count` blocks (inactive lanes too: give them any other lane's bytes).
    pub(super) fn compress(self, states: &mut States, lanes: &[&[u8]; LANES], count: usize, active: u16) {
        assert!(lanes.iter().all(|lane| lane.len() / BLOCK >= count), "every lane holds {count} blocks");
        // SAFETY: `self` exists only where `detect` found AVX-512F and BW; each lane has `count` blocks, just asserted.
        unsafe { compress(states, lanes, count, active) }
    }

    /// The sixteen digests that the states stand for.
    pub(super) fn digests(self, states: &States) -> [Hash; LANES] {
        let mut hashes = [Hash::default(); LANES];
        // SAFETY: `self` exists only where `detect` found AVX-512F and BW.
        unsafe { store_digests(&load_states(states), &mut hashes) };
        hashes
    }

    /// The sixteen parents of `children`, taken two by two: SHA-256(0x01 || left || right) each.
    pub(super) fn parents(self, children: &[Hash; 2 * LANES], parents: &mut [Hash; LANES]) {
        // SAFETY: `self` exists only where `detect` found AVX-512F and BW.
        unsafe { hash_nodes(children, parents) }
    }
}

/// A value that the compiler may not look into: it would else reorder the additions of a round and put those that could
/// be done early behind those that must wait, which costs almost half the speed.
macro_rules! opaque {
    ($value:expr) => {{
        let mut value: __m512i = $value;
        // SAFETY: the assembly is empty.
        unsafe { asm!("/* {0} */", inout(zmm_reg) value, options(pure, nomem, nostack, preserves_flags)) };
        value
    }};
}

/// One round on the eight working variables; `$w` is W[t] + K[t]. The variables are renamed, not moved, from round to
/// round. The chain from e to e is one sigma and two additions long, that from a to a one sigma and one addition: all else
/// is added before. Another addition less in the first takes two more a round: 5 % slower where they are what counts (Zen 4).
macro_rules! round {
    ($a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident, $w:expr) => {
        let given = opaque!(add($h, $w));
        let choice = _mm512_ternarylogic_epi32::<0xCA>($e, $f, $g);
        let sigma1 = xor3(_mm512_ror_epi32::<6>($e), _mm512_ror_epi32::<11>($e), _mm512_ror_epi32::<25>($e));
        let sigma0 = xor3(_mm512_ror_epi32::<2>($a), _mm512_ror_epi32::<13>($a), _mm512_ror_epi32::<22>($a));
        let majority = _mm512_ternarylogic_epi32::<0xE8>($a, $b, $c);
        let t1 = opaque!(add(opaque!(add(given, choice)), sigma1));
        $d = add($d, t1);
        $h = add(t1, opaque!(add(majority, sigma0)));
    };
}

/// The next schedule word: W[t] from W[t-16], W[t-15], W[t-7] and W[t-2], all in a ring of sixteen.
macro_rules! extend {
    ($w:ident, $t:literal) => {{
        let (w1, w14) = ($w[($t + 1) % 16], $w[($t + 14) % 16]);
        let s0 = xor3(_mm512_ror_epi32::<7>(w1), _mm512_ror_epi32::<18>(w1), _mm512_srli_epi32::<3>(w1));
        let s1 = xor3(_mm512_ror_epi32::<17>(w14), _mm512_ror_epi32::<19>(w14), _mm512_srli_epi32::<10>(w14));
        $w[$t] = add(add($w[$t], s0), add($w[($t + 9) % 16], s1));
        $w[$t]
    }};
}

/// Sixteen rounds, `$word!(w, t)` giving W[t] each time, from round constant `$k` on.
macro_rules! rounds16 {
    ($s:ident, $w:ident, $k:expr, $word:ident) => {{
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = $s;
        round!(a b c d e f g h, add($word!($w, 0), _mm512_set1_epi32($k[0].cast_signed())));
        round!(h a b c d e f g, add($word!($w, 1), _mm512_set1_epi32($k[1].cast_signed())));
        round!(g h a b c d e f, add($word!($w, 2), _mm512_set1_epi32($k[2].cast_signed())));
        round!(f g h a b c d e, add($word!($w, 3), _mm512_set1_epi32($k[3].cast_signed())));
        round!(e f g h a b c d, add($word!($w, 4), _mm512_set1_epi32($k[4].cast_signed())));
        round!(d e f g h a b c, add($word!($w, 5), _mm512_set1_epi32($k[5].cast_signed())));
        round!(c d e f g h a b, add($word!($w, 6), _mm512_set1_epi32($k[6].cast_signed())));
        round!(b c d e f g h a, add($word!($w, 7), _mm512_set1_epi32($k[7].cast_signed())));
        round!(a b c d e f g h, add($word!($w, 8), _mm512_set1_epi32($k[8].cast_signed())));
        round!(h a b c d e f g, add($word!($w, 9), _mm512_set1_epi32($k[9].cast_signed())));
        round!(g h a b c d e f, add($word!($w, 10), _mm512_set1_epi32($k[10].cast_signed())));
        round!(f g h a b c d e, add($word!($w, 11), _mm512_set1_epi32($k[11].cast_signed())));
        round!(e f g h a b c d, add($word!($w, 12), _mm512_set1_epi32($k[12].cast_signed())));
        round!(d e f g h a b c, add($word!($w, 13), _mm512_set1_epi32($k[13].cast_signed())));
        round!(c d e f g h a b, add($word!($w, 14), _mm512_set1_epi32($k[14].cast_signed())));
        round!(b c d e f g h a, add($word!($w, 15), _mm512_set1_epi32($k[15].cast_signed())));
        $s = [a, b, c, d, e, f, g, h];
    }};
}

/// W[t] of the first sixteen rounds is the message itself.
macro_rules! given {
    ($w:ident, $t:literal) => {
        $w[$t]
    };
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn add(a: __m512i, b: __m512i) -> __m512i {
    _mm512_add_epi32(a, b)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn xor3(a: __m512i, b: __m512i, c: __m512i) -> __m512i {
    _mm512_ternarylogic_epi32::<0x96>(a, b, c)
}

/// The compression function without the final addition: sixteen messages' words in, working variables out.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn all_rounds(mut s: [__m512i; 8], mut w: [__m512i; 16]) -> [__m512i; 8] {
    let (k, _) = K.as_chunks::<16>();
    rounds16!(s, w, k[0], given);
    for k in &k[1..] {
        rounds16!(s, w, k, extend);
    }
    s
}

#[target_feature(enable = "avx512f,avx512bw")]
fn compress(states: &mut States, lanes: &[&[u8]; LANES], count: usize, active: u16) {
    let mut s = load_states(states);
    for block in 0..count {
        let rows = std::array::from_fn(|lane| {
            // SAFETY: the caller gives each lane at least `count` blocks, and `block < count`: 64 bytes are there.
            unsafe { _mm512_loadu_si512(lanes[lane].as_ptr().add(block * BLOCK).cast()) }
        });
        let after = all_rounds(s, transpose(big_endian(rows)));
        for (word, new) in s.iter_mut().zip(after) {
            *word = _mm512_mask_add_epi32(*word, active, *word, new);
        }
    }
    for (word, lanes) in s.iter().zip(states) {
        // SAFETY: sixteen u32 are 64 bytes, borrowed mutably.
        unsafe { _mm512_storeu_si512(lanes.as_mut_ptr().cast(), *word) }
    }
}

/// 0x01 || left || right is 65 bytes: every word of the first block is one byte of a word of the pair and three of the
/// next, and the second block holds the last byte, the 0x80 and the length, 520 bits.
#[target_feature(enable = "avx512f,avx512bw")]
fn hash_nodes(children: &[Hash; 2 * LANES], parents: &mut [Hash; LANES]) {
    let rows = std::array::from_fn(|lane| {
        // SAFETY: `Hash` is `repr(transparent)` over 32 bytes, so 32 of them are 1024 bytes in a row, and lane < 16.
        unsafe { _mm512_loadu_si512(children.as_ptr().cast::<u8>().add(lane * BLOCK).cast()) }
    });
    let pair = transpose(big_endian(rows));
    let first = std::array::from_fn(|i| {
        let carried = if i == 0 { _mm512_set1_epi32(1 << 24) } else { _mm512_slli_epi32::<24>(pair[i - 1]) };
        _mm512_or_si512(carried, _mm512_srli_epi32::<8>(pair[i]))
    });
    let mut second = [_mm512_setzero_si512(); 16];
    second[0] = _mm512_or_si512(_mm512_slli_epi32::<24>(pair[15]), _mm512_set1_epi32(0x80 << 16));
    second[15] = _mm512_set1_epi32(65 * 8);
    let mut s = START.map(|word| _mm512_set1_epi32(word.cast_signed()));
    for block in [first, second] {
        let after = all_rounds(s, block);
        for (word, new) in s.iter_mut().zip(after) {
            *word = add(*word, new);
        }
    }
    store_digests(&s, parents);
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn load_states(states: &States) -> [__m512i; 8] {
    std::array::from_fn(|word| {
        // SAFETY: sixteen u32 are 64 bytes.
        unsafe { _mm512_loadu_si512(states[word].as_ptr().cast()) }
    })
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn store_digests(s: &[__m512i; 8], hashes: &mut [Hash; LANES]) {
    let words = std::array::from_fn(|i| if i < 8 { s[i] } else { _mm512_setzero_si512() });
    for (row, hash) in big_endian(transpose(words)).into_iter().zip(hashes) {
        // SAFETY: a `Hash` is 32 bytes, borrowed mutably.
        unsafe { _mm256_storeu_si256(hash.0.as_mut_ptr().cast(), _mm512_castsi512_si256(row)) }
    }
}

/// Swaps the bytes of every 32-bit word: SHA-256 reads and writes big-endian.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn big_endian(rows: [__m512i; 16]) -> [__m512i; 16] {
    let swap = _mm512_broadcast_i32x4(_mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
    rows.map(|row| _mm512_shuffle_epi8(row, swap))
}

/// Word c of row r goes to word r of row c.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn transpose(r: [__m512i; 16]) -> [__m512i; 16] {
    // Within each 128-bit quarter q: u[4g + j] holds column 4q + j of the rows 4g .. 4g + 3.
    let mut u = [_mm512_setzero_si512(); 16];
    for g in [0, 4, 8, 12] {
        let (a, b) = (_mm512_unpacklo_epi32(r[g], r[g + 1]), _mm512_unpackhi_epi32(r[g], r[g + 1]));
        let (c, d) = (_mm512_unpacklo_epi32(r[g + 2], r[g + 3]), _mm512_unpackhi_epi32(r[g + 2], r[g + 3]));
        u[g] = _mm512_unpacklo_epi64(a, c);
        u[g + 1] = _mm512_unpackhi_epi64(a, c);
        u[g + 2] = _mm512_unpacklo_epi64(b, d);
        u[g + 3] = _mm512_unpackhi_epi64(b, d);
    }
    // Then the quarters themselves are a 4 x 4 matrix for each j.
    let mut out = u;
    for j in [0, 1, 2, 3] {
        let (even, even2) =
            (_mm512_shuffle_i32x4::<0x88>(u[j], u[j + 4]), _mm512_shuffle_i32x4::<0x88>(u[j + 8], u[j + 12]));
        let (odd, odd2) =
            (_mm512_shuffle_i32x4::<0xDD>(u[j], u[j + 4]), _mm512_shuffle_i32x4::<0xDD>(u[j + 8], u[j + 12]));
        out[j] = _mm512_shuffle_i32x4::<0x88>(even, even2);
        out[j + 8] = _mm512_shuffle_i32x4::<0xDD>(even, even2);
        out[j + 4] = _mm512_shuffle_i32x4::<0x88>(odd, odd2);
        out[j + 12] = _mm512_shuffle_i32x4::<0xDD>(odd, odd2);
    }
    out
}

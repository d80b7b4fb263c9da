//! Many messages at once: which messages share a run of the sixteen-lane kernel, and what each lane reads.
//!
//! Messages are sorted by their number of blocks and taken sixteen at a time, so the lanes of a run end nearly together;
//! a lane that is done keeps its state while the others go on, and when too few are left to fill the kernel they are
//! finished two by two. The order of the results is that of the messages.

use super::Hash;
use super::avx512::{Avx512, LANES, States, start};
use super::order::{MessageSlot, by_blocks};
use super::pairs::{digest_each, finish_pair};
use super::portable::{self, BLOCK, SHORT_BLOCKS, ShortBuffer};
use super::sha_ni::ShaNi;

/// With fewer lanes at work than this, two messages at a time are as fast (measured: sixteen cost as much as five one by
/// one, or eight by twos).
const MIN_LANES: usize = 6;

/// What a lane reads when it has nothing to read.
static NOTHING: ShortBuffer = [[0; BLOCK]; SHORT_BLOCKS];

/// As `hash::parent_hashes`.
pub(super) fn parent_hashes(kernel: Avx512, children: &[Hash]) -> Vec<Hash> {
    let mut parents = vec![Hash::default(); children.len() / 2];
    let (groups, rest) = children.as_chunks::<{ 2 * LANES }>();
    let (slots, last) = parents.as_chunks_mut::<LANES>();
    for (children, parents) in groups.iter().zip(slots) {
        kernel.parents(children, parents);
    }
    if last.len() < MIN_LANES {
        for ([left, right], parent) in rest.as_chunks().0.iter().zip(last) {
            *parent = portable::node_hash(left, right);
        }
    } else {
        let (mut children, mut parents) = ([Hash::default(); 2 * LANES], [Hash::default(); LANES]);
        for (child, given) in children.iter_mut().zip(rest) {
            *child = *given;
        }
        kernel.parents(&children, &mut parents);
        for (slot, parent) in last.iter_mut().zip(parents) {
            *slot = parent;
        }
    }
    parents
}

/// SHA-256 of `prefix` (if any) and each of `bodies`, in order.
pub(super) fn digests(kernel: Avx512, prefix: Option<u8>, bodies: &[&[u8]]) -> Vec<Hash> {
    let mut hashes = vec![Hash::default(); bodies.len()];
    let mut scratch = Box::new([NOTHING; LANES]);
    let pair = ShaNi::detect();
    for run in by_blocks(prefix, bodies).chunks(LANES) {
        let longest = run.last().map_or(0, |place| place.blocks);
        if run.len() < MIN_LANES || (prefix.is_some() && longest > SHORT_BLOCKS) {
            digest_each(pair, prefix, bodies, run, &mut hashes);
        } else if longest <= SHORT_BLOCKS {
            short_run(kernel, prefix, bodies, run, &mut scratch, &mut hashes);
        } else {
            long_run(kernel, pair, bodies, run, &mut hashes);
        }
    }
    hashes
}

/// Up to sixteen messages of at most `SHORT_BLOCKS` blocks: each is padded in its lane's buffer.
fn short_run(
    kernel: Avx512,
    prefix: Option<u8>,
    bodies: &[&[u8]],
    run: &[MessageSlot],
    scratch: &mut [ShortBuffer; LANES],
    hashes: &mut [Hash],
) {
    for (buffer, place) in scratch.iter_mut().zip(run) {
        portable::pad_short(buffer, prefix, place.of(bodies));
    }
    let mut states = start();
    let mut lanes: [&[u8]; LANES] = std::array::from_fn(|lane| scratch.get(lane).unwrap_or(&NOTHING).as_flattened());
    let mut done = 0;
    let mut ends = run.iter().map(|place| place.blocks).peekable();
    let mut ended = 0_u32;
    while let Some(&end) = ends.peek() {
        let count = end - done;
        kernel.compress(&mut states, &lanes, count, active(ended));
        lanes = lanes.map(|lane| lane.get(count * BLOCK..).unwrap_or_default());
        done = end;
        while ends.next_if_eq(&end).is_some() {
            ended += 1;
        }
    }
    for (place, hash) in run.iter().zip(kernel.digests(&states)) {
        place.put(hashes, hash);
    }
}

/// Up to sixteen long messages: their whole blocks are read in place, each lane's last blocks are padded one by one, and
/// the last few lanes go on by twos.
fn long_run(kernel: Avx512, pair: Option<ShaNi>, bodies: &[&[u8]], run: &[MessageSlot], hashes: &mut [Hash]) {
    let mut states = start();
    let mut done = 0;
    let (abreast, last) = run.split_at_checked(run.len().saturating_sub(MIN_LANES - 1)).unwrap_or((run, &[]));
    let state = |states: &States, lane: usize| states.map(|word| word.get(lane).copied().unwrap_or_default());
    for (ended, place) in abreast.iter().enumerate() {
        // Padding fills at most the last two blocks, so this one and those after it, which have as many blocks or more,
        // have at least `end` whole ones; those before it are finished.
        let end = place.blocks.saturating_sub(2);
        if end > done {
            let lanes = std::array::from_fn(|lane| {
                let lane = run.get(lane.max(ended)).unwrap_or(place);
                lane.of(bodies).get(done * BLOCK..end * BLOCK).unwrap_or_default()
            });
            kernel.compress(&mut states, &lanes, end - done, active(u32::try_from(ended).unwrap_or(0)));
            done = end;
        }
        let message = place.of(bodies);
        let rest = message.get(done * BLOCK..).unwrap_or_default();
        place.put(hashes, portable::finish(state(&states, ended), rest, message.len()));
    }
    let left = |place: &MessageSlot| place.of(bodies).get(done * BLOCK..).unwrap_or_default();
    let lanes: Vec<(MessageSlot, [u32; 8])> =
        last.iter().zip(abreast.len()..).map(|(place, lane)| (*place, state(&states, lane))).collect();
    for group in lanes.chunks(2) {
        match (pair, group) {
            (Some(pair), [(a, state_a), (b, state_b)]) => {
                let lengths = [a, b].map(|place| place.of(bodies).len());
                let [hash_a, hash_b] = finish_pair(pair, [*state_a, *state_b], [a, b].map(left), lengths);
                a.put(hashes, hash_a);
                b.put(hashes, hash_b);
            }
            _ => group.iter().for_each(|(place, state)| {
                place.put(hashes, portable::finish(*state, left(place), place.of(bodies).len()));
            }),
        }
    }
}

/// All lanes but the first `ended`.
fn active(ended: u32) -> u16 {
    u16::MAX.checked_shl(ended).unwrap_or(0)
}

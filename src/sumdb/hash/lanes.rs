//! Many messages at once: which messages share a run of the sixteen-lane kernel, and what each lane reads.
//!
//! Messages are sorted by their number of blocks and taken sixteen at a time, so the lanes of a run end nearly together;
//! a lane that is done keeps its state while the others go on, and when too few are left to fill the kernel they are
//! finished one by one. The order of the results is that of the messages.

use super::Hash;
use super::avx512::{Avx512, LANES, start};
use super::portable::{self, BLOCK, PADDING, SHORT_BLOCKS, ShortBuffer};

/// With fewer lanes at work than this, one message at a time is as fast (measured: 16 lanes cost about 3.5 messages).
const MIN_LANES: usize = 4;

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
    for run in by_blocks(prefix, bodies).chunks(LANES) {
        let longest = run.last().map_or(0, |place| place.blocks);
        if run.len() < MIN_LANES || (prefix.is_some() && longest > SHORT_BLOCKS) {
            for place in run {
                put(&mut hashes, place.index, portable::digest(prefix, body(bodies, place)));
            }
        } else if longest <= SHORT_BLOCKS {
            short_run(kernel, prefix, bodies, run, &mut scratch, &mut hashes);
        } else {
            long_run(kernel, bodies, run, &mut hashes);
        }
    }
    hashes
}

/// One message: where it stands among the caller's, and how many blocks it has with its padding.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    index: usize,
    blocks: usize,
}

/// The messages from the shortest to the longest, counted in blocks. Most are short, so they are sorted by counting.
fn by_blocks(prefix: Option<u8>, bodies: &[&[u8]]) -> Vec<Place> {
    let mut sorted = Vec::with_capacity(bodies.len());
    let mut buckets: [Vec<Place>; SHORT_BLOCKS] = Default::default();
    let mut long = Vec::new();
    for (index, body) in bodies.iter().enumerate() {
        let blocks = portable::length(prefix, body).saturating_add(PADDING).div_ceil(BLOCK);
        buckets.get_mut(blocks.saturating_sub(1)).unwrap_or(&mut long).push(Place { index, blocks });
    }
    buckets.iter().for_each(|bucket| sorted.extend_from_slice(bucket));
    long.sort_unstable_by_key(|place| place.blocks);
    sorted.append(&mut long);
    sorted
}

/// Up to sixteen messages of at most `SHORT_BLOCKS` blocks: each is padded in its lane's buffer.
fn short_run(
    kernel: Avx512,
    prefix: Option<u8>,
    bodies: &[&[u8]],
    run: &[Place],
    scratch: &mut [ShortBuffer; LANES],
    hashes: &mut [Hash],
) {
    for (buffer, place) in scratch.iter_mut().zip(run) {
        portable::pad_short(buffer, prefix, body(bodies, place));
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
        put(hashes, place.index, hash);
    }
}

/// Up to sixteen long messages: their whole blocks are read in place, each lane's last blocks are padded one by one.
fn long_run(kernel: Avx512, bodies: &[&[u8]], run: &[Place], hashes: &mut [Hash]) {
    let mut states = start();
    let mut done = 0;
    for (ended, place) in run.iter().enumerate() {
        // Padding fills at most the last two blocks, so this one and those after it, which have as many blocks or more,
        // have at least `end` whole ones; those before it are finished.
        let this = body(bodies, place);
        let end = place.blocks.saturating_sub(2);
        if end > done && run.len() - ended >= MIN_LANES {
            let lanes = std::array::from_fn(|lane| {
                let lane = run.get(lane.max(ended)).unwrap_or(place);
                body(bodies, lane).get(done * BLOCK..end * BLOCK).unwrap_or_default()
            });
            kernel.compress(&mut states, &lanes, end - done, active(u32::try_from(ended).unwrap_or(0)));
            done = end;
        }
        let state = states.map(|word| word.get(ended).copied().unwrap_or_default());
        let rest = this.get(done * BLOCK..).unwrap_or_default();
        put(hashes, place.index, portable::finish(state, rest, this.len()));
    }
}

/// All lanes but the first `ended`.
fn active(ended: u32) -> u16 {
    u16::MAX.checked_shl(ended).unwrap_or(0)
}

fn body<'a>(bodies: &[&'a [u8]], place: &Place) -> &'a [u8] {
    bodies.get(place.index).copied().unwrap_or_default()
}

fn put(hashes: &mut [Hash], index: usize, hash: Hash) {
    if let Some(slot) = hashes.get_mut(index) {
        *slot = hash;
    }
}

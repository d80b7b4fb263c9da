//! Two messages at once where the processor has the SHA extensions, one at a time where it has not.

use sha2::block_api::compress256;

use super::Hash;
use super::order::{MessageSlot, by_blocks};
use super::portable::{self, BLOCK, SHORT_BLOCKS, START, ShortBuffer, to_hash};
use super::sha_ni::{PAIR, ShaNi};

/// As `hash::leaf_hashes`.
pub fn leaf_hashes(records: &[&[u8]]) -> Vec<Hash> {
    digests(Some(0), records)
}

/// As `hash::sha256_many`.
pub fn sha256_many(messages: &[&[u8]]) -> Vec<Hash> {
    digests(None, messages)
}

/// As `hash::parent_hashes`.
pub fn parent_hashes(children: &[Hash]) -> Vec<Hash> {
    let Some(kernel) = ShaNi::detect() else { return portable::parent_hashes(children) };
    let mut parents = Vec::with_capacity(children.len() / 2);
    let (groups, rest) = children.as_chunks::<4>();
    for [a, b, c, d] in groups {
        let blocks = [portable::node_blocks(a, b), portable::node_blocks(c, d)];
        let mut states = [START; PAIR];
        kernel.compress(&mut states, blocks.each_ref().map(|blocks| blocks.as_flattened()), 2);
        parents.extend(states.iter().map(to_hash));
    }
    parents.extend(portable::parent_hashes(rest));
    parents
}

fn digests(prefix: Option<u8>, bodies: &[&[u8]]) -> Vec<Hash> {
    let mut hashes = vec![Hash::default(); bodies.len()];
    digest_each(ShaNi::detect(), prefix, bodies, &by_blocks(prefix, bodies), &mut hashes);
    hashes
}

/// Hashes the messages at `places`, neighbours together, into their slots of `hashes`.
pub(super) fn digest_each(
    kernel: Option<ShaNi>,
    prefix: Option<u8>,
    bodies: &[&[u8]],
    places: &[MessageSlot],
    hashes: &mut [Hash],
) {
    let (pairs, last) = if kernel.is_some() { places.as_chunks::<PAIR>() } else { (Default::default(), places) };
    let mut buffers = [[[0; BLOCK]; SHORT_BLOCKS]; PAIR];
    for [a, b] in pairs {
        let both = [a.of(bodies), b.of(bodies)];
        let done = match kernel {
            Some(kernel) if b.blocks <= SHORT_BLOCKS => short_pair(kernel, prefix, both, &mut buffers),
            Some(kernel) if prefix.is_none() => finish_pair(kernel, [START; PAIR], both, both.map(<[u8]>::len)),
            _ => both.map(|body| portable::digest(prefix, body)),
        };
        for (slot, hash) in [a, b].into_iter().zip(done) {
            slot.put(hashes, hash);
        }
    }
    for slot in last {
        slot.put(hashes, portable::digest(prefix, slot.of(bodies)));
    }
}

/// Two messages of at most `SHORT_BLOCKS` blocks.
fn short_pair(
    kernel: ShaNi,
    prefix: Option<u8>,
    bodies: [&[u8]; PAIR],
    buffers: &mut [ShortBuffer; PAIR],
) -> [Hash; PAIR] {
    let mut states = [START; PAIR];
    let [first, second] = buffers;
    let [a, b] = bodies;
    let blocks =
        [portable::pad_short(first, prefix, a), portable::pad_short(second, prefix, b)].map(Option::unwrap_or_default);
    let common = blocks.iter().map(|blocks| blocks.len()).min().unwrap_or(0);
    kernel.compress(&mut states, blocks.map(<[_]>::as_flattened), common);
    for (state, blocks) in states.iter_mut().zip(blocks) {
        compress256(state, blocks.get(common..).unwrap_or_default());
    }
    states.each_ref().map(to_hash)
}

/// The digests of two messages of `lengths` bytes of which `rests` are still to come, after whole blocks that led to `states`.
pub(super) fn finish_pair(
    kernel: ShaNi,
    mut states: [[u32; 8]; PAIR],
    rests: [&[u8]; PAIR],
    lengths: [usize; PAIR],
) -> [Hash; PAIR] {
    let common = rests.iter().map(|rest| rest.len()).min().unwrap_or(0) / BLOCK;
    kernel.compress(&mut states, rests, common);
    let ([a, b], [rest_a, rest_b], [length_a, length_b]) =
        (states, rests.map(|rest| rest.get(common * BLOCK..).unwrap_or_default()), lengths);
    [portable::finish(a, rest_a, length_a), portable::finish(b, rest_b, length_b)]
}

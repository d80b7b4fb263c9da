//! SHA-256 one message at a time, on any processor: sha2's block function (SHA-NI or ARMv8 instructions where it finds
//! them) with the padding written here.
//!
//! sha2's streaming interface copies every message through its own block buffer; for the 65 bytes of a node and the two
//! hundred of a record that costs about a fifth of the time, so short messages are padded in place and given in one call.

use sha2::block_api::compress256;

use super::Hash;
use crate::sumdb::number::wide;

/// The initial hash value, FIPS 180-4 section 5.3.3.
pub(super) const START: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// Bytes of a block.
pub(super) const BLOCK: usize = 64;

/// The least bytes of padding: the 0x80 and the length in bits, FIPS 180-4 section 5.1.1.
pub(super) const PADDING: usize = 9;

/// Messages of up to this many blocks, padding included, are padded in one buffer on the stack.
pub(super) const SHORT_BLOCKS: usize = 8;

/// A buffer for one short message.
pub(super) type ShortBuffer = [[u8; BLOCK]; SHORT_BLOCKS];

/// As `hash::leaf_hashes`.
pub fn leaf_hashes(records: &[&[u8]]) -> Vec<Hash> {
    records.iter().map(|record| digest(Some(0), record)).collect()
}

/// As `hash::parent_hashes`.
pub fn parent_hashes(children: &[Hash]) -> Vec<Hash> {
    children.as_chunks().0.iter().map(|[left, right]| node_hash(left, right)).collect()
}

/// As `hash::sha256_many`.
pub fn sha256_many(messages: &[&[u8]]) -> Vec<Hash> {
    messages.iter().map(|message| digest(None, message)).collect()
}

/// As `hash::node_hash`.
pub(super) fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut state = START;
    compress256(&mut state, &node_blocks(left, right));
    to_hash(&state)
}

/// 0x01 || left || right, padded.
pub(super) fn node_blocks(left: &Hash, right: &Hash) -> [[u8; BLOCK]; 2] {
    let mut blocks = [[0; BLOCK]; 2];
    let message = blocks.as_flattened_mut();
    if let [domain, rest @ ..] = message
        && let Some((l, rest)) = rest.split_first_chunk_mut::<32>()
        && let Some((r, rest)) = rest.split_first_chunk_mut::<32>()
        && let [end, rest @ ..] = rest
        && let Some(length) = rest.last_chunk_mut::<8>()
    {
        *domain = 1;
        *l = left.0;
        *r = right.0;
        *end = 0x80;
        *length = (65_u64 * 8).to_be_bytes();
    }
    blocks
}

/// SHA-256 of `prefix` (if any) and `body`.
pub(super) fn digest(prefix: Option<u8>, body: &[u8]) -> Hash {
    let mut buffer: ShortBuffer = [[0; BLOCK]; SHORT_BLOCKS];
    let mut state = START;
    if let Some(blocks) = pad_short(&mut buffer, prefix, body) {
        compress256(&mut state, blocks);
        return to_hash(&state);
    }
    let mut rest = body;
    if let Some(prefix) = prefix
        && let Some((head, after)) = body.split_first_chunk::<{ BLOCK - 1 }>()
        && let Some((first, block)) = buffer.first_mut().and_then(|block| block.split_first_mut())
    {
        *first = prefix;
        block.copy_from_slice(head);
        compress256(&mut state, buffer.get(..1).unwrap_or_default());
        rest = after;
    }
    finish(state, rest, length(prefix, body))
}

/// Bytes of the whole message.
pub(super) fn length(prefix: Option<u8>, body: &[u8]) -> usize {
    body.len().saturating_add(usize::from(prefix.is_some()))
}

/// The digest of a message of `length` bytes of which `rest` is still to come, after whole blocks that led to `state`.
pub(super) fn finish(mut state: [u32; 8], rest: &[u8], length: usize) -> Hash {
    let (whole, tail) = rest.as_chunks();
    compress256(&mut state, whole);
    let mut buffer = [[0; BLOCK]; 2];
    compress256(&mut state, pad_tail(&mut buffer, tail, length));
    to_hash(&state)
}

/// The last one or two blocks of a message of `length` bytes that ends with `tail`, in `buffer`.
pub(super) fn pad_tail<'a>(buffer: &'a mut [[u8; BLOCK]; 2], tail: &[u8], length: usize) -> &'a [[u8; BLOCK]] {
    let blocks = tail.len().saturating_add(PADDING).div_ceil(BLOCK);
    let blocks = buffer.get_mut(..blocks).unwrap_or_default();
    pad(blocks.as_flattened_mut(), None, tail, length);
    blocks
}

/// The whole padded message in `buffer`, if it fits; the number of its blocks is that of the slice.
pub(super) fn pad_short<'a>(buffer: &'a mut ShortBuffer, prefix: Option<u8>, body: &[u8]) -> Option<&'a [[u8; BLOCK]]> {
    let length = length(prefix, body);
    let blocks = buffer.get_mut(..length.saturating_add(PADDING).div_ceil(BLOCK))?;
    pad(blocks.as_flattened_mut(), prefix, body, length);
    Some(blocks)
}

/// Fills `out` with `prefix`, `tail`, 0x80, zeros and the message's length in bits (FIPS 180-4 section 5.1.1).
/// `out` has room for all of them: its callers compute its size from `tail`.
fn pad(out: &mut [u8], prefix: Option<u8>, tail: &[u8], length: usize) {
    let mut rest = out;
    if let Some(prefix) = prefix
        && let Some(first) = rest.split_off_first_mut()
    {
        *first = prefix;
    }
    if let Some(content) = rest.split_off_mut(..tail.len()) {
        content.copy_from_slice(tail);
    }
    if let Some(end) = rest.split_off_first_mut() {
        *end = 0x80;
    }
    if let Some((zeros, bits)) = rest.split_last_chunk_mut::<8>() {
        zeros.fill(0);
        *bits = wide(length).wrapping_mul(8).to_be_bytes();
    }
}

/// The state as bytes, FIPS 180-4 section 6.2.2.
pub(super) fn to_hash(state: &[u32; 8]) -> Hash {
    let mut hash = [0; 32];
    for (bytes, word) in hash.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    Hash(hash)
}

//! Which messages are hashed together: those of nearly the same number of blocks.

use super::portable::{self, BLOCK, PADDING, SHORT_BLOCKS};

/// A message to hash: its index among the caller's messages, and its number of blocks with the padding.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct MessageSlot {
    /// Its index.
    pub(super) index: usize,
    /// Its blocks.
    pub(super) blocks: usize,
}

impl MessageSlot {
    /// The message at this index.
    pub(super) fn of<'a>(&self, bodies: &[&'a [u8]]) -> &'a [u8] {
        bodies.get(self.index).copied().unwrap_or_default()
    }

    /// Stores the message's result at its index.
    pub(super) fn put<T>(&self, results: &mut [T], result: T) {
        if let Some(slot) = results.get_mut(self.index) {
            *slot = result;
        }
    }
}

/// The messages, each with `prefix` before it, from the shortest to the longest, counted in blocks. Most are short, so
/// they are sorted by counting.
pub(super) fn by_blocks(prefix: Option<u8>, bodies: &[&[u8]]) -> Vec<MessageSlot> {
    let mut sorted = Vec::with_capacity(bodies.len());
    let mut buckets: [Vec<MessageSlot>; SHORT_BLOCKS] = Default::default();
    let mut long = Vec::new();
    for (index, body) in bodies.iter().enumerate() {
        let blocks = portable::length(prefix, body).saturating_add(PADDING).div_ceil(BLOCK);
        buckets.get_mut(blocks.saturating_sub(1)).unwrap_or(&mut long).push(MessageSlot { index, blocks });
    }
    buckets.iter().for_each(|bucket| sorted.extend_from_slice(bucket));
    long.sort_unstable_by_key(|place| place.blocks);
    sorted.append(&mut long);
    sorted
}

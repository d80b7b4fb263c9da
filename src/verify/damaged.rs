//! Which records of a damaged data tile are damaged: those whose leaf hash no piece of it has. All others vouch for their
//! place by their hash, so that even where a separator was hit the records on either side of it are found again.

use std::ops::Range;

use memchr::memchr_iter;

use super::cut::pieces;
use crate::sumdb::hash::{Hash, leaf_hash, leaf_hashes};
use crate::sumdb::record::MAX_RECORD_BYTES;

/// Bytes in which the ends of whole records are searched for: a few records.
const MAX_TRIMMED: usize = 4 * MAX_RECORD_BYTES;

/// Some records, by their number in the tile, and the bytes that are in their place.
pub(super) type DamagedRun = (Range<usize>, Range<usize>);

/// The records that should have these hashes and are not there.
pub(super) fn damaged(bytes: &[u8], leaves: &[Hash]) -> Vec<DamagedRun> {
    let pieces = pieces(bytes);
    let texts: Vec<&[u8]> = pieces.iter().map(|(_, piece)| *piece).collect();
    let hashes = leaf_hashes(&texts);
    let in_order = runs(bytes, &pieces, &hashes, leaves);
    if pieces.len() != leaves.len() {
        return in_order;
    }
    // As many pieces as records: most likely each is one.
    let one = |(slot, (at, piece)): (usize, &(usize, &[u8]))| (slot..slot + 1, *at..at + piece.len());
    let differs = |(slot, _): &(usize, &(usize, &[u8]))| hashes.get(*slot) != leaves.get(*slot);
    let by_place: Vec<DamagedRun> = pieces.iter().enumerate().filter(differs).map(one).collect();
    let count = |runs: &[DamagedRun]| runs.iter().map(|(ids, _)| ids.len()).sum::<usize>();
    if count(&by_place) <= count(&in_order) { by_place } else { in_order }
}

/// The runs of records between those that are found again, in their order.
fn runs(bytes: &[u8], pieces: &[(usize, &[u8])], hashes: &[Hash], leaves: &[Hash]) -> Vec<DamagedRun> {
    let mut runs = Vec::new();
    // The next record that was not seen, and where the one before it ends.
    let (mut next, mut seen_to) = (0, 0);
    for ((at, piece), hash) in pieces.iter().zip(hashes) {
        let Some(found) = leaves.iter().skip(next).position(|leaf| leaf == hash) else { continue };
        if found > 0 || *at > seen_to {
            runs.push(trim(bytes, leaves, next..next + found, seen_to..at.saturating_sub(1)));
        }
        next += found + 1;
        seen_to = at + piece.len() + 1;
    }
    if next < leaves.len() || seen_to < bytes.len() {
        runs.push(trim(bytes, leaves, next..leaves.len(), seen_to.min(bytes.len())..bytes.len()));
    }
    runs
}

/// Leaves away the records at both ends of a run that are whole, where only the blank line beside them was hit. At least one
/// record is reported: the one before which the damage lies.
fn trim(bytes: &[u8], leaves: &[Hash], ids: Range<usize>, place: Range<usize>) -> DamagedRun {
    let (mut ids, mut place) = (ids, place);
    if place.len() <= MAX_TRIMMED {
        while let Some(end) = leaves.get(ids.start).filter(|_| !ids.is_empty()).and_then(|leaf| {
            let text = bytes.get(place.clone())?;
            memchr_iter(b'\n', text).map(|at| at + 1).find(|end| text.get(..*end).map(leaf_hash).as_ref() == Some(leaf))
        }) {
            ids.start += 1;
            place.start = (place.start + end).min(place.end);
        }
        while let Some(begin) = leaves.get(ids.end.wrapping_sub(1)).filter(|_| !ids.is_empty()).and_then(|leaf| {
            let text = bytes.get(place.clone())?;
            let begins = memchr_iter(b'\n', text).flat_map(|at| [at + 1, at + 2]);
            begins.into_iter().find(|begin| text.get(*begin..).map(leaf_hash).as_ref() == Some(leaf))
        }) {
            ids.end -= 1;
            place.end = place.start + begin;
        }
    }
    if ids.is_empty() {
        let last = leaves.len().saturating_sub(1);
        ids = ids.start.min(last)..ids.start.min(last) + 1;
    }
    (ids, place)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    /// Records of different lengths, joined as in a data tile.
    fn tile() -> (Vec<u8>, Vec<Hash>) {
        let texts: Vec<String> = (0..9).map(|n| format!("m{} v{n} x\nm{n} y\n", "a".repeat(n))).collect();
        (texts.join("\n").into_bytes(), texts.iter().map(|text| leaf_hash(text.as_bytes())).collect())
    }

    #[test]
    fn a_flipped_byte_is_in_the_one_record_that_is_told() {
        let (bytes, leaves) = tile();
        assert_eq!(damaged(&bytes, &leaves), []);
        for at in 0..bytes.len() {
            for to in [b'\n', b'z', bytes[at] ^ 1] {
                let mut torn = bytes.clone();
                torn[at] = to;
                let runs = damaged(&torn, &leaves);
                if to == bytes[at] {
                    assert_eq!(runs, []);
                    continue;
                }
                assert_eq!(runs.len(), 1, "{at}: {runs:?}");
                let (ids, place) = &runs[0];
                // Which record the byte belongs to; a blank line belongs to the record after it.
                let before = bytes[..at].windows(2).filter(|pair| *pair == b"\n\n").count();
                let is_blank = at > 0 && bytes[at] == b'\n' && bytes[at - 1] == b'\n';
                let id = before + usize::from(is_blank);
                assert!(ids.contains(&id) && ids.len() <= 2, "{at} to {to}: {id} in {ids:?}");
                assert!(place.contains(&at) || is_blank, "{at} in {place:?}");
            }
        }
    }

    #[test]
    fn bytes_that_are_gone_or_too_many_are_told() {
        let (bytes, leaves) = tile();
        for at in 0..bytes.len() {
            let mut torn = bytes.clone();
            torn.remove(at);
            assert!(!damaged(&torn, &leaves).is_empty(), "without byte {at}");
            let mut torn = bytes.clone();
            torn.insert(at, b'q');
            assert!(!damaged(&torn, &leaves).is_empty(), "one more at {at}");
            assert!(!damaged(&bytes[..at], &leaves).is_empty(), "cut at {at}");
        }
    }
}

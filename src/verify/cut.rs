//! Where a data tile begins and ends in `records`, when `offsets` may be wrong: records end at blank lines, and a record that
//! has the leaf hash that is stored for it shows where it ends, whatever `offsets` says.

use memchr::{memchr_iter, memmem};

use super::files::Files;
use crate::sumdb::hash::{Hash, leaf_hash};
use crate::sumdb::number::wide;
use crate::sumdb::record::{MAX_DATA_TILE_BYTES, MAX_RECORD_BYTES, record_ranges};
use crate::sumdb::tile::{FULL, FULL_LEN};

/// How far the end of a tile is searched for where `offsets` is damaged: real tiles have some 50 KiB.
const WINDOW_BYTES: usize = 1 << 20;

/// The bytes of a data tile, and whether both ends are where records were seen to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) begin: u64,
    pub(super) end: u64,
}

/// The pieces that blank lines part, each with the newline that ends it and with its place in `bytes`.
pub(super) fn pieces(bytes: &[u8]) -> Vec<(usize, &[u8])> {
    let mut pieces = Vec::with_capacity(FULL_LEN);
    pieces.extend(record_ranges(bytes).filter_map(|range| Some((range.start, bytes.get(range)?))));
    pieces
}

impl Files {
    /// Where the tile after `tile` begins: what `offsets` says where the records on either side of it bear that out, else
    /// what they say, else what `offsets` says if that can be. `begin` is where `tile` begins.
    pub(super) fn next_begin(&self, tile: u64, begin: Option<u64>) -> Option<u64> {
        let last = self.leaves(tile).get(FULL_LEN - 1).copied();
        let next = self.leaves(tile + 1).first().copied();
        let listed = self.begin(tile + 1).filter(|listed| begin.is_none_or(|from| from < *listed));
        if listed.is_some_and(|listed| self.ends_at(listed, last) || self.begins_at(listed, next)) {
            return listed;
        }
        begin.and_then(|from| self.search_end(from, last, next)).or(listed)
    }

    /// Whether the record that ends at `at` has this hash.
    fn ends_at(&self, at: u64, hash: Option<Hash>) -> bool {
        let from = at.saturating_sub(wide(MAX_RECORD_BYTES + 2));
        let bytes = self.records.bytes(from, usize::try_from(at - from).unwrap_or(0));
        let blank = memmem::rfind(&bytes, b"\n\n").map_or(0, |blank| blank + 2);
        hash.is_some() && bytes.get(blank..).map(leaf_hash) == hash
    }

    /// Whether the record that begins at `at` has this hash.
    fn begins_at(&self, at: u64, hash: Option<Hash>) -> bool {
        let bytes = self.records.bytes(at, MAX_RECORD_BYTES + 2);
        let end = memmem::find(&bytes, b"\n\n").map_or(bytes.len(), |blank| blank + 1);
        hash.is_some() && bytes.get(..end).map(leaf_hash) == hash
    }

    /// Between two tiles there is no blank line: somewhere in a piece one record ends and the next begins.
    fn search_end(&self, from: u64, last: Option<Hash>, next: Option<Hash>) -> Option<u64> {
        let bytes = self.records.bytes(from, WINDOW_BYTES);
        for (begin, piece) in pieces(&bytes) {
            for end in memchr_iter(b'\n', piece).map(|newline| newline + 1).filter(|end| *end <= MAX_RECORD_BYTES) {
                let (this, after) = piece.split_at_checked(end).unwrap_or_default();
                let is_end = last.is_some_and(|last| leaf_hash(this) == last);
                let is_begin = !after.is_empty() && next.is_some_and(|next| leaf_hash(after) == next);
                if is_end || is_begin {
                    return Some(from + wide(begin + end));
                }
            }
        }
        None
    }

    /// Where the last, partial data tile ends: where its last record has its hash; else after its second line; else with the
    /// file, which may go on with what is not committed.
    pub(super) fn tree_end(&self, begin: u64, width: usize) -> u64 {
        let last = self.leaves(self.tree.size / FULL).get(width - 1).copied();
        let bytes = self.records.bytes(begin, MAX_DATA_TILE_BYTES);
        let pieces = pieces(&bytes);
        let usual = pieces.get(width - 1);
        let lines = |(_, piece): &(usize, &[u8])| {
            memchr_iter(b'\n', piece).map(|at| at + 1).take_while(|end| *end <= MAX_RECORD_BYTES).collect::<Vec<_>>()
        };
        let whole = usual.into_iter().chain(pieces.iter().take(FULL_LEN + 1)).find_map(|piece| {
            let ends_there = |end: &usize| last.is_some() && piece.1.get(..*end).map(leaf_hash) == last;
            lines(piece).into_iter().find(ends_there).map(|end| piece.0 + end)
        });
        let end = whole.or_else(|| usual.and_then(|piece| lines(piece).get(1).map(|end| piece.0 + end)));
        begin + wide(end.unwrap_or(bytes.len()))
    }

    /// The bytes of a cut, or the part of them that the file has.
    pub(super) fn cut_bytes(&self, cut: Cut) -> Vec<u8> {
        let len = usize::try_from(cut.end.saturating_sub(cut.begin)).unwrap_or(usize::MAX);
        self.records.bytes(cut.begin, len.min(MAX_DATA_TILE_BYTES))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_all_of_the_bytes_but_the_blank_lines() {
        type Case<'a> = (&'a [u8], &'a [(usize, &'a [u8])]);
        let cases: [Case<'_>; 6] = [
            (b"", &[]),
            (b"a\nb\n", &[(0, b"a\nb\n")]),
            (b"a\n\nb\n", &[(0, b"a\n"), (3, b"b\n")]),
            (b"a\n\n\nb", &[(0, b"a\n"), (3, b"\nb")]),
            (b"\n\n", &[(0, b"\n")]),
            (b"\n\n\n\nx", &[(0, b"\n"), (2, b"\n"), (4, b"x")]),
        ];
        for (bytes, expected) in cases {
            assert_eq!(pieces(bytes), expected, "{:?}", String::from_utf8_lossy(bytes));
        }
    }
}

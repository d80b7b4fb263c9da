//! Data tiles: up to 256 records, parted by blank lines. sum.golang.org ends the last record with its newline alone; x/mod's
//! own server ends it with a blank line too. Both are read, the first is written.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::super::error::{Error, Result};
use super::text::{self, MAX_RECORD_BYTES};

/// The largest data tile: 256 records of the largest size, and a blank line after each. Real ones have about 50 KiB.
pub const MAX_DATA_TILE_BYTES: usize = 256 * (MAX_RECORD_BYTES + 1);

/// What parts records.
static BLANK: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\n\n"));

/// The texts of the records in a data tile of `width` records (1 to 256), in order, as they are hashed.
///
/// # Errors
/// `Malformed` for any other number of records, for bytes that are not the text of a record, and for more than
/// [`MAX_DATA_TILE_BYTES`].
pub fn split_records(bytes: &[u8], width: u16) -> Result<Vec<&[u8]>> {
    let malformed = |why: String| Error::malformed("data tile", why);
    if bytes.len() > MAX_DATA_TILE_BYTES {
        return Err(malformed(format!("{} bytes, more than the {MAX_DATA_TILE_BYTES} allowed", bytes.len())));
    }
    let mut records = Vec::with_capacity(usize::from(width));
    for range in record_ranges(bytes) {
        if records.len() == usize::from(width) {
            return Err(malformed(format!("more than {width} records")));
        }
        let record = bytes.get(range).unwrap_or_default();
        text::check(record)?;
        records.push(record);
    }
    if records.len() < usize::from(width) {
        return Err(malformed(format!("{} records, not {width}", records.len())));
    }
    Ok(records)
}

/// Where the records are in the bytes of a data tile, in order: each with its newline, parted by blank lines, the last with a blank
/// line after it or without. How many there are, and whether they are well formed, is the caller's to check.
pub fn record_ranges(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut blanks = BLANK.find_iter(bytes);
    let mut start = 0;
    std::iter::from_fn(move || {
        let range = start..blanks.next().map_or(bytes.len(), |blank| blank + 1);
        start = range.end + 1;
        (range.start < bytes.len()).then_some(range)
    })
}

/// The data tile of these record texts, as sum.golang.org writes it.
pub fn join_records(records: &[&[u8]]) -> Vec<u8> {
    records.join(&b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_all_of_the_bytes_but_the_blank_lines() {
        type Case<'a> = (&'a [u8], &'a [(usize, usize)]);
        let cases: [Case<'_>; 7] = [
            (b"", &[]),
            (b"a\nb\n", &[(0, 4)]),
            (b"a\n\nb\n", &[(0, 2), (3, 5)]),
            (b"a\n\nb\n\n", &[(0, 2), (3, 5)]),
            // Of three newlines in a row the first two are one blank line.
            (b"a\n\n\nb", &[(0, 2), (3, 5)]),
            (b"\n\n", &[(0, 1)]),
            (b"\n\n\n\nx", &[(0, 1), (2, 3), (4, 5)]),
        ];
        for (bytes, expected) in cases {
            let found: Vec<_> = record_ranges(bytes).map(|range| (range.start, range.end)).collect();
            assert_eq!(found, expected, "{:?}", String::from_utf8_lossy(bytes));
        }
    }
}

//! Data tiles: up to 256 records, parted by blank lines. sum.golang.org ends the last record with its newline alone; x/mod's
//! own server ends it with a blank line too. Both are read, the first is written.

use super::super::error::{Error, Result};
use super::text::{self, MAX_RECORD_BYTES};

/// The largest data tile: 256 records of the largest size, and a blank line after each. Real ones have about 50 KiB.
pub const MAX_DATA_TILE_BYTES: usize = 256 * (MAX_RECORD_BYTES + 1);

/// The texts of the records in a data tile of `width` records (1 to 256), in order, as they are hashed.
///
/// # Errors
/// `Malformed` for any other number of records, for bytes that are no record's text, and for more than
/// [`MAX_DATA_TILE_BYTES`].
pub fn split_records(bytes: &[u8], width: u16) -> Result<Vec<&[u8]>> {
    let malformed = |why: String| Error::malformed("data tile", why);
    if bytes.len() > MAX_DATA_TILE_BYTES {
        return Err(malformed(format!("{} bytes, more than the {MAX_DATA_TILE_BYTES} allowed", bytes.len())));
    }
    let mut records = Vec::with_capacity(usize::from(width));
    let mut rest = bytes;
    for number in 0..width {
        if rest.is_empty() {
            return Err(malformed(format!("{number} records, not {width}")));
        }
        let record;
        (record, rest) = split_record(rest);
        text::check(record)?;
        records.push(record);
    }
    if rest.is_empty() { Ok(records) } else { Err(malformed(format!("more than {width} records"))) }
}

/// The data tile of these record texts, as sum.golang.org writes it.
pub fn join_records(records: &[&[u8]]) -> Vec<u8> {
    records.join(&b'\n')
}

/// The first record with its newline, and what follows the blank line after it; all of `bytes` where there is none.
fn split_record(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n").map_or(bytes.len(), |at| at + 1);
    let (record, rest) = bytes.split_at_checked(end).unwrap_or_default();
    (record, rest.get(1..).unwrap_or_default())
}

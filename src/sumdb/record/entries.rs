//! Entry bundles: the records of a data tile as C2SP tlog-tiles frames them, each after its length in two bytes, big-endian.

use super::super::error::{Error, Result};

/// The bundle of these record texts.
///
/// # Errors
/// `Malformed`: a record is longer than the 65,535 bytes that the framing can hold.
pub fn entry_bundle(records: &[&[u8]]) -> Result<Vec<u8>> {
    let mut bundle = Vec::with_capacity(records.iter().map(|record| record.len() + size_of::<u16>()).sum());
    for (place, record) in records.iter().enumerate() {
        let too_long = |_| Error::malformed("entry bundle", format!("record {place} has {} bytes", record.len()));
        // SPEC: "each log entry is prefixed by its length as a big-endian uint16" (C2SP tlog-tiles, Log Entries)
        let len = u16::try_from(record.len()).map_err(too_long)?;
        bundle.extend_from_slice(&len.to_be_bytes());
        bundle.extend_from_slice(record);
    }
    Ok(bundle)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn lengths_stand_before_records() {
        assert_eq!(entry_bundle(&[b"ab\n", b"", &[b'x'; 258]]).unwrap()[..7], *b"\0\x03ab\n\0\0");
        assert_eq!(entry_bundle(&[&[b'x'; 258]]).unwrap()[..3], *b"\x01\x02x");
        assert_eq!(entry_bundle(&[&[b'x'; 65_535]]).unwrap().len(), 65_537);
        assert!(entry_bundle(&[&[b'x'; 65_536]]).is_err());
        assert_eq!(entry_bundle(&[]).unwrap(), b"");
    }
}

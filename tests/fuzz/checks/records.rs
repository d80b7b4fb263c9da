//! Records, lookup responses and data tiles.

use gosumcheck::sumdb::gosum::Kind;
use gosumcheck::sumdb::hash::{Hash, leaf_hash};
use gosumcheck::sumdb::record::{LookupResponse, VerifiedRecord, join_records, split_records, subject};

use super::refused;

/// `subject` and `VerifiedRecord::check`: a record that has a subject is proven by its own leaf hash and by no other, prints
/// as it came, and goes through a lookup response unchanged.
pub fn record(bytes: &[u8]) -> bool {
    let module = match subject(bytes) {
        Ok(module) => module,
        Err(error) => return refused(error),
    };
    let leaf = leaf_hash(bytes);
    let record = VerifiedRecord::check(&module, 7, bytes, &leaf).unwrap();
    assert!(VerifiedRecord::check(&module, 7, bytes, &Hash([0; 32])).is_err());
    assert_eq!((record.module(), record.text().as_bytes()), (&module, bytes));
    let line = |kind: Kind| format!("{} {}{} {}\n", module.path(), module.version(), kind.suffix(), record.hash(kind));
    assert_eq!(format!("{}{}", line(Kind::Zip), line(Kind::GoMod)).as_bytes(), bytes);
    let response = LookupResponse::parse(&record.to_response(b"note\n")).unwrap();
    assert_eq!((response.id(), response.note()), (7, b"note\n".as_slice()));
    assert_eq!(response.prove(&module, &leaf), Ok(record));
    true
}

/// `LookupResponse::parse`: nothing is lost, the number is written as it is read, and only the record's own leaf proves it.
pub fn lookup(bytes: &[u8]) -> bool {
    let response = match LookupResponse::parse(bytes) {
        Ok(response) => response,
        Err(error) => return refused(error),
    };
    let rest = bytes.strip_prefix(format!("{}\n", response.id()).as_bytes()).unwrap();
    let rest = rest.strip_suffix(response.note()).unwrap();
    let record = rest.strip_suffix(b"\n").unwrap();
    assert!(record.ends_with(b"\n") && !record.windows(2).any(|pair| pair == b"\n\n"));
    assert_eq!(response.leaf_hash(), leaf_hash(record));
    if let Ok(module) = subject(record) {
        let proven = response.prove(&module, &leaf_hash(record)).unwrap();
        assert_eq!(proven.text().as_bytes(), record);
        assert_eq!(proven.to_response(response.note()), bytes);
        assert!(response.prove(&module, &Hash([0; 32])).is_err());
    }
    true
}

/// `split_records`: what is split joins to the same bytes (but for one blank line at the end), for one width only.
pub fn data_tile(bytes: &[u8]) -> bool {
    let separators = bytes.windows(2).filter(|pair| *pair == b"\n\n").count();
    let guess = u16::try_from(separators.min(256)).unwrap();
    let widths = (guess.saturating_sub(1)..=guess + 1).chain([0, 256]);
    let mut taken = None;
    for width in widths {
        let records = match split_records(bytes, width) {
            Ok(records) => records,
            Err(error) => {
                refused(error);
                continue;
            }
        };
        assert!(taken.is_none_or(|other| other == width), "two widths");
        taken = Some(width);
        assert_eq!(records.len(), usize::from(width));
        let joined = join_records(&records);
        assert!(bytes == joined || bytes.strip_suffix(b"\n") == Some(joined.as_slice()));
        assert_eq!(split_records(&joined, width).as_ref(), Ok(&records));
        assert!(records.iter().all(|record| record.ends_with(b"\n") && record.len() > 1));
    }
    taken.is_some()
}

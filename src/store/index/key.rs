//! The key of a record: some bits of SHA-256 of the module path in lower case, then some of SHA-256 of `MODULE VERSION`. So the
//! versions of a module are a range of keys, and in the same range are the paths that differ from it in case only.

use crate::sumdb::hash::{Hash, sha256, sha256_many};
use crate::sumdb::record::Heading;

/// Bits of an entry's second half that tell one spelling of a module path from another.
const TAG_BITS: u32 = 28;
/// Records that an index can number: what is left of the second half. At 60,000 a day that is some 3,000 years.
pub(super) const MAX_RECORDS: u64 = 1 << (64 - TAG_BITS);

/// How many bits a key has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Width {
    path: u32,
    version: u32,
}

/// A record as it is sorted: its key, its number, and a tag of its path as it is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct IndexEntry {
    pub(super) key: u64,
    id_and_tag: u64,
}

impl Width {
    /// That of a new index: among 100 million paths hardly any share a range.
    pub(super) const USUAL: Width = Width { path: 36, version: 27 };
    /// A key is never negative in SQLite, so that keys sort there as they do here.
    const MAX_BITS: u32 = 63;

    /// `None` where there is no such key: each part has a bit or more, and both together 63 at most.
    pub(super) fn new(path: u32, version: u32) -> Option<Width> {
        let fits = path >= 1 && version >= 1 && path.checked_add(version)? <= Width::MAX_BITS;
        fits.then_some(Width { path, version })
    }

    pub(super) fn bits(self) -> (u32, u32) {
        (self.path, self.version)
    }

    /// The key of one module version.
    pub(super) fn key(self, path: &str, version: &str) -> u64 {
        let folded = sha256(path.to_ascii_lowercase().as_bytes());
        self.join(&folded, &sha256(format!("{path} {version}").as_bytes()))
    }

    /// The first and the last key that a version of this module can have.
    pub(super) fn range(self, path: &str) -> (u64, u64) {
        let folded = top(&sha256(path.to_ascii_lowercase().as_bytes()), self.path);
        self.range_of(folded << self.version)
    }

    /// The first and the last key of the range that this one is in.
    pub(super) fn range_of(self, key: u64) -> (u64, u64) {
        let first = self.prefix(key) << self.version;
        (first, first | ((1 << self.version) - 1))
    }

    /// What is the same for all keys of a range.
    pub(super) fn prefix(self, key: u64) -> u64 {
        key >> self.version
    }

    /// Which of 2^`bits` parts a key belongs to, in their order; a range is never parted.
    pub(super) fn part(self, key: u64, bits: u32) -> u64 {
        self.prefix(key) >> self.path.saturating_sub(bits)
    }

    /// The entries of many records, hashed many at a time.
    pub(super) fn entries(self, headings: &[(u64, Heading<'_>)]) -> Vec<IndexEntry> {
        let paths: Vec<&[u8]> = headings.iter().map(|(_, heading)| heading.path_bytes()).collect();
        let texts: Vec<&[u8]> = headings.iter().map(|(_, heading)| heading.bytes()).collect();
        let upper = |path: &&&[u8]| path.iter().fold(false, |any, byte| any | byte.is_ascii_uppercase());
        let folded: Vec<Vec<u8>> = paths.iter().filter(upper).map(|path| path.to_ascii_lowercase()).collect();
        let folded: Vec<&[u8]> = folded.iter().map(Vec::as_slice).collect();
        let (exact, texts, mut folded) = (sha256_many(&paths), sha256_many(&texts), sha256_many(&folded).into_iter());
        let hashed = headings.iter().zip(&paths).zip(exact.iter().zip(&texts));
        hashed
            .map(|(((id, _), path), (exact, text))| {
                let folded = if upper(&path) { folded.next().unwrap_or_default() } else { *exact };
                IndexEntry::new(self.join(&folded, text), *id, exact)
            })
            .collect()
    }

    fn join(self, folded: &Hash, text: &Hash) -> u64 {
        (top(folded, self.path) << self.version) | top(text, self.version)
    }
}

impl IndexEntry {
    /// Bytes of an entry in a file.
    pub(super) const BYTES: usize = 16;

    fn new(key: u64, id: u64, path: &Hash) -> IndexEntry {
        // The last bits: the first ones are in the key.
        let tag = path.0.last_chunk().map_or(0, |chunk| u64::from_be_bytes(*chunk));
        IndexEntry { key, id_and_tag: (id << TAG_BITS) | (tag & ((1 << TAG_BITS) - 1)) }
    }

    /// The record's number.
    pub(super) fn id(self) -> u64 {
        self.id_and_tag >> TAG_BITS
    }

    /// Two spellings of one path have different tags, but for one pair in 2^28.
    pub(super) fn tag(self) -> u64 {
        self.id_and_tag & ((1 << TAG_BITS) - 1)
    }

    /// As a row of the table.
    pub(super) fn row(self) -> [i64; 2] {
        [self.key, self.id()].map(|number| i64::try_from(number).unwrap_or(i64::MAX))
    }

    pub(super) fn to_bytes(self) -> [u8; IndexEntry::BYTES] {
        ((u128::from(self.key) << 64) | u128::from(self.id_and_tag)).to_le_bytes()
    }

    pub(super) fn from_bytes(bytes: [u8; IndexEntry::BYTES]) -> IndexEntry {
        let both = u128::from_le_bytes(bytes);
        let half = |both: u128| u64::try_from(both & u128::from(u64::MAX)).unwrap_or_default();
        IndexEntry { key: half(both >> 64), id_and_tag: half(both) }
    }
}

/// The first bits of a hash.
fn top(hash: &Hash, bits: u32) -> u64 {
    hash.0.first_chunk().map_or(0, |chunk| u64::from_be_bytes(*chunk)) >> (64 - bits)
}

//! How an index is made: bits of a key, threads, and from how many new records on it is rebuilt.

use super::key::Width;

/// Sizes that tests make small.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Tuning {
    /// bits of a key that come from the module's path
    pub path_bits: u32,
    /// bits of a key that come from the module version
    pub version_bits: u32,
    /// threads that read and hash
    pub threads: usize,
    /// records that are sorted at once in a bulk build, about: each takes 32 bytes of memory meanwhile
    pub part: u64,
    /// records appended in one transaction: each touches a page of 4 KiB, which goes through the WAL
    pub batch: u64,
    /// up to this many records are always appended; beyond that, appending `append_share` of the log costs as much as rebuilding it
    pub append_most: u64,
    /// see `append_most`
    pub append_share: u64,
}

impl Default for Tuning {
    fn default() -> Tuning {
        let threads = std::thread::available_parallelism().map_or(2, |found| found.get().min(8));
        let (path_bits, version_bits) = Width::USUAL.bits();
        Tuning { path_bits, version_bits, threads, part: 1 << 19, batch: 8192, append_most: 1 << 17, append_share: 32 }
    }
}

impl Tuning {
    /// Whether an index of `known` records that is to have `total` is rebuilt rather than appended to.
    pub(super) fn makes_anew(&self, known: u64, total: u64) -> bool {
        total.saturating_sub(known) > self.append_most.max(total / self.append_share)
    }
}

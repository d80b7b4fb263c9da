//! How the memory that `--memory` grants is divided among those who remember answers. Each keeps to its part.

use crate::sumdb::number::wide;

/// Parts of all of it: half for whole answers, one part in sixteen for refusals of modules, the rest for the databases.
const HOT_PART: u64 = 2;
const REFUSALS_PART: u64 = 16;

/// The parts, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Memory {
    /// answers as they are sent
    pub(super) hot: u64,
    /// what upstreams do not have, and what is refused
    pub(super) refusals: u64,
    /// what each database has proven, and what it does not have
    pub(super) database: u64,
}

impl Memory {
    /// `bytes` for a server of so many databases.
    pub(super) fn divide(bytes: u64, databases: usize) -> Memory {
        let (hot, refusals) = (bytes / HOT_PART, bytes / REFUSALS_PART);
        let databases = wide(databases).max(1);
        Memory { hot, refusals, database: (bytes - hot - refusals) / databases }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_never_more_than_the_whole() {
        for bytes in [0, 1, 1000, 128 << 20, u64::MAX] {
            for databases in [0, 1, 3] {
                let Memory { hot, refusals, database } = Memory::divide(bytes, databases);
                let all = u128::from(hot)
                    + u128::from(refusals)
                    + u128::from(database) * u128::try_from(databases.max(1)).unwrap_or(0);
                assert!(all <= u128::from(bytes), "{bytes} {databases}");
            }
        }
        let parts = Memory { hot: 64 << 20, refusals: 8 << 20, database: 56 << 20 };
        assert_eq!(Memory::divide(128 << 20, 1), parts);
    }
}

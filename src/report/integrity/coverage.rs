//! What a verification covers: everything, or what is new since an earlier one and a share of the rest.
//!
//! A share is a window of a circle on which every data tile and every module file has a place. The next share begins where the last
//! one ended, so that shares of 5 % have covered everything after 20 of them.

use serde::{Deserialize, Serialize};

use crate::sumdb::hash::sha256;
use crate::sumdb::tile::FULL;

/// The length of the circle.
const CIRCLE: u32 = 1_000_000;
/// Neighbouring data tiles that share a place: about 1 MB, so that a disk reads more than it seeks.
const NEIGHBOURS: u64 = 16;

/// What a verification covers of the records and of the module files. All else (signed heads, hashes above the leaves, names, modes,
/// what lies beside module files) is always covered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Coverage {
    /// everything
    #[default]
    #[serde(rename = "full")]
    Full,
    /// what is new, and a share of the rest
    #[serde(rename = "part")]
    Part {
        /// the earlier verification; what came after it is new. Absent where nothing is covered for being new
        since: Option<Since>,
        /// the share of the rest; absent where none is covered
        sample: Option<Sample>,
    },
}

/// What an earlier verification covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Since {
    /// records of its signed head
    pub records: u64,
    /// when it began, in microseconds since 1970: a module file that was changed at this time or later is new
    pub began: u64,
}

/// A window of the circle, in millionths of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// where it begins
    pub from: u32,
    /// how long it is
    pub share: u32,
}

impl Sample {
    /// The first window of this length, in millionths.
    pub fn first(share: u32) -> Sample {
        Sample { from: 0, share: share.min(CIRCLE) }
    }

    /// A window of the length `share` that begins where this one ends.
    pub fn next(self, share: u32) -> Sample {
        Sample { from: self.from.saturating_add(self.share) % CIRCLE, share: share.min(CIRCLE) }
    }

    fn has(self, place: u32) -> bool {
        let after = (place + CIRCLE).saturating_sub(self.from) % CIRCLE;
        after < self.share
    }
}

impl Coverage {
    /// Whether it covers everything.
    pub fn is_full(&self) -> bool {
        matches!(self, Coverage::Full)
    }

    /// Whether it covers full data tile `index`.
    pub fn has_tile(&self, index: u64) -> bool {
        match self {
            Coverage::Full => true,
            Coverage::Part { since, sample } => {
                let is_new = since.is_some_and(|since| (index + 1) * FULL > since.records);
                is_new || sample.is_some_and(|sample| sample.has(place(&(index / NEIGHBOURS).to_le_bytes())))
            }
        }
    }

    /// Whether it covers the module file of this name below the data folder that was last changed at this time, in microseconds since
    /// 1970.
    pub fn has_file(&self, name: &str, changed: u64) -> bool {
        match self {
            Coverage::Full => true,
            Coverage::Part { since, sample } => {
                let is_new = since.is_some_and(|since| changed >= since.began);
                is_new || sample.is_some_and(|sample| sample.has(place(name.as_bytes())))
            }
        }
    }
}

/// Where on the circle something is.
fn place(name: &[u8]) -> u32 {
    let [a, b, c, d, e, f, g, h, ..] = sha256(name).0;
    let spread = u64::from_le_bytes([a, b, c, d, e, f, g, h]) % u64::from(CIRCLE);
    u32::try_from(spread).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_in_turn_cover_everything_once() {
        let shares = |share: u32| {
            let mut samples = vec![Sample::first(share)];
            while samples.len() < usize::try_from(CIRCLE / share).unwrap_or(0) {
                samples.extend(samples.last().map(|last| last.next(share)));
            }
            samples
        };
        for share in [50_000, 100_000, 500_000, CIRCLE] {
            for tile in 0..500 {
                let of = |sample| Coverage::Part { since: None, sample: Some(sample) };
                let name = format!("modules/example.com/m{tile}/@v/v1.0.0.zip");
                let tiles = shares(share).into_iter().filter(|sample| of(*sample).has_tile(tile)).count();
                let files = shares(share).into_iter().filter(|sample| of(*sample).has_file(&name, 0)).count();
                assert_eq!((tiles, files), (1, 1), "{share} {tile}");
            }
        }
        // A share that does not divide the whole goes round.
        assert_eq!(Sample { from: 700_000, share: 400_000 }.next(400_000).from, 100_000);
    }

    #[test]
    fn what_is_new_is_covered_and_nothing_old() {
        let since = Coverage::Part { since: Some(Since { records: 1000, began: 77 }), sample: None };
        // Records 768 to 999 were in a partial tile, which is full now.
        let tiles: Vec<u64> = (0..6).filter(|tile| since.has_tile(*tile)).collect();
        assert_eq!(tiles, [3, 4, 5]);
        assert_eq!([76, 77, 78].map(|changed| since.has_file("x", changed)), [false, true, true]);
        assert!(Coverage::Full.has_tile(0) && Coverage::Full.has_file("x", 0));
        let nothing = Coverage::Part { since: None, sample: None };
        assert!(!nothing.has_tile(0) && !nothing.has_file("x", u64::MAX));
    }
}

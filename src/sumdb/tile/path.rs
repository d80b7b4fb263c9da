//! Tile paths as they stand in URLs and caches. A tile has one path: what does not print as it came is refused.

use std::fmt;

use super::{DataTile, HEIGHT, Tile};
use crate::sumdb::checkpoint::parse_decimal;
use crate::sumdb::error::{Error, Result};

/// No path of a tree of at most 2^62 leaves is longer.
const MAX_PATH_BYTES: usize = 64;

/// What a tile path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TilePath {
    /// `tile/8/L/...`
    Hashes(Tile),
    /// `tile/8/data/...`
    Data(DataTile),
}

impl TilePath {
    /// Reads a canonical path, without a leading slash.
    ///
    /// # Errors
    /// `Malformed`: not a tile path, not canonical, or of a tile that no tree of at most 2^62 leaves has.
    pub fn parse(text: &str) -> Result<TilePath> {
        let bad = || Error::malformed("tile path", format!("{:?} is not tile/8/LEVEL/NNN[.p/WIDTH]", clip(text)));
        let rest =
            text.strip_prefix("tile/").and_then(|rest| rest.strip_prefix(&format!("{HEIGHT}/"))).ok_or_else(bad)?;
        let (level, rest) = rest.split_once('/').ok_or_else(bad)?;
        let (groups, width) = match rest.split_once(".p/") {
            Some((groups, width)) => {
                (groups, parse_decimal(width).and_then(|w| u32::try_from(w).ok()).ok_or_else(bad)?)
            }
            None => (rest, 1 << HEIGHT),
        };
        let index = parse_index(groups).ok_or_else(bad)?;
        let path = match level {
            "data" => TilePath::Data(DataTile::new(index, width)?),
            level => {
                let level = parse_decimal(level).and_then(|level| u32::try_from(level).ok()).ok_or_else(bad)?;
                TilePath::Hashes(Tile::new(level, index, width)?)
            }
        };
        // The round trip is the rule: no leading zeros too many, no `.p/256`.
        if path.to_string() == text { Ok(path) } else { Err(bad()) }
    }

    /// Reads a canonical path as C2SP tlog-tiles has it, without a leading slash: `tile/LEVEL/NNN[.p/WIDTH]`, and
    /// `tile/entries/NNN[.p/WIDTH]` for the bundle of the records that a data tile has.
    ///
    /// # Errors
    /// As [`TilePath::parse`].
    pub fn parse_tlog(text: &str) -> Result<TilePath> {
        let bad = || Error::malformed("tile path", format!("{:?} is not tile/LEVEL/NNN[.p/WIDTH]", clip(text)));
        let (level, rest) = text.strip_prefix("tile/").and_then(|rest| rest.split_once('/')).ok_or_else(bad)?;
        let level = match level {
            "entries" => "data",
            "data" => return Err(bad()),
            level => level,
        };
        TilePath::parse(&format!("tile/{HEIGHT}/{level}/{rest}")).map_err(|_| bad())
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TilePath::Hashes(tile) => tile.fmt(f),
            TilePath::Data(tile) => tile.fmt(f),
        }
    }
}

/// `x001/x234/067`, and `.p/WIDTH` for a partial tile.
pub(super) fn write_index(f: &mut fmt::Formatter<'_>, index: u64, width: Option<u32>) -> fmt::Result {
    let mut groups = vec![index % 1000];
    let mut rest = index / 1000;
    while rest > 0 {
        groups.push(rest % 1000);
        rest /= 1000;
    }
    for (place, group) in groups.iter().enumerate().rev() {
        if place > 0 { write!(f, "x{group:03}/")? } else { write!(f, "{group:03}")? }
    }
    width.map_or(Ok(()), |width| write!(f, ".p/{width}"))
}

fn parse_index(groups: &str) -> Option<u64> {
    groups.split('/').try_fold(0u64, |index, group| {
        let digits = group.strip_prefix('x').unwrap_or(group);
        let is_group = digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number: u64 = is_group.then(|| digits.parse().ok()).flatten()?;
        index.checked_mul(1000)?.checked_add(number)
    })
}

fn clip(text: &str) -> &str {
    text.char_indices().nth(MAX_PATH_BYTES).map_or(text, |(end, _)| text.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn canonical_paths_are_read_and_printed_as_they_came() {
        for path in [
            "tile/8/0/000",
            "tile/8/0/000.p/1",
            "tile/8/0/999.p/255",
            "tile/8/0/x001/000",
            "tile/8/3/x001/x234/067",
            "tile/8/6/000.p/255",
            "tile/8/7/000.p/64",
            "tile/8/data/x246/472.p/76",
            "tile/8/data/000",
        ] {
            assert_eq!(TilePath::parse(path).unwrap().to_string(), path);
        }
        let TilePath::Hashes(tile) = TilePath::parse("tile/8/2/x001/x234/067.p/9").unwrap() else { unreachable!() };
        assert_eq!((tile.level(), tile.index(), tile.width(), tile.byte_len()), (2, 1_234_067, 9, 288));
        assert_eq!(tile.full().to_string(), "tile/8/2/x001/x234/067");
    }

    #[test]
    fn tlog_paths_lack_the_height() {
        for (tlog, path) in [
            ("tile/0/000", "tile/8/0/000"),
            ("tile/2/x001/234.p/7", "tile/8/2/x001/234.p/7"),
            ("tile/entries/x001/234.p/7", "tile/8/data/x001/234.p/7"),
        ] {
            assert_eq!(TilePath::parse_tlog(tlog).unwrap().to_string(), path);
        }
        for path in ["", "tile/8/0/000", "tile/data/000", "tile/00/000", "tile/0/0", "tile/entries/000.p/256", "tile/0"]
        {
            assert!(TilePath::parse_tlog(path).is_err(), "{path}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for path in [
            "",
            "/",
            "tile",
            "tile/8/0",
            "tile/8/0/",
            "tile/8/0/0",
            "tile/8/0/1000",
            "tile/8/0/x000/001",
            "tile/8/0/001/002",
            "tile/8/0/x001",
            "tile/8/0/000.p/0",
            "tile/8/0/000.p/256",
            "tile/8/0/000.p/05",
            "tile/8/0/000.p/-1",
            "tile/8/0/000.p/",
            "tile/8/0/000.p/1.p/1",
            "tile/08/0/000",
            "tile/8/00/000",
            "tile/8/-1/000",
            "tile/8/+1/000",
            "tile/8/0/+01",
            "tile/31/0/000",
            "tile/2/0/000",
            "tile/8/7/000",
            "tile/8/7/000.p/65",
            "tile/8/7/001.p/1",
            "tile/8/64/000",
            "tile/8/4294967295/000",
            "/tile/8/0/000",
            "tile/8/0/000/",
            "tile/8/data/0x0",
            "tile/8/Data/000",
            "tile/8/0/x018/x446/x744/x073/x709/x551/616",
            "tile/8/0/x018/x014/x398/x509/x481/984",
        ] {
            assert!(TilePath::parse(path).is_err(), "{path}");
        }
        assert!(TilePath::parse(&"é".repeat(100_000)).unwrap_err().to_string().len() < 300);
    }
}

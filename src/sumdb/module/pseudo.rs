//! Pseudo-versions: names for revisions that nobody tagged (x/mod module/pseudo.go, whose forms these are):
//!
//! ```text
//! vX.0.0-yyyymmddhhmmss-abcdef123456                       no earlier tag
//! vX.Y.(Z+1)-0.yyyymmddhhmmss-abcdef123456[+incompatible]  the earlier tag is vX.Y.Z[+incompatible]
//! vX.Y.Z-pre.0.yyyymmddhhmmss-abcdef123456[+incompatible]  the earlier tag is vX.Y.Z-pre[+incompatible]
//! ```

use super::super::error::{Error, Result};
use super::super::printable::quoted;
use super::semver::INCOMPATIBLE;

/// Digits of the time in a pseudo-version: `yyyymmddhhmmss`, in UTC.
const TIME_DIGITS: usize = 14;

/// The parts of one pseudo-version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PseudoVersion<'a> {
    version: &'a str,
    /// what stands before the time, without its last `-` or `.`: `vX.0.0`, `vX.Y.(Z+1)-0` or `vX.Y.Z-pre.0`
    stem: &'a str,
    timestamp: &'a str,
    revision: &'a str,
}

impl<'a> PseudoVersion<'a> {
    /// The parts of the canonical `version`, if it has the form of a pseudo-version.
    pub(super) fn of(version: &'a str) -> Option<PseudoVersion<'a>> {
        let (head, revision) = version.strip_suffix(INCOMPATIBLE).unwrap_or(version).rsplit_once('-')?;
        let (before, timestamp) = head.split_at_checked(head.len().checked_sub(TIME_DIGITS)?)?;
        let (core, prerelease) = before.split_once('-')?;
        // As in Go's pattern: "0\.0-" alone, or "([^+]*\.)?0\." after the dash that follows the three numbers.
        let untagged = prerelease.is_empty() && core.ends_with(".0.0");
        let tagged = prerelease == "0." || prerelease.ends_with(".0.");
        let is_time = timestamp.bytes().all(|byte| byte.is_ascii_digit());
        let is_revision = !revision.is_empty() && revision.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let stem = before.strip_suffix(['-', '.'])?;
        (is_time && is_revision && (untagged || tagged)).then_some(PseudoVersion { version, stem, timestamp, revision })
    }

    /// The time of the revision as written: 14 digits, which need not be a date that exists.
    pub fn timestamp(&self) -> &'a str {
        self.timestamp
    }

    /// The time of the revision in seconds since 1970 (UTC); `None` for a date that does not exist.
    pub fn unix_time(&self) -> Option<i64> {
        let field = |from: usize, to: usize| self.timestamp.get(from..to)?.parse::<i64>().ok();
        let (year, month, day) = (field(0, 4)?, field(4, 6)?, field(6, 8)?);
        let (hour, minute, second) = (field(8, 10)?, field(10, 12)?, field(12, 14)?);
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        Some(days_since_1970(year, month, day)? * 86_400 + hour * 3_600 + minute * 60 + second)
    }

    /// The revision, as a rule the first 12 digits of a commit's hash.
    pub fn revision(&self) -> &'a str {
        self.revision
    }

    /// [`PseudoVersion::base`] as text.
    pub(super) fn base_text(&self) -> Result<Option<String>> {
        let malformed = |why| Error::malformed(format!("pseudo-version {}", quoted(self.version)), why);
        let build = if self.version.ends_with(INCOMPATIBLE) { INCOMPATIBLE } else { "" };
        let Some((core, prerelease)) = self.stem.split_once('-') else {
            return match build {
                "" => Ok(None),
                _ => Err(malformed("has no base version, yet is marked +incompatible")),
            };
        };
        let base = match prerelease.strip_suffix(".0") {
            Some(earlier) => format!("{core}-{earlier}{build}"),
            None => {
                let (numbers, patch) = core.rsplit_once('.').unwrap_or_default();
                let patch =
                    one_less(patch).ok_or_else(|| malformed("the version before it would have a negative patch"))?;
                format!("{numbers}.{patch}{build}")
            }
        };
        Ok(Some(base))
    }
}

/// The decimal number before `decimal`, of any length; `None` before 0.
fn one_less(decimal: &str) -> Option<String> {
    let significant = decimal.trim_end_matches('0');
    let (kept, last) = significant.split_at_checked(significant.len().checked_sub(1)?)?;
    let last = last.parse::<u8>().ok()?.checked_sub(1)?;
    let nines = "9".repeat(decimal.len() - significant.len());
    let leading_zero = kept.is_empty() && last == 0 && !nines.is_empty();
    Some(if leading_zero { nines } else { format!("{kept}{last}{nines}") })
}

/// Days from 1970-01-01 to a date of the Gregorian calendar; `None` for one that does not exist. By hand: the core depends on
/// formats, hashes and signatures and on no calendar, and a pseudo-version may name any year from 0 to 9999.
fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    // Count in years that begin in March, so that the leap day is the last one; month 0 is March.
    let (shifted_year, shifted_month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = shifted_year.div_euclid(4) - shifted_year.div_euclid(100) + shifted_year.div_euclid(400);
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    // 1970-01-01 is day 719468 of this count.
    Some(shifted_year * 365 + leap_days + day_of_year - 719_468)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::version::Version;
    use super::*;

    /// x/mod pseudo_test.go, pseudoTests (but for `+metadata`, which no canonical version has): the base, the version.
    const CASES: [(&str, &str); 13] = [
        ("", "v0.0.0-20060102150405-hash"),
        ("", "v1.0.0-20060102150405-hash"),
        ("", "v2.0.0-20060102150405-hash"),
        ("v0.0.0", "v0.0.1-0.20060102150405-hash"),
        ("v1.2.3", "v1.2.4-0.20060102150405-hash"),
        ("v1.2.99999999999999999", "v1.2.100000000000000000-0.20060102150405-hash"),
        ("v1.2.3-pre", "v1.2.3-pre.0.20060102150405-hash"),
        ("v1.3.0-pre", "v1.3.0-pre.0.20060102150405-hash"),
        ("v0.0.0--", "v0.0.0--.0.20060102150405-hash"),
        ("v1.2.3-0", "v1.2.3-0.0.20060102150405-hash"),
        ("v2.0.0+incompatible", "v2.0.1-0.20060102150405-hash+incompatible"),
        ("v2.3.0-pre+incompatible", "v2.3.0-pre.0.20060102150405-hash+incompatible"),
        ("v2.3.0-a-b.c", "v2.3.0-a-b.c.0.20060102150405-hash"),
    ];

    #[test]
    fn takes_apart_what_go_puts_together() {
        for (base, text) in CASES {
            let version = Version::parse(text).unwrap();
            let pseudo = version.pseudo().unwrap();
            assert!(version.is_pseudo() && version.is_prerelease(), "{text}");
            assert_eq!(pseudo.timestamp(), "20060102150405");
            assert_eq!(pseudo.unix_time(), Some(1_136_214_245));
            assert_eq!(pseudo.revision(), "hash");
            assert_eq!(pseudo.base().unwrap().map_or(String::new(), |base| base.to_string()), base, "{text}");
            assert!(base.is_empty() || !Version::parse(base).unwrap().is_pseudo(), "{base}");
        }
    }

    #[test]
    fn leaves_other_versions_alone() {
        for text in [
            "v0.0.0",
            "v1.2.3-pre",
            "v0.0.1-20060102150405-hash",
            "v1.1.0-20060102150405-hash",
            "v1.0.0-2006010215040-hash",
            "v1.0.0-pre.20060102150405-hash",
            "v1.0.0-00.20060102150405-hash-",
            "v0.0.1-go1.21.0.linux-amd64",
            "v1.0.0-120060102150405-hash",
        ] {
            let valid = Version::parse(text);
            assert!(!valid.is_ok_and(|version| version.is_pseudo()), "{text}");
        }
    }

    #[test]
    fn a_base_that_cannot_be_is_an_error() {
        // x/mod pseudo_test.go, TestInvalidPseudoVersionBase
        for text in [
            "v0.0.0-0.20060102150405-hash",
            "v0.1.0-0.20060102150405-hash",
            "v1.0.0-0.20060102150405-hash",
            "v0.0.0-20060102150405-hash+incompatible",
        ] {
            assert!(Version::parse(text).unwrap().pseudo().unwrap().base().is_err(), "{text}");
        }
    }

    #[test]
    fn counts_down_numbers_of_any_length() {
        // x/mod pseudo_test.go, TestDecDecimal
        for (number, before) in [("1", "0"), ("2", "1"), ("99", "98"), ("100", "99"), ("101", "100"), ("10", "9")] {
            assert_eq!(one_less(number).as_deref(), Some(before));
        }
        assert_eq!((one_less("0"), one_less(""), one_less("00")), (None, None, None));
    }

    #[test]
    fn times_are_checked_against_the_calendar() {
        let time = |digits: &str| Version::parse(&format!("v0.0.0-{digits}-h")).unwrap().pseudo().unwrap().unix_time();
        assert_eq!(time("19700101000000"), Some(0));
        assert_eq!(time("00010101000000"), Some(-62_135_596_800));
        assert_eq!(time("20000229235959"), Some(951_868_799));
        assert_eq!(time("99991231235959"), Some(253_402_300_799));
        for digits in
            ["20190229000000", "19000229000000", "20061301000000", "20060002000000", "20060100000000", "20060102240000"]
        {
            assert_eq!(time(digits), None, "{digits}");
        }
        assert_eq!((time("20060102156000"), time("20060102150460"), time("20060431000000")), (None, None, None));
    }
}

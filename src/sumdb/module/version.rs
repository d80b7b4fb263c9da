//! Versions of modules: semantic versions in the one spelling that the log, go.mod and go.sum use (x/mod semver.go, and
//! module.go CanonicalVersion and EscapeVersion).

use std::cmp::Ordering;
use std::fmt;

use super::super::error::{Error, Result};
use super::super::printable::quoted;
use super::escape::{escape, unescape};
use super::pseudo::PseudoVersion;
use super::semver::{INCOMPATIBLE, Parts, canonical, compare};

/// A canonical version such as `v1.5.2`, `v2.0.0+incompatible` or `v0.0.0-20190227155943-e225da77a7e6`, in plain spelling.
///
/// Ordered by semantic precedence; where that is equal (`v2.0.0` and `v2.0.0+incompatible`) by text, so that the order is
/// total and agrees with equality.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Version(String);

impl Version {
    /// The version written in plain spelling.
    ///
    /// # Errors
    /// `Malformed` for what is not a semantic version, and for another spelling than the canonical one (`v1`, `v1.0.0+meta`):
    /// the log has no record for those.
    pub fn parse(text: &str) -> Result<Version> {
        let malformed = |why| Error::malformed(format!("version {}", quoted(text)), why);
        let canonical = canonical(text).ok_or_else(|| malformed("not a semantic version like v1.2.3".to_owned()))?;
        if canonical != text {
            return Err(malformed(format!("not canonical: Go writes {}", quoted(&canonical))));
        }
        Ok(Version(canonical))
    }

    /// The version that `escaped` spells, as found in URLs and file names: `v1.0.0-!r!c1` is `v1.0.0-RC1`.
    ///
    /// # Errors
    /// `Malformed` for a wrong spelling and as [`Version::parse`].
    pub fn unescape(escaped: &str) -> Result<Version> {
        let text = unescape(escaped).ok_or_else(|| {
            Error::malformed(
                format!("escaped version {}", quoted(escaped)),
                "an upper-case letter is written as ! and its lower-case letter, and all else is ASCII",
            )
        })?;
        Version::parse(&text)
    }

    /// The spelling for URLs and file names. A canonical version is always a valid file name.
    pub fn escaped(&self) -> String {
        escape(&self.0)
    }

    /// The plain spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `v2` of `v2.1.0`.
    pub fn major(&self) -> &str {
        self.0.split('.').next().unwrap_or_default()
    }

    /// `-rc.1` of `v2.1.0-rc.1+incompatible`, with its dash; empty for a release.
    pub fn prerelease(&self) -> &str {
        Parts::of(&self.0).map_or("", |parts| parts.prerelease)
    }

    /// Whether this is a prerelease; pseudo-versions are.
    pub fn is_prerelease(&self) -> bool {
        !self.prerelease().is_empty()
    }

    /// Whether the version is marked `+incompatible`: a major version from 2 on that its module's path does not say.
    pub fn is_incompatible(&self) -> bool {
        self.0.ends_with(INCOMPATIBLE)
    }

    /// Whether the version names a revision that nobody tagged (Go's `module.IsPseudoVersion`).
    pub fn is_pseudo(&self) -> bool {
        self.pseudo().is_some()
    }

    /// What a pseudo-version is made of; `None` for other versions.
    pub fn pseudo(&self) -> Option<PseudoVersion<'_>> {
        PseudoVersion::of(&self.0)
    }
}

impl PseudoVersion<'_> {
    /// The tagged version that the revision comes after; `None` where there is none.
    ///
    /// # Errors
    /// `Malformed` for the two forms that exist in the wild and mean nothing: a patch number before 0, and `+incompatible`
    /// without an earlier tag.
    pub fn base(&self) -> Result<Option<Version>> {
        self.base_text()?.map(|base| Version::parse(&base)).transpose()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Version) -> Ordering {
        compare(&self.0, &other.0).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Version) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

//! Module paths, versions, and the pairs of both that the log has records about: which of them exist, how they are
//! ordered, and how they are spelled in URLs and file names. The rules are Go's own, one for one: golang.org/x/mod
//! `module/module.go`, `module/pseudo.go`, `semver/semver.go` and the standard library's `path/match.go`.
//!
//! A [`ModuleVersion`] can only be made of a path and a version that belong together, so it is always safe to escape, to
//! ask for, and to print.

mod escape;
mod glob;
mod major;
mod path;
mod pattern;
mod plain;
mod pseudo;
mod query;
pub mod semver;
mod unmatchable;
mod version;

use std::fmt;

pub use glob::Glob;
pub use path::ModulePath;
pub(super) use path::WINDOWS_RESERVED;
pub use pattern::Patterns;
pub(super) use plain::space_in;
pub use pseudo::PseudoVersion;
pub use query::Query;
pub use unmatchable::{Reason, Unmatchable};
pub use version::Version;

use super::error::{Error, Result};
use super::printable::quoted;

/// What every lookup path begins with (go.dev/ref/mod, "Checksum database").
const LOOKUP: &str = "lookup/";

/// A module path and a version that may go with it. Printed as `path@version`; ordered as Go's `module.Sort` orders: by the
/// bytes of the path, then by the precedence of the version.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModuleVersion {
    path: ModulePath,
    version: Version,
}

impl ModuleVersion {
    /// The module `path` at `version`, both in plain (unescaped) spelling.
    ///
    /// # Errors
    /// `Malformed` for a bad path, a bad version, or a major version that the path does not allow (Go's `module.Check`).
    pub fn new(path: &str, version: &str) -> Result<ModuleVersion> {
        ModuleVersion::pair(ModulePath::parse(path)?, Version::parse(version)?)
    }

    /// `path` at `version`.
    ///
    /// # Errors
    /// `Malformed` for a major version that the path does not allow: `example.com/m/v2` has only v2 versions.
    pub fn pair(path: ModulePath, version: Version) -> Result<ModuleVersion> {
        major::check(version.as_str(), path.major_suffix())
            .map_err(|why| Error::malformed(format!("module version {}", quoted(&format!("{path}@{version}"))), why))?;
        Ok(ModuleVersion { path, version })
    }

    /// The module version written as `path@version`.
    ///
    /// # Errors
    /// `Malformed` where there is no `@`, and as [`ModuleVersion::new`].
    pub fn parse_at(text: &str) -> Result<ModuleVersion> {
        let (path, version) = text.split_once('@').ok_or_else(|| {
            Error::malformed(format!("module version {}", quoted(text)), "no @ between the module and its version")
        })?;
        ModuleVersion::new(path, version)
    }

    /// The module version that a lookup path asks for: the inverse of [`ModuleVersion::lookup_path`].
    ///
    /// # Errors
    /// `Malformed` for any other spelling than the one that `lookup_path` gives.
    pub fn parse_lookup_path(text: &str) -> Result<ModuleVersion> {
        let (path, version) = text.strip_prefix(LOOKUP).and_then(|rest| rest.split_once('@')).ok_or_else(|| {
            Error::malformed(format!("lookup path {}", quoted(text)), "not of the form lookup/module@version")
        })?;
        ModuleVersion::pair(ModulePath::unescape(path)?, Version::unescape(version)?)
    }

    /// Which module.
    pub fn path(&self) -> &ModulePath {
        &self.path
    }

    /// Which version of it.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// Where a checksum database answers for it: `lookup/` and both in escaped spelling, without a leading slash.
    pub fn lookup_path(&self) -> String {
        format!("{LOOKUP}{}@{}", self.path.escaped(), self.version.escaped())
    }
}

/// Whether [`ModuleVersion::new`] takes these two, without making anything.
pub(super) fn go_together(path: &str, version: &str) -> bool {
    path::check(path).is_ok()
        && semver::is_canonical(version)
        && major::split(path).is_some_and(|(_, suffix)| major::check(version, suffix).is_ok())
}

impl fmt::Display for ModuleVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.path, self.version)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn lookup_paths_go_both_ways() {
        for (module, path) in [
            ("rsc.io/quote@v1.5.2", "lookup/rsc.io/quote@v1.5.2"),
            ("github.com/Azure/azure-sdk-for-go@v1.0.0-RC1", "lookup/github.com/!azure/azure-sdk-for-go@v1.0.0-!r!c1"),
            ("example.com/m@v2.0.0+incompatible", "lookup/example.com/m@v2.0.0+incompatible"),
            (
                "golang.org/toolchain@v0.0.1-go1.21.0.linux-amd64",
                "lookup/golang.org/toolchain@v0.0.1-go1.21.0.linux-amd64",
            ),
        ] {
            let parsed = ModuleVersion::parse_at(module).unwrap();
            assert_eq!(parsed.to_string(), module);
            assert_eq!(parsed.lookup_path(), path);
            assert_eq!(ModuleVersion::parse_lookup_path(path).unwrap(), parsed);
        }
    }

    #[test]
    fn other_spellings_of_a_lookup_are_refused() {
        for path in [
            "",
            "lookup/",
            "lookup/rsc.io/quote",
            "/lookup/rsc.io/quote@v1.5.2",
            "lookup//rsc.io/quote@v1.5.2",
            "lookup/github.com/Azure/sdk@v1.0.0",
            "lookup/rsc.io/quote@v1.5.2/go.mod",
            "lookup/rsc.io/quote@v1.5.2@v1.5.2",
            "lookup/rsc.io/quote@v1.5",
            "lookup/rsc.io/quote@latest",
            "lookup/rsc.io/../quote@v1.5.2",
            "lookup/rsc.io/quote@v1.5.2-\u{212a}",
        ] {
            assert!(ModuleVersion::parse_lookup_path(path).is_err(), "{path}");
        }
        assert!(ModuleVersion::parse_at("rsc.io/quote").is_err());
    }

    #[test]
    fn order_is_that_of_go_sum() {
        let sorted = [
            "a.b/c@v1.0.0",
            "a.b/c/v2@v2.0.0",
            "a.b/d@v0.0.0-20200101000000-abcdefabcdef",
            "a.b/d@v0.9.0",
            "a.b/d@v0.10.0-rc1",
            "a.b/d@v0.10.0",
            "a.b/d@v2.0.0+incompatible",
            "a.b/d@v10.0.0+incompatible",
        ];
        let mut modules: Vec<_> = sorted.iter().rev().map(|text| ModuleVersion::parse_at(text).unwrap()).collect();
        modules.sort();
        assert_eq!(modules.iter().map(ToString::to_string).collect::<Vec<_>>(), sorted);
    }
}

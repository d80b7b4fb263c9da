//! Version lists: parsed, without the lines that the go command would misread, and completed from the log; and the newest version
//! of a list.

use std::collections::BTreeSet;

use crate::sumdb::error::{Error, Result};
use crate::sumdb::module::{ModulePath, ModuleVersion, Version};

/// Versions of one list at most; the longest of 2026 has some 8,000.
const MAX_VERSIONS: usize = 100_000;

/// The versions in an upstream's list that can be versions of `module`: a first field of each line, each once, ascending
/// (cmd/go/internal/modfetch/proxy.go, Versions).
///
/// Pseudo-versions stay, as module caches list them: the go command passes them over, but where a module has no tag and the
/// upstream no `@latest`, the newest of them is the latest version (the same, latestFromList).
pub fn read(module: &ModulePath, bytes: &[u8]) -> Result<BTreeSet<Version>> {
    let malformed = |why: &str| Error::malformed(format!("list of {module}"), why);
    let text = std::str::from_utf8(bytes).map_err(|_| malformed("not UTF-8"))?;
    if text.trim_start_matches('\u{feff}').trim_start().starts_with('<') {
        return Err(malformed("an HTML page"));
    }
    let mut versions = BTreeSet::new();
    for field in text.lines().filter_map(|line| line.split_whitespace().next()) {
        versions.extend(Version::parse(field).ok().filter(|version| is_of(module, version)));
        if versions.len() > MAX_VERSIONS {
            return Err(malformed("more versions than any module has"));
        }
    }
    Ok(versions)
}

/// Whether it can be a version of that module.
fn is_of(module: &ModulePath, version: &Version) -> bool {
    ModuleVersion::pair(module.clone(), version.clone()).is_ok()
}

/// The tagged ones among versions of a module, such as those that the log has records of.
pub fn tagged(module: &ModulePath, versions: Vec<Version>) -> BTreeSet<Version> {
    versions.into_iter().filter(|version| !version.is_pseudo() && is_of(module, version)).collect()
}

/// One version a line.
pub fn write(versions: &BTreeSet<Version>) -> Vec<u8> {
    versions.iter().flat_map(|version| [version.as_str().as_bytes(), b"\n"].concat()).collect()
}

/// What `@latest` would say of these: the highest release, else the highest pre-release, else the newest pseudo-version
/// (go.dev/ref/mod, "Version queries", latest).
pub fn newest(versions: &[Version]) -> Option<&Version> {
    let highest = |wanted: fn(&Version) -> bool| versions.iter().filter(|version| wanted(version)).max();
    let by_time = || {
        let pseudo = versions.iter().filter(|version| version.is_pseudo());
        pseudo.max_by_key(|version| version.pseudo().and_then(|pseudo| pseudo.unix_time()))
    };
    highest(|version| !version.is_prerelease() && !version.is_incompatible())
        .or_else(|| highest(|version| !version.is_prerelease()))
        .or_else(|| highest(|version| !version.is_pseudo()))
        .or_else(by_time)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn module(path: &str) -> ModulePath {
        ModulePath::parse(path).unwrap()
    }

    fn cleaned(path: &str, text: &str) -> String {
        String::from_utf8(write(&read(&module(path), text.as_bytes()).unwrap())).unwrap()
    }

    #[test]
    fn a_list_is_cleaned_and_ordered() {
        let text = "v1.10.0\r\nv1.2.0 2024-01-01T00:00:00Z\nv1.2.0\n\nv1\nmaster\nv2.0.0\nv0.0.0-20190227155943-e225da77a7e6\nv1.2.0-rc.1\n";
        let pseudo = "v0.0.0-20190227155943-e225da77a7e6\n";
        assert_eq!(cleaned("example.com/m", text), format!("{pseudo}v1.2.0-rc.1\nv1.2.0\nv1.10.0\n"));
        assert_eq!(cleaned("example.com/m/v2", text), "v2.0.0\n");
        assert_eq!(cleaned("example.com/m", ""), "");
        assert_eq!(cleaned("example.com/m", "v2.0.0+incompatible\n"), "v2.0.0+incompatible\n");
        for text in [&b"<!DOCTYPE html>"[..], b"\xef\xbb\xbf\n<html>", b"\xff\n"] {
            assert!(read(&module("example.com/m"), text).is_err());
        }
    }

    #[test]
    fn the_newest_is_what_go_would_choose() {
        let newest = |versions: &[&str]| {
            let versions: Vec<Version> = versions.iter().map(|version| Version::parse(version).unwrap()).collect();
            newest(&versions).map(ToString::to_string)
        };
        assert_eq!(newest(&["v1.0.0", "v1.9.0-rc.1", "v0.9.0"]).as_deref(), Some("v1.0.0"));
        assert_eq!(newest(&["v1.0.0", "v2.0.0+incompatible"]).as_deref(), Some("v1.0.0"));
        assert_eq!(newest(&["v0.1.0-a", "v0.1.0-b"]).as_deref(), Some("v0.1.0-b"));
        let pseudo = ["v0.0.0-20200101000000-e225da77a7e6", "v0.0.0-20190227155943-f225da77a7e6"];
        assert_eq!(newest(&pseudo).as_deref(), Some(pseudo[0]));
        assert_eq!(newest(&[]), None);
    }
}

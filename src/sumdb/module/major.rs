//! The major version at the end of a module path, and which versions it allows: Go's `module.SplitPathVersion` and
//! `module.CheckPathMajor` (x/mod module.go). `example.com/m/v2` has v2 versions only, `example.com/m` has v0 and v1 (and
//! later ones marked `+incompatible`), and gopkg.in writes `.v2` for every major version, from `.v0` on.

use super::semver::INCOMPATIBLE;

const GOPKG_IN: &str = "gopkg.in/";
const UNSTABLE: &str = "-unstable";

/// `path` as (prefix, suffix), the suffix being empty, `/vN`, or in gopkg.in `.vN` or `.vN-unstable`; `None` where the
/// path ends in a major version that no module may have: `/v1`, `/v02`, `/v2.1`, or gopkg.in without any.
pub(super) fn split(path: &str) -> Option<(&str, &str)> {
    if path.starts_with(GOPKG_IN) {
        return split_gopkg_in(path);
    }
    let stem = path.trim_end_matches(|symbol: char| symbol.is_ascii_digit() || symbol == '.');
    let (_, number) = path.split_at_checked(stem.len())?;
    let Some(prefix) = stem.strip_suffix("/v").filter(|_| !number.is_empty()) else {
        return Some((path, ""));
    };
    if number.contains('.') || number.starts_with('0') || number == "1" {
        return None;
    }
    path.split_at_checked(prefix.len())
}

/// As [`split`], for `gopkg.in/...`. Like Go, takes `.v-unstable` (which then allows no version at all).
fn split_gopkg_in(path: &str) -> Option<(&str, &str)> {
    let named = path.strip_suffix(UNSTABLE).unwrap_or(path);
    let stem = named.trim_end_matches(|symbol: char| symbol.is_ascii_digit());
    let prefix = stem.strip_suffix(".v")?;
    let (_, suffix) = path.split_at_checked(prefix.len())?;
    let leading_zero = suffix.starts_with(".v0") && suffix != ".v0";
    if suffix == ".v" || leading_zero { None } else { Some((prefix, suffix)) }
}

/// Whether a path that ends in `suffix` allows the canonical `version`; if not, what it should be.
pub(super) fn check(version: &str, suffix: &str) -> Result<(), String> {
    let end = version.bytes().position(|byte| byte == b'.').unwrap_or(version.len());
    let major = version.get(..end).unwrap_or_default();
    let wanted = if suffix.starts_with(".v") { suffix.strip_suffix(UNSTABLE).unwrap_or(suffix) } else { suffix };
    // An old bug made v0.0.0- pseudo-versions for gopkg.in's .v1 paths; go.mod files have them still (x/mod CheckPathMajor).
    if wanted == ".v1" && version.starts_with("v0.0.0-") {
        return Ok(());
    }
    let Some(wanted) = wanted.strip_prefix(['/', '.']) else {
        let allowed = matches!(major, "v0" | "v1") || version.ends_with(INCOMPATIBLE);
        return if allowed { Ok(()) } else { Err(format!("the version should be v0 or v1, not {major}")) };
    };
    if major == wanted { Ok(()) } else { Err(format!("the version should be {wanted}, not {major}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_as_go_splits() {
        // x/mod module_test.go, splitPathVersionTests and rows beyond it
        for (prefix, suffix) in [
            ("x.y/z", ""),
            ("x.y/z", "/v2"),
            ("x.y/z", "/v3"),
            ("x.y/z", "/v10"),
            ("x.y/v", ""),
            ("x.y/zv2", ""),
            ("x.y2", ""),
            ("gopkg.in/yaml", ".v0"),
            ("gopkg.in/yaml", ".v1"),
            ("gopkg.in/yaml", ".v2"),
            ("gopkg.in/yaml", ".v3"),
            ("gopkg.in/yaml", ".v2-unstable"),
            ("gopkg.in/yaml", ".v-unstable"),
            ("gopkg.in/user/yaml", ".v12"),
        ] {
            assert_eq!(split(&format!("{prefix}{suffix}")), Some((prefix, suffix)));
        }
        for bad in [
            "x.y/z/v0",
            "x.y/z/v1",
            "x.y/z/v02",
            "x.y/z/v2.0",
            "x.y/z/v2.",
            "gopkg.in/yaml",
            "gopkg.in/yaml.v",
            "gopkg.in/yaml.v01",
            "gopkg.in/yaml.v0-unstable",
            "gopkg.in/yaml/v2",
        ] {
            assert_eq!(split(bad), None, "{bad}");
        }
    }

    #[test]
    fn matches_versions_as_go_does() {
        // x/mod module_test.go, TestMatchPathMajor
        for (version, suffix, allowed) in [
            ("v0.0.0", "", true),
            ("v0.0.0", "/v2", false),
            ("v0.0.0", ".v0", true),
            ("v0.0.0-20190510104115-cbcb75029529", ".v1", true),
            ("v0.0.0-20190510104115-cbcb75029529", ".v1-unstable", true),
            ("v0.0.0-20190510104115-cbcb75029529", ".v2", false),
            ("v1.0.0", "/v2", false),
            ("v1.0.0", ".v1", true),
            ("v1.0.0", ".v1-unstable", true),
            ("v1.0.0", ".v-unstable", false),
            ("v2.0.0+incompatible", "", true),
            ("v2.0.0", "", false),
            ("v2.0.0", "/v2", true),
            ("v2.0.0", ".v2", true),
        ] {
            assert_eq!(check(version, suffix).is_ok(), allowed, "{version} {suffix}");
        }
    }
}

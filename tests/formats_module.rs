//! Module paths and versions against the tables of Go's own tests (x/mod module_test.go, semver_test.go).
#![allow(clippy::unwrap_used)]

use std::cmp::Ordering;

use gosumcheck::sumdb::module::{ModulePath, ModuleVersion, Version, semver};
use proptest::prelude::*;

/// module_test.go, checkTests.
const CHECKS: &str = "
rsc.io/quote 0.1.0 bad
github.com/go-yaml/yaml v0.8.0 ok
github.com/go-yaml/yaml v1.0.0 ok
github.com/go-yaml/yaml v2.0.0 bad
github.com/go-yaml/yaml v2.1.5 bad
github.com/go-yaml/yaml v3.0.0 bad
github.com/go-yaml/yaml/v2 v1.0.0 bad
github.com/go-yaml/yaml/v2 v2.0.0 ok
github.com/go-yaml/yaml/v2 v2.1.5 ok
github.com/go-yaml/yaml/v2 v3.0.0 bad
gopkg.in/yaml.v0 v0.8.0 ok
gopkg.in/yaml.v0 v1.0.0 bad
gopkg.in/yaml.v0 v2.0.0 bad
gopkg.in/yaml.v0 v2.1.5 bad
gopkg.in/yaml.v0 v3.0.0 bad
gopkg.in/yaml.v1 v0.8.0 bad
gopkg.in/yaml.v1 v1.0.0 ok
gopkg.in/yaml.v1 v2.0.0 bad
gopkg.in/yaml.v1 v2.1.5 bad
gopkg.in/yaml.v1 v3.0.0 bad
gopkg.in/check.v1 v0.0.0 bad
gopkg.in/check.v1 v0.0.0-20160102150405-abcdef123456 ok
gopkg.in/yaml.v2 v1.0.0 bad
gopkg.in/yaml.v2 v2.0.0 ok
gopkg.in/yaml.v2 v2.1.5 ok
gopkg.in/yaml.v2 v3.0.0 bad
gopkg.in/yaml.v2-unstable v2.0.0 ok
gopkg.in/yaml.v-unstable v2.0.0 bad
rsc.io/quote v17.0.0 bad
rsc.io/quote v17.0.0+incompatible ok
rsc.io/quote/v17 v17.0.0+incompatible ok
rsc.io/quote v1.0.0+incompatible ok
golang.org/toolchain v0.0.1-go1.21.0.linux-amd64 ok
golang.org/toolchain v0.0.1-go1.22rc1.windows-arm64 ok
rsc.io/quote v1.0 bad
rsc.io/quote v1 bad
rsc.io/quote v1.0.0+meta bad
";

#[test]
fn a_path_allows_the_versions_that_go_allows() {
    for row in CHECKS.lines().filter(|row| !row.is_empty()) {
        let [path, version, verdict]: [&str; 3] = row.split(' ').collect::<Vec<_>>().try_into().unwrap();
        assert_eq!(ModuleVersion::new(path, version).is_ok(), verdict == "ok", "{row}");
    }
    assert!(ModuleVersion::new("rsc io/quote", "v1.0.0").is_err());
}

/// module_test.go, checkPathTests: those that are module paths.
const PATHS: &[&str] = &[
    "x.y/z",
    "x.y",
    "x..y/z",
    "x.y/z/v2",
    "x.y-/z",
    "x.y/z-",
    "x.y/z.t",
    "x.y/z/t",
    "x.y/z_",
    "x.y/z~",
    "x.y/x.foo",
    "x.y/prn2",
    "x.y/com",
    "x.y/calm1",
    "x.y/z09",
    "x.y/z09~",
    "x.y/z09~09z",
    "ascii.com/abcdefghijklmnopqrstuvwxyz.-/~_0123456789",
    "github.com/GoogleCloudPlatform/omega",
];

/// module_test.go, checkPathTests: those that are none (but for the one that is not UTF-8, which no `&str` is).
const NOT_PATHS: &[&str] = &[
    "",
    "/x.y/z",
    "x./z",
    ".x/z",
    "-x/z",
    "x.y/z/../../w",
    "x.y//z",
    "x.y/z//w",
    "x.y/z/",
    "x.y/z/v0",
    "x.y/z/v1",
    "x.y/z/v2.0",
    "X.y/z",
    "_x.y/z",
    "x.y./zt",
    "x.y_/z",
    "x.y~/z",
    "x.y/z++",
    "x.y/aux.foo",
    "x.y/prn",
    "x.y/com1",
    "x.y/com1.txt",
    "x.y/CoM1",
    "x.y/z~0",
    "x.y/z~09",
    "x.y/z09~09z~09",
    "github.com/!123/logrus",
    "github.com/user/unicode/испытание",
    "../x",
    "./y",
    "x:y",
    r"\temp\foo",
    ".gitignore",
    ".github/ISSUE_TEMPLATE",
    "x☺y",
    "x/y.z",
    "x.y/.z",
    "gopkg.in/yaml",
    "gopkg.in/yaml.v01",
];

#[test]
fn module_paths_are_those_of_go() {
    for path in PATHS {
        let parsed = ModulePath::parse(path).unwrap();
        assert_eq!((parsed.as_str(), parsed.to_string().as_str()), (*path, *path));
        assert_eq!(ModulePath::unescape(&parsed.escaped()).unwrap(), parsed);
    }
    for path in NOT_PATHS {
        assert!(ModulePath::parse(path).is_err(), "{path}");
        assert!(ModulePath::unescape(path).is_err(), "{path}");
    }
    for symbol in "!\"#$%&'()*+,:;<=>?@[\\]^`{|}\0\x1b \u{212a}".chars() {
        for path in [format!("x.y/z{symbol}"), format!("x.y{symbol}/z"), format!("{symbol}x.y/z")] {
            assert!(ModulePath::parse(&path).is_err(), "{path}");
        }
    }
}

#[test]
fn a_refusal_says_which_rule_is_broken() {
    let why = |path: &str| ModulePath::parse(path).unwrap_err().to_string();
    assert_eq!(why("foo"), "malformed module path \"foo\": missing dot in first path element");
    assert_eq!(why("x.y/\u{1b}[2J"), r#"malformed module path "x.y/\u{1b}[2J": invalid character '\u{1b}'"#);
    assert!(why(&"x".repeat(1 << 20)).len() < 500);
    let version = |path, version| ModuleVersion::new(path, version).unwrap_err().to_string();
    assert_eq!(version("a.b/c", "v1.2"), r#"malformed version "v1.2": not canonical: Go writes "v1.2.0""#);
    assert_eq!(
        version("a.b/c", "v2.0.0"),
        r#"malformed module version "a.b/c@v2.0.0": the version should be v0 or v1, not v2"#
    );
    assert_eq!(
        version("a.b/c/v3", "v2.0.0"),
        r#"malformed module version "a.b/c/v3@v2.0.0": the version should be v3, not v2"#
    );
}

/// semver_test.go, tests: in the order of precedence, each with its canonical form; equal ones share a line.
const ORDERED: &str = "
bad v1-alpha.beta.gamma v1-pre v1+meta v1-pre+meta v1.2-pre v1.2+meta v1.2-pre+meta v01.0.0 v1.0.0-01 v1.0.0- v1.0.0+ 1.0.0 v v1. v1.0.0-a..b v1.0.0+a..b v1.0.0-é V1.0.0
v1.0.0-alpha
v1.0.0-alpha.1
v1.0.0-alpha.beta
v1.0.0-beta
v1.0.0-beta.2
v1.0.0-beta.11
v1.0.0-rc.1
v1.0.0 v1 v1.0
v1.2.0 v1.2 v1.2.0+01.-
v1.2.3-9
v1.2.3-456 v1.2.3-456+meta
v1.2.3-456.789
v1.2.3-18446744073709551616
v1.2.3-18446744073709551617
v1.2.3--
v1.2.3-456-789
v1.2.3-456a
v1.2.3-pre v1.2.3-pre+meta
v1.2.3-pre.1
v1.2.3-zzz
v1.2.3 v1.2.3+meta v1.2.3+meta-pre v1.2.3+meta-pre.sha.256a v1.2.3+incompatible
v1.10.0
v2.0.0
v10.0.0
v18446744073709551615.0.0
v18446744073709551616.0.0
";

#[test]
fn versions_are_ordered_as_go_orders_them() {
    let ranked: Vec<(usize, &str)> = (0..)
        .zip(ORDERED.lines().filter(|line| !line.is_empty()))
        .flat_map(|(rank, line)| line.split(' ').map(move |version| (rank, version)))
        .collect();
    for (rank, version) in &ranked {
        assert_eq!(semver::is_valid(version), *rank > 0, "{version}");
        for (other_rank, other) in &ranked {
            assert_eq!(semver::compare(version, other), rank.cmp(other_rank), "{version} {other}");
        }
    }
}

#[test]
fn canonical_versions_are_those_of_go() {
    for (version, expected) in [
        ("v1", Some("v1.0.0")),
        ("v1.0", Some("v1.0.0")),
        ("v1.2", Some("v1.2.0")),
        ("v1.2.3-pre+meta", Some("v1.2.3-pre")),
        ("v1.2.3+meta-pre.sha.256a", Some("v1.2.3")),
        ("v2.0.0+incompatible", Some("v2.0.0+incompatible")),
        ("v2.0.0+incompatible.1", Some("v2.0.0")),
        ("v1-pre", None),
    ] {
        assert_eq!(semver::canonical(version).as_deref(), expected);
        assert_eq!(Version::parse(version).is_ok(), expected == Some(version));
    }
    let version = Version::parse("v21.0.1-RC.1+incompatible").unwrap();
    assert_eq!((version.major(), version.prerelease()), ("v21", "-RC.1"));
    assert!(version.is_incompatible() && version.is_prerelease() && !version.is_pseudo());
    assert_eq!(version.escaped(), "v21.0.1-!r!c.1+incompatible");
    assert_eq!(Version::unescape(&version.escaped()).unwrap(), version);
    assert!(Version::unescape("v1.0.0-RC1").is_err() && Version::unescape("v1.0.0-!").is_err());
}

/// A valid path most of the time.
fn any_path() -> impl Strategy<Value = String> {
    "[a-z0-9-]{1,5}\\.[a-z]{1,3}(/[A-Za-z0-9._~-]{1,6}){0,3}(/v[0-9]{1,2})?"
}

/// A valid version most of the time, with few different ones.
fn any_version() -> impl Strategy<Value = String> {
    "v[0-2]\\.(0|1|10)\\.(0|9|10)(-(a|b|0|1|10|-)(\\.(a|0|2))?)?(\\+incompatible)?"
}

proptest! {
    #[test]
    fn escaping_goes_both_ways(path in any_path(), version in any_version()) {
        if let Ok(module) = ModuleVersion::new(&path, &version) {
            prop_assert_eq!(&ModulePath::unescape(&module.path().escaped()).unwrap(), module.path());
            prop_assert_eq!(&Version::unescape(&module.version().escaped()).unwrap(), module.version());
            prop_assert_eq!(&ModuleVersion::parse_lookup_path(&module.lookup_path()).unwrap(), &module);
            prop_assert!(!module.lookup_path().contains(|symbol: char| symbol.is_ascii_uppercase()));
            prop_assert_eq!(ModuleVersion::parse_at(&module.to_string()).unwrap(), module);
        }
    }

    #[test]
    fn no_text_makes_a_parser_panic(text in ".{0,40}", near in "[a-zA-Z0-9./@!v~+-]{0,30}") {
        for text in [text, near] {
            _ = ModulePath::parse(&text).map(|path| path.escaped());
            _ = ModulePath::unescape(&text);
            _ = Version::parse(&text).map(|version| version.pseudo().map(|pseudo| (pseudo.unix_time(), pseudo.base())));
            _ = Version::unescape(&text);
            _ = ModuleVersion::parse_at(&text);
            _ = ModuleVersion::parse_lookup_path(&text);
            _ = semver::canonical(&text);
        }
    }

    #[test]
    fn the_order_of_versions_is_total(a in any_version(), b in any_version(), c in any_version()) {
        let [x, y, z] = [&a, &b, &c].map(|text| Version::parse(text).unwrap());
        prop_assert_eq!(x.cmp(&y), y.cmp(&x).reverse());
        prop_assert_eq!(x.cmp(&y) == Ordering::Equal, x == y);
        prop_assert!(!(x <= y && y <= z) || x <= z);
        prop_assert_eq!(semver::compare(&a, &b), semver::compare(&b, &a).reverse());
        let precedes = |a: &str, b: &str| semver::compare(a, b) != Ordering::Greater;
        prop_assert!(!(precedes(&a, &b) && precedes(&b, &c)) || precedes(&a, &c));
    }
}

//! Semantic versions as Go writes and orders them (x/mod semver.go): `vMAJOR[.MINOR[.PATCH[-PRERELEASE][+BUILD]]]`, numbers
//! of any length without leading zeros, precedence as in semver.org 2.0.0 section 11. Build metadata does not count in the
//! order: v2.0.0 and v2.0.0+incompatible are equal.

use std::cmp::Ordering;

/// The build metadata of a version that breaks the rule that a major version from 2 on stands in the path.
pub(super) const INCOMPATIBLE: &str = "+incompatible";

/// The parts of a valid version: slices of its text, or `0` for a number that it leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parts<'a> {
    pub(super) major: &'a str,
    pub(super) minor: &'a str,
    pub(super) patch: &'a str,
    /// with its `-`, or empty
    pub(super) prerelease: &'a str,
    /// with its `+`, or empty
    pub(super) build: &'a str,
}

impl<'a> Parts<'a> {
    /// The parts of `version`, or `None` where it is not a semantic version.
    pub(super) fn of(version: &'a str) -> Option<Parts<'a>> {
        let (major, rest) = split_number(version.strip_prefix('v')?)?;
        if rest.is_empty() {
            return Some(Parts { major, minor: "0", patch: "0", prerelease: "", build: "" });
        }
        let (minor, rest) = split_number(rest.strip_prefix('.')?)?;
        if rest.is_empty() {
            return Some(Parts { major, minor, patch: "0", prerelease: "", build: "" });
        }
        let (patch, rest) = split_number(rest.strip_prefix('.')?)?;
        let (prerelease, build) = rest.split_at_checked(rest.find('+').unwrap_or(rest.len()))?;
        let well_formed = is_suffix(prerelease, '-', is_prerelease_identifier) && is_suffix(build, '+', is_identifier);
        well_formed.then_some(Parts { major, minor, patch, prerelease, build })
    }

    /// Which of two comes first; `Equal` also where only their build metadata differs.
    pub(super) fn precedence(&self, other: &Parts<'_>) -> Ordering {
        magnitude(self.major)
            .cmp(&magnitude(other.major))
            .then_with(|| magnitude(self.minor).cmp(&magnitude(other.minor)))
            .then_with(|| magnitude(self.patch).cmp(&magnitude(other.patch)))
            .then_with(|| prerelease_precedence(self.prerelease, other.prerelease))
    }
}

/// Whether `version` is a semantic version; `v1` and `v1.2` are.
pub fn is_valid(version: &str) -> bool {
    Parts::of(version).is_some()
}

/// The one spelling that Go uses in go.mod and go.sum: all three numbers, and no build metadata but `+incompatible`
/// (x/mod module.go, CanonicalVersion). `None` where `version` is not a semantic version.
pub fn canonical(version: &str) -> Option<String> {
    let Parts { major, minor, patch, prerelease, build } = Parts::of(version)?;
    let build = if build == INCOMPATIBLE { build } else { "" };
    Some(format!("v{major}.{minor}.{patch}{prerelease}{build}"))
}

/// Whether `version` is written as [`canonical`] writes it.
pub(super) fn is_canonical(version: &str) -> bool {
    Parts::of(version).is_some_and(|Parts { major, minor, patch, prerelease, build }| {
        let written = "v..".len() + major.len() + minor.len() + patch.len() + prerelease.len() + build.len();
        written == version.len() && (build.is_empty() || build == INCOMPATIBLE)
    })
}

/// Semantic precedence. A text that is not a semantic version sorts before all versions, and equals every other such text.
pub fn compare(left: &str, right: &str) -> Ordering {
    match (Parts::of(left), Parts::of(right)) {
        (Some(left), Some(right)) => left.precedence(&right),
        (left, right) => left.is_some().cmp(&right.is_some()),
    }
}

/// A number without leading zeros at the start of `text`, and what follows it.
fn split_number(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|symbol: char| !symbol.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at_checked(end)?;
    (!number.is_empty() && !has_leading_zero(number)).then_some((number, rest))
}

/// Empty, or `mark` and then identifiers with dots between them, each of which `allows` allows.
fn is_suffix(text: &str, mark: char, allows: fn(&str) -> bool) -> bool {
    text.is_empty() || text.strip_prefix(mark).is_some_and(|identifiers| identifiers.split('.').all(allows))
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_prerelease_identifier(text: &str) -> bool {
    is_identifier(text) && !(is_numeric(text) && has_leading_zero(text))
}

fn is_numeric(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn has_leading_zero(digits: &str) -> bool {
    digits.len() > 1 && digits.starts_with('0')
}

/// What orders numbers of any length: without leading zeros, the longer one is larger.
fn magnitude(digits: &str) -> (usize, &str) {
    (digits.len(), digits)
}

/// One identifier of a prerelease. The derived order is semver.org's: numbers by size, before all texts, which go by ASCII.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Identifier<'a> {
    Numeric((usize, &'a str)),
    Alphanumeric(&'a str),
}

/// Both with their `-`, or empty: a version without a prerelease comes after all its prereleases.
fn prerelease_precedence(left: &str, right: &str) -> Ordering {
    match (left.strip_prefix('-'), right.strip_prefix('-')) {
        (Some(left), Some(right)) => identifiers(left).cmp(identifiers(right)),
        (left, right) => right.is_some().cmp(&left.is_some()),
    }
}

fn identifiers(prerelease: &str) -> impl Iterator<Item = Identifier<'_>> {
    prerelease.split('.').map(|text| match is_numeric(text) {
        true => Identifier::Numeric(magnitude(text)),
        false => Identifier::Alphanumeric(text),
    })
}

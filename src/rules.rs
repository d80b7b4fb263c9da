//! Rules about modules: which may be served, and where each is fetched. Pure: text in, decisions out.
//!
//! ```text
//! # A comment. One rule a line; the first one that matches decides.
//! deny  example.com/old                          "moved to example.com/new"
//! deny  example.com/m  >=v1.2.0 <v1.2.5 || =v1.3.0  "CVE-2026-0001: use v1.2.5"
//! allow github.com/ours/*
//! route corp.example/team-a/* = https://team-a.corp.example,direct
//! route public github.com/big/* = https://mirror.corp.example|https://proxy.golang.org
//! ```
//!
//! A pattern is one of `GOPRIVATE` (go.dev/ref/mod): it matches the module with that path and every module below it. A rule with a
//! version range matches only versions in it, in Go's order of versions.
//!
//! A module that no rule matches is served as if there were no rules.

mod parse;
mod range;

use std::fmt;
use std::ops::Range;

use crate::sumdb::module::{ModulePath, Patterns, Version};
use range::VersionRange;

/// The longest reason of a `deny`, in bytes: with what stands around it, it fits in what the go command shows.
pub const MAX_REASON: usize = 300;
/// Rules of one file, at most. Each is tried in turn.
pub const MAX_RULES: usize = 10_000;

/// Rules, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    rules: Vec<Rule>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// the number of its line, from 1
    pub line: usize,
    /// what becomes of the modules that it matches
    pub action: RuleAction,
    /// as it was written, without the modules' upstreams, which may have passwords
    text: String,
    pattern: String,
    patterns: Patterns,
    versions: Option<VersionRange>,
}

/// What becomes of the modules that a rule matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleAction {
    /// they are served as if there were no rules
    Allow,
    /// they are refused
    Deny {
        /// what the user reads; empty if the rule says nothing
        reason: String,
    },
    /// they are fetched from these upstreams alone
    Route {
        /// a list as in GOPROXY
        to: String,
        /// where that list stands, in bytes of the text
        place: Range<usize>,
        /// a checksum database has them, and proves them; such a rule matches no private module
        is_public: bool,
    },
}

/// What the rules say about a module, or about one version of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision<'a> {
    /// the first rule that matches, and its number from 0; none: no rule matches
    pub rule: Option<(usize, &'a Rule)>,
}

/// Why a text is not a list of rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleError {
    /// what is wrong, in bytes of the text
    pub place: Range<usize>,
    /// in words
    pub why: String,
}

impl Rules {
    /// The rules that `text` writes: all of them, or none.
    ///
    /// # Errors
    /// The first line that is not a rule.
    pub fn parse(text: &str) -> Result<Rules, RuleError> {
        parse::rules(text).map(|rules| Rules { rules })
    }

    /// All rules, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Rule> {
        self.rules.iter()
    }

    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// What holds for one version of a module.
    pub fn of_version(&self, module: &ModulePath, is_private: bool, version: &Version) -> Decision<'_> {
        let mut matching = self.matching(module, is_private);
        Decision { rule: matching.find(|(_, rule)| rule.versions.as_ref().is_none_or(|range| range.has(version))) }
    }

    /// What holds for a module where no version is named yet: a `deny` only if it holds for every version. Rules with a version
    /// range are passed over, since they decide about no version here; where one of them allows some versions, a later `deny`
    /// does not hold for every version.
    pub fn of_module(&self, module: &ModulePath, is_private: bool) -> Decision<'_> {
        let mut is_some_version_allowed = false;
        for (number, rule) in self.matching(module, is_private) {
            match (&rule.versions, rule.is_deny()) {
                (Some(_), is_deny) => is_some_version_allowed |= !is_deny,
                (None, true) if is_some_version_allowed => return Decision { rule: None },
                (None, _) => return Decision { rule: Some((number, rule)) },
            }
        }
        Decision { rule: None }
    }

    /// What would hold without any `deny`: for one version of a module, or where none is named yet.
    pub fn without_denies(&self, module: &ModulePath, is_private: bool, version: Option<&Version>) -> Decision<'_> {
        let has = |rule: &Rule| match (&rule.versions, version) {
            (Some(range), Some(version)) => range.has(version),
            (range, _) => range.is_none(),
        };
        Decision { rule: self.matching(module, is_private).find(|(_, rule)| !rule.is_deny() && has(rule)) }
    }

    /// Whether the answer about this module can depend on the version.
    pub fn looks_at_versions(&self, module: &ModulePath, is_private: bool) -> bool {
        self.matching(module, is_private).any(|(_, rule)| rule.versions.is_some())
    }

    fn matching(&self, module: &ModulePath, is_private: bool) -> impl Iterator<Item = (usize, &Rule)> {
        let rules = self.rules.iter().enumerate();
        rules.filter(move |(_, rule)| rule.patterns.matching(module.as_str()).is_some() && rule.is_for(is_private))
    }

    /// Rules that decide about nothing, each with the earlier one that matches all that it matches.
    pub fn unreachable(&self) -> impl Iterator<Item = (&Rule, &Rule)> {
        let covers = |earlier: &Rule, rule: &Rule| {
            let is_whole = earlier.versions.is_none() || earlier.versions == rule.versions;
            let is_for_all = !matches!(earlier.action, RuleAction::Route { is_public: true, .. });
            is_whole && is_for_all && is_covered(&rule.pattern, &earlier.patterns)
        };
        self.rules.iter().enumerate().filter_map(move |(number, rule)| {
            let earlier = self.rules.iter().take(number).find(|earlier| covers(earlier, rule))?;
            Some((rule, earlier))
        })
    }
}

impl Rule {
    /// The pattern, as it was written.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// Whether it refuses what it matches.
    pub fn is_deny(&self) -> bool {
        matches!(self.action, RuleAction::Deny { .. })
    }

    /// Whether these patterns match every module that the rule can match. Decided by the part of the rule's pattern before its
    /// first `*`, `?` or `[`: false where that does not tell.
    pub fn is_within(&self, patterns: &Patterns) -> bool {
        is_covered(&self.pattern, patterns)
    }

    /// Whether it can match modules that are private, or modules that are not.
    fn is_for(&self, is_private: bool) -> bool {
        !matches!(self.action, RuleAction::Route { is_public: true, .. }) || !is_private
    }
}

/// Whether all that `pattern` matches is matched by one of `patterns` too. Only the elements before the first special one are looked at.
fn is_covered(pattern: &str, patterns: &Patterns) -> bool {
    let special = |element: &&str| element.contains(['*', '?', '[', '\\']);
    let elements: Vec<&str> = pattern.trim_end_matches('/').split('/').collect();
    let plain = elements.iter().take_while(|element| !special(element)).copied().collect::<Vec<_>>().join("/");
    patterns.has(pattern) || !plain.is_empty() && patterns.matching(&plain).is_some()
}

impl<'a> Decision<'a> {
    /// The rule that refuses it.
    pub fn denied_by(self) -> Option<&'a Rule> {
        self.rule.map(|(_, rule)| rule).filter(|rule| rule.is_deny())
    }

    /// The number of the rule that says from where it is fetched.
    pub fn route(self) -> Option<usize> {
        self.rule.filter(|(_, rule)| matches!(rule.action, RuleAction::Route { .. })).map(|(number, _)| number)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
#[path = "rules/tests.rs"]
mod tests;

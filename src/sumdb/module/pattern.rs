//! Which modules a comma-separated list of patterns names, as in GOPRIVATE and GONOSUMDB: Go's
//! `module.MatchPrefixPatterns` (x/mod module.go). A pattern with k slashes is matched with the first k+1 elements of a
//! path, so `*.corp.example.com` names every module below such a host.

use super::glob::Glob;
use super::path::ModulePath;
use super::unmatchable::Unmatchable;

/// The go command asks the database about toolchains whatever GONOSUMDB says (cmd/go modfetch sumdb.go, useSumDB).
const ALWAYS_CHECKED: &str = "golang.org/toolchain";

/// A parsed list of patterns. Those that are malformed or that no module path can match name nothing, as in Go; they are kept
/// apart, since somebody meant something by them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patterns {
    sound: Vec<Pattern>,
    unmatchable: Vec<Unmatchable>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    /// as it was written
    text: String,
    slashes: usize,
    /// whether it stands for itself alone
    is_plain: bool,
    glob: Glob,
}

impl Pattern {
    /// Whether it is this path, which has as many elements.
    fn matches(&self, path: &str) -> bool {
        if self.is_plain { bare(&self.text) == path } else { self.glob.matches(path) }
    }
}

/// A pattern without the slash at its end.
fn bare(text: &str) -> &str {
    text.strip_suffix('/').unwrap_or(text)
}

impl Patterns {
    /// The patterns of `list`: with commas between them, one slash at the end of each ignored, spaces kept as Go keeps them.
    pub fn parse(list: &str) -> Patterns {
        let mut patterns = Patterns::default();
        for text in list.split(',').filter(|text| !text.is_empty()) {
            let bare = bare(text);
            match Glob::parse(bare).filter(Glob::can_match) {
                Some(glob) => {
                    let slashes = bare.matches('/').count();
                    let is_plain = !bare.contains(['*', '?', '[', ']', '\\']);
                    patterns.sound.push(Pattern { text: text.to_owned(), slashes, is_plain, glob });
                }
                None => patterns.unmatchable.push(Unmatchable::new(text)),
            }
        }
        patterns
    }

    /// The first pattern that names the module `path` or something above it, as it was written.
    pub fn matching(&self, path: &str) -> Option<&str> {
        let names = |pattern: &&Pattern| leading(path, pattern.slashes).is_some_and(|prefix| pattern.matches(prefix));
        self.sound.iter().find(names).map(|pattern| pattern.text.as_str())
    }

    /// Whether this pattern is one of them, as it was written.
    pub fn has(&self, pattern: &str) -> bool {
        self.sound.iter().any(|sound| sound.text == pattern)
    }

    /// The pattern that keeps `module` from the checksum database and from public upstreams; none keeps toolchains.
    pub fn exemption(&self, module: &ModulePath) -> Option<&str> {
        if module.as_str() == ALWAYS_CHECKED { None } else { self.matching(module.as_str()) }
    }

    /// The patterns that match no module path.
    pub fn unmatchable(&self) -> &[Unmatchable] {
        &self.unmatchable
    }

    /// Whether no pattern can match anything.
    pub fn is_empty(&self) -> bool {
        self.sound.is_empty()
    }
}

/// The first `slashes + 1` elements of `path`; `None` where it has fewer.
fn leading(path: &str, slashes: usize) -> Option<&str> {
    let mut ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    path.get(..ends.nth(slashes)?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn matches_prefixes_as_go_does() {
        // x/mod module_test.go, TestMatchPrefixPatterns
        for (list, target, expected) in [
            ("", "rsc.io/quote", None),
            ("/", "rsc.io/quote", None),
            ("*/quote", "rsc.io/quote", Some("*/quote")),
            ("*/quo", "rsc.io/quote", None),
            ("*/quo??", "rsc.io/quote", Some("*/quo??")),
            ("*/quo*", "rsc.io/quote", Some("*/quo*")),
            ("*quo*", "rsc.io/quote", None),
            ("rsc.io", "rsc.io/quote", Some("rsc.io")),
            ("*.io", "rsc.io/quote", Some("*.io")),
            ("rsc.io/", "rsc.io/quote", Some("rsc.io/")),
            ("rsc", "rsc.io/quote", None),
            ("rsc*", "rsc.io/quote", Some("rsc*")),
            ("rsc.io", "rsc.io/quote/v3", Some("rsc.io")),
            ("*/quote", "rsc.io/quote/v3", Some("*/quote")),
            ("*/quote/", "rsc.io/quote/v3", Some("*/quote/")),
            ("*/quote/*", "rsc.io/quote/v3", Some("*/quote/*")),
            ("*/quote/*/", "rsc.io/quote/v3", Some("*/quote/*/")),
            ("*/v3", "rsc.io/quote/v3", None),
            ("*/*/v3", "rsc.io/quote/v3", Some("*/*/v3")),
            ("*/*/*", "rsc.io/quote/v3", Some("*/*/*")),
            ("*/*/*/", "rsc.io/quote/v3", Some("*/*/*/")),
            ("*/*/*", "rsc.io/quote", None),
            ("*/*/*/", "rsc.io/quote", None),
            ("*/*/*,,", "rsc.io/quote", None),
            ("*/*/*,,*/quote", "rsc.io/quote", Some("*/quote")),
            (",,*/quote", "rsc.io/quote", Some("*/quote")),
            (" rsc.io", "rsc.io/quote", None),
            ("rsc.io//", "rsc.io/quote", None),
            ("none", "rsc.io/quote", None),
        ] {
            assert_eq!(Patterns::parse(list).matching(target), expected, "{list} {target}");
        }
    }

    #[test]
    fn toolchains_are_exempt_by_no_pattern() {
        let patterns = Patterns::parse("golang.org,*");
        for (path, pattern) in [
            ("golang.org/toolchain", None),
            ("golang.org/x/text", Some("golang.org")),
            ("golang.org/toolchain/x", Some("golang.org")),
            ("example.com", Some("*")),
        ] {
            assert_eq!(patterns.exemption(&ModulePath::parse(path).unwrap()), pattern, "{path}");
        }
    }

    #[test]
    fn patterns_that_match_nothing_are_listed() {
        let patterns = Patterns::parse("[,a.b/[x-]/,*.corp.example.com,\\, a.b,none");
        let listed: Vec<&str> = patterns.unmatchable().iter().map(Unmatchable::pattern).collect();
        assert_eq!(listed, ["[", "a.b/[x-]/", "\\", " a.b", "none"]);
        assert_eq!(patterns.matching("git.corp.example.com/x/y"), Some("*.corp.example.com"));
        assert!(patterns.matching("a.b/x").is_none() && !patterns.is_empty());
        assert!(Patterns::parse(",/,[").is_empty() && Patterns::parse("a.b,,").unmatchable().is_empty());
    }
}

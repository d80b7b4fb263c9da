//! Which files of a module `go mod vendor` copies: those beside the sources of each package, but for tests and sources that no build
//! takes; licences and the like of the folders above; and what is embedded (cmd/go/internal/modcmd/vendor.go).

use std::collections::{BTreeMap, BTreeSet};

use super::embed;
use super::files_below::{below, beside};
use super::list::VendoredModule;
use crate::sumdb::gomod::GoMod;
use crate::sumdb::hash::Hash;

/// Bytes of a source file that are read.
pub(super) const MAX_SOURCE: usize = 32 << 20;
/// How the names of files begin that are copied out of the folders above a package (metaPrefixes).
const METADATA: [&str; 9] =
    ["AUTHORS", "CONTRIBUTORS", "COPYLEFT", "COPYING", "COPYRIGHT", "LEGAL", "LICENSE", "NOTICE", "PATENTS"];
/// Parentheses and negations inside each other that are followed.
const MAX_DEPTH: usize = 100;

/// The version in the `go` directive of the main module: `go 1.22` is (1, 22).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct GoVersion(u32, u32);

/// From here on go.mod and go.sum files are left out.
const NO_GO_MOD: GoVersion = GoVersion(1, 17);
/// From here on what only tests embed is left out.
const NO_TEST_EMBEDS: GoVersion = GoVersion(1, 22);

impl GoVersion {
    /// That of a go.mod or go.work file, whose other directives do not matter.
    pub(super) fn of_go_mod(text: &str) -> Option<GoVersion> {
        GoMod::read(text.as_bytes()).ok()?.go.map(|(major, minor)| GoVersion(major, minor))
    }
}

/// The files of a module, whose `files` are named below its root, that are copied, each with whether it must be; `content` reads one.
pub(super) fn copied<E>(
    module: &VendoredModule,
    files: &BTreeMap<&str, Hash>,
    go: Option<GoVersion>,
    content: &dyn Fn(&str) -> Result<Vec<u8>, E>,
) -> Result<BTreeMap<String, bool>, E> {
    let mut copied = BTreeMap::new();
    let mut folders_above = BTreeSet::new();
    for package in &module.packages {
        let folder = package.strip_prefix(module.path.as_str()).unwrap_or_default().trim_start_matches('/');
        let mut patterns = Vec::new();
        for (name, path) in beside(files, folder) {
            if name.ends_with("_test.go") {
                continue;
            }
            if name == "go.mod" || name == "go.sum" {
                if go.is_none_or(|go| go < NO_GO_MOD) {
                    copied.insert(path.to_owned(), go.is_some());
                }
                continue;
            }
            if name.ends_with(".go") {
                let source = content(path)?;
                let source = String::from_utf8_lossy(&source);
                if !name.starts_with(['_', '.']) {
                    let room = embed::MAX_PATTERNS.saturating_sub(patterns.len());
                    patterns.extend(embed::patterns(&source).into_iter().take(room));
                }
                if !is_built(&source) {
                    continue;
                }
            }
            copied.insert(path.to_owned(), true);
        }
        for path in embed::resolve(&patterns, files, folder) {
            copied.insert(path, true);
        }
        // Older versions copy what tests embed, too, which may be all below the package.
        if go.is_none_or(|go| go < NO_TEST_EMBEDS) {
            for path in below(files, folder).filter(|path| !path.ends_with(".go")) {
                copied.entry(path.to_owned()).or_insert(false);
            }
        }
        let mut above = folder;
        while !above.is_empty() {
            above = above.rsplit_once('/').map_or("", |(above, _)| above);
            folders_above.insert(above);
        }
    }
    for folder in folders_above {
        for (_, path) in beside(files, folder).filter(|(name, _)| METADATA.iter().any(|start| name.starts_with(start)))
        {
            copied.insert(path.to_owned(), true);
        }
    }
    Ok(copied)
}

/// Whether some build takes a source file: its constraints hold where every tag but `ignore` may be as it likes
/// (cmd/go/internal/imports, ShouldBuild with AnyTags).
pub fn is_built(source: &str) -> bool {
    let header = Header::read(source);
    match header.go_build.as_slice() {
        [] => header.plus_build.iter().all(|line| plus_build(line)),
        [one] => Expression { rest: one, depth: 0 }.whole().unwrap_or(false),
        _ => false,
    }
}

/// The comments at the start of a file that say when it is built (go/build, parseFileHeader).
#[derive(Default)]
struct Header<'a> {
    /// what follows `//go:build`
    go_build: Vec<&'a str>,
    /// what follows `// +build`, before the last blank line of the header
    plus_build: Vec<&'a str>,
}

impl<'a> Header<'a> {
    fn read(source: &'a str) -> Header<'a> {
        let (mut header, mut pending) = (Header::default(), Vec::new());
        let (mut has_ended, mut in_comment) = (false, false);
        for line in source.trim_start_matches('\u{feff}').lines() {
            let mut line = line.trim();
            if line.is_empty() && !has_ended {
                header.plus_build.append(&mut pending);
                continue;
            }
            has_ended |= !line.starts_with("//");
            if !in_comment && let Some(rest) = line.strip_prefix("//go:build") {
                if rest.is_empty() || rest.starts_with([' ', '\t']) {
                    header.go_build.push(rest);
                }
            } else if !in_comment
                && !has_ended
                && let Some(rest) = line.strip_prefix("//")
            {
                let rest = rest.trim_start().strip_prefix("+build");
                pending.extend(rest.filter(|rest| rest.is_empty() || rest.starts_with([' ', '\t'])));
            }
            while !line.is_empty() {
                if in_comment {
                    let Some((_, rest)) = line.split_once("*/") else { break };
                    (in_comment, line) = (false, rest.trim());
                } else if line.starts_with("//") {
                    break;
                } else if let Some(rest) = line.strip_prefix("/*") {
                    (in_comment, line) = (true, rest.trim());
                } else {
                    return header;
                }
            }
        }
        header
    }
}

/// The words are alternatives, of parts that must all hold.
fn plus_build(line: &str) -> bool {
    line.split_whitespace().any(|word| word.split(',').all(|part| part != "ignore" && part != "!!ignore"))
}

/// A constraint that is being read.
struct Expression<'a> {
    rest: &'a str,
    depth: usize,
}

impl Expression<'_> {
    /// The value of all of it; none where it is not one.
    fn whole(mut self) -> Option<bool> {
        let value = self.any(true)?;
        self.rest.trim().is_empty().then_some(value)
    }

    /// A tag that may be as it likes is as it is `preferred`.
    fn any(&mut self, preferred: bool) -> Option<bool> {
        let mut value = self.all(preferred)?;
        while self.take("||") {
            value |= self.all(preferred)?;
        }
        Some(value)
    }

    fn all(&mut self, preferred: bool) -> Option<bool> {
        let mut value = self.one(preferred)?;
        while self.take("&&") {
            value &= self.one(preferred)?;
        }
        Some(value)
    }

    fn one(&mut self, preferred: bool) -> Option<bool> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let value = if self.take("!") {
            !self.one(!preferred)?
        } else if self.take("(") {
            let value = self.any(preferred)?;
            if !self.take(")") {
                return None;
            }
            value
        } else {
            let rest = self.rest.trim_start();
            let is_tag = |character: char| character.is_alphanumeric() || character == '_' || character == '.';
            let end = rest.find(|character| !is_tag(character)).unwrap_or(rest.len());
            let (tag, rest) = rest.split_at_checked(end).filter(|(tag, _)| !tag.is_empty())?;
            self.rest = rest;
            tag != "ignore" && preferred
        };
        self.depth -= 1;
        Some(value)
    }

    fn take(&mut self, token: &str) -> bool {
        let Some(rest) = self.rest.trim_start().strip_prefix(token) else { return false };
        self.rest = rest;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_no_build_takes_is_left_out() {
        for (source, expected) in [
            ("package a\n", true),
            ("//go:build ignore\n\npackage a\n", false),
            ("// A licence.\n\n//go:build ignore\n\npackage a\n", false),
            ("/* A licence.\n*/\n\n//go:build ignore\n\npackage a\n", false),
            ("//go:build !ignore\n\npackage a\n", true),
            ("//go:build linux && !linux\n\npackage a\n", true),
            ("//go:build !(linux || windows)\n\npackage a\n", true),
            ("//go:build ignore && linux\n\npackage a\n", false),
            ("//go:build ignore || linux\n\npackage a\n", true),
            ("//go:build !(ignore && linux)\n\npackage a\n", true),
            ("//go:build linux &&\n\npackage a\n", false),
            ("//go:build a\n//go:build b\n\npackage a\n", false),
            ("// +build ignore\n\npackage a\n", false),
            ("// +build ignore\npackage a\n", true),
            ("// +build linux,ignore windows\n\npackage a\n", true),
            ("// +build linux,ignore\n\npackage a\n", false),
            ("package a\n\n//go:build ignore\n", true),
            ("//go:buildx ignore\n\npackage a\n", true),
        ] {
            assert_eq!(is_built(source), expected, "{source:?}");
        }
    }

    #[test]
    fn the_version_of_go_is_that_of_the_directive() {
        for (text, expected) in [
            ("module m\n\ngo 1.22.1 // words\n", Some(GoVersion(1, 22))),
            ("module m\ngo 1.9\n", Some(GoVersion(1, 9))),
            ("module m\n\tgo\t1.22 // words\n", Some(GoVersion(1, 22))),
            ("go 1.21\n\nuse (\n\t./a\n\t./b\n)\n", Some(GoVersion(1, 21))),
            ("module m\n", None),
        ] {
            assert_eq!(GoVersion::of_go_mod(text), expected);
        }
    }
}

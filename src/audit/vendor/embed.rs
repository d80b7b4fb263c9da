//! What the packages of a module embed: the `//go:embed` lines of its sources, and the files that they match (go/build, readGoInfo;
//! cmd/go/internal/load, resolveEmbed).

use std::collections::{BTreeMap, BTreeSet};

use super::files_below::below;
use crate::audit::buildinfo::quoted;
use crate::sumdb::hash::Hash;
use crate::sumdb::module::Glob;

/// Patterns of one package that are read. Real ones have some tens.
pub const MAX_PATTERNS: usize = 1_000;

/// The patterns in a source file, none where it does not import `embed`.
pub fn patterns(source: &str) -> Vec<String> {
    let mut patterns = Vec::new();
    if !source.contains("\"embed\"") && !source.contains("`embed`") {
        return patterns;
    }
    let arguments = source.lines().filter_map(|line| line.trim_start().strip_prefix("//go:embed"));
    for mut rest in arguments.filter(|rest| rest.starts_with([' ', '\t'])) {
        loop {
            rest = rest.trim_start();
            if rest.is_empty() || patterns.len() == MAX_PATTERNS {
                break;
            }
            if rest.starts_with(['"', '`']) {
                let Some((pattern, after)) = quoted(rest) else { break };
                patterns.push(pattern);
                rest = after;
            } else {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                let (pattern, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
                patterns.push(pattern.to_owned());
                rest = after;
            }
        }
    }
    patterns
}

/// The files of the module that the package in `folder` embeds by these patterns.
pub(super) fn resolve(patterns: &[String], files: &BTreeMap<&str, Hash>, folder: &str) -> BTreeSet<String> {
    let start = if folder.is_empty() { 0 } else { folder.len() + 1 };
    let mut found = BTreeSet::new();
    for pattern in patterns {
        let (pattern, takes_hidden) =
            pattern.strip_prefix("all:").map_or((pattern.as_str(), false), |rest| (rest, true));
        let Some(glob) = Glob::parse(pattern) else { continue };
        for path in below(files, folder) {
            let name = path.get(start..).unwrap_or_default();
            if glob.matches(name) || is_in_matched_folder(&glob, name, pattern == ".", takes_hidden) {
                found.insert(path.to_owned());
            }
        }
    }
    found
}

/// Whether a folder that the file `name` is in matches, and the file is not hidden in it.
fn is_in_matched_folder(glob: &Glob, name: &str, is_all: bool, takes_hidden: bool) -> bool {
    let is_visible = |rest: &str| takes_hidden || !rest.split('/').any(|part| part.starts_with(['.', '_']));
    if is_all {
        return is_visible(name);
    }
    name.match_indices('/').any(|(end, _)| {
        let (folder, rest) = name.split_at_checked(end).unwrap_or_default();
        glob.matches(folder) && is_visible(rest.trim_start_matches('/'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_go_embed_lines() {
        let source = "package a\n\nimport _ \"embed\"\n\n//go:embed a.txt \"b c.txt\"\tdir\nvar x string\n\n\t//go:embed `q`\n//go:embedx\n";
        assert_eq!(patterns(source), ["a.txt", "b c.txt", "dir", "q"]);
        assert!(patterns("package a\n//go:embed a.txt\n").is_empty());
    }

    #[test]
    fn folders_are_embedded_without_what_is_hidden() {
        let names = ["p/a.go", "p/a.txt", "p/b.txt", "p/dir/.x", "p/dir/_x/y", "p/dir/sub/z", "p/dir/w", "q/a.txt"];
        let files: BTreeMap<&str, Hash> = names.iter().map(|name| (*name, Hash::default())).collect();
        for (pattern, expected) in [
            ("*.txt", &["p/a.txt", "p/b.txt"][..]),
            ("dir", &["p/dir/sub/z", "p/dir/w"]),
            ("all:dir", &["p/dir/.x", "p/dir/_x/y", "p/dir/sub/z", "p/dir/w"]),
            ("dir/*", &["p/dir/.x", "p/dir/_x/y", "p/dir/sub/z", "p/dir/w"]),
            ("dir/s*", &["p/dir/sub/z"]),
            ("none", &[]),
            ("[", &[]),
        ] {
            let found = resolve(&[pattern.to_owned()], &files, "p");
            assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), expected, "{pattern}");
        }
    }
}

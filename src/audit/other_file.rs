//! What a file is that was taken for a go.sum, where it can be told: so that the report says what to name or to do instead, and not
//! how to mend the lines of a file that must not be changed.

use std::path::Path;

/// What the first line of a pointer of Git LFS begins with (git-lfs, docs/spec.md).
const LFS: &str = "version https://git-lfs.github.com/spec/";
/// The first line of a proof file (C2SP tlog-proof).
const PROOF: &str = "c2sp.org/tlog-proof@";
/// How many bytes are looked at.
const HEAD: usize = 4 << 10;

/// What the file at `path` with these bytes is, and what to do about it; none where it may be a go.sum. To be asked only of a file
/// without a single valid line.
pub(super) fn explain(path: &str, bytes: &[u8]) -> Option<String> {
    let beside = |name: &str| Path::new(path).with_file_name(name).display().to_string();
    let name = Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if bytes.starts_with(b"PK\x03\x04") {
        return Some(
            "is a zip file, not a go.sum: `gosumcheck audit --modcache` checks the zips of a module cache".to_owned(),
        );
    }
    let head = String::from_utf8_lossy(bytes.get(..HEAD).unwrap_or(bytes));
    let head = head.trim_start_matches('\u{feff}').trim_start();
    if head.starts_with(LFS) {
        return Some(
            "is a Git LFS pointer in place of a go.sum: `git lfs pull` gets the file. A go.sum is better kept in Git itself"
                .to_owned(),
        );
    }
    if head.starts_with(PROOF) {
        return Some(format!("is a proof file, not a go.sum: `gosumcheck verify-proof {path}` checks it"));
    }
    let is_page = head.get(..15).is_some_and(|start| start.eq_ignore_ascii_case("<!doctype html>"));
    if is_page || head.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("<html")) {
        return Some("is an HTML page, not a go.sum: a web server gave a page in place of the file".to_owned());
    }
    // Comments and blank lines stand before the first directive, too.
    let words = head.lines().map(|line| line.split("//").next().unwrap_or_default().split_whitespace());
    let first: Vec<&str> = words.map(Iterator::collect).find(|words: &Vec<&str>| !words.is_empty()).unwrap_or_default();
    match first.as_slice() {
        _ if name == "go.mod" => Some(go_mod(&beside("go.sum"))),
        _ if name == "go.work" => Some(go_work(&beside("go.work.sum"))),
        ["module", _] | ["module", "(", ..] => Some(go_mod(&beside("go.sum"))),
        ["use", ..] | ["go", _] => Some(go_work(&beside("go.work.sum"))),
        ["#", _, version, ..] if name == "modules.txt" && version.starts_with('v') => Some(
            "is the modules.txt of a vendor folder, not a go.sum: name the go.sum of the module that the vendor folder is in"
                .to_owned(),
        ),
        _ => None,
    }
}

fn go_mod(sum: &str) -> String {
    format!("is a go.mod, not a go.sum: name the go.sum beside it, {sum}")
}

fn go_work(sum: &str) -> String {
    format!("is a go.work or go.mod, not a go.sum: name the file with the hashes beside it, such as {sum}")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_often_taken_for_a_go_sum_is_known() {
        for (path, text, words) in [
            ("a/go.mod", "module example.com/m\n", "a/go.sum"),
            ("go.mod", "// a comment\n\ngo 1.22\n", "go.sum beside it, go.sum"),
            ("x/go.sum", "\u{feff}module \"example.com/m\" // deprecated\n", "x/go.sum"),
            ("a/go.work", "go 1.22\nuse .\n", "a/go.work.sum"),
            ("-", "go 1.22\n\nuse (\n", "go.work"),
            ("go.sum", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "git lfs pull"),
            ("a.proof", "c2sp.org/tlog-proof@v1\n", "verify-proof a.proof"),
            ("go.sum", "<!DOCTYPE html>\n<html>", "HTML"),
            ("go.sum", "\n<HTML lang=en>", "HTML"),
            ("a.zip", "PK\u{3}\u{4}", "--modcache"),
            ("vendor/modules.txt", "# golang.org/x/text v0.3.0\n## explicit\n", "vendor"),
        ] {
            let explained = explain(path, text.as_bytes()).unwrap_or_default();
            assert!(explained.starts_with("is ") && explained.contains(words), "{path}: {explained}");
        }
    }

    #[test]
    fn what_may_be_a_go_sum_is_left_to_its_lines() {
        for text in
            ["", "<<<<<<< HEAD\n", "[package]\nname = \"m\"\n", "module\n", "secret\n", "\0\0\0", "root:x:0:0\n"]
        {
            assert_eq!(explain("go.sum", text.as_bytes()), None, "{text:?}");
        }
    }
}

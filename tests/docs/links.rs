//! The links between the documents: a relative link names a file or folder of the repository, and its anchor a heading there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::blocks::blocks;

/// The broken links of a document, each with its line. `path` is relative to `root`.
pub(crate) fn broken(root: &Path, path: &str, markdown: &str) -> Vec<String> {
    let wrong = |(line, link)| Some(format!("{path}:{line}: {link}: {}", why(root, path, markdown, link)?));
    links(markdown).filter_map(wrong).collect()
}

/// The files that a document's relative links name, relative to the repository.
pub(crate) fn targets(path: &str, markdown: &str) -> BTreeSet<String> {
    let links = links(markdown).filter(|(_, link)| !is_elsewhere(link));
    links.map(|(_, link)| resolve(path, link.split('#').next().unwrap_or_default())).collect()
}

fn why(root: &Path, path: &str, markdown: &str, link: &str) -> Option<&'static str> {
    if is_elsewhere(link) {
        return None;
    }
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = resolve(path, file);
    let there = root.join(&target);
    if !file.is_empty() && !there.exists() {
        return Some("there is no such file");
    }
    let text = match (file, anchor) {
        (_, "") => return None,
        ("", _) => markdown.to_owned(),
        _ => fs::read_to_string(there).unwrap_or_default(),
    };
    (!anchors(&text).contains(anchor)).then_some("there is no such heading")
}

fn is_elsewhere(link: &str) -> bool {
    ["https://", "http://", "mailto:"].iter().any(|scheme| link.starts_with(scheme))
}

/// The path of `file`, as a document at `path` names it, from the root of the repository.
fn resolve(path: &str, file: &str) -> String {
    let mut all = PathBuf::new();
    for part in Path::new(path).parent().unwrap_or(Path::new("")).join(file).components() {
        match part {
            Component::ParentDir => drop(all.pop()),
            part => all.push(part),
        }
    }
    all.display().to_string()
}

/// The lines outside code blocks, with their numbers.
fn prose(markdown: &str) -> impl Iterator<Item = (usize, &str)> {
    let blocks = blocks(markdown).unwrap_or_default();
    let is_code = move |line: usize| {
        let mut blocks = blocks.iter().map(|block| block.line..=block.line + block.lines.len() + 1);
        blocks.any(|block| block.contains(&line))
    };
    (1..).zip(markdown.lines()).filter(move |(line, _)| !is_code(*line))
}

/// What the links of a document name, with their lines.
fn links(markdown: &str) -> impl Iterator<Item = (usize, &str)> {
    prose(markdown).flat_map(|(line, text)| {
        let ends = text.split("](").skip(1);
        ends.filter_map(move |end| end.split_once(')')).map(move |(link, _)| (line, link))
    })
}

/// The anchors of a document's headings, as code hosts make them.
fn anchors(markdown: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for (_, text) in prose(markdown) {
        let Some(title) = text.strip_prefix('#').map(|rest| rest.trim_start_matches('#')) else { continue };
        let Some(title) = title.strip_prefix(' ') else { continue };
        let kept = title.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let slug: String = kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect();
        let free = (1..).map(|n| format!("{slug}-{n}")).find(|slug| !anchors.contains(slug));
        anchors.insert(if anchors.contains(&slug) { free.unwrap_or_default() } else { slug });
    }
    anchors
}

#[test]
fn broken_links_are_caught() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("docs")).unwrap();
    fs::write(root.path().join("docs/a.md"), "# One\n\n## Two words, `code`\n\n## One\n```\n# Not this\n```\n")
        .unwrap();
    let found =
        |link: &str| broken(root.path(), "docs/b.md", &format!("# Here\n\nSee [x]({link}) there.\n")).join("\n");
    for good in [
        "a.md",
        "a.md#one",
        "a.md#one-1",
        "a.md#two-words-code",
        "#here",
        "../docs/a.md",
        "https://go.dev/x#y",
        "../docs",
    ] {
        assert_eq!(found(good), "", "{good}");
    }
    for (bad, why) in [
        ("none.md", "docs/b.md:3: none.md: there is no such file"),
        ("../a.md", "docs/b.md:3: ../a.md: there is no such file"),
        ("a.md#three", "docs/b.md:3: a.md#three: there is no such heading"),
        ("a.md#not-this", "docs/b.md:3: a.md#not-this: there is no such heading"),
        ("#there", "docs/b.md:3: #there: there is no such heading"),
    ] {
        assert_eq!(found(bad), why);
    }
    assert_eq!(targets("docs/b.md", "[a](a.md#one) [b](../c.md) [d](https://x)\n```\n[e](e.md)\n```\n").len(), 2);
}

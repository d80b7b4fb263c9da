//! First lines, `unsafe`, and words that belong to a workplace or a registry and not to the repository.

use super::source::{Source, Token};
use super::{Fault, KERNELS};

/// Files in which a registry's name belongs to a format and does not advertise.
const LOCK_FILE: &str = "Cargo.lock";

/// A Rust file that does not begin with what it is.
pub(crate) fn check_first_line(source: &Source) -> Option<Fault> {
    let why = "a module begins with `//!` and what it is about".to_owned();
    (!source.text.starts_with("//! ")).then(|| Fault { path: source.path.clone(), line: 1, why })
}

/// `unsafe` outside the kernels.
pub(crate) fn check_unsafe(sources: &[Source]) -> Vec<Fault> {
    let strangers = sources.iter().filter(|source| !KERNELS.contains(&source.path.as_str()));
    let faults = strangers.filter_map(|source| {
        let why = format!("`unsafe` stands in {} and nowhere else", KERNELS.join(" and "));
        first_unsafe(&source.tokens).map(|line| Fault { path: source.path.clone(), line, why })
    });
    faults.collect()
}

fn first_unsafe(tokens: &[Token]) -> Option<usize> {
    tokens.iter().find_map(|token| if token.is("unsafe") { Some(token.line) } else { first_unsafe(&token.inside) })
}

/// Every line of a file of text that has a forbidden word. The words are put together here, so that this file has none.
pub(crate) fn check_words(path: &str, bytes: &[u8]) -> Vec<Fault> {
    let Ok(text) = str::from_utf8(bytes) else { return Vec::new() };
    let registry = ["crates", ".io"].concat();
    let mut words = vec![["pypi", ".org"].concat(), ["python", "hosted.org"].concat()];
    if !path.ends_with(LOCK_FILE) {
        words.push(registry);
    }
    let folder = ["/wo", "rk/"].concat();
    let mut faults = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let found = words.iter().find(|word| line.to_ascii_lowercase().contains(word.as_str()));
        if let Some(word) = found.or_else(|| Some(&folder).filter(|folder| names_folder(line, folder))) {
            faults.push(Fault {
                path: path.to_owned(),
                line: n + 1,
                why: format!("`{word}` is not the user's to read"),
            });
        }
    }
    faults
}

/// Whether the line has the absolute path, and not a longer one that ends with it.
fn names_folder(line: &str, folder: &str) -> bool {
    let longer = |before: char| before.is_alphanumeric() || ".-_~}".contains(before);
    line.match_indices(folder).any(|(at, _)| !line[..at].ends_with(longer))
}

#[test]
fn words_are_caught_where_they_stand() {
    let hosts = [["crates", ".io"].concat(), ["pypi", ".org"].concat()];
    for word in hosts.into_iter().chain([["/wo", "rk/"].concat(), ["files.python", "hosted.org"].concat()]) {
        let faults = check_words("README.md", format!("first\nsee `{word}x`\n").as_bytes());
        assert_eq!(faults.iter().map(|f| f.line).collect::<Vec<_>>(), [2], "{word}");
    }
    assert!(check_words("Cargo.lock", ["crates", ".io-index"].concat().as_bytes()).is_empty());
    assert!(check_words("go.sum", ["example.com/wo", "rk/x sum.golang.org"].concat().as_bytes()).is_empty());
    assert!(check_words("tile", &[0xff, 0xfe]).is_empty());
}

#[test]
fn unsafe_and_missing_first_lines_are_caught() {
    let source = |path: &str, text: &str| Source::parse(path, text);
    let with = "//! A.\nfn f() { g(unsafe { x }) }";
    let faults = |sources: &[Source]| check_unsafe(sources).len();
    assert_eq!(faults(&[source(KERNELS[0], with), source("src/x.rs", "//! unsafe\n#![deny(unsafe_code)]")]), 0);
    assert_eq!(faults(&[source(KERNELS[1], with), source("src/sumdb/hash/other.rs", with)]), 1);
    assert_eq!(faults(&[source("src/sumdb/tile.rs", with)]), 1);
    assert!(check_first_line(&source("src/x.rs", "use a;\n//! Late.")).is_some());
    assert!(check_first_line(&source("src/x.rs", with)).is_none());
}

//! A source file as tokens: comments and strings are out of the way, brackets are matched, and the items under
//! `#[cfg(test)]` are left out.

use std::iter;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A file of Rust.
pub(crate) struct Source {
    /// from the repository's root
    pub path: String,
    /// as it is
    pub text: String,
    /// without what stands under `#[cfg(test)]`
    pub tokens: Vec<Token>,
    /// lines that stand under `#[cfg(test)]`
    pub test_lines: usize,
}

/// A word, a mark, a literal, or a bracket with what is inside.
#[derive(Debug)]
pub(crate) struct Token {
    /// the word or mark; of a bracket, the opening one; of a literal, nothing but its quote or first digit
    pub text: String,
    /// whether it is a word (an identifier or a keyword)
    pub word: bool,
    /// first line
    pub line: usize,
    /// last line
    pub end: usize,
    /// the tokens inside a bracket
    pub inside: Vec<Token>,
}

impl Token {
    /// Whether this is that word or mark.
    pub(crate) fn is(&self, text: &str) -> bool {
        self.text == text
    }
}

impl Source {
    /// Reads a file.
    ///
    /// # Panics
    /// On text that is not Rust.
    pub(crate) fn parse(path: &str, text: &str) -> Source {
        let stream: TokenStream = text.parse().unwrap_or_else(|e| panic!("{path}: {e}"));
        let mut test_lines = 0;
        // A file of tests that its parent brings in under `#[cfg(test)]` is named `tests.rs`.
        let tokens = without_tests(tokens(stream), &mut test_lines);
        let tokens = if path.ends_with("/tests.rs") { Vec::new() } else { tokens };
        Source { path: path.to_owned(), text: text.to_owned(), tokens, test_lines }
    }

    /// All paths in the file, `a::b::{c, d}` as two, each with its line and the number of `mod {}` around it.
    pub(crate) fn paths(&self) -> Vec<(Vec<String>, usize, usize)> {
        let mut found = Vec::new();
        collect_paths(&self.tokens, 0, &mut found);
        found
    }

    /// The paths of its `use` lines, those inside `mod {}` left out.
    pub(crate) fn uses(&self) -> Vec<Vec<String>> {
        used(&self.tokens).collect()
    }
}

/// The paths of `use` lines that do not stand in a block.
fn used(tokens: &[Token]) -> impl Iterator<Item = Vec<String>> {
    let starts = tokens.iter().enumerate().filter(|(_, token)| token.word && token.is("use"));
    starts.flat_map(|(at, _)| paths_at(&tokens[at + 1..])).map(|(path, _)| path)
}

fn tokens(stream: TokenStream) -> Vec<Token> {
    let token = |tree: TokenTree| {
        let (line, end) = (tree.span().start().line, tree.span().end().line);
        let (text, word, inside) = match tree {
            TokenTree::Ident(word) => (word.to_string(), true, Vec::new()),
            TokenTree::Punct(mark) => (mark.as_char().to_string(), false, Vec::new()),
            TokenTree::Literal(literal) => (literal.to_string().chars().take(1).collect(), false, Vec::new()),
            TokenTree::Group(group) => {
                let open = match group.delimiter() {
                    Delimiter::Parenthesis => "(",
                    Delimiter::Brace => "{",
                    Delimiter::Bracket => "[",
                    Delimiter::None => "",
                };
                (open.to_owned(), false, tokens(group.stream()))
            }
        };
        Token { text, word, line, end, inside }
    };
    stream.into_iter().map(token).collect()
}

/// Leaves out each `#[cfg(test)]` with the item that it stands before, and counts their lines.
fn without_tests(tokens: Vec<Token>, lines: &mut usize) -> Vec<Token> {
    let mut kept: Vec<Token> = Vec::new();
    let mut skipped_from = None;
    for mut token in tokens {
        if let Some(from) = skipped_from {
            if token.is(";") || token.is("{") {
                *lines += token.end - from + 1;
                skipped_from = None;
            }
            continue;
        }
        if token.is("[") && is_cfg_test(&token.inside) && kept.last().is_some_and(|mark| mark.is("#")) {
            skipped_from = kept.pop().map(|mark| mark.line);
            continue;
        }
        token.inside = without_tests(token.inside, lines);
        kept.push(token);
    }
    kept
}

fn is_cfg_test(attribute: &[Token]) -> bool {
    matches!(attribute, [cfg, group] if cfg.is("cfg") && matches!(group.inside.as_slice(), [test] if test.is("test")))
}

fn collect_paths(tokens: &[Token], mods: usize, found: &mut Vec<(Vec<String>, usize, usize)>) {
    for (at, token) in tokens.iter().enumerate() {
        if token.word && !continues(tokens, at) {
            for (path, line) in paths_at(&tokens[at..]) {
                found.push((path, line, mods));
            }
        }
        let is_mod = token.is("{") && at >= 2 && tokens[at - 2].is("mod");
        collect_paths(&token.inside, mods + usize::from(is_mod), found);
    }
}

/// Whether the word at `at` goes on with a path, or names a field or a method.
fn continues(tokens: &[Token], at: usize) -> bool {
    let before = |back: usize| at.checked_sub(back).map(|at| &tokens[at]);
    let colons = before(1).is_some_and(|t| t.is(":")) && before(2).is_some_and(|t| t.is(":"));
    let after_path =
        before(3).is_some_and(|t| (t.word && !is_keyword(&t.text)) || t.is(">") || t.is("crate") || t.is("super"));
    before(1).is_some_and(|t| t.is(".")) || (colons && after_path)
}

fn is_keyword(word: &str) -> bool {
    matches!(
        word,
        "use" | "return" | "in" | "as" | "mut" | "match" | "if" | "else" | "let" | "impl" | "for" | "pub" | "dyn"
    )
}

/// The paths that begin with the first of these tokens.
fn paths_at(tokens: &[Token]) -> Vec<(Vec<String>, usize)> {
    let Some((first, rest)) = tokens.split_first() else { return Vec::new() };
    if first.is("{") {
        return first.inside.split(|token| token.is(",")).flat_map(paths_at).collect();
    }
    let goes_on = matches!(rest, [a, b, ..] if a.is(":") && b.is(":"));
    let tails = if goes_on { paths_at(&rest[2..]) } else { Vec::new() };
    if !first.word && !first.is("*") {
        return Vec::new();
    }
    if tails.is_empty() {
        return vec![(vec![first.text.clone()], first.line)];
    }
    let whole = |(tail, line): (Vec<String>, usize)| (iter::once(first.text.clone()).chain(tail).collect(), line);
    tails.into_iter().map(whole).collect()
}

#[test]
fn paths_are_spelled_out_and_tests_left_out() {
    let text = "use std::{env, time::{self, Instant}};\n#[cfg(test)]\nmod tests {\n use std::fs;\n}\nfn f() { a.b(::c::d(x::<y::z>)) }";
    let source = Source::parse("src/x.rs", text);
    let paths: Vec<String> = source.paths().into_iter().map(|(path, _, _)| path.join("::")).collect();
    for path in ["std::env", "std::time::self", "std::time::Instant", "c::d", "y::z"] {
        assert!(paths.iter().any(|p| p == path), "{path} in {paths:?}");
    }
    assert!(!paths.iter().any(|path| path.contains("fs") || path == "b"), "{paths:?}");
    assert_eq!(source.test_lines, 4);
}

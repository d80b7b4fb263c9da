//! Code that strangers' bytes reach does not panic: no `unwrap`, no `expect`, no indexing, no `as`, no panicking macro, unless
//! the item or the statement says under `#[expect(clippy::..., reason = "...")]`, or under `allow` with a reason, why it cannot
//! happen.

use super::Fault;
use super::source::{Source, Token};

/// What an `as` casts to.
const PRIMITIVES: &[&str] = &[
    "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64", "char",
    "bool", "_", "*",
];
/// Words after which `[` begins a type, a pattern or an array and does not index.
const NO_INDEX_AFTER: &[&str] = &[
    "mut", "in", "return", "match", "if", "else", "let", "ref", "dyn", "impl", "for", "as", "where", "break", "const",
    "move", "while", "static", "crate", "type", "pub",
];

/// Every place that may panic and does not say why it will not.
pub(crate) fn check(source: &Source) -> Vec<Fault> {
    let mut faults = Vec::new();
    walk(&source.tokens, &[], false, &mut |line, what, lint| {
        let why = format!("{what} in the core: return an error, or say why under #[expect({lint}, reason = \"...\")]");
        faults.push(Fault { path: source.path.clone(), line, why });
    });
    faults
}

/// `excused` are the lints that stand under an `#[expect]` around these tokens; `in_use`, that a `use` does.
fn walk(tokens: &[Token], excused: &[String], in_use: bool, report: &mut impl FnMut(usize, String, &str)) {
    let inner = tokens.windows(3).filter(|w| w[0].is("#") && w[1].is("!") && w[2].is("[")).flat_map(|w| lints(&w[2]));
    let around: Vec<String> = excused.iter().cloned().chain(inner).collect();
    let mut here = around.clone();
    let mut excuse_ends = 0;
    let mut in_use = in_use;
    for (at, token) in tokens.iter().enumerate() {
        if at >= excuse_ends {
            here.clone_from(&around);
        }
        if token.is("[") && at > 0 && tokens[at - 1].is("#") {
            let new = lints(token);
            if !new.is_empty() {
                here.extend(new);
                excuse_ends = excuse_ends.max(at + 1 + item_length(&tokens[at + 1..]));
            }
            continue;
        }
        in_use = token.is("use") || (in_use && !token.is(";"));
        if let Some((what, lint)) = panics(tokens, at).filter(|_| !in_use)
            && !here.iter().any(|excuse| excuse == lint)
        {
            report(token.line, what, lint);
        }
        walk(&token.inside, &here, in_use, report);
    }
}

/// The clippy lints that an attribute excuses with a reason.
fn lints(attribute: &Token) -> Vec<String> {
    let [level, list] = attribute.inside.as_slice() else { return Vec::new() };
    // `allow` too: clippy knows some indices to be in bounds, and an `expect` would then wait in vain.
    let excuses = level.is("expect") || level.is("allow");
    if !excuses || !list.inside.windows(2).any(|w| w[0].is("reason") && w[1].is("=")) {
        return Vec::new();
    }
    let named = list.inside.windows(4).filter(|w| w[0].is("clippy") && w[1].is(":") && w[2].is(":"));
    named.map(|w| format!("clippy::{}", w[3].text)).collect()
}

/// Tokens of the item, statement or field that begins here.
fn item_length(tokens: &[Token]) -> usize {
    let to_semicolon = tokens.iter().find(|t| t.word && !t.is("pub")).is_some_and(|word| {
        matches!(word.text.as_str(), "let" | "static" | "use" | "type")
            || word.is("const") && !tokens.iter().any(|t| t.is("fn"))
    });
    let ends = |t: &Token| t.is(";") || (!to_semicolon && (t.is("{") || t.is(",")));
    tokens.iter().position(ends).map_or(tokens.len(), |at| at + 1)
}

/// What panics at this token, and the lint that knows it.
fn panics(tokens: &[Token], at: usize) -> Option<(String, &'static str)> {
    let token = &tokens[at];
    let before = at.checked_sub(1).map(|at| &tokens[at]);
    let after = tokens.get(at + 1);
    let is_macro = after.is_some_and(|t| t.is("!")) && !tokens.get(at + 2).is_some_and(|t| t.is("="));
    let is_method = before.is_some_and(|t| t.is(".")) && after.is_some_and(|t| t.is("("));
    let lint = match token.text.as_str() {
        "unwrap" | "unwrap_err" if is_method => "clippy::unwrap_used",
        "expect" | "expect_err" if is_method => "clippy::expect_used",
        "panic" if is_macro => "clippy::panic",
        "unreachable" if is_macro => "clippy::unreachable",
        "todo" if is_macro => "clippy::todo",
        "unimplemented" if is_macro => "clippy::unimplemented",
        "as" if after.is_some_and(|t| PRIMITIVES.contains(&t.text.as_str())) => "clippy::as_conversions",
        "[" if before.is_some_and(|_| indexes(tokens, at)) => {
            return Some(("indexing".into(), "clippy::indexing_slicing"));
        }
        _ => return None,
    };
    Some((format!("`{}`", token.text), lint))
}

/// Whether the bracket at `at` follows a value.
fn indexes(tokens: &[Token], at: usize) -> bool {
    let before = &tokens[at - 1];
    let lifetime = at >= 2 && tokens[at - 2].is("'");
    let word = before.word && !NO_INDEX_AFTER.contains(&before.text.as_str()) && !lifetime;
    word || before.is("(") || before.is("[") && !(at >= 2 && tokens[at - 2].is("#")) || before.is("?")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> usize {
        check(&Source::parse("src/sumdb/x.rs", text)).len()
    }

    #[test]
    fn panics_are_caught() {
        for text in [
            "fn f() { a.unwrap() }",
            "fn f() { a.expect(\"x\") }",
            "fn f() { a[0] }",
            "fn f() { &a.b()[1..] }",
            "fn f() { a[0][1] }",
            "fn f() { format!(\"{}\", a[0]) }",
            "fn f() { a as u64 }",
            "fn f() { a as _ }",
            "fn f() { panic!() }",
            "fn f() { unreachable!() }",
            "fn f() { todo!() }",
            "#[allow(clippy::unwrap_used)]\nfn f() { a.unwrap() }",
            "#[expect(clippy::unwrap_used)]\nfn f() { a.unwrap() }",
            "#[expect(clippy::unwrap_used, reason = \"x\")]\nfn f() { a[0] }",
            "#[expect(clippy::unwrap_used, reason = \"x\")]\nfn g() {}\nfn f() { a.unwrap() }",
        ] {
            assert!(faults(text) > 0, "{text}");
        }
        assert_eq!(faults("fn f() { a[0][1] }"), 2);
    }

    #[test]
    fn nothing_else_is() {
        for text in [
            "use a as b; use c::{D as _, e}; pub struct F(pub [u8; 2]); fn f(x: &mut [u8], y: &'a [u8]) -> [u8; 4] { <A as B>::c(vec![1], [2]) }",
            "fn f() { for x in [1, 2] {} let [a, b] = c; match d { [] => a.unwrap_or(0), [e, ..] => e } }",
            "/// `a.unwrap()`\nfn f() { g(\"panic!\") }",
            "#[cfg(test)]\nmod tests { fn f() { a.unwrap() } }",
            "#[derive(Debug)]\n#[expect(clippy::indexing_slicing, reason = \"below 4\")]\nfn f() { a[0] }",
            "fn f() { #[expect(clippy::as_conversions, reason = \"fits\")]\nlet x = if a { b as u8 } else { c as u8 }; }",
            "#![allow(clippy::indexing_slicing, reason = \"constants\")]\nmod x { fn f() { a[0] } }",
            "mod x { #![expect(clippy::indexing_slicing, reason = \"all below 4\")]\nfn f() { a[0] } }",
            "fn f() -> bool { panic != 3 && expect(4) && self.unwrap }",
        ] {
            assert_eq!(faults(text), 0, "{text}");
        }
    }
}

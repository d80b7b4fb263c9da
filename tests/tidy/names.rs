//! A type name means one thing within a layer: two types of one name make a reader and a search look at the wrong one.

use std::collections::BTreeMap;

use super::Fault;
use super::source::{Source, Token};

/// A name of a type with the line of its definition.
type Definition = (String, usize);

/// Every `struct`, `enum`, `trait` and `type` whose name another definition in the same layer has, after the first of the name.
/// Files below the folders in `pending` are left out, as are tests and the associated types of traits.
pub(crate) fn check(sources: &[Source], layers: &[&[&str]], pending: &[&str]) -> Vec<Fault> {
    let mut first: BTreeMap<(usize, String), String> = BTreeMap::new();
    let mut faults = Vec::new();
    for source in sources.iter().filter(|source| !is_below(&source.path, pending)) {
        let Some(layer) = layer(&source.path, layers) else { continue };
        for (name, line) in definitions(&source.tokens, false) {
            let place = format!("{}:{line}", source.path);
            match first.get(&(layer, name.clone())) {
                Some(other) => {
                    let why = format!("`{name}` is also defined at {other}, in the same layer: rename one of them");
                    faults.push(Fault { path: source.path.clone(), line, why });
                }
                None => {
                    first.insert((layer, name), place);
                }
            }
        }
    }
    faults
}

/// Whether a file is one of `folders`, as `src/audit` or `src/audit.rs`, or below one.
pub(crate) fn is_below(path: &str, folders: &[&str]) -> bool {
    folders.iter().any(|folder| path.strip_prefix(folder).is_some_and(|rest| rest == ".rs" || rest.starts_with('/')))
}

/// The number of the layer that has the module of a file.
fn layer(path: &str, layers: &[&[&str]]) -> Option<usize> {
    let inside = path.strip_prefix("src/")?.strip_suffix(".rs")?;
    let module = inside.split('/').next()?;
    layers.iter().position(|line| line.contains(&module))
}

/// The types that these tokens define, at any depth. A `type` in an `impl` or a `trait` is associated and left out.
fn definitions(tokens: &[Token], is_associated: bool) -> Vec<Definition> {
    let mut found = Vec::new();
    let mut in_impl = false;
    for (at, token) in tokens.iter().enumerate() {
        let next = tokens.get(at + 1).filter(|next| next.word);
        let is_type = ["struct", "enum", "trait"].contains(&token.text.as_str());
        if let Some(name) = next.filter(|_| token.word && (is_type || (token.is("type") && !is_associated))) {
            found.push((name.text.clone(), name.line));
        }
        in_impl |= token.word && (token.is("impl") || token.is("trait"));
        found.extend(definitions(&token.inside, in_impl && token.is("{")));
        in_impl &= !token.is("{") && !token.is(";");
    }
    found
}

#[test]
fn a_type_name_that_a_layer_has_twice_is_caught() {
    const LAYERS: &[&[&str]] = &[&["sync", "verify"], &["store"]];
    let faults = |files: &[(&str, &str)]| {
        let sources: Vec<Source> = files.iter().map(|(path, text)| Source::parse(path, text)).collect();
        check(&sources, LAYERS, &["src/store/old", "src/audit"]).len()
    };
    let first = ("src/sync.rs", "pub struct Run;");
    for text in ["enum Run {}", "fn f() { struct Run; }", "type Run = u8;", "mod m { pub(super) trait Run {} }"] {
        assert_eq!(faults(&[first, ("src/verify/modules.rs", text)]), 1, "{text}");
        assert_eq!(faults(&[first, ("src/sync.rs", text)]), 1, "{text}");
        assert_eq!(faults(&[first, ("src/store.rs", text), ("src/other.rs", text)]), 0, "{text}");
    }
    assert_eq!(faults(&[first, first, first]), 2);
    for text in [
        "#[cfg(test)] mod tests { struct Run; }",
        "impl<T> Iterator for X<T> { type Run = u8; }",
        "trait X { type Run; }",
        "macro_rules! m { ($name:ident) => { struct $name; } } struct Runs; use a::Run;",
    ] {
        assert_eq!(faults(&[first, ("src/verify.rs", text)]), 0, "{text}");
    }
    let store = ("src/store.rs", "struct Old;");
    assert_eq!(faults(&[store, ("src/store/old.rs", "struct Old;"), ("src/store/old/x.rs", "struct Old;")]), 0);
    assert_eq!(faults(&[store, ("src/store/older.rs", "struct Old;")]), 1);
}

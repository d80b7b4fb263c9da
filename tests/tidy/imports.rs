//! Imports point down the layers only.

use super::Fault;
use super::source::Source;

/// Every path that leads to a module on the same line of `layers`, or on a line above, or to none of them.
pub(crate) fn check(source: &Source, layers: &[&[&str]]) -> Vec<Fault> {
    let inside = source.path.trim_start_matches("src/").trim_end_matches(".rs");
    let modules: Vec<&str> = inside.split('/').collect();
    let own = modules[0];
    if own == "lib" {
        return Vec::new();
    }
    let fault = |line, why| Fault { path: source.path.clone(), line, why };
    let layer = |module: &str| layers.iter().position(|line| line.contains(&module));
    let Some(own_layer) = layer(own) else {
        return vec![fault(1, format!("module `{own}` is on no line of LAYERS in tests/tidy.rs"))];
    };
    let mut faults = Vec::new();
    for (path, line, mods) in source.paths() {
        let Some(target) = target(&path, modules.len() + mods) else { continue };
        if target == own {
            continue;
        }
        match layer(target) {
            Some(below) if below > own_layer => {}
            Some(_) => faults.push(fault(line, format!("`{own}` may not import `{target}`: imports point down only"))),
            None => faults.push(fault(line, format!("`{target}` is on no line of LAYERS in tests/tidy.rs"))),
        }
    }
    faults
}

/// The top-level module that a path leads to, if it says so: from `crate` or `gosumcheck`, or by enough `super`.
fn target(path: &[String], depth: usize) -> Option<&str> {
    let supers = path.iter().take_while(|segment| *segment == "super").count();
    let rest = match path.first()?.as_str() {
        "crate" | "gosumcheck" => &path[1..],
        "super" if supers >= depth => &path[supers..],
        _ => return None,
    };
    rest.first().map(String::as_str).filter(|segment| *segment != "self")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYERS: &[&[&str]] = &[&["main"], &["audit", "sync"], &["store", "upstream"], &["sumdb"]];

    fn faults(path: &str, text: &str) -> usize {
        check(&Source::parse(path, text), LAYERS).len()
    }

    #[test]
    fn down_is_fine() {
        assert_eq!(faults("src/audit.rs", "use crate::store::Cache; use crate::{sumdb, upstream::Got};"), 0);
        assert_eq!(faults("src/audit/lines.rs", "use super::Options; use super::super::store::Cache;"), 0);
        assert_eq!(faults("src/main.rs", "use gosumcheck::audit; mod cli {}"), 0);
        assert_eq!(faults("src/store.rs", "//! See crate::audit.\nconst A: &str = \"crate::audit\";"), 0);
        assert_eq!(faults("src/lib.rs", "pub mod audit;"), 0);
    }

    #[test]
    fn up_and_sideways_are_caught() {
        for (path, text) in [
            ("src/store.rs", "use crate::audit::Options;"),
            ("src/store.rs", "use crate::{sumdb, audit};"),
            ("src/store.rs", "use crate::upstream;"),
            ("src/store.rs", "use super::upstream;"),
            ("src/store/cache.rs", "use super::super::upstream::Got;"),
            ("src/store.rs", "mod inner { use super::super::audit; }"),
            ("src/audit.rs", "fn f() { crate::sync::run() }"),
            ("src/audit.rs", "fn f() { println!(\"{}\", crate::sync::run()) }"),
            ("src/sumdb/tile.rs", "type A = Vec<crate::store::Cache>;"),
            ("src/sumdb/tile.rs", "use crate::Something;"),
            ("src/stranger.rs", ""),
        ] {
            assert_eq!(faults(path, text), 1, "{path}: {text}");
        }
    }
}

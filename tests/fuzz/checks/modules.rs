//! Module paths, versions, lookup paths, and the patterns of GOPRIVATE.

use std::cmp::Ordering;

use gosumcheck::sumdb::gomod::{GoMod, MAX_REQUIREMENTS};
use gosumcheck::sumdb::goproxy::{MAX_INFO_BYTES, ModuleRequest, VersionInfo, list};
use gosumcheck::sumdb::module::{ModulePath, ModuleVersion, Patterns, Version, semver};
use gosumcheck::sumdb::printable::{QUOTED_CHARS, printable, quoted};

use super::refused;

/// Paths and versions, escaped and not: what is taken is its own print, and its one escaped form comes back.
pub fn module(bytes: &[u8]) -> bool {
    let Some(text) = super::text(bytes) else { return false };
    let path = ModulePath::parse(text).is_ok_and(|path| {
        assert_eq!(path.to_string(), text);
        assert!(!path.escaped().contains(|symbol: char| symbol.is_ascii_uppercase()));
        assert_eq!(ModulePath::unescape(&path.escaped()).as_ref(), Ok(&path));
        assert!(text.ends_with(path.major_suffix()));
        true
    });
    let escaped = ModulePath::unescape(text).is_ok_and(|path| {
        assert_eq!(path.escaped(), text);
        true
    });
    let version = Version::parse(text).is_ok_and(|version| {
        is_version(&version, text);
        true
    });
    let escaped_version = Version::unescape(text).is_ok_and(|version| {
        assert_eq!(version.escaped(), text);
        true
    });
    let pair = ModuleVersion::parse_at(text).is_ok_and(|pair| {
        assert_eq!(pair.to_string(), text);
        assert_eq!(ModuleVersion::parse_lookup_path(&pair.lookup_path()).as_ref(), Ok(&pair));
        true
    });
    let lookup = ModuleVersion::parse_lookup_path(text).is_ok_and(|pair| {
        assert_eq!(pair.lookup_path(), text);
        true
    });
    _ = ModulePath::parse(text).is_err_and(refused) || ModulePath::unescape(text).is_err_and(refused);
    _ = Version::parse(text).is_err_and(refused) || Version::unescape(text).is_err_and(refused);
    _ = ModuleVersion::parse_at(text).is_err_and(refused) || ModuleVersion::parse_lookup_path(text).is_err_and(refused);
    path || escaped || version || escaped_version || pair || lookup
}

fn is_version(version: &Version, text: &str) {
    assert_eq!(version.to_string(), text);
    assert_eq!(semver::canonical(text).as_deref(), Some(text));
    assert!(semver::is_valid(text) && text.starts_with(version.major()) && text.contains(version.prerelease()));
    assert_eq!(version.cmp(version), Ordering::Equal);
    assert_eq!(Version::unescape(&version.escaped()).as_ref(), Ok(version));
    if let Some(pseudo) = version.pseudo() {
        assert!(version.is_pseudo() && version.is_prerelease());
        assert!(
            text.contains(pseudo.timestamp()) && text.contains(pseudo.revision()) && pseudo.timestamp().len() == 14
        );
        if let Ok(Some(base)) = pseudo.base() {
            assert!(base < *version, "{base} is not before {version}");
        }
        _ = pseudo.unix_time();
    }
}

/// What a go.mod requires: bounded, and the same once it is written in the plainest way.
pub fn gomod(bytes: &[u8]) -> bool {
    let Ok(go_mod) = GoMod::read(bytes) else { return false };
    assert!(go_mod.requirements.len() <= MAX_REQUIREMENTS);
    let go = match go_mod.go {
        None => String::new(),
        // Before the version itself.
        Some((1, 17)) if !go_mod.is_pruned => "go 1.17rc1\n".to_owned(),
        Some((major, minor)) => format!("go {major}.{minor}\n"),
    };
    let line = |requirement: &gosumcheck::sumdb::gomod::Requirement| {
        let (module, mark) = (&requirement.module, if requirement.is_indirect { " // indirect" } else { "" });
        format!("require {} {}{mark}\n", module.path(), module.version())
    };
    let text: String = go_mod.requirements.iter().map(line).collect();
    assert_eq!(GoMod::read(format!("{go}{text}").as_bytes()), Ok(go_mod.clone()));
    !go_mod.requirements.is_empty()
}

/// `semver::compare` of two texts, a line each: an order, the same one both ways, that of the canonical forms.
pub fn versions(bytes: &[u8]) -> bool {
    let Some((left, right)) = super::text(bytes).and_then(|text| text.split_once('\n')) else { return false };
    let order = semver::compare(left, right);
    assert_eq!(order, semver::compare(right, left).reverse());
    assert!(left != right || order == Ordering::Equal);
    let (Some(low), Some(high)) = (semver::canonical(left), semver::canonical(right)) else { return false };
    assert_eq!(order, semver::compare(&low, &high));
    true
}

/// `Patterns::parse` of the first line, matched with the second: a path that matches does so whatever lies below it, and each
/// pattern is either sound or listed as one that matches nothing.
pub fn patterns(bytes: &[u8]) -> bool {
    let Some((list, path)) = super::text(bytes).and_then(|text| text.split_once('\n')) else { return false };
    let patterns = Patterns::parse(list);
    let count = list.split(',').filter(|text| !text.is_empty()).count();
    let unmatchable = patterns.unmatchable();
    assert!(unmatchable.len() <= count && patterns.is_empty() == (unmatchable.len() == count));
    for meant in unmatchable.iter().filter_map(|pattern| pattern.meant()) {
        assert!(!Patterns::parse(meant).is_empty() && Patterns::parse(meant).unmatchable().is_empty());
    }
    let Some(matched) = patterns.matching(path) else { return false };
    assert!(
        list.split(',').any(|text| text == matched) && !unmatchable.iter().any(|pattern| pattern.pattern() == matched)
    );
    assert!(patterns.matching(&format!("{path}/below")).is_some());
    true
}

/// `.info`, `@latest` and `@v/list` of mirrors: what is taken is about the question, and what is written of it is short, plain, and
/// understood as the same again.
pub fn hints(bytes: &[u8]) -> bool {
    let exact = ModuleRequest::parse("example.com/m/@v/v1.0.0.info").unwrap();
    let mut taken = false;
    for asked in [&exact, &ModuleRequest::parse("example.com/m/@latest").unwrap()] {
        match VersionInfo::parse(asked, bytes) {
            Ok(info) => {
                let text = info.to_json();
                assert_eq!(VersionInfo::parse(asked, text.as_bytes()).as_ref(), Ok(&info));
                assert!(text.len() <= MAX_INFO_BYTES && !text.contains(char::is_control), "{text}");
                assert!(*asked != exact || info.version().as_str() == "v1.0.0");
                assert!(text.starts_with(&format!("{{\"Version\":\"{}\"", info.version())), "{text}");
                taken = true;
            }
            Err(error) => _ = refused(error),
        }
    }
    let module = ModulePath::parse("example.com/m").unwrap();
    match list::read(&module, bytes) {
        Ok(versions) => {
            let text = list::write(&versions);
            assert_eq!(list::read(&module, &text), Ok(versions));
        }
        Err(error) => _ = refused(error),
    }
    taken
}

/// `printable`: bounded, and nothing in it that a terminal acts upon.
pub fn print(bytes: &[u8]) -> bool {
    let limit = bytes.first().map_or(0, |byte| usize::from(*byte));
    let shown = printable(bytes, limit);
    assert!(shown.chars().count() <= 10 * limit + 1);
    assert!(
        !shown
            .chars()
            .any(|symbol| symbol.is_control() || matches!(symbol, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
    );
    let text = String::from_utf8_lossy(bytes);
    assert!(quoted(&text).chars().count() <= 10 * QUOTED_CHARS + 3);
    shown.len() == bytes.len()
}

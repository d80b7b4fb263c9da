//! What a person or the environment sets: GOSUMDB, GOPROXY, the go command's settings file, the base of a tree.

use gosumcheck::config::{GoEnv, GoEnvOrigin, ProxyList, Sumdb};
use gosumcheck::upstream::Base;

/// `Sumdb::parse` and `ProxyList::parse`: the database's name is its key's and a URL path; proxies have a scheme.
pub fn settings(bytes: &[u8]) -> bool {
    let Some(text) = super::text(bytes) else { return false };
    let sumdb = match Sumdb::parse(text) {
        Ok(Sumdb::On { name, key, url }) => {
            assert!(
                name == key.name()
                    && !name.contains(['?', '#', '%', '\\'])
                    && !name.split('/').any(|part| part == "..")
            );
            assert!(url.is_none_or(|url| !url.is_empty() && text.contains(&url) || text == "sum.golang.google.cn"));
            true
        }
        Ok(Sumdb::Off) => text == "off",
        Err(fault) => {
            _ = fault.to_string();
            false
        }
    };
    let proxies = ProxyList::parse(text).is_ok_and(|proxies| {
        for (place, (entry, _)) in proxies.entries().enumerate() {
            let is_last = place + 1 == proxies.entries().len();
            let has_scheme = ["https://", "http://", "file://"].iter().any(|scheme| entry.starts_with(scheme));
            assert!(has_scheme || is_last && matches!(entry, "direct" | "off"), "{entry}");
        }
        proxies.entries().len() > 0
    });
    let base = Base::parse(text).is_ok_and(|base| {
        // A password in the URL is taken off it.
        let shown = base.to_string();
        let authority = shown.split_once("://").and_then(|(_, rest)| rest.split('/').next()).unwrap_or_default();
        assert!(base.is_tree() || !authority.contains('@'), "{shown}");
        _ = base.below("sumdb/sum.golang.org").is_ok();
        true
    });
    sumdb || proxies || base
}

/// `GoEnv::resolve` of the input as the settings file: a setting is a line of the file, as Go reads it.
pub fn go_env(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let (user, installed) = text.split_once('\0').unwrap_or((&text, ""));
    let env = GoEnv::resolve(|_| None, user, installed);
    let private = env.private();
    assert!(private.patterns.is_empty() || text.contains(&format!("{}={}", private.setting, private.patterns)));
    _ = (env.sumdb().is_ok(), env.proxies().is_ok(), env.warnings(), env.modcache(), env.sumdb_head("sum.golang.org"));
    ["GOSUMDB", "GOPROXY", "GOPRIVATE", "GONOSUMDB", "GOPATH"]
        .iter()
        .any(|name| env.origin(name) != GoEnvOrigin::BuiltIn)
}

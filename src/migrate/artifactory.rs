//! JFrog Artifactory: what `GET /api/repositories/KEY` or `GET /api/repositories/configurations` answers: virtual repositories of
//! Go, which clients resolve from, and the remote ones in them.

use serde_json::Value;

use super::draft::{Draft, list, text};
use super::{TheirSettings, repositories};

pub(super) fn read(given: &TheirSettings<'_>) -> Result<Draft, String> {
    let all = repositories::json(given, "GET /api/repositories/KEY")?;
    let is_go = |one: &&Value| string(one, "packageType").is_some_and(|kind| kind.eq_ignore_ascii_case("go"));
    let of_go: Vec<&Value> = all.iter().filter(is_go).collect();
    let class = |wanted: &'static str| {
        let is = move |one: &&&Value| string(one, "rclass").is_some_and(|class| class.eq_ignore_ascii_case(wanted));
        of_go.iter().filter(is).copied()
    };
    let mut draft = Draft::default();
    let served = class("virtual").next();
    let named = |key: &str| class("remote").find(|one| string(one, "key") == Some(key));
    let members: Vec<&Value> = match served.and_then(|one| one.get("repositories")).and_then(Value::as_array) {
        Some(keys) => keys.iter().filter_map(Value::as_str).filter_map(named).collect(),
        None => class("remote").collect(),
    };
    let Some(first) = members.first().copied() else {
        return Err("there is no remote repository of the package type go in it".to_owned());
    };
    let key = string(served.unwrap_or(first), "key").unwrap_or_default();
    let of = "a port of its own: an Artifactory has 8081 or 8082 for all of its repositories";
    draft.set("listen", list(&["0.0.0.0:3000".to_owned()]), of);
    let of = format!("the path of {key}, so that GOPROXY stays what it was");
    draft.set("prefix", text(&format!("/artifactory/api/go/{key}")), of);
    proxies(&mut draft, &members);
    for (field, setting) in [("retrievalCachePeriodSecs", "freshness"), ("missedRetrievalCachePeriodSecs", "negative")]
    {
        if let Some(seconds) = first.get(field).and_then(Value::as_u64) {
            draft.set(
                setting,
                text(&format!("{seconds}s")),
                format!("{field} of {}", string(first, "key").unwrap_or_default()),
            );
        }
    }
    for one in served.into_iter().chain(members.iter().copied()) {
        patterns(&mut draft, one);
        leftovers(&mut draft, one);
    }
    for other in class("virtual").skip(1) {
        let key = string(other, "key").unwrap_or_default();
        draft
            .without(format!("virtual repository {key}: one server has one list of upstreams; run another one for it"));
    }
    for local in class("local") {
        let key = string(local, "key").unwrap_or_default();
        draft.without(format!(
            "local repository {key}: nothing is uploaded here; its modules are private, so name their patterns in private and the \
             place that serves them in private_proxy"
        ));
    }
    draft.without(
        "what is in its filestore has no layout of modules: gosumcheck prefetch go.sum brings it anew, through it",
    );
    draft
        .without("permissions, tokens and Xray policies: see access.users, access.tokens, [[access.rules]], and rules");
    Ok(draft)
}

fn string<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn proxies(draft: &mut Draft, members: &[&Value]) {
    let of = members.iter().filter_map(|one| string(one, "key")).collect::<Vec<_>>().join(", ");
    let is_used = |one: &&&Value| one.get("blackedOut").and_then(Value::as_bool) != Some(true);
    let urls = members.iter().filter(is_used).filter_map(|one| string(one, "url"));
    let urls: Vec<&str> = urls.map(|url| url.trim_end_matches('/')).collect();
    draft.set("proxy", text(&urls.join(",")), format!("the URLs of {of}, in the order of the virtual repository"));
    for one in members.iter().filter(is_used) {
        let Some(url) = string(one, "url").map(|url| url.trim_end_matches('/')) else { continue };
        let key = string(one, "key").unwrap_or_default();
        if let Some(user) = string(one, "username") {
            let lines = repositories::login(url, user);
            draft.todo(format!("{key} signs in at {url}: write its password into a file"), &lines);
        }
        if let Some(milliseconds) = one.get("socketTimeoutMillis").and_then(Value::as_u64) {
            let value = text(&format!("{}s", milliseconds.div_ceil(1000)));
            draft.set_upstream(url, "first_byte_timeout", value, format!("socketTimeoutMillis of {key}"));
        }
    }
}

/// `github.com/x/**` as a rule; other patterns of Ant are not those of Go.
fn patterns(draft: &mut Draft, one: &Value) {
    let key = string(one, "key").unwrap_or_default();
    for pattern in repositories::split(string(one, "excludesPattern").unwrap_or_default()) {
        match pattern.strip_suffix("/**").filter(|path| !path.contains('*')) {
            Some(path) => draft.rule(format!("deny {path} \"excluded by {key}\"")),
            None => draft.without(format!("excludesPattern {pattern} of {key}: write it as a rule (deny PATTERN)")),
        }
    }
    let includes = repositories::split(string(one, "includesPattern").unwrap_or_default());
    for pattern in includes.iter().filter(|pattern| *pattern != "**/*" && *pattern != "**") {
        draft.without(format!(
            "includesPattern {pattern} of {key}: write it as rules (allow PATTERN, and deny * at the end)"
        ));
    }
}

fn leftovers(draft: &mut Draft, one: &Value) {
    let key = string(one, "key").unwrap_or_default();
    let is_set = |field: &str| one.get(field).and_then(Value::as_bool) == Some(true);
    for (field, why) in [
        ("offline", "set offline = true, if it holds for all"),
        ("blackedOut", "it is left out of proxy"),
        ("hardFail", "after a comma in proxy the next one is asked only for what this one lacks"),
        ("curated", "what it blocks is not known here: write rules"),
    ] {
        if is_set(field) {
            draft.without(format!("{field} = true of {key}: {why}"));
        }
    }
    if let Some(provider) = string(one, "vcsGitProvider").filter(|provider| *provider != "ARTIFACTORY") {
        draft.without(format!(
            "vcsGitProvider = {provider} of {key}: repositories are asked by direct, in proxy or private_proxy"
        ));
    }
    if is_set("externalDependenciesEnabled") {
        draft.without(format!(
            "externalDependencies of {key}: public modules come from proxy alone, wherever their repositories are"
        ));
    }
}

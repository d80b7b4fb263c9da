//! Sonatype Nexus: what `GET /service/rest/v1/repositorySettings` answers, all of it or one repository. Of Go it has proxies, and
//! groups of them.

use serde_json::Value;

use super::draft::{Draft, list, text};
use super::{TheirSettings, repositories};

pub(super) fn read(given: &TheirSettings<'_>) -> Result<Draft, String> {
    let all = repositories::json(given, "GET /service/rest/v1/repositorySettings")?;
    let of_go: Vec<&Value> = all.iter().filter(|one| string(one, &["format"]) == Some("go")).collect();
    let kind = |wanted: &'static str| of_go.iter().copied().filter(move |one| string(one, &["type"]) == Some(wanted));
    let mut draft = Draft::default();
    let group = kind("group").next();
    let named = |name: &str| kind("proxy").find(|one| string(one, &["name"]) == Some(name));
    let members: Vec<&Value> =
        match group.and_then(|group| group.pointer("/group/memberNames")).and_then(Value::as_array) {
            Some(names) => names.iter().filter_map(Value::as_str).filter_map(named).collect(),
            None => kind("proxy").collect(),
        };
    let Some(first) = members.first().copied() else {
        return Err("there is no repository of the format go and the type proxy in it".to_owned());
    };
    let served = group.unwrap_or(first);
    let name = string(served, &["name"]).unwrap_or_default();
    draft.set(
        "listen",
        list(&["0.0.0.0:3000".to_owned()]),
        "a port of its own: a Nexus has 8081 for all of its repositories",
    );
    draft.set(
        "prefix",
        text(&format!("/repository/{name}")),
        format!("the path of {name}, so that GOPROXY stays what it was"),
    );
    proxies(&mut draft, &members);
    timing(&mut draft, first);
    for other in kind("group").skip(1) {
        let other = string(other, &["name"]).unwrap_or_default();
        draft.without(format!("group {other}: one server has one list of upstreams; run another one for it"));
    }
    for one in &members {
        leftovers(&mut draft, one);
    }
    draft.without("what is stored in its blob stores has no layout of modules: gosumcheck prefetch go.sum brings it anew, through it");
    draft.without(
        "GOSUMDB=off or GONOSUMDB of clients, which a Nexus needs: this server relays the database, so take them away",
    );
    Ok(draft)
}

fn string<'a>(value: &'a Value, path: &[&str]) -> Option<&'a str> {
    path.iter().try_fold(value, |value, key| value.get(key)).and_then(Value::as_str)
}

fn proxies(draft: &mut Draft, members: &[&Value]) {
    let of = members.iter().filter_map(|one| string(one, &["name"])).collect::<Vec<_>>().join(", ");
    let urls = members.iter().filter_map(|one| string(one, &["proxy", "remoteUrl"]));
    let urls: Vec<&str> = urls.map(|url| url.trim_end_matches('/')).collect();
    draft.set("proxy", text(&urls.join(",")), format!("the remote URLs of {of}, in the order of the group"));
    for one in members {
        let Some(url) = string(one, &["proxy", "remoteUrl"]).map(|url| url.trim_end_matches('/')) else { continue };
        let name = string(one, &["name"]).unwrap_or_default();
        if let Some(user) = string(one, &["httpClient", "authentication", "username"]) {
            let lines = repositories::login(url, user);
            draft.todo(format!("{name} signs in at {url}: write its password into a file"), &lines);
        }
        let seconds = one.pointer("/httpClient/connection/timeout").and_then(Value::as_u64);
        if let Some(seconds) = seconds {
            draft.set_upstream(
                url,
                "first_byte_timeout",
                text(&format!("{seconds}s")),
                format!("connection.timeout of {name}"),
            );
        }
        let retries = one.pointer("/httpClient/connection/retries").and_then(Value::as_u64);
        if let Some(retries) = retries {
            draft.set_upstream(
                url,
                "tries",
                (retries + 1).to_string(),
                format!("connection.retries of {name}, and the first try"),
            );
        }
    }
}

/// How long answers are kept, in minutes there.
fn timing(draft: &mut Draft, one: &Value) {
    let name = string(one, &["name"]).unwrap_or_default();
    if let Some(minutes) = one.pointer("/proxy/metadataMaxAge").and_then(Value::as_i64) {
        match u64::try_from(minutes) {
            Ok(minutes) => {
                draft.set("freshness", text(&format!("{minutes}m")), format!("proxy.metadataMaxAge of {name}"))
            }
            Err(_) => {
                draft.without(format!("proxy.metadataMaxAge = -1 of {name}: lists are asked for again after freshness"))
            }
        }
    }
    let negative = |key: &str| one.pointer(&format!("/negativeCache/{key}"));
    if negative("enabled").and_then(Value::as_bool) == Some(false) {
        draft.set("negative", text("1ms"), format!("negativeCache.enabled = false of {name}"));
    } else if let Some(minutes) = negative("timeToLive").and_then(Value::as_u64) {
        draft.set("negative", text(&format!("{minutes}m")), format!("negativeCache.timeToLive of {name}"));
    }
}

fn leftovers(draft: &mut Draft, one: &Value) {
    let name = string(one, &["name"]).unwrap_or_default();
    if one.get("online").and_then(Value::as_bool) == Some(false) {
        draft.without(format!("online = false of {name}: leave its URL out of proxy"));
    }
    if let Some(rule) = string(one, &["routingRule"]).or_else(|| string(one, &["routingRuleName"])) {
        draft.without(format!("routing rule {rule} of {name}: write what it blocks as rules (deny PATTERN)"));
    }
    if let Some(policies) =
        one.pointer("/cleanup/policyNames").and_then(Value::as_array).filter(|names| !names.is_empty())
    {
        let policies: Vec<&str> = policies.iter().filter_map(Value::as_str).collect();
        draft.without(format!(
            "cleanup policies {} of {name}: store.max_size keeps the store within a size, and what was used least goes first",
            policies.join(", ")
        ));
    }
    if one.pointer("/httpClient/blocked").and_then(Value::as_bool) == Some(true) {
        draft.without(format!("httpClient.blocked of {name}: leave its URL out of proxy"));
    }
}

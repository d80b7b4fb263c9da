//! What the readers of several programs have in common.

use serde_json::Value;

use super::TheirSettings;
use super::draft::{Draft, list, text};
use crate::config::Sumdb;

/// Addresses that mean all of a machine's.
const EVERYWHERE: &str = "0.0.0.0";

/// `:8080`, `8080`, `localhost:8080` as an address to listen on.
pub(super) fn listen(address: &str) -> String {
    let address = address.trim();
    match address.rsplit_once(':') {
        Some(("", port)) => format!("{EVERYWHERE}:{port}"),
        Some(("localhost", port)) => format!("127.0.0.1:{port}"),
        Some(_) => address.to_owned(),
        None => format!("{EVERYWHERE}:{address}"),
    }
}

/// Listens there, with TLS or without.
pub(super) fn set_listen(draft: &mut Draft, address: &str, is_tls: bool, of: &str) {
    let addresses = list(&[address.to_owned()]);
    if is_tls {
        draft.set("listen", list(&["none".to_owned()]), format!("{of}: with TLS alone"));
        draft.set("tls.listen", addresses, of);
    } else {
        draft.set("listen", addresses, of);
    }
}

/// A prefix of paths, which begins with a slash and does not end with one.
pub(super) fn prefix(path: &str) -> String {
    format!("/{}", path.trim_matches('/'))
}

/// The entries of a list with commas.
pub(super) fn split(list: &str) -> Vec<String> {
    list.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(str::to_owned).collect()
}

/// Whether the key of a database is known by its name.
pub(super) fn is_known_sumdb(name: &str) -> bool {
    matches!(Sumdb::parse(name), Ok(Sumdb::On { .. }))
}

/// Modules of these patterns are private, if there are any, and come from their repositories: `of` says the first, `from` the second.
pub(super) fn set_private(draft: &mut Draft, patterns: &[String], of: &str, from: &str) {
    if !patterns.is_empty() {
        draft.set("private", list(patterns), of);
        draft.set("private_proxy", text("direct"), from);
    }
}

/// The repositories in a text of JSON: one, or a list of them, which may stand below a class (`LOCAL`, `REMOTE`, ...).
pub(super) fn json(given: &TheirSettings<'_>, from: &str) -> Result<Vec<Value>, String> {
    let text = given.text.ok_or_else(|| format!("name a file with what `{from}` answers"))?;
    let value =
        serde_json::from_str(text).map_err(|error| format!("is not the JSON that `{from}` answers: {error}"))?;
    let mut all = Vec::new();
    match value {
        Value::Array(list) => all.extend(list),
        Value::Object(fields) if fields.contains_key("key") || fields.contains_key("name") => {
            all.push(Value::Object(fields))
        }
        Value::Object(fields) => {
            all.extend(fields.into_iter().filter_map(|(_, value)| value.as_array().cloned()).flatten());
        }
        _ => return Err(format!("is not the JSON that `{from}` answers")),
    }
    Ok(all)
}

/// The lines by which this server signs in at an upstream.
pub(super) fn login(url: &str, user: &str) -> Vec<String> {
    let of = |key: &str, value: &str| format!("{key} = {}", text(value));
    vec![format!("[upstreams.{}]", text(url)), of("username", user), of("password_file", "/etc/gosumcheck/password")]
}

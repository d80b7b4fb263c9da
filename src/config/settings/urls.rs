//! URLs as values of settings: what they must look like.

/// The URL of a document.
pub(super) fn web(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    match rest
        .filter(|rest| rest.contains('/') && !rest.contains(['?', '#', ' ']) && !rest.chars().any(char::is_control))
    {
        Some(_) => Ok(text.to_owned()),
        None => Err("not the URL of a signed head; write it as in https://sum.golang.google.cn/latest".to_owned()),
    }
}

/// The URL of an OpenTelemetry collector.
pub(super) fn collector(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let is_plain = |rest: &&str| !rest.is_empty() && !rest.contains(['@', '?', '#', ' ']);
    match rest.filter(is_plain) {
        Some(_) => Ok(text.to_owned()),
        None => Err("not the URL of a collector; write it as in http://127.0.0.1:4318".to_owned()),
    }
}

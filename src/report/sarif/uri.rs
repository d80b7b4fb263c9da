//! Paths as SARIF artifact locations: a relative path against the source root, an absolute one as a `file:` URI, percent-
//! encoded after RFC 3986.

use serde_json::{Value, json};

/// The name of the folder that relative paths are relative to.
pub(super) const BASE: &str = "%SRCROOT%";

/// The artifact location of a file, by the path that the user named it by.
pub(super) fn artifact(path: &str) -> Value {
    // A backslash separates only on Windows; elsewhere it is a character of a name.
    let windows = cfg!(windows) || has_drive(path);
    let path = if windows { path.replace('\\', "/") } else { path.to_owned() };
    if has_drive(&path) {
        json!({ "uri": format!("file:///{}", encoded(&path, true)) })
    } else if path.starts_with('/') {
        json!({ "uri": format!("file://{}", encoded(&path, true)) })
    } else {
        let mut relative = path.as_str();
        while let Some(rest) = relative.strip_prefix("./") {
            relative = rest.trim_start_matches('/');
        }
        json!({ "uri": encoded(relative, false), "uriBaseId": BASE })
    }
}

/// Whether the path begins like `C:\` or `C:/`.
fn has_drive(path: &str) -> bool {
    let mut start = path.chars();
    matches!((start.next(), start.next(), start.next()), (Some(letter), Some(':'), Some('/' | '\\')) if letter.is_ascii_alphabetic())
}

/// Everything but unreserved characters and the slash, percent-encoded. A colon may stay only in an absolute URI: in the
/// first segment of a relative one it would make a scheme of it (RFC 3986 section 4.2).
fn encoded(path: &str, absolute: bool) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            b':' if absolute => uri.push(':'),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_are_relative_to_the_source_root() {
        for (path, uri) in [
            ("go.sum", "go.sum"),
            ("./go.sum", "go.sum"),
            (".//././a/go.sum", "a/go.sum"),
            ("../x/go.sum", "../x/go.sum"),
            ("a b/wörk#1?/go.sum", "a%20b/w%C3%B6rk%231%3F/go.sum"),
            ("http://evil/go.sum", "http%3A//evil/go.sum"),
            ("a\x1b%2e", "a%1B%252e"),
        ] {
            assert_eq!(artifact(path), json!({ "uri": uri, "uriBaseId": "%SRCROOT%" }), "{path}");
        }
    }

    #[test]
    fn absolute_paths_are_file_uris() {
        assert_eq!(artifact("/home/a b/go.sum"), json!({ "uri": "file:///home/a%20b/go.sum" }));
        assert_eq!(artifact("C:\\src\\go.sum"), json!({ "uri": "file:///C:/src/go.sum" }));
    }
}

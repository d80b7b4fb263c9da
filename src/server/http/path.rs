//! The path of a request: decoded exactly once, and refused if no resource here can have it.

use std::borrow::Cow;

use crate::server::limits::MAX_PATH_BYTES;

/// What the paths of the API begin with, without the first slash.
const API: &str = "api/v1/";

/// Why a path is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadPath {
    /// longer than `MAX_PATH_BYTES`
    TooLong,
    /// not decodable, or with a byte that no path here has
    Malformed(&'static str),
    /// with an empty element, `.` or `..`: no resource has such a path
    NotFound,
}

/// Splits a raw path into `prefix` and the path below it; into an empty prefix and the whole path if it is not below `prefix`.
pub(crate) fn split<'a, 'p>(raw: &'a str, prefix: &'p str) -> (&'p str, &'a str) {
    match raw.strip_prefix(prefix).filter(|_| !prefix.is_empty()) {
        Some("") => (prefix, "/"),
        Some(rest) if rest.starts_with('/') => (prefix, rest),
        _ => ("", raw),
    }
}

/// Decodes a raw path and removes its first slash. Percent-encoding is decoded once: `%21` is `!`; `%2521` is `%21`, which is the
/// path of no resource. A slash is not encoded, but below `/api/v1/`, where clients that are generated from the API's document encode
/// those of a module's path.
pub(crate) fn decode(raw: &str) -> Result<Cow<'_, str>, BadPath> {
    if raw.len() > MAX_PATH_BYTES {
        return Err(BadPath::TooLong);
    }
    let path = raw.strip_prefix('/').ok_or(BadPath::Malformed("the path does not begin with a slash"))?;
    let path =
        if path.contains('%') { Cow::Owned(unescape(path, path.starts_with(API))?) } else { Cow::Borrowed(path) };
    // Only version queries can have spaces.
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\' || byte == b' ' && is_of_module(&path);
    if !path.bytes().all(is_plain) {
        return Err(BadPath::Malformed("the path has a character that no path here can have"));
    }
    let is_element = |element: &str| !matches!(element, "" | "." | "..");
    if path.is_empty() || path.split('/').all(is_element) { Ok(path) } else { Err(BadPath::NotFound) }
}

/// Whether a path is below a module: only module paths begin with a host.
pub(crate) fn is_of_module(path: &str) -> bool {
    let (host, rest) = path.split_once('/').unwrap_or((path, ""));
    host.contains('.') && (rest.contains("@v/") || rest.ends_with("@latest"))
}

fn unescape(path: &str, with_slashes: bool) -> Result<String, BadPath> {
    let mut plain = String::with_capacity(path.len());
    let mut parts = path.split('%');
    plain.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (digits, rest) =
            part.split_at_checked(2).ok_or(BadPath::Malformed("a % without two hexadecimal digits"))?;
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let byte = is_hex.then(|| u8::from_str_radix(digits, 16).ok()).flatten();
        match byte.ok_or(BadPath::Malformed("a % without two hexadecimal digits"))? {
            b'/' if !with_slashes => return Err(BadPath::Malformed("a slash must not be percent-encoded")),
            byte if byte.is_ascii() => plain.push(char::from(byte)),
            _ => return Err(BadPath::Malformed("the path has a character that no path here can have")),
        }
        plain.push_str(rest);
    }
    Ok(plain)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_whole_elements() {
        for (raw, split_as) in [
            ("/go/a.b/c", ("/go", "/a.b/c")),
            ("/go/", ("/go", "/")),
            ("/go", ("/go", "/")),
            ("/gone/a", ("", "/gone/a")),
            ("/a/go/b", ("", "/a/go/b")),
            ("/go/go/x", ("/go", "/go/x")),
            ("go", ("", "go")),
        ] {
            assert_eq!(split(raw, "/go"), split_as, "{raw}");
        }
        assert_eq!(split("/x", ""), ("", "/x"));
    }

    #[test]
    fn decoded_once_or_refused() {
        for (raw, path) in [
            ("/", ""),
            ("/latest", "latest"),
            ("/lookup/github.com/%21azure/x@v1.0.0", "lookup/github.com/!azure/x@v1.0.0"),
            ("/lookup/github.com/%2521azure", "lookup/github.com/%21azure"),
            ("/a%2Db%2bc", "a-b+c"),
            ("/a.b/c/@v/x%20y%23%5B%7e.info", "a.b/c/@v/x y#[~.info"),
            ("/api/v1/modules/a.b%2Fc%40v1.0.0/files", "api/v1/modules/a.b/c@v1.0.0/files"),
        ] {
            assert_eq!(decode(raw).unwrap(), path, "{raw}");
        }
        for raw in
            ["/a/", "//a", "/a//b", "/./a", "/a/..", "/..", "/%2e%2E/a", "/a/%2e", "/api/v1/a%2F..%2Fb", "/api/v1/%2F"]
        {
            assert_eq!(decode(raw), Err(BadPath::NotFound), "{raw}");
        }
        for raw in [
            "",
            "*",
            "a",
            "/%",
            "/%2",
            "/%zz",
            "/%+1",
            "/a%2fb",
            "/a%2Fb",
            "/%61pi/v1/a%2Fb",
            "/%00",
            "/%0a",
            "/%20",
            "/\\",
            "/%5c",
            "/%ff",
            "/é",
            "/%é",
        ] {
            assert!(matches!(decode(raw), Err(BadPath::Malformed(_))), "{raw}");
        }
        assert_eq!(decode(&format!("/{}", "a".repeat(MAX_PATH_BYTES))), Err(BadPath::TooLong));
    }
}

//! The path of a request in a URL.

use crate::sumdb::goproxy::ModuleRequest;

/// What is not escaped in the path of a URL (RFC 3986 section 3.3), besides letters and digits. Nor are `!` and `+`: cmd/go sends
/// `+` as it is, and every server knows `!` both ways.
const PLAIN: &[u8] = b"-._~!@+:/";

/// The path of a request, with every character that has a meaning in a URL written as `%XX`: a branch may be called `a#b`.
pub(super) fn of(request: &ModuleRequest) -> String {
    let mut path = String::new();
    for byte in request.to_string().bytes() {
        if byte.is_ascii_alphanumeric() || PLAIN.contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::upstream::base::{Base, BaseLocation};

    #[test]
    fn a_path_means_the_same_in_a_url() {
        let BaseLocation::Site(site) = Base::parse("https://proxy.example/go/").unwrap().location else { panic!() };
        for (request, expected) in [
            ("github.com/!burnt!sushi/toml/@v/v0.3.1-!r!c1.zip", "github.com/!burnt!sushi/toml/@v/v0.3.1-!r!c1.zip"),
            ("example.com/m/@v/v2.0.0+incompatible.mod", "example.com/m/@v/v2.0.0+incompatible.mod"),
            ("example.com/m/@latest", "example.com/m/@latest"),
            ("example.com/~m/@v/list", "example.com/~m/@v/list"),
            (
                "example.com/m/@v/a#b%41[1]^{c}=d&e$.info",
                "example.com/m/@v/a%23b%2541%5B1%5D%5E%7Bc%7D%3Dd%26e%24.info",
            ),
            ("example.com/m/@v/a b,(c).info", "example.com/m/@v/a%20b%2C%28c%29.info"),
        ] {
            let path = of(&ModuleRequest::parse(request).unwrap());
            assert_eq!(path, expected);
            let url = site.url_of(&path).unwrap();
            assert_eq!(url.as_str(), format!("https://proxy.example/go/{expected}"));
        }
    }
}

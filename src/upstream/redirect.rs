//! Where a redirect may lead: to http or https, never from https to plain http. Followed here and not by the HTTP
//! client, so that no password follows it to another host and every hop is ours to bound.

use reqwest::Url;
use reqwest::header::HeaderValue;

/// Redirects followed for one request, as by the go command.
pub(super) const MAX_REDIRECTS: usize = 10;

/// The URL that a redirect from `from` leads to.
pub(super) fn next(from: &Url, location: &HeaderValue) -> Result<Url, String> {
    let text = location.to_str().map_err(|_| "redirects to a place that is not text".to_owned())?;
    let mut url = from.join(text).map_err(|error| format!("redirects to a place that is no URL: {error}"))?;
    match (from.scheme(), url.scheme()) {
        ("https", "http") => return Err(format!("redirects from https to plain http, to {}", place(&url))),
        (_, "http" | "https") => {}
        (_, scheme) => return Err(format!("redirects to a {scheme} URL")),
    }
    // A server does not choose our credentials. Cannot fail for a URL with a host.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    url.set_fragment(None);
    Ok(url)
}

/// Whether both URLs are of one server: only then do credentials for the one go to the other.
pub(super) fn same_server(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host_str() == other.host_str()
        && one.port_or_known_default() == other.port_or_known_default()
}

/// A URL as it may be shown: neither credentials nor a query, which may be signed.
pub(super) fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or("");
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{host}{port}{}", url.scheme(), url.path())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn go(from: &str, location: &str) -> Result<String, String> {
        next(&Url::parse(from).unwrap(), &HeaderValue::from_str(location).unwrap()).map(|url| url.to_string())
    }

    #[test]
    fn the_scheme_never_gets_weaker() {
        assert_eq!(go("https://a/x", "https://b/y").unwrap(), "https://b/y");
        assert_eq!(go("https://a/x", "/y").unwrap(), "https://a/y");
        assert_eq!(go("https://a/x", "//b/y").unwrap(), "https://b/y");
        assert_eq!(go("http://a/x", "http://b/y").unwrap(), "http://b/y");
        assert_eq!(go("http://a/x", "https://b/y").unwrap(), "https://b/y");
        let refused = go("https://a/x", "http://me:s3cret@b:80/y?sig=1").unwrap_err();
        assert_eq!(refused, "redirects from https to plain http, to http://b/y");
        for location in ["file:///etc/passwd", "ftp://a/", "data:,x", "http://", "http://[::1"] {
            assert!(go("http://a/x", location).is_err(), "{location}");
        }
    }

    #[test]
    fn a_server_does_not_choose_our_credentials() {
        assert_eq!(go("https://a/x", "https://me:pw@b/y#f").unwrap(), "https://b/y");
    }

    #[test]
    fn one_server_is_one_scheme_host_and_port() {
        let same = |one: &str, other: &str| same_server(&Url::parse(one).unwrap(), &Url::parse(other).unwrap());
        assert!(same("https://a/x", "https://a:443/y"));
        assert!(!same("https://a/x", "https://a:444/x"));
        assert!(!same("https://a/x", "https://b/x"));
        assert!(!same("http://a:443/x", "https://a/x"));
    }
}

//! Where a redirect may lead: to http or https, never from https to plain http, and never to an address of a narrower scope
//! than the redirecting server's. Redirects are followed here and not by the HTTP library, so that no password goes to another
//! host and every hop is checked. Names are checked when they are resolved (`address_scope`).

use reqwest::Url;
use reqwest::header::HeaderValue;

use super::address_scope::AddressScope;

/// The most redirects that are followed for one request, as by the go command.
pub(in crate::upstream) const MAX_REDIRECTS: usize = 10;

/// The URL that a redirect from `from` leads to.
pub(in crate::upstream) fn next(from: &Url, location: &HeaderValue) -> Result<Url, String> {
    let text = location.to_str().map_err(|_| "redirects to a URL that is not ASCII text".to_owned())?;
    let mut url = from.join(text).map_err(|error| format!("redirects to an invalid URL: {error}"))?;
    match (from.scheme(), url.scheme()) {
        ("https", "http") => return Err(format!("redirects from https to plain http, to {}", place(&url))),
        (_, "http" | "https") => {}
        (_, scheme) => return Err(format!("redirects to a {scheme} URL")),
    }
    if !same_host(from, &url) && AddressScope::of_spelling(&url) < AddressScope::of_spelling(from) {
        return Err(format!("redirects to a private address, {}", place(&url)));
    }
    // A redirect must not choose our credentials. Cannot fail for a URL with a host.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    url.set_fragment(None);
    Ok(url)
}

/// Whether both URLs have the same host; ports may differ.
pub(super) fn same_host(one: &Url, other: &Url) -> bool {
    one.host_str() == other.host_str()
}

/// Whether both URLs have the same origin (RFC 6454). Only then does a redirected request keep its credentials.
pub(super) fn same_server(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host_str() == other.host_str()
        && one.port_or_known_default() == other.port_or_known_default()
}

/// A URL as it may be shown: neither credentials nor a query, which may be signed.
pub(in crate::upstream) fn place(url: &Url) -> String {
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
    fn no_redirect_leads_to_a_narrower_scope() {
        for location in [
            "http://127.0.0.1/",
            "http://127.1:80/",
            "http://2130706433/",
            "http://0x7f.0.0.1/",
            "http://0.0.0.0/",
            "http://169.254.169.254/latest/meta-data",
            "http://10.0.0.1/",
            "http://172.16.0.1/",
            "http://192.168.0.1/",
            "http://100.64.0.1/",
            "http://[::1]/",
            "http://[::]/",
            "http://[fe80::1]/",
            "http://[fd00::1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://localhost:1/",
            "http://LOCALHOST./",
            "http://x.localhost/",
        ] {
            let refused = go("http://public.example/x", location).unwrap_err();
            assert!(refused.starts_with("redirects to a private address"), "{location}: {refused}");
            assert!(go("http://8.8.8.8/x", location).is_err(), "{location}");
            assert!(go("http://127.0.0.1/x", location).is_ok(), "{location}");
        }
        assert!(go("http://10.0.0.1/x", "http://10.0.0.2/").is_ok(), "one private network");
        assert!(go("http://10.0.0.1/x", "http://169.254.169.254/").is_err());
        assert!(go("http://10.0.0.1/x", "http://10.0.0.1:81/").is_ok());
        assert!(go("http://public.example/x", "http://8.8.8.8/").is_ok());
        assert!(go("http://public.example/x", "http://storage.example/").is_ok());
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

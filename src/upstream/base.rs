//! Where an upstream is: `https://host[/path]`, `http://host[/path]`, or a `file:///path` tree laid out as the go command's
//! cache. Credentials are taken out of the URL when it is parsed and are never shown.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use reqwest::header::HeaderValue;

use crate::fault::Fault;
use crate::sumdb::percent;
use crate::sumdb::redact::redact;

/// The longest path of a request, in bytes: a module path, a version, and room.
const PATH_LIMIT: usize = 2048;

/// One base.
#[derive(Debug, Clone)]
pub struct Base {
    pub(super) location: BaseLocation,
}

#[derive(Debug, Clone)]
pub(super) enum BaseLocation {
    Tree(PathBuf),
    Site(Site),
}

/// A base that is a server.
#[derive(Debug, Clone)]
pub(super) struct Site {
    /// the URL, without credentials
    pub(super) url: Url,
    /// the header for the name and password that stood in the URL
    pub(super) login: Option<HeaderValue>,
}

impl Base {
    /// The base that a URL names.
    ///
    /// # Errors
    /// `Usage` for another scheme, a query, a fragment, a `file://` URL with a host, or a password for plain http to
    /// another machine (the go command refuses that too).
    pub fn parse(text: &str) -> Result<Base, Fault> {
        let usage = |why: &str| Fault::Usage(format!("{}: {why}", redact(text)));
        let mut url = Url::parse(text).map_err(|error| usage(&format!("not a URL: {error}")))?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(usage("the URL of an upstream cannot have a query or a fragment"));
        }
        match url.scheme() {
            "file" if text.starts_with("file://") && text != "file://" => {
                let path = url.to_file_path().map_err(|()| usage("should be file:///absolute/path"))?;
                Ok(Base::tree(&path))
            }
            "http" | "https" => {
                let login = login(&url).map_err(|why| usage(&why))?;
                if login.is_some() && !may_carry_login(&url) {
                    return Err(usage("refusing to send a password over plain http"));
                }
                // Cannot fail for a URL with a host, and http URLs have one.
                let _ = url.set_username("").and_then(|()| url.set_password(None));
                Ok(Base { location: BaseLocation::Site(Site { url, login }) })
            }
            _ => Err(usage("should begin with https://, http:// or file:///")),
        }
    }

    /// A tree in a folder, such as `$GOMODCACHE/cache/download/sumdb/NAME`.
    pub fn tree(root: &Path) -> Base {
        Base { location: BaseLocation::Tree(root.to_path_buf()) }
    }

    /// The database of that name itself: `https://NAME`.
    ///
    /// # Errors
    /// `Usage` where the name is not `host[/path]`.
    pub fn direct(name: &str) -> Result<Base, Fault> {
        Base::parse(&format!("https://{name}"))
    }

    /// Whether it is a folder of this machine, so that reading it makes no request.
    pub fn is_tree(&self) -> bool {
        matches!(self.location, BaseLocation::Tree(_))
    }

    /// Whether it is of this machine, so that no request for it leaves that: a folder, or a server on loopback, as Go defines it.
    pub fn is_local(&self) -> bool {
        match &self.location {
            BaseLocation::Tree(_) => true,
            BaseLocation::Site(site) => is_loopback(&site.url),
        }
    }

    /// Where this base, if it is another gosumcheck, has the files of its copy of the database `name`.
    pub(super) fn files_of(&self, name: &str) -> Option<Base> {
        let BaseLocation::Site(site) = &self.location else { return None };
        let mut url = site.url.clone();
        let path = url.path().trim_end_matches('/');
        let root = path.strip_suffix(&format!("/sumdb/{name}")).unwrap_or(path).to_owned();
        url.set_path(&format!("{root}/log/{name}"));
        Some(Base { location: BaseLocation::Site(Site { url, login: site.login.clone() }) })
    }

    /// The base below this one, at `path`, which is made of `/`-separated elements.
    ///
    /// # Errors
    /// `Usage` for a path that leads elsewhere.
    pub fn below(&self, path: &str) -> Result<Base, Fault> {
        check_path(path)?;
        let location = match &self.location {
            BaseLocation::Tree(root) => BaseLocation::Tree(root.join(path)),
            BaseLocation::Site(site) => BaseLocation::Site(Site { url: site.url_of(path)?, login: site.login.clone() }),
        };
        Ok(Base { location })
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            BaseLocation::Tree(root) => write!(f, "file://{}", root.display()),
            BaseLocation::Site(site) => f.write_str(site.url.as_str().trim_end_matches('/')),
        }
    }
}

impl Site {
    /// The URL of `path` below the base.
    pub(super) fn url_of(&self, path: &str) -> Result<Url, Fault> {
        let text = format!("{}/{path}", self.url.as_str().trim_end_matches('/'));
        Url::parse(&text).map_err(|error| Fault::Usage(format!("{text}: not a URL: {error}")))
    }
}

/// Whether `path` can be a path of a checksum database: plain elements that mean the same in a URL and in a tree.
///
/// # Errors
/// `Usage` where it cannot.
pub(super) fn check_path(path: &str) -> Result<(), Fault> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!+@:/".contains(&byte);
    let element = |element: &str| !matches!(element, "" | "." | "..");
    if path.len() <= PATH_LIMIT && path.bytes().all(plain) && path.split('/').all(element) {
        Ok(())
    } else {
        Err(Fault::Usage(format!("{path:?} is not a path of a checksum database")))
    }
}

/// Whether a password may be sent to this URL: over TLS, or to this machine.
pub(super) fn may_carry_login(url: &Url) -> bool {
    url.scheme() == "https" || is_loopback(url)
}

/// Whether the URL's host is this machine, as Go defines it.
pub(super) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or("").trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The header of HTTP basic authentication (RFC 7617), marked so that nothing prints it.
pub(super) fn basic(name: &str, password: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn login(url: &Url) -> Result<Option<HeaderValue>, String> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let name = percent_decode(url.username()).ok_or("the user name is not text")?;
    let password = percent_decode(url.password().unwrap_or("")).ok_or("the password is not text")?;
    Ok(basic(&name, &password))
}

fn percent_decode(text: &str) -> Option<String> {
    String::from_utf8(percent::decoded(text)).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn site(text: &str) -> Site {
        match Base::parse(text).unwrap().location {
            BaseLocation::Site(site) => site,
            BaseLocation::Tree(root) => panic!("{root:?}"),
        }
    }

    #[test]
    fn bases_are_parsed_and_shown_without_credentials() {
        for (text, shown) in [
            ("https://sum.golang.org", "https://sum.golang.org"),
            ("https://sum.golang.org/", "https://sum.golang.org"),
            ("http://localhost:8080/sumdb/x/", "http://localhost:8080/sumdb/x"),
            ("https://me:s3cret@proxy.example/a", "https://proxy.example/a"),
            ("http://me:s3cret@127.0.0.1:1/a", "http://127.0.0.1:1/a"),
            ("file:///srv/a%20b", "file:///srv/a b"),
            ("file://localhost/srv", "file:///srv"),
        ] {
            let base = Base::parse(text).unwrap();
            assert_eq!(base.to_string(), shown);
            assert!(!format!("{base:?}").contains("s3cret"), "{base:?}");
        }
        assert_eq!(Base::direct("sum.golang.org").unwrap().to_string(), "https://sum.golang.org");
    }

    #[test]
    fn other_urls_are_usage_faults_that_hide_the_password() {
        for text in [
            "",
            "sum.golang.org",
            "/srv/tree",
            "ftp://me:s3cret@host/",
            "https://",
            "https://host/?q=1",
            "https://me:s3cret@host/#f",
            "file://host/srv",
            "file:srv",
            "file://",
            "https://me:s3cret@ho st/",
            "https://me:s3cret?@ho st/",
            "me:s3cret@host",
            "http://me:s3cret@proxy.example/",
            "http://me:s3cret@[::2]/",
        ] {
            let fault = Base::parse(text).map(|base| base.to_string()).unwrap_err();
            assert!(matches!(fault, Fault::Usage(_)) && !fault.to_string().contains("s3cret"), "{text}: {fault}");
        }
    }

    #[test]
    fn paths_are_joined_with_one_slash_and_keep_their_escapes() {
        let path = "lookup/github.com/!burnt!sushi/toml@v1.0.0+incompatible";
        let url = site("https://proxy.example/a/").url_of(path).unwrap();
        assert_eq!(url.as_str(), format!("https://proxy.example/a/{path}"));
        let below = Base::parse("https://me:pw@proxy.example").unwrap().below("sumdb/sum.golang.org").unwrap();
        assert_eq!(below.to_string(), "https://proxy.example/sumdb/sum.golang.org");
        assert!(matches!(below.location, BaseLocation::Site(Site { login: Some(_), .. })));
        assert_eq!(Base::tree(Path::new("/srv")).below("sumdb/x").unwrap().to_string(), "file:///srv/sumdb/x");
    }

    #[test]
    fn strange_paths_are_refused() {
        check_path("tile/8/0/x001/234.p/5").unwrap();
        for path in ["", "/latest", "a//b", "a/../b", ".", "a/", "a%2e", "a?b", "a#b", "a b", "a\\b", "a\0", "ä"] {
            assert!(check_path(path).is_err(), "{path:?}");
        }
        assert!(check_path(&"a".repeat(PATH_LIMIT + 1)).is_err());
    }

    #[test]
    fn the_login_of_a_url_is_decoded() {
        let header = site("https://m%40e:p%3aw%25@host").login.unwrap();
        assert!(header.is_sensitive());
        assert_eq!(header, format!("Basic {}", STANDARD.encode("m@e:p:w%")));
        assert_eq!(percent_decode("100%zz%").unwrap(), "100%zz%");
        assert_eq!(percent_decode("%ff"), None);
    }

    #[test]
    fn loopback_is_what_go_takes_for_it() {
        for (text, expected) in [
            ("http://localhost:1", true),
            ("http://127.9.9.9", true),
            ("http://[::1]:1", true),
            ("http://localhost.example", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(text).unwrap()), expected, "{text}");
        }
    }
}

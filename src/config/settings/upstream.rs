//! One upstream's own settings: a table of rows like that of the server's settings, and the values that they set.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::secret::Secret;
use super::values::{count, duration, unread};
use crate::config::sumdb::redact;
use crate::files;

/// Requests at once to one upstream at most.
const MAX_CONCURRENCY: u32 = 1024;
/// Tries of one request at most.
const MAX_TRIES: u32 = 20;

/// The settings of one upstream; none where its table says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Upstream {
    url: String,
    /// longest time for a connection, TLS included
    pub connect_timeout: Option<Duration>,
    /// longest time until the first byte of an answer
    pub first_byte_timeout: Option<Duration>,
    /// longest time for a whole file
    pub file_timeout: Option<Duration>,
    /// requests at once
    pub concurrency: Option<usize>,
    /// tries of one request
    pub tries: Option<usize>,
    /// the token for `Authorization: Bearer`
    pub bearer: Option<Secret>,
    username: Option<String>,
    password: Option<Secret>,
    /// a PEM file of certificates to trust besides the system's
    pub ca: Option<PathBuf>,
    /// the proxy on the way out: `http://`, `https://`, `socks5://` or `socks5h://HOST:PORT`
    pub via: Option<String>,
}

/// One setting of an upstream; it stands in the file only.
#[derive(Debug)]
pub struct UpstreamSetting {
    /// in the table of the upstream
    pub name: &'static str,
    /// what help calls its value
    pub value: &'static str,
    /// what it is where the table says nothing, in words
    pub default: &'static str,
    /// what it does, in a sentence or two
    pub help: &'static str,
    pub(super) set: fn(&mut Upstream, &str) -> Result<(), String>,
}

/// All settings of one upstream.
pub static UPSTREAM_SETTINGS: [UpstreamSetting; 10] = [
    UpstreamSetting {
        name: "connect_timeout",
        value: "DURATION",
        default: "10s",
        help: "Time allowed for a connection, including the TLS handshake.",
        set: |upstream, text| duration(text).map(|time| upstream.connect_timeout = Some(time)),
    },
    UpstreamSetting {
        name: "first_byte_timeout",
        value: "DURATION",
        default: "40s",
        help: "Time allowed for the first byte of a response.",
        set: |upstream, text| duration(text).map(|time| upstream.first_byte_timeout = Some(time)),
    },
    UpstreamSetting {
        name: "file_timeout",
        value: "DURATION",
        default: "30m",
        help: "Time allowed for a whole file, including all retries.",
        set: |upstream, text| duration(text).map(|time| upstream.file_timeout = Some(time)),
    },
    UpstreamSetting {
        name: "concurrency",
        value: "N",
        default: "jobs",
        help: "Maximum number of concurrent requests to this upstream, from 1 to 1024.",
        set: |upstream, text| count(MAX_CONCURRENCY)(text).map(|number| upstream.concurrency = Some(number)),
    },
    UpstreamSetting {
        name: "tries",
        value: "N",
        default: "3",
        help: "How often a request is tried, from 1 to 20. Only status 429, 5xx and broken connections are tried again.",
        set: |upstream, text| count(MAX_TRIES)(text).map(|number| upstream.tries = Some(number)),
    },
    UpstreamSetting {
        name: "bearer_file",
        value: "FILE",
        default: "none",
        help: "File with the token for Authorization: Bearer. Only its owner may be able to write it.",
        set: |upstream, text| Secret::read(Path::new(text)).map(|token| upstream.bearer = Some(token)),
    },
    UpstreamSetting {
        name: "username",
        value: "NAME",
        default: "none",
        help: "User name for Authorization: Basic, together with password_file.",
        set: |upstream, text| user(text).map(|name| upstream.username = Some(name)),
    },
    UpstreamSetting {
        name: "password_file",
        value: "FILE",
        default: "none",
        help: "File with the password for username. Only its owner may be able to write it.",
        set: |upstream, text| Secret::read(Path::new(text)).map(|secret| upstream.password = Some(secret)),
    },
    UpstreamSetting {
        name: "ca",
        value: "FILE",
        default: "none",
        help: "PEM file of certificates to trust in addition to the system's.",
        set: |upstream, text| certificates(text).map(|path| upstream.ca = Some(path)),
    },
    UpstreamSetting {
        name: "via",
        value: "URL",
        default: "the proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name",
        help: "Outbound proxy for this upstream: http://, https://, socks5:// or socks5h://HOST:PORT, without a password.",
        set: |upstream, text| way_out(text).map(|url| upstream.via = Some(url)),
    },
];

impl Upstream {
    /// Without any setting.
    pub(super) fn new(url: String) -> Upstream {
        Upstream { url, ..Upstream::default() }
    }

    /// The URL, without credentials and without a slash at its end.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Whether this is about the entry `url`, credentials and a slash at the end aside.
    pub(super) fn is(&self, url: &str) -> bool {
        self.url == redact(url).trim_end_matches('/')
    }

    /// The user's name and password for `Authorization: Basic`.
    pub fn login(&self) -> Option<(&str, &Secret)> {
        Some((self.username.as_deref()?, self.password.as_ref()?))
    }

    /// Whether its settings agree with each other; if not, why.
    pub(super) fn agree(&self) -> Result<(), String> {
        if self.username.is_some() != self.password.is_some() {
            return Err("username and password_file go together".to_owned());
        }
        if self.username.is_some() && self.bearer.is_some() {
            return Err("bearer_file and username are both set: which of the two?".to_owned());
        }
        Ok(())
    }
}

fn user(text: &str) -> Result<String, String> {
    let plain = !text.is_empty() && !text.contains(':') && !text.chars().any(char::is_control);
    if plain { Ok(text.to_owned()) } else { Err("not the name of a user (RFC 7617: no colon)".to_owned()) }
}

fn certificates(text: &str) -> Result<PathBuf, String> {
    let found = files::read_certificates(Path::new(text)).map_err(|error| format!("{text}: {}", unread(&error)))?;
    if found.is_some() { Ok(PathBuf::from(text)) } else { Err(format!("{text}: {}", files::NO_CERTIFICATES)) }
}

fn way_out(text: &str) -> Result<String, String> {
    let why = "not an outbound proxy; write it as in http://host:3128 or socks5://host:1080, without a password";
    let (scheme, host) = text.split_once("://").ok_or(why)?;
    let host = host.strip_suffix('/').unwrap_or(host);
    let plain = !host.is_empty() && !host.contains(['/', '@', ' ', '?', '#']);
    if plain && matches!(scheme, "http" | "https" | "socks5" | "socks5h") {
        Ok(text.to_owned())
    } else {
        Err(why.into())
    }
}

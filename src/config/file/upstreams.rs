//! `[upstreams."https://host/path"]` of gosumcheck.toml: the manners, and the keys, with which one entry of `proxy` or
//! `private_proxy` is asked. Where a table says nothing, upstream's own defaults count.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::document::{Document, Place};
use super::settings::count;
use super::values::duration;
use super::{Layers, Secret, Settings, Source, unread};
use crate::config::ProxyList;
use crate::config::sumdb::redact;
use crate::fault::Fault;
use crate::files;

/// What the tables stand below.
pub(super) const NAME: &str = "upstreams";
/// What a table can say.
pub(super) const SETTINGS: [&str; 10] = [
    "connect_timeout",
    "first_byte_timeout",
    "file_timeout",
    "concurrency",
    "tries",
    "bearer_file",
    "username",
    "password_file",
    "ca",
    "via",
];
/// Requests at once to one upstream at most.
const MAX_CONCURRENCY: u32 = 512;
/// Tries of one request at most.
const MAX_TRIES: u32 = 20;
/// The longest file of certificates, in bytes.
const MAX_PEM_BYTES: u64 = 4 << 20;
/// How a file of certificates says that it is one (RFC 7468).
const PEM: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// One table as it stands in the file.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) url: String,
    pub(super) place: Place,
    /// setting, text, place
    pub(super) rows: Vec<(&'static str, String, Place)>,
}

/// What is said about one upstream; none where the table says nothing.
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
    /// the user's name and password for `Authorization: Basic`
    pub login: Option<(String, Secret)>,
    /// a PEM file of certificates to trust besides the system's
    pub ca: Option<PathBuf>,
    /// the proxy on the way out: `http://`, `https://`, `socks5://` or `socks5h://HOST:PORT`
    pub via: Option<String>,
}

impl Upstream {
    /// Whether this is about the entry `url`, credentials and a slash at the end aside.
    pub(super) fn is(&self, url: &str) -> bool {
        self.url == redact(url).trim_end_matches('/')
    }
}

/// Reads all tables into `settings`, and notes what they say.
///
/// # Errors
/// `Usage`: a value makes no sense, or a table is about nobody who would be asked; with its place.
pub(super) fn read(layers: &Layers, settings: &mut Settings) -> Result<(), Fault> {
    let Some(document) = &layers.document else { return Ok(()) };
    for table in document.tables() {
        let upstream = of_table(document, table)?;
        if settings.upstream(&upstream.url).is_some() {
            return Err(document.fault(&table.place, "this upstream has a table already"));
        }
        let asked = settings.proxy.entries().chain(settings.private_proxy.entries());
        // Whoever names other proxies for once need not change the file.
        let overruled = |name: &str| settings.told.iter().any(|(told, _, source)| *told == name && is_above(source));
        if !asked.into_iter().any(|(url, _)| upstream.is(url)) && !overruled("proxy") && !overruled("private_proxy") {
            let why = "no entry of proxy or private_proxy is this URL: nobody would be asked so";
            return Err(document.fault(&table.place, why));
        }
        for (name, text, place) in &table.rows {
            settings.told.push((name, format!("{text} ({})", upstream.url), document.source(place)));
        }
        settings.upstreams.push(upstream);
    }
    Ok(())
}

fn is_above(source: &Source) -> bool {
    matches!(source, Source::Environment(_) | Source::Flag(_))
}

fn of_table(document: &Document, table: &Table) -> Result<Upstream, Fault> {
    let url = url(&table.url).map_err(|why| document.fault(&table.place, &why))?;
    let mut upstream = Upstream { url, ..Upstream::default() };
    let (mut username, mut password) = (None, None);
    for (name, text, place) in &table.rows {
        let read = match *name {
            "connect_timeout" => duration(text).map(|time| upstream.connect_timeout = Some(time)),
            "first_byte_timeout" => duration(text).map(|time| upstream.first_byte_timeout = Some(time)),
            "file_timeout" => duration(text).map(|time| upstream.file_timeout = Some(time)),
            "concurrency" => count(text, MAX_CONCURRENCY).map(|number| upstream.concurrency = Some(number)),
            "tries" => count(text, MAX_TRIES).map(|number| upstream.tries = Some(number)),
            "bearer_file" => Secret::read(Path::new(text)).map(|token| upstream.bearer = Some(token)),
            "username" => user(text).map(|name| username = Some(name)),
            "password_file" => Secret::read(Path::new(text)).map(|secret| password = Some(secret)),
            "ca" => certificates(text).map(|path| upstream.ca = Some(path)),
            _ => way_out(text).map(|url| upstream.via = Some(url)),
        };
        read.map_err(|why| document.fault(place, &format!("{name}: {why}")))?;
    }
    upstream.login = match (username, password) {
        (Some(name), Some(password)) => Some((name, password)),
        (None, None) => None,
        _ => return Err(document.fault(&table.place, "username and password_file go together")),
    };
    if upstream.login.is_some() && upstream.bearer.is_some() {
        return Err(document.fault(&table.place, "bearer_file and username are both set: which of the two?"));
    }
    Ok(upstream)
}

/// The URL as `ProxyList` writes its entries, without a slash at its end.
fn url(text: &str) -> Result<String, String> {
    let list = ProxyList::parse(text).map_err(|fault| fault.to_string())?;
    let mut entries = list.entries();
    match (entries.next(), entries.next()) {
        (Some(("direct" | "off", _)), _) | (None, _) | (_, Some(_)) => Err("not the URL of a module proxy".to_owned()),
        (Some((url, _)), None) if redact(url) != url => {
            Err("no password here: set username and password_file, or use netrc".to_owned())
        }
        (Some((url, _)), None) => Ok(url.trim_end_matches('/').to_owned()),
    }
}

fn user(text: &str) -> Result<String, String> {
    let plain = !text.is_empty() && !text.contains(':') && !text.chars().any(char::is_control);
    if plain { Ok(text.to_owned()) } else { Err("not the name of a user (RFC 7617: no colon)".to_owned()) }
}

fn certificates(text: &str) -> Result<PathBuf, String> {
    let read = files::open_named(Path::new(text)).and_then(|file| files::read_bounded(file, MAX_PEM_BYTES));
    let bytes = read.map_err(|error| format!("{text}: {}", unread(&error)))?;
    let has = bytes.windows(PEM.len()).any(|window| window == PEM);
    if has { Ok(PathBuf::from(text)) } else { Err(format!("{text}: has no certificates in PEM form")) }
}

fn way_out(text: &str) -> Result<String, String> {
    let why = "not a proxy on the way out; write it as in http://host:3128 or socks5://host:1080, without a password";
    let (scheme, host) = text.split_once("://").ok_or(why)?;
    let host = host.strip_suffix('/').unwrap_or(host);
    let plain = !host.is_empty() && !host.contains(['/', '@', ' ', '?', '#']);
    if plain && matches!(scheme, "http" | "https" | "socks5" | "socks5h") {
        Ok(text.to_owned())
    } else {
        Err(why.into())
    }
}

//! The settings in effect: every layer read, every value understood, and where each came from.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::keys::{self, KEYS, Key};
use super::upstreams::{self, Upstream};
use super::values::{address, duration, flag, host, number, prefix, word};
use super::{Layers, Source};
use crate::config::private::{self, Checked, NONE};
use crate::config::{self, GoEnv, HostName, ProxyList, Sumdb, units};
use crate::fault::Fault;

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// for people
    Text,
    /// for machines
    Json,
}

/// Which requests are logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// none
    Off,
    /// those that failed
    Errors,
    /// each
    All,
}

/// What becomes of a module that is not what the database says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnMismatch {
    /// nobody gets it
    Refuse,
    /// it is served, loudly
    Warn,
}

/// How much of the disk is left free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskFloor {
    /// as much as fits the size of the disk
    Auto,
    /// that many bytes; 0: nothing
    Bytes(u64),
}

/// Everything that `gosumcheck serve` is told.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "each is a row of `KEYS`, with its help")]
pub struct Settings {
    pub listen: Vec<SocketAddr>,
    pub hosts: Vec<HostName>,
    pub admin_listen: Vec<SocketAddr>,
    pub data: PathBuf,
    pub disk_floor: DiskFloor,
    /// one or more, none of them `Off`
    pub sumdb: Vec<Sumdb>,
    pub upstream: Vec<String>,
    /// `off` where no modules are served
    pub proxy: ProxyList,
    pub private: String,
    /// what is wrong with go's settings, which decide nothing where one of ours is set
    pub warnings: Vec<String>,
    /// empty or `off` where private modules are refused
    pub private_proxy: ProxyList,
    /// what the file says about single entries of both
    pub upstreams: Vec<Upstream>,
    pub on_mismatch: OnMismatch,
    /// empty, or with a slash at its beginning and none at its end
    pub prefix: String,
    pub freshness: Duration,
    pub stale: Duration,
    pub negative: Duration,
    pub offline: bool,
    pub mirror: bool,
    pub sync_interval: Duration,
    pub jobs: usize,
    pub log_level: String,
    pub log_format: LogFormat,
    pub access: Access,
    /// none: as many as the system's limit of open files allows
    pub connections: Option<usize>,
    pub header_timeout: Duration,
    pub idle_timeout: Duration,
    pub write_timeout: Duration,
    pub stop_timeout: Duration,
    pub memory: u64,
    /// each setting's name, value and source, as `--check-config` shows them
    pub told: Vec<(&'static str, String, Source)>,
}

const LEVELS: [(&str, &str); 5] =
    [("error", "error"), ("warn", "warn"), ("info", "info"), ("debug", "debug"), ("trace", "trace")];
const FORMATS: [(&str, LogFormat); 2] = [("text", LogFormat::Text), ("json", LogFormat::Json)];
const MISMATCH: [(&str, OnMismatch); 2] = [("refuse", OnMismatch::Refuse), ("warn", OnMismatch::Warn)];
const ACCESS: [(&str, Access); 3] = [("off", Access::Off), ("errors", Access::Errors), ("all", Access::All)];

/// Reads settings out of the layers, and remembers what it found.
struct Reader<'a> {
    layers: &'a Layers,
    told: Vec<(&'static str, String, Source)>,
}

impl Reader<'_> {
    /// The values of a setting; those of its default where no layer says anything.
    fn all<T>(&mut self, key: &'static Key, parse: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, Fault> {
        let default = || super::Said {
            source: Source::Default,
            texts: match key.default {
                "" => Vec::new(),
                text => vec![(text.to_owned(), None)],
            },
        };
        let said = self.layers.said(key).unwrap_or_else(default);
        let wrong = |(text, place): &(String, Option<_>), why: String| {
            self.layers.wrong(key, &said.source, place.as_ref(), text, &why)
        };
        let parsed = said.texts.iter().map(|text| parse(&text.0).map_err(|why| wrong(text, why)));
        let values = parsed.collect::<Result<Vec<T>, Fault>>()?;
        let shown: Vec<String> = said.texts.iter().map(|(text, _)| config::sumdb::redact(text)).collect();
        self.told.push((key.name, shown.join(", "), said.source));
        Ok(values)
    }

    fn one<T>(&mut self, key: &'static Key, parse: impl Fn(&str) -> Result<T, String>) -> Result<T, Fault> {
        let last = self.all(key, parse)?.pop();
        last.ok_or_else(|| Fault::Usage(format!("{}: no value", key.name)))
    }
}

/// The patterns of private modules alone, for a command that needs no other setting.
///
/// # Errors
/// `Usage`: the value makes no sense.
pub fn private_patterns(layers: &Layers, go: &GoEnv) -> Result<Checked, Fault> {
    Reader { layers, told: Vec::new() }.private(go)
}

impl Settings {
    /// The settings in effect. `go` says which modules are private where no layer does; `env` where the data folder is.
    ///
    /// # Errors
    /// `Usage`: a value makes no sense, at the place that the message names.
    pub fn of(layers: &Layers, go: &GoEnv, env: impl Fn(&str) -> Option<String>) -> Result<Settings, Fault> {
        let mut read = Reader { layers, told: Vec::with_capacity(KEYS.len()) };
        let listen = read.all(&keys::LISTEN, address)?;
        let hosts = read.all(&keys::HOSTS, host)?;
        let admin_listen = read.all(&keys::ADMIN_LISTEN, address)?;
        let data = read.all(&keys::DATA, |text| Ok(PathBuf::from(text)))?.pop();
        let data = match data {
            Some(data) => data,
            None => read.fall_back(config::data_folder(env)?, |data| data.display().to_string(), Source::Default),
        };
        let disk_floor = read.one(&keys::DISK_FLOOR, floor)?;
        let sumdb = read.all(&keys::SUMDB, database)?;
        let upstream = read.all(&keys::UPSTREAM, |text| Ok(text.to_owned()))?;
        let proxy = read.one(&keys::PROXY, proxies)?;
        let Checked { patterns: private, warnings } = read.private(go)?;
        let private_proxy = read.all(&keys::PRIVATE_PROXY, proxies)?.pop().unwrap_or_default();
        let mut settings = Settings {
            listen,
            hosts,
            admin_listen,
            data,
            disk_floor,
            sumdb,
            upstream,
            proxy,
            private,
            warnings,
            private_proxy,
            on_mismatch: read.one(&keys::ON_MISMATCH, |text| word(text, &MISMATCH))?,
            prefix: read.all(&keys::PREFIX, prefix)?.pop().unwrap_or_default(),
            freshness: read.one(&keys::FRESHNESS, duration)?,
            stale: read.one(&keys::STALE, duration)?,
            negative: read.one(&keys::NEGATIVE, duration)?,
            upstreams: Vec::new(),
            offline: read.one(&keys::OFFLINE, flag)?,
            mirror: read.one(&keys::MIRROR, flag)?,
            sync_interval: read.one(&keys::SYNC_INTERVAL, duration)?,
            jobs: read.one(&keys::JOBS, |text| count(text, 512))?,
            log_level: read.one(&keys::LOG_LEVEL, |text| word(text, &LEVELS))?.to_owned(),
            log_format: read.one(&keys::LOG_FORMAT, |text| word(text, &FORMATS))?,
            access: read.one(&keys::LOG_ACCESS, |text| word(text, &ACCESS))?,
            connections: read.all(&keys::CONNECTIONS, |text| count(text, 1_000_000))?.pop(),
            header_timeout: read.one(&keys::HEADER_TIMEOUT, duration)?,
            idle_timeout: read.one(&keys::IDLE_TIMEOUT, duration)?,
            write_timeout: read.one(&keys::WRITE_TIMEOUT, duration)?,
            stop_timeout: read.one(&keys::STOP_TIMEOUT, duration)?,
            memory: read.one(&keys::MEMORY, units::size)?,
            told: read.told,
        };
        upstreams::read(layers, &mut settings)?;
        settings.agree()?;
        Ok(settings)
    }

    /// What the file says about the entry `url` of `proxy` or `private_proxy`.
    pub fn upstream(&self, url: &str) -> Option<&Upstream> {
        self.upstreams.iter().find(|upstream| upstream.is(url))
    }

    /// What each setting alone cannot tell.
    fn agree(&self) -> Result<(), Fault> {
        let usage = |why: String| Err(Fault::Usage(why));
        if self.listen.is_empty() {
            return usage("listen: no address to listen at".to_owned());
        }
        if self.sumdb.is_empty() {
            return usage("sumdb: no database to serve".to_owned());
        }
        if self.sumdb.len() > 1 && !self.upstream.is_empty() {
            return usage(
                "upstream: with several databases, which one is meant? Write the URL behind the name: sumdb = [\"KEY URL\", ...]"
                    .to_owned(),
            );
        }
        if self.offline && self.mirror {
            return usage(
                "mirror and offline are both set: the one asks upstream in the background, the other nobody".to_owned(),
            );
        }
        if self.private.is_empty() && !self.private_proxy.is_off() {
            return usage(
                "private_proxy is set, but no module is private: set private too, as in GOPRIVATE".to_owned(),
            );
        }
        let name = |at: &Sumdb| if let Sumdb::On { name, .. } = at { name.clone() } else { String::new() };
        let mut names: Vec<String> = self.sumdb.iter().map(name).collect();
        names.sort();
        if let Some([twice, _]) = names.array_windows().find(|[a, b]| a == b) {
            return usage(format!("sumdb: {twice} is named twice"));
        }
        Ok(())
    }
}

impl Reader<'_> {
    /// A value that no layer gave, in place of the last that was read.
    fn fall_back<T>(&mut self, value: T, shown: impl Fn(&T) -> String, source: Source) -> T {
        if let Some(last) = self.told.last_mut() {
            last.1 = shown(&value);
            last.2 = source;
        }
        value
    }

    /// What a setting of ours says, else everything that go's settings say: each of them is shown.
    fn private(&mut self, go: &GoEnv) -> Result<Checked, Fault> {
        let patterns = self.all(&keys::PRIVATE, |text| private::check(text).map(|()| text.to_owned()))?;
        if patterns == [NONE] {
            return Ok(Checked::default());
        }
        if !patterns.is_empty() {
            let patterns = patterns.join(",");
            private::check(&patterns).map_err(|why| Fault::Usage(format!("{}: {why}", keys::PRIVATE.name)))?;
            return Ok(Checked { patterns, warnings: Vec::new() });
        }
        let theirs = go.private_from_anybody();
        let mut shown = theirs.iter().map(|theirs| (theirs.patterns.to_owned(), Source::Go(theirs.setting)));
        if let Some((patterns, source)) = shown.next() {
            self.fall_back(patterns, String::clone, source);
        }
        self.told.extend(shown.map(|(patterns, source)| (keys::PRIVATE.name, patterns, source)));
        Ok(private::of_go(&theirs))
    }
}

fn proxies(text: &str) -> Result<ProxyList, String> {
    if text.trim().is_empty() {
        return Err("empty; write \"off\" for nowhere".to_owned());
    }
    ProxyList::parse(text).map_err(|fault| fault.to_string())
}

fn floor(text: &str) -> Result<DiskFloor, String> {
    if text == "auto" {
        return Ok(DiskFloor::Auto);
    }
    units::size(text).map(DiskFloor::Bytes).map_err(|why| format!("{why}, or auto"))
}

pub(super) fn count(text: &str, most: u32) -> Result<usize, String> {
    number(text, 1, most).map(|number| usize::try_from(number).unwrap_or(1))
}

fn database(text: &str) -> Result<Sumdb, String> {
    match Sumdb::parse(text) {
        Ok(Sumdb::Off) => Err("there is no database \"off\" to serve".to_owned()),
        Ok(on) => Ok(on),
        Err(fault) => Err(fault.to_string()),
    }
}

//! The facts about a machine: go's settings and where each comes from, the installed Go, netrc, and the module in the folder. Only
//! whether proxies relay the checksum database is asked of anybody.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use tokio::time::{Instant, timeout_at};

use crate::audit::go_release::GoRelease;
use crate::config::{self, GoEnv, Sumdb};
use crate::fault::Fault;
use crate::files;
use crate::report::plain;
use crate::upstream::{self, Base, Http};

/// Bytes of a file at most: netrc, go.mod, VERSION.
const MAX_FILE: u64 = 1 << 20;
/// Proxies that are asked at once.
const AT_ONCE: usize = 16;
/// Bytes of an answer whether the database is relayed; it is empty, or a page.
const MAX_ANSWER: usize = 64 << 10;

/// The facts.
#[derive(Debug, Clone, Default)]
pub struct Machine {
    /// go's settings
    pub go: GoEnv,
    /// the version of the installed Go, such as `go1.26.8`
    pub version: Option<String>,
    /// the file with passwords for hosts, where it is there
    pub netrc: Option<Netrc>,
    /// the module in the folder or above it
    pub project: Option<Project>,
    /// what each proxy of GOPROXY said about the checksum database; empty where nobody was asked
    pub relaying: Vec<(String, Relaying)>,
}

/// The file with passwords for hosts.
#[derive(Debug, Clone)]
pub struct Netrc {
    pub(super) path: PathBuf,
    /// whether other users of the machine can read it
    pub(super) is_open: bool,
    /// whether it has a password for every host
    pub(super) has_default: bool,
}

/// A module that is being worked on.
#[derive(Debug, Clone)]
pub struct Project {
    pub(super) folder: PathBuf,
    /// go.mod
    pub(super) text: String,
    pub(super) has_sum: bool,
    pub(super) has_vendor: bool,
}

/// What a proxy says about the checksum database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relaying {
    /// it relays it (200)
    Yes,
    /// it does not (404, 410): go asks the next one, or the database itself
    No,
    /// it did not say: after a comma, go fails there
    Failed(String),
}

impl Machine {
    /// Under an environment, in the folder `here`.
    pub fn read(env: impl Fn(&str) -> Option<String>, here: &Path) -> Machine {
        let go = GoEnv::read(&env);
        let version = go.goroot().and_then(|root| read(&root.join("VERSION")));
        let version = version.and_then(|text| text.lines().next().map(|line| line.trim().to_owned()));
        let netrc = config::netrc_file(&env).and_then(|path| Netrc::read(&path));
        let project = here.ancestors().find_map(Project::read);
        Machine { go, version, netrc, project, relaying: Vec::new() }
    }

    /// Asks each server in GOPROXY whether it relays the database, several at once, for at most `time`.
    pub async fn ask_proxies(&mut self, http: &Http, time: Duration) {
        let (Ok(list), Ok(Sumdb::On { name, .. })) = (self.go.proxies(), self.go.sumdb()) else { return };
        let until = Instant::now() + time;
        let is_server = |url: &&str| Base::parse(url).is_ok_and(|base| !base.is_tree());
        let (urls, database): (Vec<&str>, &str) =
            (list.entries().map(|(url, _)| url).filter(is_server).collect(), &name);
        let ask = |url: String| async move {
            let said = timeout_at(until, ask(http, &url, database)).await;
            (url, said.unwrap_or_else(|_| Relaying::Failed(format!("timed out: no answer within {time:?}"))))
        };
        let asked = stream::iter(urls.into_iter().map(str::to_owned).map(ask)).buffered(AT_ONCE);
        self.relaying.extend(asked.collect::<Vec<_>>().await);
    }

    /// The release of the installed Go.
    pub(super) fn release(&self) -> Option<GoRelease> {
        GoRelease::parse(self.version.as_deref()?)
    }
}

/// What the proxy at `url` says of a database.
async fn ask(http: &Http, url: &str, database: &str) -> Relaying {
    let asked = format!("{}/sumdb/{database}/supported", url.trim_end_matches('/'));
    match upstream::is_there(http, &asked, MAX_ANSWER).await {
        Ok(true) => Relaying::Yes,
        Ok(false) => Relaying::No,
        Err(Fault::Unavailable { why, .. }) => Relaying::Failed(plain(&why)),
        Err(fault) => Relaying::Failed(plain(&fault.to_string())),
    }
}

impl Netrc {
    fn read(path: &Path) -> Option<Netrc> {
        let text = read(path)?;
        let is_open = fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0);
        let has_default = upstream::netrc_has_default(&text);
        Some(Netrc { path: path.to_path_buf(), is_open, has_default })
    }
}

impl Project {
    fn read(folder: &Path) -> Option<Project> {
        let text = read(&folder.join("go.mod"))?;
        let (has_sum, has_vendor) = (folder.join("go.sum").is_file(), folder.join("vendor/modules.txt").is_file());
        Some(Project { folder: folder.to_path_buf(), text, has_sum, has_vendor })
    }

    /// The version that a directive names, as in `toolchain go1.26.1` or `go 1.25`.
    pub(super) fn directive(&self, name: &str) -> Option<&str> {
        self.text.lines().find_map(|line| {
            let mut words = line.split("//").next()?.split_whitespace();
            words.next().filter(|first| *first == name)?;
            words.next()
        })
    }

    /// Whether it needs other modules.
    pub(super) fn has_requirements(&self) -> bool {
        self.directive("require").is_some() || self.text.lines().any(|line| line.trim_start().starts_with("require("))
    }
}

fn read(path: &Path) -> Option<String> {
    let bytes = files::read_bounded(files::open(path).ok()?, MAX_FILE).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

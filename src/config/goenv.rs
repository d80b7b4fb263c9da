//! The go command's settings, with its precedence (cmd/go/internal/cfg): the environment, where a value is not empty;
//! the file that `go env -w` writes; `go.env` of the Go installation; what is built in.
//!
//! Where Go is not installed there is no `go.env`, and so no module proxy: the database itself is asked.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::proxies::ProxyList;
use super::sumdb::{self, Sumdb};
use crate::fault::Fault;
use crate::files;
use crate::sumdb::number::wide;

/// The longest settings file that is read, in bytes.
const FILE_LIMIT: u64 = 1 << 20;
/// GOPROXY as the Go project ships it.
const DEFAULT_PROXIES: &str = "https://proxy.golang.org,direct";
/// Some guides set it; no go command has ever read it.
const NO_EFFECT: &str = "GONOSUMCHECK";
/// The settings that are read.
const NAMES: [&str; 13] = [
    "GOSUMDB",
    "GOPROXY",
    "GONOPROXY",
    "GONOSUMDB",
    "GOPRIVATE",
    "GOMODCACHE",
    "GOPATH",
    "GOFLAGS",
    "GOINSECURE",
    "GOTOOLCHAIN",
    "GOVCS",
    "GOWORK",
    NO_EFFECT,
];
/// The settings that keep modules from somebody: in go's documentation, from proxies, from the checksum database, from both.
const EXEMPTIONS: [&str; 3] = ["GOPRIVATE", "GONOPROXY", "GONOSUMDB"];

/// The settings as the go command sees them.
#[derive(Debug, Clone, Default)]
pub struct GoEnv {
    values: BTreeMap<&'static str, (String, GoEnvOrigin)>,
    home: Option<PathBuf>,
    goroot: Option<PathBuf>,
    user_file: Option<PathBuf>,
}

/// Where a setting comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoEnvOrigin {
    /// the process's environment
    Environment,
    /// the file of `go env -w`
    User,
    /// `go.env` of the Go installation
    Installation,
    /// nobody set it
    BuiltIn,
}

impl fmt::Display for GoEnvOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            GoEnvOrigin::Environment => "the environment",
            GoEnvOrigin::User => "go env -w",
            GoEnvOrigin::Installation => "go.env of the Go installation",
            GoEnvOrigin::BuiltIn => "the default",
        })
    }
}

/// The modules that are kept from the database: a list of patterns, and the setting that it stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Private<'a> {
    /// comma-separated patterns on path prefixes; empty where nothing is kept from it
    pub patterns: &'a str,
    /// `GONOSUMDB`, `GOPRIVATE` or `GONOPROXY`
    pub setting: &'static str,
    /// where that setting comes from
    pub origin: GoEnvOrigin,
}

impl GoEnv {
    /// The settings of this process, with the files that belong to it.
    pub fn of_process() -> GoEnv {
        GoEnv::read(|name| std::env::var(name).ok())
    }

    /// The settings under an environment, with the files that it leads to.
    pub fn read(env: impl Fn(&str) -> Option<String>) -> GoEnv {
        let env = |name: &str| env(name).filter(|value| !value.is_empty());
        let user_file = user_file(&env);
        let user = user_file.as_ref().and_then(|path| read_bounded(path)).unwrap_or_default();
        let goroot = lines(&user)
            .filter(|(key, value)| *key == "GOROOT" && !value.is_empty())
            .last()
            .map(|(_, value)| PathBuf::from(value))
            .or_else(|| env("GOROOT").map(PathBuf::from))
            .or_else(|| installation(&env("PATH")?));
        let installed = goroot.as_ref().and_then(|root| read_bounded(&root.join("go.env"))).unwrap_or_default();
        let mut resolved = GoEnv::resolve(env, &user, &installed);
        (resolved.goroot, resolved.user_file) = (goroot, user_file);
        resolved
    }

    /// The settings under an environment and the contents of the two files.
    pub fn resolve(env: impl Fn(&str) -> Option<String>, user_file: &str, installation_file: &str) -> GoEnv {
        let in_file = |text: &str, name: &str| {
            lines(text).filter(|(key, _)| *key == name).last().map(|(_, value)| value.to_owned())
        };
        let mut values = BTreeMap::new();
        for name in NAMES {
            let found = env(name)
                .filter(|value| !value.is_empty())
                .map(|value| (value, GoEnvOrigin::Environment))
                .or_else(|| in_file(user_file, name).map(|value| (value, GoEnvOrigin::User)))
                .or_else(|| in_file(installation_file, name).map(|value| (value, GoEnvOrigin::Installation)));
            // As Go: an empty value in the user's file hides that of the installation, and then counts as unset.
            values.extend(found.filter(|(value, _)| !value.is_empty()).map(|found| (name, found)));
        }
        GoEnv {
            values,
            home: env("HOME").filter(|home| !home.is_empty()).map(PathBuf::from),
            goroot: None,
            user_file: None,
        }
    }

    /// The value of a setting, from wherever it comes.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|(value, _)| value.as_str())
    }

    /// A setting that somebody set: in the environment, or by `go env -w`.
    pub fn set_by_somebody(&self, name: &str) -> Option<&str> {
        self.value(name).filter(|_| matches!(self.origin(name), GoEnvOrigin::Environment | GoEnvOrigin::User))
    }

    /// Where a setting comes from, for messages.
    pub fn origin(&self, name: &str) -> GoEnvOrigin {
        self.values.get(name).map_or(GoEnvOrigin::BuiltIn, |(_, origin)| *origin)
    }

    /// The value by which the user's file takes back what the installation sets; none where go knows no such setting.
    pub fn built_in(name: &str) -> Option<String> {
        match name {
            "GOSUMDB" => Some(sumdb::DEFAULT.to_owned()),
            "GOPROXY" => Some(DEFAULT_PROXIES.to_owned()),
            "GOTOOLCHAIN" => Some("auto".to_owned()),
            NO_EFFECT => None,
            // Empty, as where nobody set it.
            _ => Some(String::new()),
        }
    }

    /// The database (`GOSUMDB`).
    ///
    /// # Errors
    /// `Usage` as `Sumdb::parse`.
    pub fn sumdb(&self) -> Result<Sumdb, Fault> {
        Sumdb::parse(self.value("GOSUMDB").unwrap_or(sumdb::DEFAULT))
    }

    /// The proxies that may relay it (`GOPROXY`).
    ///
    /// # Errors
    /// `Usage` as `ProxyList::parse`.
    pub fn proxies(&self) -> Result<ProxyList, Fault> {
        ProxyList::parse(self.value("GOPROXY").unwrap_or(""))
    }

    /// The modules that are kept from it: `GONOSUMDB` where that is set, else `GOPRIVATE`. `none` keeps nothing from it.
    pub fn private(&self) -> Private<'_> {
        self.exempted_by_own("GONOSUMDB")
    }

    /// The modules that are kept from proxies: `GONOPROXY` where that is set, else `GOPRIVATE`. `none` keeps nothing from them.
    pub fn unproxied(&self) -> Private<'_> {
        self.exempted_by_own("GONOPROXY")
    }

    /// The modules that any setting keeps from a proxy or from the checksum database, by setting: a server asks both in public, so
    /// what one setting exempts stays exempt whatever another says. `GONOPROXY=none` names modules to the proxies of the user's own
    /// choice; it does not permit this server to name them to its own upstreams.
    pub fn private_from_anybody(&self) -> Vec<Private<'_>> {
        let all = EXEMPTIONS.into_iter().map(|setting| self.exempted_by(setting));
        all.filter(|private| !private.patterns.is_empty()).collect()
    }

    fn exempted_by_own(&self, setting: &'static str) -> Private<'_> {
        self.exempted_by(if self.value(setting).is_some() { setting } else { "GOPRIVATE" })
    }

    fn exempted_by(&self, setting: &'static str) -> Private<'_> {
        let patterns = self.value(setting).filter(|patterns| patterns.trim() != "none").unwrap_or("");
        Private { patterns, setting, origin: self.origin(setting) }
    }

    /// Whether `GOFLAGS` has this flag, which is written without its dashes: `mod=vendor`.
    pub fn has_flag(&self, flag: &str) -> bool {
        self.flags().any(|(name, _)| name == flag)
    }

    /// `GOFLAGS` without this flag, which is written without its dashes.
    pub fn flags_without(&self, flag: &str) -> String {
        let rest: Vec<&str> = self.flags().filter(|(name, _)| *name != flag).map(|(_, written)| written).collect();
        rest.join(" ")
    }

    /// The flags in `GOFLAGS`, each without its dashes and as it is written.
    fn flags(&self) -> impl Iterator<Item = (&str, &str)> {
        let flags = self.value("GOFLAGS").unwrap_or_default().split_whitespace();
        flags.map(|written| (written.trim_start_matches('-'), written))
    }

    /// The go command's module cache: `GOMODCACHE`, else `pkg/mod` in the first folder of `GOPATH`.
    pub fn modcache(&self) -> Option<PathBuf> {
        self.value("GOMODCACHE").map(PathBuf::from).or_else(|| Some(self.gopath()?.join("pkg/mod")))
    }

    /// Where the go command keeps answers of the database `name`: a tree that can be read as a source.
    pub fn sumdb_cache(&self, name: &str) -> Option<PathBuf> {
        Some(self.modcache()?.join("cache/download/sumdb").join(name))
    }

    /// The head of the database `name` that the go command remembers.
    pub fn sumdb_head(&self, name: &str) -> Option<PathBuf> {
        Some(self.gopath()?.join("pkg/sumdb").join(name).join("latest"))
    }

    /// The first folder of `GOPATH`, or its default `~/go`, which is none where that is where Go itself is installed.
    fn gopath(&self) -> Option<PathBuf> {
        match self.value("GOPATH") {
            Some(list) => std::env::split_paths(list).next().filter(|first| !first.as_os_str().is_empty()),
            None => Some(self.home.as_ref()?.join("go")).filter(|folder| self.goroot.as_ref() != Some(folder)),
        }
    }

    /// The file that `go env -w` writes, whether it is there or not; none where GOENV is `off`.
    pub fn user_file(&self) -> Option<&Path> {
        self.user_file.as_deref()
    }

    /// Where Go is installed.
    pub fn goroot(&self) -> Option<&Path> {
        self.goroot.as_deref()
    }

    /// Settings that do not have the effect that their user expects.
    pub fn warnings(&self) -> Vec<String> {
        let set = self.values.get(NO_EFFECT).map(|(_, origin)| {
            format!(
                "{NO_EFFECT} (from {origin}) has no effect: no go command reads it. To keep private modules from the \
                 database, set GONOSUMDB or GOPRIVATE"
            )
        });
        set.into_iter().collect()
    }
}

/// The settings of a file: lines `NAME=value`, where NAME begins with a capital letter; other lines are skipped.
fn lines(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split('\n')
        .filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase()))
        .filter_map(|line| line.split_once('='))
}

/// The file of `go env -w`: `GOENV` (`off` for none), else `go/env` in the user's configuration folder.
fn user_file(env: &impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    match env("GOENV") {
        Some(off) if off == "off" => None,
        Some(path) => Some(PathBuf::from(path)),
        None if cfg!(target_os = "macos") => {
            Some(PathBuf::from(env("HOME")?).join("Library/Application Support/go/env"))
        }
        None => {
            let named = env("XDG_CONFIG_HOME").map(PathBuf::from);
            let folder = named.or_else(|| Some(PathBuf::from(env("HOME")?).join(".config")))?;
            // Go refuses a relative folder.
            folder.is_absolute().then(|| folder.join("go/env"))
        }
    }
}

/// The Go installation whose `go` is first on `PATH`: the folder above its `bin`, links followed where need be.
fn installation(path: &str) -> Option<PathBuf> {
    let go = std::env::split_paths(path).map(|folder| folder.join("go")).find(|go| go.is_file())?;
    let root = |go: &Path| Some(go.parent()?.parent()?.to_path_buf()).filter(|root| root.join("go.env").is_file());
    root(&go).or_else(|| root(&go.canonicalize().ok()?))
}

fn read_bounded(path: &Path) -> Option<String> {
    let bytes = files::read_bounded(files::open(path).ok()?, FILE_LIMIT).ok()?;
    let is_short = wide(bytes.len()) <= FILE_LIMIT;
    is_short.then(|| String::from_utf8_lossy(&bytes).into_owned())
}
